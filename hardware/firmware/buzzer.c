#include "buzzer.h"

/* High: fast and without end. Medium: three pulses, and a rest. The rhythm is all that tells them apart
 * on a buzzer of one tone (assumed). */
#define HIGH_CYCLE_MS 256
#define HIGH_PULSE_MS 128
#define MEDIUM_CYCLE_MS 2048
#define MEDIUM_PULSES_MS 1200
#define MEDIUM_STEP_MS 400
#define MEDIUM_PULSE_MS 200

uint8_t buzzer_sounds(uint8_t priority, uint16_t clock_ms) {
    uint16_t at_ms;
    if (priority == BUZZER_HIGH) return clock_ms % HIGH_CYCLE_MS < HIGH_PULSE_MS;
    if (priority != BUZZER_MEDIUM) return 0;
    at_ms = clock_ms % MEDIUM_CYCLE_MS;
    return at_ms < MEDIUM_PULSES_MS && at_ms % MEDIUM_STEP_MS < MEDIUM_PULSE_MS;
}

#include "program.h"

#include "sensors.h"

static uint16_t target, most;
static uint32_t go_ms, on_ms, rise_ms, kept_up_ms, mark_ms;
static int16_t mark;
static uint8_t too_high, lost;

void program_none(void) { program_begin(0, 0, 0, 0, 0, 0); }

void program_begin(uint16_t new_target, uint16_t new_most, uint32_t new_on_ms, uint32_t new_rise_ms, uint32_t now_ms,
                   int16_t pressure) {
    target = new_target;
    most = new_most;
    on_ms = new_on_ms;
    rise_ms = new_rise_ms;
    go_ms = kept_up_ms = mark_ms = now_ms;
    mark = pressure; /* from what is left in the cuff on, or noise would count as a rise */
    too_high = lost = 0;
}

uint32_t program_on_ms(void) { return on_ms; }

uint16_t program_asked(uint32_t now_ms) {
    uint32_t on_for_ms = now_ms - go_ms;
    if (on_for_ms >= rise_ms) return target;
    return (uint16_t)(target * on_for_ms / rise_ms); /* at most 3000 * 180000 */
}

/* Behind its momentary target for too long, short of its last one for too long, or fed and standing still. */
static uint8_t does_not_rise(uint32_t now_ms, int16_t pressure, int16_t asked) {
    if (pressure >= asked - OFF_TARGET_TENTHS) {
        kept_up_ms = mark_ms = now_ms;
        mark = pressure;
    } else if (pressure >= mark + NO_RISE_TENTHS) {
        mark_ms = now_ms;
        mark = pressure;
    }
    return now_ms - mark_ms > NO_RISE_MS || now_ms - kept_up_ms > INFLATE_MS_MAX ||
           now_ms - go_ms > rise_ms + INFLATE_MS_MAX;
}

static uint8_t is_too_high(int16_t pressure, int16_t asked) {
    return pressure > asked + OFF_TARGET_TENTHS || pressure > (int16_t)(most + OVERSHOOT_TENTHS);
}

static uint8_t is_lost(int16_t pressure) {
    uint16_t half = target / 2;
    return pressure < (int16_t)(target - (half < OFF_TARGET_TENTHS ? half : OFF_TARGET_TENTHS));
}

uint8_t program_judge(uint8_t holding, uint32_t now_ms, int16_t pressure) {
    int16_t asked = (int16_t)program_asked(now_ms);
    int16_t off = (int16_t)(pressure - (int16_t)target);
    if (now_ms - go_ms >= on_ms) return PROGRAM_IS_OVER;
    if (sensors_count(&too_high, BAD_SAMPLES, is_too_high(pressure, asked))) return PROGRAM_TOO_HIGH;
    if (holding) return sensors_count(&lost, BAD_SAMPLES, is_lost(pressure)) ? PROGRAM_LOST : PROGRAM_GOES_ON;
    if (now_ms - go_ms >= rise_ms && off <= AT_TARGET_TENTHS && off >= -AT_TARGET_TENTHS) return PROGRAM_REACHED;
    return does_not_rise(now_ms, pressure, asked) ? PROGRAM_DOES_NOT_RISE : PROGRAM_GOES_ON;
}

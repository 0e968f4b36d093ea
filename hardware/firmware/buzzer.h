/* What the box sounds: nothing, medium priority, high priority (after IEC 60601-1-8). */
#ifndef BUZZER_H
#define BUZZER_H
#include <stdint.h>

enum { BUZZER_OFF, BUZZER_MEDIUM, BUZZER_HIGH };

uint8_t buzzer_sounds(uint8_t priority, uint16_t clock_ms); /* whether it sounds at this moment */

#endif

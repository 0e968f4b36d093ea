/* One finite inflation: its ramp, and what ends it. */
#ifndef PROGRAM_H
#define PROGRAM_H
#include "core.h"

enum { PROGRAM_GOES_ON, PROGRAM_IS_OVER, PROGRAM_TOO_HIGH, PROGRAM_REACHED, PROGRAM_DOES_NOT_RISE, PROGRAM_LOST };

void program_none(void);
/* `most`: the ceiling that the pressure must not pass, whatever is asked for. */
void program_begin(uint16_t target, uint16_t most, uint32_t on_ms, uint32_t rise_ms, uint32_t now_ms, int16_t pressure);
uint16_t program_asked(uint32_t now_ms); /* the momentary target */
uint32_t program_on_ms(void);
uint8_t program_judge(uint8_t holding, uint32_t now_ms, int16_t pressure);

#endif

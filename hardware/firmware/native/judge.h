/* Watches the core from outside: hears the same bytes, sees the same sensors and the pins, and knows what
 * may follow what. Shares nothing with the core but the table; what the core says of itself it only reads
 * to compare. Ends the program at the first breach. */
#ifndef JUDGE_H
#define JUDGE_H
#include "core.h"

void judge_boot(uint8_t reset, uint16_t site_tenths);
void judge_before_byte(uint8_t byte);
void judge_after_byte(void);
void judge_before_tick(const struct inputs *inputs);
void judge_after_tick(void);
void judge_pins(const struct outputs *outputs);
void judge_frame(const char *frame, uint8_t length);
void judge_note(const char *what); /* what the fuzzer does, told at a breach */
extern unsigned long judge_edges[STATE_COUNT][STATE_COUNT], judge_faults[FAULT_COUNT];

#endif

/* The self-test, in puffs that count as empty: the closed cuff keeps its own, then each vent path lets one out. */
#ifndef SELFTEST_H
#define SELFTEST_H
#include "core.h"

enum { PHASE_ZERO, PHASE_PUFF, PHASE_CLOSED, PHASE_FIRST_PUFF, PHASE_FIRST_VENT, PHASE_SECOND_PUFF, PHASE_SECOND_VENT };

void selftest_begin(uint8_t watchdog_proven);
uint8_t selftest_phase(void);
uint8_t selftest_puffs(void); /* the cuff is fed */
uint8_t selftest_judge(int16_t first, int16_t second); /* once a tick; SELFTEST_NOT_DONE while it goes on */

#endif

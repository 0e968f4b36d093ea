#include "selftest.h"

static uint8_t phase, proven, count;
static uint16_t all_ms, phase_ms;
static int16_t sum_first, sum_second, zero_first, zero_second, kept;

void selftest_begin(uint8_t watchdog_proven) {
    phase = PHASE_ZERO;
    proven = watchdog_proven;
    all_ms = phase_ms = 0;
    count = 0;
    sum_first = sum_second = 0;
}

uint8_t selftest_phase(void) { return phase; }

uint8_t selftest_puffs(void) {
    return phase == PHASE_PUFF || phase == PHASE_FIRST_PUFF || phase == PHASE_SECOND_PUFF;
}

static int16_t distance(int16_t a, int16_t b) { return (int16_t)(a > b ? a - b : b - a); }

/* The mean, rounded down also below zero, as the language's other half has it. */
static int16_t mean(int16_t sum) {
    int16_t quotient = (int16_t)(sum / count);
    return (int16_t)(sum % count < 0 ? quotient - 1 : quotient);
}

static uint8_t go_on(void) {
    phase++;
    phase_ms = 0;
    count = 0;
    sum_first = 0;
    return SELFTEST_NOT_DONE;
}

static uint8_t judge_zero(int16_t first, int16_t second) {
    sum_first = (int16_t)(sum_first + first); /* 40 ticks of at most 500 either way */
    sum_second = (int16_t)(sum_second + second);
    count++;
    if (phase_ms < SELFTEST_ZERO_MS) return SELFTEST_NOT_DONE;
    zero_first = mean(sum_first);
    zero_second = mean(sum_second);
    if (distance(zero_first, 0) > SELFTEST_ZERO_TENTHS || distance(zero_second, 0) > SELFTEST_ZERO_TENTHS)
        return SELFTEST_ZERO;
    if (distance(zero_first, zero_second) > SELFTEST_MATCH_TENTHS) return SELFTEST_MATCH;
    return go_on();
}

/* Only at the end: a leg that moves presses on a closed cuff too, and lets go again. */
static uint8_t judge_closed(int16_t both) {
    if (phase_ms <= SELFTEST_CLOSED_MS - SELFTEST_MEAN_MS) return SELFTEST_NOT_DONE;
    sum_first = (int16_t)(sum_first + both); /* 20 ticks of at most 300 */
    count++;
    if (phase_ms < SELFTEST_CLOSED_MS) return SELFTEST_NOT_DONE;
    if (sum_first > count * (kept + 2 * SELFTEST_GAINED_TENTHS)) return SELFTEST_SHUTOFF;
    if (sum_first < count * (kept - 2 * SELFTEST_LOST_TENTHS)) return SELFTEST_LEAK;
    return go_on();
}

static uint8_t judge_puff(int16_t low, int16_t high) {
    if (high >= SELFTEST_REACHED_TENTHS) {
        if (high - low > SELFTEST_MATCH_TENTHS) return SELFTEST_MATCH;
        kept = (int16_t)(low + high);
        if (low >= SELFTEST_REACHED_TENTHS) return go_on();
    }
    return phase_ms > SELFTEST_PUFF_MS_MAX ? SELFTEST_NO_RISE : SELFTEST_NOT_DONE;
}

static uint8_t judge_vent(int16_t high) {
    if (high < SELFTEST_LEFT_TENTHS) return phase == PHASE_SECOND_VENT ? SELFTEST_PASSED : go_on();
    if (phase_ms <= SELFTEST_VENT_MS_MAX) return SELFTEST_NOT_DONE;
    return phase == PHASE_FIRST_VENT ? SELFTEST_FIRST_VENT : SELFTEST_SECOND_VENT;
}

uint8_t selftest_judge(int16_t first, int16_t second) {
    int16_t low, high;
    if (!proven) return SELFTEST_WATCHDOG;
    all_ms = (uint16_t)(all_ms + TICK_MS);
    phase_ms = (uint16_t)(phase_ms + TICK_MS);
    if (first > SELFTEST_TENTHS_MAX || second > SELFTEST_TENTHS_MAX) return SELFTEST_TOO_HIGH;
    if (all_ms > SELFTEST_MS_MAX) return SELFTEST_TOO_LONG;
    if (phase == PHASE_ZERO) return judge_zero(first, second);
    low = (int16_t)(first - zero_first);
    high = (int16_t)(second - zero_second);
    if (low > high) {
        int16_t other = low;
        low = high;
        high = other;
    }
    if (phase == PHASE_CLOSED) return judge_closed((int16_t)(low + high));
    if (selftest_puffs()) return judge_puff(low, high);
    return judge_vent(high);
}

#include "sensors.h"

static int16_t first, second;
static uint16_t last_first, last_second, still_ms;
static uint8_t known, beyond, too_high, apart; /* counts */
static uint8_t fault;

void sensors_reset(void) {
    first = second = 0;
    last_first = last_second = still_ms = 0;
    known = beyond = too_high = apart = 0;
    fault = FAULT_NONE;
}

/* The middle of the step that the sum stands for: mV, and from them tenths of a mmHg. */
static int16_t tenths(uint16_t sum) {
    int32_t mv = (int32_t)(2UL * sum + ADC_SAMPLES) * SENSOR_SUPPLY_MV / (2L * ADC_SAMPLES * ADC_STEPS);
    return (int16_t)((mv - SENSOR_ZERO_MV) * (SENSOR_FULL_MMHG * 10L) / (SENSOR_FULL_MV - SENSOR_ZERO_MV));
}

static uint8_t in_range(int16_t reading) { return reading >= SENSOR_TENTHS_MIN && reading <= SENSOR_TENTHS_MAX; }

uint8_t sensors_count(uint8_t *count, uint8_t samples, uint8_t bad) {
    uint8_t most = (uint8_t)(2 * samples);
    if (bad) *count = *count + 2 < most ? (uint8_t)(*count + 2) : most;
    else if (*count) --*count;
    return *count == most;
}

/* One sensor that reads far above full scale has lost a wire; two have not: that is pressure. */
static uint8_t over_ceiling(void) {
    if (first > SENSOR_TENTHS_MAX && second > SENSOR_TENTHS_MAX) return 1;
    return (in_range(first) && first > CEILING_TENTHS) || (in_range(second) && second > CEILING_TENTHS);
}

void sensors_take(uint16_t first_sum, uint16_t second_sum) {
    int16_t apart_by;
    uint8_t repeats = first_sum == last_first && second_sum == last_second;
    if (!repeats) still_ms = 0;
    else if (still_ms < STILL_PRESSED_MS) still_ms = (uint16_t)(still_ms + TICK_MS);
    last_first = first_sum;
    last_second = second_sum;
    first = tenths(first_sum);
    second = tenths(second_sum);
    known = 1;
    apart_by = (int16_t)(first > second ? first - second : second - first);
    fault = FAULT_NONE; /* the last one of these goes before the others */
    if (sensors_count(&apart, DISAGREE_SAMPLES, apart_by > DISAGREE_TENTHS)) fault = FAULT_SENSOR_DISAGREE;
    if (sensors_count(&beyond, RANGE_SAMPLES, !in_range(first) || !in_range(second))) fault = FAULT_SENSOR_RANGE;
    if (sensors_count(&too_high, BAD_SAMPLES, over_ceiling())) fault = FAULT_OVERPRESSURE;
}

int16_t sensors_first(void) { return first; }
int16_t sensors_second(void) { return second; }

/* A reading beyond its range is a broken wire, and no pressure while the other one is believed. */
int16_t sensors_high(void) {
    if (in_range(first) != in_range(second)) return in_range(first) ? first : second;
    return first > second ? first : second;
}

void sensors_await(void) { still_ms = 0; }
uint8_t sensors_stand_still(void) { return still_ms >= STILL_MS; }
uint8_t sensors_frozen(void) { return still_ms >= STILL_PRESSED_MS; }
uint8_t sensors_full(void) { return sensors_high() >= EMPTY_TENTHS; }

uint8_t sensors_empty(void) {
    return known && in_range(first) && in_range(second) && sensors_high() < EMPTY_TENTHS;
}

uint8_t sensors_fault(void) { return fault; }

/* The core as a shared library for tests: keeps what it sends and what it does to the pins. */
#include <math.h>
#include <string.h>

#include "board.h"
#include "core.h"
#include "device.h"
#include "start.h"

static char sent[65536];
static uint32_t sent_length;
static struct outputs pins;
static struct board board = {"tests", "T0001", "none", "00000000"};
static uint8_t wire_full, broken_store, hung;

void hal_outputs(const struct outputs *outputs) { pins = *outputs; }

uint8_t hal_send(const char *frame, uint8_t length) {
    if (wire_full || sent_length + length > sizeof sent) return 0;
    memcpy(sent + sent_length, frame, length);
    sent_length += length;
    return 1;
}

uint16_t hal_store_site(uint16_t tenths) { return broken_store ? EMPTY_TENTHS : tenths; }

#ifdef TEST_HOOKS
void hal_hang(void) { hung = 1; }
#endif

void harness_boot(uint8_t reset, uint8_t watchdog_proven, uint16_t site_tenths) {
    struct boot boot = {reset, watchdog_proven, site_tenths, &board};
    sent_length = wire_full = broken_store = hung = 0;
    core_boot(&boot);
}

void harness_receive(const uint8_t *bytes, uint32_t length) {
    while (length--) core_receive(*bytes++);
}

/* A cuff in a few lines, and the two sensors on it. */
struct air {
    double tenths, apart, fill, vent;
    uint32_t ms;
    uint8_t fixed, still, first_stuck, second_stuck, loop_open, jumper_set;
};

static void flow(struct air *air) {
    if (pins.supply && pins.shutoff)
        air->tenths += (pins.drive * (double)FULL_SCALE_TENTHS / DRIVE_MAX - air->tenths) * air->fill;
    if (!pins.dump && !air->first_stuck) air->tenths -= air->tenths * air->vent;
    if (!pins.supply && !air->second_stuck) air->tenths -= air->tenths * air->vent;
}

/* The least sum with this reading: the converter's inverse. */
static uint16_t sum_of(double tenths) {
    double sum = ceil((nearbyint(tenths) + 500) * 8192 / 5000 - 4);
    return (uint16_t)(sum < 0 ? 0 : sum > 8 * 1023 ? 8 * 1023 : sum);
}

void harness_tick(uint16_t first_sum, uint16_t second_sum, uint8_t loop_open, uint8_t jumper_set) {
    struct inputs inputs = {first_sum, second_sum, loop_open, jumper_set};
    core_tick(&inputs);
}

/* Readings jitter by a step, as a converter's do, unless they are still. */
void harness_run(uint32_t ticks, struct air *air) {
    while (ticks--) {
        uint8_t jitter = !air->still && air->ms / TICK_MS % 2;
        if (!air->fixed) flow(air);
        air->ms += TICK_MS;
        harness_tick((uint16_t)(sum_of(air->tenths) + jitter), (uint16_t)(sum_of(air->tenths + air->apart) + jitter),
                     air->loop_open, air->jumper_set);
    }
}

uint32_t harness_sent(char *to) {
    uint32_t length = sent_length;
    memcpy(to, sent, length);
    sent_length = 0;
    return length;
}

void harness_outputs(struct outputs *to) { *to = pins; }
void harness_words(const char *maker, const char *serial_number, const char *calibrated) {
    strncpy(board.maker, maker, sizeof board.maker - 1);
    strncpy(board.serial_number, serial_number, sizeof board.serial_number - 1);
    strncpy(board.calibrated, calibrated, sizeof board.calibrated - 1);
}
void harness_break(uint8_t full, uint8_t store) {
    wire_full = full;
    broken_store = store;
}
void harness_shut_for(uint32_t ms) { device.closed_ms = ms; }
uint8_t harness_hung(void) { return hung; }

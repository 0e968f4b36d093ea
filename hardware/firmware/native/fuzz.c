/* The core under random frames, bytes, sensors and air, watched by judge.c.
 *
 *   fuzz SEED STEPS     random, STEPS ticks
 *   fuzz flips          every command with every one and every two of its bits turned, armed and idle
 *
 * A tenth of a microsecond or so a step; the same seed gives the same run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "judge.h"

static const struct board board = {"fuzz", "F1", "none", "00000000"};
static uint64_t dice = 88172645463325252u;
static struct outputs pins;
static unsigned long sent;
static int wire_full;
static double pressure;
static unsigned beat, sequence, chatter;
static struct { /* for how many ticks more */
    unsigned silent, stuck, leak, no_supply, runaway, blocked, loop, off, open, short_, jumper;
    int which, by;
} bad;

static uint32_t roll(uint32_t sides) {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (uint32_t)(dice >> 24) % sides;
}

void hal_outputs(const struct outputs *outputs) {
    pins = *outputs;
    judge_pins(outputs);
}

uint8_t hal_send(const char *frame, uint8_t length) {
    judge_frame(frame, length);
    if (wire_full) return 0;
    sent += length;
    return 1;
}

uint16_t hal_store_site(uint16_t tenths) { return tenths; }

static void boot(uint8_t reset) {
    static const uint16_t sites[] = {3000, 2500, 1000, 150};
    struct boot how = {reset, roll(60) != 0, sites[roll(4)], &board};
    core_boot(&how);
    judge_boot(reset, how.site_tenths);
}

static void byte(uint8_t value) {
    judge_before_byte(value);
    core_receive(value);
    judge_after_byte();
}

static void bytes(const char *text, size_t length) {
    while (length--) byte((uint8_t)*text++);
}

static size_t framed(char *to, const char *body) {
    unsigned crc = 0xFFFF;
    for (const char *at = body; *at; at++) {
        crc ^= (unsigned)(uint8_t)*at << 8;
        for (int bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1 ^ 0x1021) & 0xFFFF : crc << 1 & 0xFFFF;
    }
    return (size_t)sprintf(to, "$%s*%04X\n", body, crc);
}

static void say(const char *body) {
    char frame[96];
    bytes(frame, framed(frame, body));
}

static void heart(void) {
    char body[20];
    if (roll(500)) beat = (beat + 1) & 255; /* now and then the same one again */
    sprintf(body, "0 HB %u", beat);
    say(body);
}

/* A number that may be anything, often near a limit. */
static unsigned odd(unsigned limit) {
    switch (roll(6)) {
    case 0:
        return limit;
    case 1:
        return limit + 1;
    case 2:
        return roll(10000000);
    case 3:
        return roll(3);
    default:
        return roll(limit + 1);
    }
}

/* What a host would say next, in this state; or anything. */
static void command(void) {
    static const char *const names[] = {"ID",  "PING",   "HB",    "STREAM", "TEST", "LEASE", "ARM",  "GO",
                                        "END", "DISARM", "CLEAR", "HUSH",   "SITE", "NO",    "VENT", "HANG"};
    char body[80];
    if (roll(30)) sequence = (sequence + 1) & 255;
    switch (roll(8) ? device.state : 99u) {
    case STATE_IDLE:
        if (device.tested == SELFTEST_PASSED) sprintf(body, "%u ARM %u", sequence, roll(3) ? device.site_tenths : odd(3000));
        else sprintf(body, "%u TEST", sequence);
        break;
    case STATE_ARMED:
        sprintf(body, "%u GO %u %u %u", sequence, roll(3) ? 150 + roll(1 + device.ceiling_tenths) : odd(3000),
                roll(4) ? roll(6000) : odd(180000), roll(2) ? 0 : roll(6000));
        break;
    case STATE_FAULT:
        sprintf(body, "%u CLEAR", sequence);
        break;
    default:
        switch (roll(6)) {
        case 5: /* more numbers than any command has */
            sprintf(body, "%u %s 1 2 3 4 5", sequence, names[roll(16)]);
            break;
        case 0:
            sprintf(body, "%u %s", sequence, names[roll(16)]);
            break;
        case 1:
            sprintf(body, "%u GO %u %u %u", sequence, odd(3000), odd(180000), odd(180000));
            break;
        case 2:
            sprintf(body, "%u %s %u %u %u", odd(255), names[roll(16)], odd(300), odd(3000), odd(10));
            break;
        default:
            sprintf(body, "%u %s %u", sequence, names[roll(16)], odd(roll(2) ? 3000 : 400));
        }
    }
    if (roll(4)) {
        say(body);
        if (!roll(20)) say(body); /* a repetition */
    } else { /* damaged on its way */
        char frame[96];
        size_t length = framed(frame, body);
        for (unsigned hits = 1 + roll(3); hits; hits--) frame[roll((uint32_t)length)] ^= (char)(1u << roll(8));
        bytes(frame, length - (roll(5) == 0));
    }
}

static void trouble(void) {
    unsigned *const ways[] = {&bad.silent, &bad.stuck, &bad.leak,  &bad.no_supply, &bad.runaway, &bad.blocked,
                              &bad.loop,   &bad.off,   &bad.open, &bad.short_,    &bad.jumper};
    unsigned *way = ways[roll(11)];
    *way = 1 + roll(roll(2) ? 30 : 2500);
    if (way == &bad.blocked && roll(2)) *way += 2500; /* longer than it may take to empty */
    bad.which = (int)roll(3);
    bad.by = (int)roll(1200) - 600;
}

static uint16_t sum_of(double tenths) {
    double sum = (tenths + 500) * 8192 / 5000 - 4;
    return (uint16_t)(sum < 0 ? 0 : sum > 8184 ? 8184 : sum);
}

static void flow(void) {
    double source = bad.runaway ? 4500 : pins.drive * 4000.0 / 1023;
    if (bad.no_supply || !pins.supply || !pins.shutoff) source = -1;
    if (source >= 0) pressure += (source - pressure) * 0.04;
    if (!bad.blocked) pressure -= pressure * (0.06 * !pins.dump + 0.06 * !pins.supply);
    if (bad.leak) pressure -= pressure * 0.08;
}

static void tick(void) {
    static uint16_t first, second;
    struct inputs inputs;
    unsigned *const ways[] = {&bad.silent, &bad.stuck, &bad.leak,  &bad.no_supply, &bad.runaway, &bad.blocked,
                              &bad.loop,   &bad.off,   &bad.open, &bad.short_,    &bad.jumper};
    for (unsigned n = 0; n < 11; n++)
        if (*ways[n]) --*ways[n];
    flow();
    if (!bad.stuck || bad.which == 1) first = sum_of(pressure + (bad.off && bad.which != 1 ? bad.by : 0) + roll(3));
    if (!bad.stuck || bad.which == 2) second = sum_of(pressure + (bad.off && bad.which != 2 ? bad.by : 0) + roll(3));
    inputs.first_sum = bad.open && bad.which != 1 ? 0 : bad.short_ && bad.which != 1 ? 8184 : first;
    inputs.second_sum = bad.open && bad.which != 2 ? 0 : bad.short_ && bad.which != 2 ? 8184 : second;
    inputs.loop_open = bad.loop != 0;
    inputs.jumper_set = bad.jumper != 0;
    judge_before_tick(&inputs);
    core_tick(&inputs);
    judge_after_tick();
}

static void noise(void) {
    for (unsigned n = roll(70); n; n--) byte((uint8_t)(roll(2) ? roll(256) : (uint32_t)"$*\n 0123456789GOARMHB!?"[roll(23)]));
}

static int random_run(unsigned long steps) {
    boot(RESET_POWER_ON);
    for (unsigned long step = 0; step < steps; step++) {
        if (step % 20 == 0 && !bad.silent) heart();
        if (chatter && !roll(chatter)) command();
        if (!roll(6000)) trouble();
        if (!roll(3000)) byte(roll(2) ? VENT_BYTE : roll(2) ? RESET_BYTE : STATUS_BYTE);
        if (!roll(2000)) noise();
        if (!roll(5000)) chatter = 1 + roll(400);
        if (!roll(8000)) wire_full = !roll(3);
        if (!roll(200000)) {
            pins = (struct outputs){0}; /* as the chip's pins are while it is in reset */
            judge_pins(&pins);
            boot((uint8_t)roll(RESET_COUNT));
        }
        if (!roll(50000)) say("250 STREAM 100");
        tick();
    }
    printf("ok %lu steps, %lu bytes sent; edges", steps, sent);
    for (unsigned from = 0; from < STATE_COUNT; from++)
        for (unsigned to = 0; to < STATE_COUNT; to++)
            if (judge_edges[from][to]) printf(" %u>%u:%lu", from, to, judge_edges[from][to]);
    printf("; faults");
    for (unsigned n = 0; n < FAULT_COUNT; n++)
        if (judge_faults[n]) printf(" %u:%lu", n, judge_faults[n]);
    printf("\n");
    return 0;
}

/* -- flips */

static void come_to(uint8_t state) {
    for (unsigned n = 0; n < 4000 && device.state != state; n++) {
        char body[40];
        heart();
        sequence = (sequence + 1) & 127;
        if (device.state == STATE_IDLE && state == STATE_ARMED) {
            sprintf(body, device.tested == SELFTEST_PASSED ? "%u ARM 3000" : "%u TEST", sequence);
            say(body);
        } else if (device.state == STATE_FAULT || device.state == STATE_ARMED) {
            sprintf(body, device.state == STATE_FAULT ? "%u CLEAR" : "%u VENT", sequence);
            say(body);
        }
        tick();
    }
    if (device.state != state) abort();
}

static unsigned long flipped(const char *body, uint8_t state) {
    char frame[96], spoilt[96];
    size_t length = framed(frame, body), bits = length * 8;
    unsigned long tried = 0;
    for (size_t a = 0; a < bits; a++) {
        for (size_t b = a; b < bits; b++) { /* b == a: one bit only */
            memcpy(spoilt, frame, length);
            spoilt[a / 8] ^= (char)(1u << a % 8);
            if (b != a) spoilt[b / 8] ^= (char)(1u << b % 8);
            if (device.state != state) come_to(state);
            heart();
            bytes(spoilt, length);
            bytes("\n", 1);
            if (device.state != state && device.state != STATE_VENTING) {
                fprintf(stderr, "breach: '%s' with bits %zu and %zu turned leads to state %u\n", body, a, b, device.state);
                abort();
            }
            if (pins.dump || pins.supply || pins.shutoff || pins.drive) abort();
            tried++;
        }
    }
    return tried;
}

static int all_flips(void) {
    static const char *const bodies[] = {"200 ID",    "200 PING",     "200 HB 7",   "200 STREAM 0", "200 TEST",
                                         "200 CLEAR", "200 LEASE 400", "200 ARM 2500", "200 GO 1400 9000 0", "200 END",
                                         "200 VENT",  "200 DISARM",   "200 HUSH",   "200 SITE 3000"};
    struct boot how = {RESET_POWER_ON, 1, CEILING_TENTHS, &board};
    unsigned long tried = 0;
    core_boot(&how);
    judge_boot(RESET_POWER_ON, CEILING_TENTHS);
    tick();
    for (unsigned n = 0; n < sizeof bodies / sizeof bodies[0]; n++) {
        judge_note(bodies[n]);
        come_to(STATE_ARMED);
        tried += flipped(bodies[n], STATE_ARMED);
        come_to(STATE_IDLE);
        tried += flipped(bodies[n], STATE_IDLE);
    }
    printf("ok %lu frames with one or two bits turned\n", tried);
    return 0;
}

int main(int count, char **words) {
    if (count == 2 && !strcmp(words[1], "flips")) return all_flips();
    if (count != 3) {
        fprintf(stderr, "usage: fuzz SEED STEPS | fuzz flips\n");
        return 2;
    }
    dice ^= strtoull(words[1], 0, 10) * 0x9E3779B97F4A7C15u;
    chatter = 100;
    return random_run(strtoul(words[2], 0, 10));
}

#include "judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

#define NEVER 1000000000u

unsigned long judge_edges[STATE_COUNT][STATE_COUNT], judge_faults[FAULT_COUNT];

static struct outputs pins;
static char line[64], last_note[40];
static unsigned length;
static int inside;
static char name[12];
static unsigned sequence, arguments[4], count;
static int heard; /* the byte just heard ended a valid frame */
static char last_taken[64];
static int vented_by_byte, in_tick;

static uint16_t last_first, last_second;
static uint8_t state, fault, loop_open, tested, saw_closed, saw_first, saw_second, stay_armed, may_inflate;
static unsigned heart_ms, beat, lease_ms, site, ceiling;
static unsigned go_ms, on_ms, rise_ms, target, test_ms, shut_ms;
static unsigned too_high, beyond, apart, above, still_ms, full_ms, left; /* counts, and times */
static unsigned silent_ms, hushed_ms;
static int high_alarm;
static int first, second, known, kept, last_sum;

static void breach(const char *rule) {
    fprintf(stderr, "breach: %s (state %u, was %u, %s, note %s)\n", rule, device.state, state, in_tick ? "tick" : line,
            last_note);
    abort();
}
#define MUST(rule) \
    do { \
        if (!(rule)) breach(#rule); \
    } while (0)

void judge_note(const char *what) { snprintf(last_note, sizeof last_note, "%s", what); }

static unsigned check_of(const char *text, unsigned n) { /* bit by bit, as the standard has it */
    unsigned crc = 0xFFFF;
    for (unsigned i = 0; i < n; i++) {
        crc ^= (unsigned)(uint8_t)text[i] << 8;
        for (int bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1 ^ 0x1021) & 0xFFFF : crc << 1 & 0xFFFF;
    }
    return crc;
}

static int reading(uint16_t sum) { return (int)((2.0 * sum + ADC_SAMPLES) * 5000 / (2.0 * ADC_SAMPLES * 1024)) - 500; }
static int believed(int value) { return value >= SENSOR_TENTHS_MIN && value <= SENSOR_TENTHS_MAX; }
static int empty(void) { return known && believed(first) && believed(second) && first < 150 && second < 150; }
static int full(int value) { return believed(value) && value >= EMPTY_TENTHS; }
static int pressed(void) { return state == STATE_INFLATING || state == STATE_HOLD; }
/* A bad tick counts 2, a good one -1. */
static unsigned tally(unsigned so_far, int bad, unsigned samples) {
    unsigned now = bad ? so_far + 2 : so_far ? so_far - 1 : 0;
    return now < 2 * samples ? now : 2 * samples;
}
static int alive(void) { return heart_ms < lease_ms; }
static int shut(void) { return pins.dump || pins.supply || pins.shutoff || pins.drive; }

void judge_boot(uint8_t reset, uint16_t site_tenths) {
    inside = heard = known = 0;
    heart_ms = NEVER;
    beat = 999;
    lease_ms = LEASE_MS;
    site = site_tenths;
    ceiling = 0;
    too_high = beyond = apart = above = still_ms = full_ms = left = 0;
    silent_ms = 0;
    hushed_ms = NEVER;
    high_alarm = 0;
    loop_open = tested = stay_armed = may_inflate = 0;
    last_taken[0] = 0;
    state = device.state;
    fault = device.fault;
    MUST(state == (reset == RESET_WATCHDOG ? STATE_FAULT : STATE_VENTING));
    MUST(!shut());
}

static void hear(void) { /* a whole line: is it a valid frame, and which */
    char text[64], *at = text;
    unsigned told;
    heard = 0;
    if (length < 5 || length > LONGEST_COMMAND - 2 || line[length - 5] != '*') return;
    if (strspn(line + length - 4, "0123456789ABCDEF") != 4) return;
    sscanf(line + length - 4, "%4x", &told);
    if (told != check_of(line, length - 5)) return;
    memcpy(text, line, length - 5);
    text[length - 5] = 0;
    if (strspn(text, "0123456789") < 1 || strspn(text, "0123456789") > 3) return;
    sequence = (unsigned)strtoul(text, &at, 10);
    if (sequence > 255 || *at++ != ' ') return;
    unsigned letters = (unsigned)strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (letters < 1 || letters > 8) return;
    memcpy(name, at, letters);
    name[letters] = 0;
    at += letters;
    for (count = 0; *at == ' ' && count < 4; count++) {
        unsigned digits = (unsigned)strspn(at + 1, "0123456789");
        if (digits < 1 || digits > 7) return;
        arguments[count] = (unsigned)strtoul(at + 1, &at, 10);
    }
    heard = *at == 0;
}

static int is(const char *command, unsigned fields) { return heard && count == fields && !strcmp(name, command); }

void judge_before_byte(uint8_t byte) {
    heard = in_tick = 0;
    vented_by_byte = byte == '!' || byte == 0x18;
    if (vented_by_byte) inside = 0; /* no frame goes on over a stop */
    if (vented_by_byte || byte == '?') return;
    if (byte == '$') {
        inside = 1;
        length = 0;
    } else if (inside && byte == '\n') {
        inside = 0;
        line[length] = 0;
        hear();
        if (is("HB", 1) && arguments[0] <= 255 && arguments[0] != beat) {
            beat = arguments[0];
            heart_ms = 0;
        }
    } else if (inside && (byte < 0x20 || byte > 0x7E || length == LONGEST_COMMAND - 2)) {
        inside = 0;
    } else if (inside) {
        line[length++] = (char)byte;
    }
}

static void on_command_edge(uint8_t now) {
    char taken[64];
    if (now == STATE_FAULT) breach("a byte makes no fault");
    if (now == STATE_VENTING) {
        if (is("END", 0)) {
            MUST(state == STATE_INFLATING || state == STATE_HOLD);
            stay_armed = 1;
        } else {
            MUST(vented_by_byte || is("VENT", 0) || is("DISARM", 0));
            MUST(state != STATE_FAULT);
        }
        return;
    }
    MUST(heard);
    snprintf(taken, sizeof taken, "%u %s %u %u %u", sequence, name, count > 0 ? arguments[0] : 0,
             count > 1 ? arguments[1] : 0, count > 2 ? arguments[2] : 0);
    MUST(strcmp(taken, last_taken)); /* a repeated command is not obeyed again */
    if (now == STATE_SELFTEST) {
        MUST(state == STATE_IDLE && is("TEST", 0) && alive() && empty());
        test_ms = shut_ms = saw_closed = saw_first = saw_second = 0;
        tested = 0;
    } else if (now == STATE_ARMED) {
        MUST(state == STATE_IDLE && is("ARM", 1) && alive() && empty() && tested && arguments[0] <= site);
    } else if (now == STATE_INFLATING) {
        MUST(state == STATE_ARMED && is("GO", 3) && alive() && empty() && may_inflate);
        MUST(arguments[0] >= 150 && arguments[0] <= ceiling && arguments[0] <= site && arguments[0] <= 3000);
        MUST(arguments[1] >= 1 && arguments[1] <= 180000 && arguments[2] <= arguments[1]);
        target = arguments[0];
        on_ms = arguments[1];
        rise_ms = arguments[2];
        go_ms = still_ms = 0;
    } else if (now == STATE_IDLE) {
        MUST(state == STATE_FAULT && is("CLEAR", 0) && empty() && !loop_open);
    } else {
        breach("no command leads there");
    }
}

static void on_tick_edge(uint8_t now) {
    switch (now) {
    case STATE_HOLD:
        MUST(state == STATE_INFLATING && go_ms >= rise_ms);
        break;
    case STATE_VENTING:
        MUST(((state == STATE_INFLATING || state == STATE_HOLD) && go_ms >= on_ms) || state == STATE_SELFTEST);
        if (state == STATE_SELFTEST) MUST(saw_first && saw_second && alive());
        stay_armed = state != STATE_SELFTEST;
        break;
    case STATE_ARMED:
        MUST(state == STATE_VENTING && stay_armed && alive() && empty());
        break;
    case STATE_IDLE: /* a self-test that passes with an empty cuff is not seen venting */
        MUST((state == STATE_VENTING || (state == STATE_SELFTEST && saw_first && saw_second)) && empty());
        break;
    case STATE_FAULT:
        MUST(device.fault != FAULT_NONE && (!fault || device.fault == fault));
        break;
    default:
        breach("no tick leads there");
    }
    if (state == STATE_SELFTEST && (now == STATE_VENTING || now == STATE_IDLE)) tested = 1;
}

/* What holds at any moment, whatever was said. */
static void look(void) {
    uint8_t now = device.state;
    MUST(now < STATE_COUNT && device.fault < FAULT_COUNT);
    if (now != state) {
        judge_edges[state][now]++;
        if (in_tick) on_tick_edge(now);
        else on_command_edge(now);
        if (now == STATE_FAULT) judge_faults[device.fault]++;
    }
    if (vented_by_byte || is("VENT", 0) || is("DISARM", 0) || now == STATE_FAULT || now == STATE_IDLE) {
        may_inflate = 0;
        if (!is("ARM", 1)) stay_armed = 0;
    }
    if (now == STATE_ARMED) may_inflate = 1;
    if (now == STATE_FAULT && device.fault != FAULT_HOST_LOST && now != state) tested = 0;
    if (now == STATE_FAULT && state == STATE_SELFTEST) tested = 0;
    if (device.tested == SELFTEST_PASSED) MUST(tested);
    if (is("HUSH", 0) && high_alarm) hushed_ms = 0;
    if (is("LEASE", 1) && state == STATE_IDLE && arguments[0] >= 150 && arguments[0] <= 400) lease_ms = arguments[0];
    if (is("ARM", 1) && now == STATE_ARMED && arguments[0] <= site) ceiling = arguments[0];
    if (is("SITE", 1) && state == STATE_IDLE && device.site_tenths != site) {
        MUST(device.jumper_set && device.site_tenths == arguments[0]);
        site = arguments[0];
    }
    if (heard && strcmp(name, "HB")) {
        snprintf(last_taken, sizeof last_taken, "%u %s %u %u %u", sequence, name, count > 0 ? arguments[0] : 0,
                 count > 1 ? arguments[1] : 0, count > 2 ? arguments[2] : 0);
    }
    MUST((now == STATE_FAULT) == (device.fault != FAULT_NONE));
    MUST(device.site_tenths == site && device.lease_ms == lease_ms);

    if (now == STATE_INFLATING || now == STATE_HOLD) {
        unsigned asked = go_ms < rise_ms ? (unsigned)((uint64_t)target * go_ms / rise_ms) : target;
        MUST(pins.dump && pins.supply && pins.shutoff);
        MUST(pins.drive == asked * 1023 / 4000);
        MUST(alive() && go_ms < on_ms);
    } else if (now == STATE_SELFTEST) {
        /* what is not open is fed against: or the regulator, at 0, would vent in the place of a dead path */
        MUST(pins.drive == (!pins.dump && !pins.supply ? 0 : pins.dump && pins.supply && !pins.shutoff ? 33 : 25));
        MUST(!pins.shutoff || (pins.dump && pins.supply));
        MUST(alive() && test_ms <= SELFTEST_MS_MAX);
        if (in_tick) {
            /* with everything shut the air stays as it is, before a path is tried */
            if (shut_ms > SELFTEST_CLOSED_MS - SELFTEST_MEAN_MS) last_sum += first + second;
            if (shut_ms && pins.shutoff) {
                double changed = last_sum * TICK_MS / (2.0 * SELFTEST_MEAN_MS) - kept / 2.0;
                MUST(shut_ms == SELFTEST_CLOSED_MS && changed <= SELFTEST_GAINED_TENTHS && changed >= -SELFTEST_LOST_TENTHS);
                saw_closed = 1;
            }
            if (!pins.dump || !pins.supply) MUST(saw_closed || !pins.drive);
            shut_ms = pins.dump && pins.supply && !pins.shutoff ? shut_ms + TICK_MS : 0;
            if (shut_ms == TICK_MS) {
                kept = first + second;
                last_sum = 0;
            }
            saw_first |= !pins.dump && pins.supply;
            saw_second |= saw_first && pins.dump && !pins.supply;
        }
    } else {
        MUST(!shut());
    }
    if (shut()) MUST(heart_ms < lease_ms);
    state = now;
    fault = device.fault;
}

void judge_after_byte(void) { look(); }

/* An alarm of high priority is silent only after a HUSH that came while it was high, and for its time. */
static void judge_buzzer(void) {
    high_alarm = state == STATE_FAULT && (IS_HIGH_ALARM(device.fault) || device.told_left || !empty());
    silent_ms = high_alarm && !pins.buzzer ? silent_ms + TICK_MS : 0;
    hushed_ms = !high_alarm ? NEVER : hushed_ms < NEVER ? hushed_ms + TICK_MS : NEVER;
    MUST(silent_ms <= 256 || hushed_ms <= HUSH_HIGH_MS + 256);
    MUST(state == STATE_FAULT || !pins.buzzer);
}

void judge_before_tick(const struct inputs *inputs) {
    int high;
    heard = vented_by_byte = 0;
    in_tick = 1;
    first = reading(inputs->first_sum);
    second = reading(inputs->second_sum);
    known = 1;
    loop_open = inputs->loop_open;
    if (heart_ms < NEVER) heart_ms += TICK_MS;
    if (!alive()) stay_armed = 0; /* what lost its heart while it vented is not armed when it comes back */
    if (inputs->first_sum != last_first || inputs->second_sum != last_second) still_ms = 0;
    else still_ms += TICK_MS;
    last_first = inputs->first_sum;
    last_second = inputs->second_sum;
    go_ms += TICK_MS;
    test_ms += TICK_MS;
    high = believed(first) && first > CEILING_TENTHS;
    high |= believed(second) && second > CEILING_TENTHS;
    high |= first > SENSOR_TENTHS_MAX && second > SENSOR_TENTHS_MAX;
    too_high = tally(too_high, high, BAD_SAMPLES);
    beyond = tally(beyond, !believed(first) || !believed(second), RANGE_SAMPLES);
    apart = tally(apart, abs(first - second) > DISAGREE_TENTHS, DISAGREE_SAMPLES);
    high = (int)(ceiling < site ? ceiling : site) + OVERSHOOT_TENTHS;
    above = pressed() ? tally(above, (believed(first) && first > high) || (believed(second) && second > high), BAD_SAMPLES) : 0;
    if (shut() || (!full(first) && !full(second))) full_ms = 0;
    else full_ms += TICK_MS;
    high = (believed(first) && first > LEFT_TENTHS) || (believed(second) && second > LEFT_TENTHS);
    left = state == STATE_IDLE || state == STATE_ARMED ? tally(left, high, LEFT_SAMPLES) : 0;
}

void judge_after_tick(void) {
    look();
    if (loop_open || too_high >= 2 * BAD_SAMPLES || beyond >= 2 * RANGE_SAMPLES || apart >= 2 * DISAGREE_SAMPLES ||
        above >= 2 * BAD_SAMPLES || left >= 2 * LEFT_SAMPLES || full_ms > VENT_MS_MAX)
        MUST(!shut() && state == STATE_FAULT);
    if (pressed()) MUST(still_ms < STILL_PRESSED_MS);
    judge_buzzer();
}

void judge_pins(const struct outputs *outputs) { pins = *outputs; }

void judge_frame(const char *frame, uint8_t n) {
    unsigned told;
    MUST(n >= 7 && n <= LONGEST_FRAME && frame[0] == '$' && frame[n - 1] == '\n' && frame[n - 6] == '*');
    sscanf(frame + n - 5, "%4x", &told);
    MUST(told == check_of(frame + 1, n - 7u));
    for (unsigned i = 1; i + 1 < n; i++) MUST(frame[i] >= 0x20 && frame[i] <= 0x7E && frame[i] != '$');
    MUST(strchr("ANSEI", frame[1]) && frame[2] == ' ');
}

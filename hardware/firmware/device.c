#include "device.h"

#include "buzzer.h"
#include "frame.h"
#include "program.h"
#include "say.h"
#include "selftest.h"
#include "sensors.h"

struct device device;

static uint8_t under_pressure(void) { return device.state == STATE_INFLATING || device.state == STATE_HOLD; }

uint8_t device_alive(void) { return device.heartbeat_age_ms < device.lease_ms; }

static uint8_t priority(void) {
    if (device.state != STATE_FAULT) return BUZZER_OFF;
    return IS_HIGH_ALARM(device.fault) || device.told_left || !sensors_empty() ? BUZZER_HIGH : BUZZER_MEDIUM;
}

static uint8_t alarm(void) {
    uint8_t now = priority();
    return now == device.hushed ? BUZZER_OFF : now;
}

void device_hush(void) {
    device.hushed = priority();
    device.hushed_ms = device.now_ms;
}

/* What was hushed sounds again when it gets worse, and one of high priority after its time. */
static void keep_hushed(void) {
    uint8_t now = priority(), over = now == BUZZER_HIGH && device.now_ms - device.hushed_ms >= HUSH_HIGH_MS;
    device.hushed = now > device.hushed || over ? BUZZER_OFF : now;
}

static uint16_t drive(uint16_t tenths) { return (uint16_t)((uint32_t)tenths * DRIVE_MAX / FULL_SCALE_TENTHS); }

static void feed(uint16_t tenths) {
    device.outputs.dump = device.outputs.supply = device.outputs.shutoff = 1;
    device.outputs.drive = drive(tenths);
}

/* The pins follow from the state alone, each time anew: nothing is left over from before. */
static void apply(void) {
    device.outputs = (struct outputs){.buzzer = buzzer_sounds(alarm(), (uint16_t)device.now_ms)};
    if (under_pressure()) {
        feed(program_asked(device.now_ms));
    } else if (device.state == STATE_SELFTEST) {
        uint8_t phase = selftest_phase();
        if (selftest_puffs()) feed(SELFTEST_PUFF_TENTHS);
        device.outputs.supply |= phase == PHASE_CLOSED || phase == PHASE_FIRST_VENT;
        device.outputs.dump |= phase == PHASE_CLOSED || phase == PHASE_SECOND_VENT;
        /* on while a valve is tried: a regulator at 0 would let the air out through a stuck shut-off valve */
        if (phase != PHASE_ZERO)
            device.outputs.drive = drive(phase == PHASE_CLOSED ? SELFTEST_AGAINST_TENTHS : SELFTEST_PUFF_TENTHS);
    }
    hal_outputs(&device.outputs);
}

void device_go_to(uint8_t state) {
    if (device.state == STATE_FAULT && state != STATE_FAULT) device.told_left = 0;
    device.state = state;
    if (!under_pressure()) program_none();
    apply();
}

static void say_tested(uint8_t result) {
    device.tested = result;
    say_event(device.now_ms, EVENT_SELFTEST, result);
}

void device_trip(uint8_t fault) {
    if (!device.fault) device.fault = fault; /* the first cause stays */
    device.stay_armed = device.hushed = 0;
    device.told_left |= fault == FAULT_VENT_FAIL;
    if (device.state == STATE_SELFTEST && fault != FAULT_SELFTEST) say_tested(SELFTEST_BROKEN_OFF);
    if (device.tested == SELFTEST_PASSED && !KEEPS_SELFTEST(fault)) device.tested = SELFTEST_NOT_DONE;
    device_go_to(STATE_FAULT);
    say_event(device.now_ms, EVENT_FAULT, fault);
}

void device_vent(void) {
    device.stay_armed = 0;
    if (device.state == STATE_SELFTEST) say_tested(SELFTEST_BROKEN_OFF);
    if (device.state != STATE_FAULT) device_go_to(STATE_VENTING);
}

void device_say_status(void) {
    uint8_t flags = 0;
    if (device.tested == SELFTEST_PASSED) flags |= FLAG_SELFTEST_PASSED;
    if (device.loop_open) flags |= FLAG_LOOP_OPEN;
    if (alarm() != BUZZER_OFF) flags |= FLAG_BUZZER;
    device.counter++;
    say_begin('S');
    say_number(device.counter);
    say_number(device.now_ms);
    say_number(device.state);
    say_number(device.fault);
    say_reading(sensors_first());
    say_reading(sensors_second());
    say_number(program_asked(device.now_ms));
    say_number(device.outputs.drive);
    say_number(device.heartbeat_age_ms);
    say_number(frame_bad_count());
    say_number(flags);
    say_end();
}

static void go_on_testing(void) {
    uint8_t result = selftest_judge(sensors_first(), sensors_second());
    if (result == SELFTEST_NOT_DONE) return;
    say_tested(result);
    if (result == SELFTEST_PASSED) device_go_to(STATE_VENTING);
    else device_trip(FAULT_SELFTEST);
}

static void judge_program(void) {
    switch (program_judge(device.state == STATE_HOLD, device.now_ms, sensors_high())) {
    case PROGRAM_IS_OVER:
        device.stay_armed = 1;
        device_go_to(STATE_VENTING);
        break;
    case PROGRAM_TOO_HIGH:
        device_trip(FAULT_OVERPRESSURE);
        break;
    case PROGRAM_REACHED:
        device_go_to(STATE_HOLD);
        break;
    case PROGRAM_DOES_NOT_RISE:
        device_trip(sensors_stand_still() ? FAULT_STUCK : FAULT_LEAK);
        break;
    case PROGRAM_LOST:
        device_trip(FAULT_LEAK);
        break;
    }
}

/* Both paths are open and there is pressure all the same: for too long, or where there was none before. */
static uint8_t pressure_left(void) {
    uint8_t at_rest = device.state == STATE_IDLE || device.state == STATE_ARMED;
    if (!at_rest) device.left = 0;
    if (under_pressure() || device.state == STATE_SELFTEST || !sensors_full()) device.full_ms = 0;
    else if (device.full_ms <= VENT_MS_MAX) device.full_ms = (uint16_t)(device.full_ms + TICK_MS);
    if (at_rest && sensors_count(&device.left, LEFT_SAMPLES, sensors_high() > LEFT_TENTHS)) return 1;
    return device.full_ms > VENT_MS_MAX;
}

/* How long a vent path has been shut, whatever the program thinks: a second count of its own. */
static uint8_t shut_too_long(void) {
    uint32_t longest_ms = device.state == STATE_SELFTEST ? SELFTEST_MS_MAX : program_on_ms();
    if (!device.outputs.dump && !device.outputs.supply) {
        device.closed_ms = 0;
        return 0;
    }
    device.closed_ms += TICK_MS;
    return device.closed_ms > longest_ms + HOLD_SLACK_MS;
}

static uint8_t needs_heart(void) { return under_pressure() || device.state == STATE_ARMED || device.state == STATE_SELFTEST; }

/* The participant first, then what may hurt, then what is merely wrong. */
static void judge(void) {
    uint8_t fault;
    uint8_t too_long = shut_too_long(), left = pressure_left();
    if (!device_alive()) device.stay_armed = 0;
    if (device.state == STATE_FAULT) {
        if (left && !device.told_left) device_trip(FAULT_VENT_FAIL);
        return;
    }
    if (device.loop_open) {
        device_trip(FAULT_ABORT);
        return;
    }
    if (device.state == STATE_SELFTEST) go_on_testing();
    if (device.state == STATE_FAULT) return;
    fault = needs_heart() && !device_alive() ? FAULT_HOST_LOST : sensors_fault();
    if (fault == FAULT_NONE && too_long && needs_heart()) fault = FAULT_HOLD_TIME;
    if (fault == FAULT_NONE && under_pressure() && sensors_frozen()) fault = FAULT_STUCK;
    if (fault == FAULT_NONE && left) fault = FAULT_VENT_FAIL;
    if (fault != FAULT_NONE) device_trip(fault);
    else if (under_pressure()) judge_program();
    else if (device.state == STATE_VENTING && sensors_empty()) device_go_to(device.stay_armed ? STATE_ARMED : STATE_IDLE);
}

void core_boot(const struct boot *boot) {
    device = (struct device){.reset = boot->reset, .watchdog_proven = boot->watchdog_proven, .board = boot->board};
    device.heartbeat_age_ms = UINT16_MAX;
    device.lease_ms = LEASE_MS;
    device.site_tenths = boot->site_tenths;
    frame_reset();
    sensors_reset();
    device_obey_forget();
    if (boot->reset == RESET_WATCHDOG) device.fault = FAULT_WDT_RESET;
    /* idle is earned by an empty cuff: what was in it before the reset may be there still */
    device_go_to(device.fault ? STATE_FAULT : STATE_VENTING);
    say_event(0, EVENT_BOOT, boot->reset);
}

void core_tick(const struct inputs *inputs) {
    device.now_ms += TICK_MS;
    if (device.heartbeat_age_ms < UINT16_MAX - TICK_MS) device.heartbeat_age_ms = (uint16_t)(device.heartbeat_age_ms + TICK_MS);
    else device.heartbeat_age_ms = UINT16_MAX;
    device.loop_open = inputs->loop_open;
    device.jumper_set = inputs->jumper_set;
    sensors_take(inputs->first_sum, inputs->second_sum);
    judge();
    keep_hushed();
    apply();
    if (device.period_ms && device.now_ms % device.period_ms < TICK_MS) device_say_status();
}

/* What each command does, and why it is refused. */
#include "device.h"
#include "frame.h"
#include "program.h"
#include "say.h"
#include "selftest.h"
#include "sensors.h"

/* The last command taken, and its answer: a repeated one is answered again, with the state of now, and not
 * obeyed again. It is kept over a vent: or what the host repeats would arm a device that was just stopped. */
static struct command last;
static uint8_t has_last;
static char last_letter;
static uint16_t last_value;

void device_obey_forget(void) { has_last = 0; }

static uint8_t same_as_last(const struct command *command) {
    if (!has_last || command->sequence != last.sequence || command->name != last.name) return 0;
    for (uint8_t i = 0; i < MOST_ARGUMENTS; i++)
        if (command->arguments[i] != last.arguments[i]) return 0;
    return 1;
}

static void say_identity(uint8_t sequence) {
    say_begin('I');
    say_number(sequence);
    say_word(PROTOCOL);
    say_word(device.board->maker);
    say_word("reference-cuff");
    say_word(device.board->serial_number);
    say_word(FIRMWARE_NAME);
    say_word(device.board->firmware_hash);
    say_word(device.board->calibrated);
    say_number(CEILING_TENTHS);
    say_number(device.site_tenths);
    say_number(device.lease_ms);
    say_number(device.tested);
    say_number(device.reset);
    say_end();
}

static uint8_t not_ready(void) {
    if (!device_alive()) return NAK_NO_HEART;
    return sensors_empty() ? 0 : NAK_NOT_EMPTY;
}

static uint8_t begin_test(void) {
    uint8_t reason = device.state != STATE_IDLE ? NAK_WRONG_STATE : not_ready();
    if (reason) return reason;
    selftest_begin(device.watchdog_proven);
    device.tested = SELFTEST_NOT_DONE;
    device_go_to(STATE_SELFTEST);
    return 0;
}

static uint8_t arm(uint16_t ceiling) {
    uint8_t reason;
    if (device.state != STATE_IDLE && device.state != STATE_ARMED) return NAK_WRONG_STATE;
    if (device.tested != SELFTEST_PASSED) return NAK_UNTESTED;
    reason = not_ready();
    if (reason) return reason;
    if (ceiling > device.site_tenths) return NAK_OUT_OF_LIMITS;
    device.ceiling_tenths = ceiling;
    device_go_to(STATE_ARMED);
    return 0;
}

static uint8_t go(uint16_t target, uint32_t on_ms, uint32_t rise_ms) {
    uint16_t most = device.ceiling_tenths;
    uint8_t reason;
    if (device.state != STATE_ARMED) return NAK_WRONG_STATE;
    reason = not_ready();
    if (reason) return reason;
    /* the site's own ceiling again: it may be lower than when the session's was taken */
    if (device.site_tenths < most) most = device.site_tenths;
    if (target > most || rise_ms > on_ms) return NAK_OUT_OF_LIMITS;
    sensors_await();
    program_begin(target, most, on_ms, rise_ms, device.now_ms, sensors_high());
    device_go_to(STATE_INFLATING);
    return 0;
}

static uint8_t clear(void) {
    if (device.state != STATE_FAULT) return NAK_WRONG_STATE;
    if (device.loop_open) return NAK_LOOP_OPEN;
    if (!sensors_empty()) return NAK_NOT_EMPTY;
    device.fault = FAULT_NONE;
    device_go_to(STATE_IDLE);
    return 0;
}

static uint8_t set_site(uint16_t ceiling) {
    if (device.state != STATE_IDLE) return NAK_WRONG_STATE;
    if (!device.jumper_set) return NAK_NO_JUMPER;
    device.site_tenths = hal_store_site(ceiling);
    return 0;
}

static void end(void) {
    if (device.state != STATE_INFLATING && device.state != STATE_HOLD) return;
    device.stay_armed = 1;
    device_go_to(STATE_VENTING);
}

/* Obeys; returns the reason of a refusal or 0, and the value that is answered. */
static uint8_t obey(const struct command *command, uint16_t *value) {
    uint32_t first = command->arguments[0];
    *value = (uint16_t)first;
    switch (command->name) {
    case COMMAND_STREAM:
        device.period_ms = (uint16_t)(first ? 1000 / first : 0);
        return 0;
    case COMMAND_TEST:
        return begin_test();
    case COMMAND_LEASE:
        if (device.state != STATE_IDLE) return NAK_WRONG_STATE;
        device.lease_ms = (uint16_t)first;
        return 0;
    case COMMAND_ARM:
        return arm((uint16_t)first);
    case COMMAND_GO:
        return go((uint16_t)first, command->arguments[1], command->arguments[2]);
    case COMMAND_END:
        end();
        return 0;
    case COMMAND_VENT:
    case COMMAND_DISARM:
        device_vent();
        return 0;
    case COMMAND_CLEAR:
        return clear();
    case COMMAND_HUSH:
        device_hush();
        return 0;
    case COMMAND_SITE: {
        uint8_t reason = set_site((uint16_t)first);
        *value = device.site_tenths; /* what is stored, which the host compares */
        return reason;
    }
#ifdef TEST_HOOKS
    case COMMAND_HANG:
        hal_hang();
        return 0;
#endif
    default: /* PING */
        return 0;
    }
}

static void take(const struct command *command) {
    uint8_t reason;
    uint16_t value;
    if (command->name == COMMAND_HB) {
        uint8_t beat = (uint8_t)command->arguments[0];
        if (device.heart_seen && beat == device.heartbeat) return; /* a stuck buffer is no heart */
        device.heart_seen = 1;
        device.heartbeat = beat;
        device.heartbeat_age_ms = 0;
        return;
    }
    if (same_as_last(command) && !frame_acts_again(command->name)) {
        say_answer(last_letter, last.sequence, last_value, device.state);
        return;
    }
    last = *command;
    has_last = 1;
    if (command->name == COMMAND_ID) {
        say_identity(command->sequence);
        return;
    }
    reason = obey(command, &value);
    last_letter = reason ? 'N' : 'A';
    last_value = reason ? reason : value;
    say_answer(last_letter, last.sequence, last_value, device.state);
}

void core_receive(uint8_t byte) {
    struct command command;
    uint8_t reason;
    if (byte == VENT_BYTE || byte == RESET_BYTE) {
        frame_kill(); /* what was being said before a stop does not count after it */
        device_vent();
        return;
    }
    if (byte == STATUS_BYTE) {
        device_say_status();
        return;
    }
    switch (frame_take(byte, &command, &reason)) {
    case FRAME_COMMAND:
        take(&command);
        break;
    case FRAME_REFUSED:
        say_answer('N', command.sequence, reason, device.state);
        break;
    }
}

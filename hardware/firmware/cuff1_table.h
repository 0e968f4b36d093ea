/* Written by tools/firmware_header.py from hardware/codec/cuff1_table.py: change that one.
 * Pressures in tenths of a mmHg (TENTHS), times in milliseconds (MS). */
#ifndef CUFF1_TABLE_H
#define CUFF1_TABLE_H

#define PROTOCOL "CUFF/1"
#define BAUD 115200L
#define LONGEST_FRAME 130
#define LONGEST_COMMAND 48
#define VENT_BYTE 0x21
#define STATUS_BYTE 0x3F
#define RESET_BYTE 0x18
#define LEASE_MS 400
#define LEASE_MS_MIN 150
#define HEARTBEAT_MS 100
#define STREAM_HZ 50
#define STREAM_HZ_MAX 100
#define EMPTY_TENTHS 150
#define CEILING_TENTHS 3000
#define ON_MS_MAX 180000L
#define INFLATE_MS_MAX 8000
#define VENT_MS_MAX 9900
#define LEFT_TENTHS 300
#define LEFT_SAMPLES 20
#define HUSH_HIGH_MS 60000L
#define AT_TARGET_TENTHS 50
#define OFF_TARGET_TENTHS 300
#define OVERSHOOT_TENTHS 200
#define NO_RISE_MS 1500
#define NO_RISE_TENTHS 20
#define TICK_MS 5
#define FULL_SCALE_TENTHS 4000
#define DRIVE_MAX 1023
#define BAD_SAMPLES 2
#define SENSOR_TENTHS_MIN (-250)
#define SENSOR_TENTHS_MAX 4250
#define RANGE_SAMPLES 4
#define DISAGREE_TENTHS 200
#define DISAGREE_SAMPLES 20
#define STILL_MS 500
#define STILL_PRESSED_MS 2900
#define HOLD_SLACK_MS 20
#define SELFTEST_ZERO_MS 200
#define SELFTEST_ZERO_TENTHS 30
#define SELFTEST_MATCH_TENTHS 30
#define SELFTEST_PUFF_TENTHS 100
#define SELFTEST_REACHED_TENTHS 60
#define SELFTEST_LEFT_TENTHS 30
#define SELFTEST_TENTHS_MAX 150
#define SELFTEST_CLOSED_MS 1000
#define SELFTEST_MEAN_MS 100
#define SELFTEST_LOST_TENTHS 15
#define SELFTEST_GAINED_TENTHS 10
#define SELFTEST_AGAINST_TENTHS 130
#define SELFTEST_PUFF_MS_MAX 2500
#define SELFTEST_VENT_MS_MAX 1500
#define SELFTEST_MS_MAX 9000

enum { /* states */
    STATE_IDLE = 0,
    STATE_ARMED = 1,
    STATE_INFLATING = 2,
    STATE_HOLD = 3,
    STATE_VENTING = 4,
    STATE_FAULT = 5,
    STATE_SELFTEST = 6,
    STATE_COUNT = 7
};

enum { /* faults */
    FAULT_NONE = 0,
    FAULT_HOST_LOST = 1,
    FAULT_OVERPRESSURE = 2,
    FAULT_SENSOR_RANGE = 3,
    FAULT_SENSOR_DISAGREE = 4,
    FAULT_STUCK = 5,
    FAULT_LEAK = 6,
    FAULT_HOLD_TIME = 7,
    FAULT_VENT_FAIL = 8,
    FAULT_ABORT = 9,
    FAULT_WDT_RESET = 10,
    FAULT_SELFTEST = 11,
    FAULT_COUNT = 12
};

#define IS_HIGH_ALARM(x) ((x) == FAULT_OVERPRESSURE || (x) == FAULT_VENT_FAIL)
#define KEEPS_SELFTEST(x) ((x) == FAULT_HOST_LOST)

enum { /* results of the self-test */
    SELFTEST_NOT_DONE = 0,
    SELFTEST_PASSED = 1,
    SELFTEST_ZERO = 2,
    SELFTEST_MATCH = 3,
    SELFTEST_NO_RISE = 4,
    SELFTEST_FIRST_VENT = 5,
    SELFTEST_SECOND_VENT = 6,
    SELFTEST_TOO_HIGH = 7,
    SELFTEST_TOO_LONG = 8,
    SELFTEST_BROKEN_OFF = 9,
    SELFTEST_WATCHDOG = 10,
    SELFTEST_SHUTOFF = 11,
    SELFTEST_LEAK = 12,
    SELFTEST_COUNT = 13
};

enum { /* why it booted */
    RESET_POWER_ON = 0,
    RESET_RESET_PIN = 1,
    RESET_BROWN_OUT = 2,
    RESET_WATCHDOG = 3,
    RESET_COUNT = 4
};

enum { /* why a command is refused */
    NAK_DAMAGED = 1,
    NAK_UNKNOWN = 2,
    NAK_WRONG_STATE = 3,
    NAK_OUT_OF_LIMITS = 4,
    NAK_NOT_EMPTY = 5,
    NAK_NO_HEART = 6,
    NAK_LOOP_OPEN = 7,
    NAK_UNTESTED = 8,
    NAK_NO_JUMPER = 9,
    NAK_COUNT = 10
};

enum { /* events */
    EVENT_BOOT = 1,
    EVENT_FAULT = 2,
    EVENT_SELFTEST = 3,
    EVENT_COUNT = 4
};

/* bits of the status line's flags */
#define FLAG_SELFTEST_PASSED 1
#define FLAG_LOOP_OPEN 2
#define FLAG_BUZZER 4

/* longest words of an identity */
#define LONGEST_PROTOCOL 8
#define LONGEST_MAKER 16
#define LONGEST_MODEL 16
#define LONGEST_SERIAL_NUMBER 16
#define LONGEST_FIRMWARE 16
#define LONGEST_FIRMWARE_HASH 8
#define LONGEST_CALIBRATED 10

enum { /* commands, in the order of COMMAND_TABLE */
    COMMAND_ID = 0,
    COMMAND_PING = 1,
    COMMAND_HB = 2,
    COMMAND_STREAM = 3,
    COMMAND_TEST = 4,
    COMMAND_LEASE = 5,
    COMMAND_ARM = 6,
    COMMAND_GO = 7,
    COMMAND_END = 8,
    COMMAND_VENT = 9,
    COMMAND_DISARM = 10,
    COMMAND_CLEAR = 11,
    COMMAND_HUSH = 12,
    COMMAND_SITE = 13,
    COMMAND_COUNT = 14
};

#define MOST_ARGUMENTS 3
#define MOST_DIGITS 7
#define LONGEST_NAME 6
/* name, number of fields, least and largest legal value of each; acts when repeated */
#define COMMAND_TABLE \
    {"ID", 0, 1, {0L, 0L, 0L}, {0L, 0L, 0L}}, \
    {"PING", 0, 1, {0L, 0L, 0L}, {0L, 0L, 0L}}, \
    {"HB", 1, 0, {0L, 0L, 0L}, {255L, 0L, 0L}}, /* count in 1 */ \
    {"STREAM", 1, 0, {0L, 0L, 0L}, {100L, 0L, 0L}}, /* rate in Hz */ \
    {"TEST", 0, 0, {0L, 0L, 0L}, {0L, 0L, 0L}}, \
    {"LEASE", 1, 0, {150L, 0L, 0L}, {400L, 0L, 0L}}, /* lease in ms */ \
    {"ARM", 1, 0, {0L, 0L, 0L}, {3000L, 0L, 0L}}, /* ceiling in 0.1 mmHg */ \
    {"GO", 3, 0, {150L, 1L, 0L}, {3000L, 180000L, 180000L}}, /* target in 0.1 mmHg, on in ms, rise in ms */ \
    {"END", 0, 0, {0L, 0L, 0L}, {0L, 0L, 0L}}, \
    {"VENT", 0, 1, {0L, 0L, 0L}, {0L, 0L, 0L}}, \
    {"DISARM", 0, 1, {0L, 0L, 0L}, {0L, 0L, 0L}}, \
    {"CLEAR", 0, 0, {0L, 0L, 0L}, {0L, 0L, 0L}}, \
    {"HUSH", 0, 0, {0L, 0L, 0L}, {0L, 0L, 0L}}, \
    {"SITE", 1, 0, {150L, 0L, 0L}, {3000L, 0L, 0L}}, /* ceiling in 0.1 mmHg */

#endif

#include "frame.h"

#define CRC_LENGTH 5                     /* '*' and four digits */
#define LINE_LENGTH (LONGEST_COMMAND - 2) /* without '$' and line feed */

struct entry {
    char name[LONGEST_NAME + 1];
    uint8_t count, acts_again;
    uint32_t least[MOST_ARGUMENTS], most[MOST_ARGUMENTS];
};

static IN_FLASH struct entry table[] = {
    COMMAND_TABLE
#ifdef TEST_HOOKS
    {"HANG", 0, 1, {0, 0, 0}, {0, 0, 0}},
#endif
};
#define KNOWN ((uint8_t)(sizeof table / sizeof table[0]))

static char line[LINE_LENGTH + 1];
static uint8_t length, inside;
static uint16_t bad;

uint16_t crc16(uint16_t crc, uint8_t byte) {
    crc = (uint16_t)(crc << 8 | crc >> 8);
    crc ^= byte;
    crc ^= (uint16_t)((crc & 0xFF) >> 4);
    crc ^= (uint16_t)(crc << 12);
    crc ^= (uint16_t)((crc & 0xFF) << 5);
    return crc;
}

void frame_reset(void) {
    length = inside = 0;
    bad = 0;
}

uint16_t frame_bad_count(void) { return bad; }

uint8_t frame_acts_again(uint8_t name) { return table[name].acts_again; }

static uint8_t count_bad(void) {
    if (bad < UINT16_MAX) bad++;
    return FRAME_REFUSED;
}

/* Takes 1 to `digits` decimal digits; returns the first character behind them, or null. */
static const char *number(const char *at, uint8_t digits, uint32_t *value) {
    uint8_t n = 0;
    uint32_t v = 0;
    while (at[n] >= '0' && at[n] <= '9') {
        if (n == digits) return 0;
        v = v * 10 + (uint8_t)(at[n] - '0');
        n++;
    }
    *value = v;
    return n ? at + n : 0;
}

/* Cuts the check off the line; 0 if it is wrong. */
static uint8_t checked(void) {
    uint16_t told = 0, crc = 0xFFFF;
    if (length < CRC_LENGTH || line[length - CRC_LENGTH] != '*') return 0;
    for (uint8_t i = (uint8_t)(length - CRC_LENGTH + 1); i < length; i++) {
        char c = line[i];
        uint8_t digit;
        if (c >= '0' && c <= '9') digit = (uint8_t)(c - '0');
        else if (c >= 'A' && c <= 'F') digit = (uint8_t)(c - 'A' + 10);
        else return 0;
        told = (uint16_t)(told << 4 | digit);
    }
    length = (uint8_t)(length - CRC_LENGTH);
    line[length] = 0;
    for (uint8_t i = 0; i < length; i++) crc = crc16(crc, (uint8_t)line[i]);
    return crc == told;
}

/* The table's index of a name that ends with a blank or the line; KNOWN if it has none. */
static uint8_t find(const char *name, uint8_t name_length) {
    for (uint8_t n = 0; n < KNOWN; n++) {
        uint8_t i = 0;
        while (i < name_length && i < LONGEST_NAME && table[n].name[i] == name[i]) i++;
        if (i == name_length && !table[n].name[i]) return n;
    }
    return KNOWN;
}

static uint8_t parse(struct command *command, uint8_t *reason) {
    uint32_t value, values[MOST_ARGUMENTS] = {0};
    uint8_t count = 0, name_length = 0;
    const char *name, *at;

    command->sequence = 0;
    *reason = NAK_DAMAGED;
    if (!checked() || !(at = number(line, 3, &value)) || value > 255 || *at != ' ') return count_bad();
    name = ++at;
    while (at[name_length] >= 'A' && at[name_length] <= 'Z') name_length++;
    if (!name_length || name_length > 8) return count_bad();
    for (at += name_length; *at == ' ';) {
        uint32_t argument;
        if (!(at = number(at + 1, MOST_DIGITS, &argument))) return count_bad();
        if (count < MOST_ARGUMENTS) values[count] = argument;
        count++;
    }
    if (*at) return count_bad();

    command->sequence = (uint8_t)value;
    command->name = find(name, name_length);
    *reason = NAK_UNKNOWN;
    if (command->name == KNOWN) return FRAME_REFUSED;
    *reason = NAK_OUT_OF_LIMITS;
    if (count != table[command->name].count) return FRAME_REFUSED;
    for (uint8_t i = 0; i < MOST_ARGUMENTS; i++) {
        if (values[i] < table[command->name].least[i] || values[i] > table[command->name].most[i]) return FRAME_REFUSED;
        command->arguments[i] = values[i];
    }
    return FRAME_COMMAND;
}

void frame_kill(void) {
    if (!inside) return;
    inside = 0;
    count_bad();
}

uint8_t frame_take(uint8_t byte, struct command *command, uint8_t *reason) {
    if (byte == '$') {
        length = 0;
        inside = 1;
    } else if (inside && byte == '\n') {
        inside = 0;
        line[length] = 0;
        return parse(command, reason);
    } else if (inside && (byte < 0x20 || byte > 0x7E || length >= LINE_LENGTH)) {
        frame_kill();
    } else if (inside) {
        line[length++] = (char)byte;
    }
    return FRAME_MORE;
}

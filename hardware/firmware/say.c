#include "say.h"

#include "frame.h"

static char frame[LONGEST_FRAME];
static uint8_t length;

/* The check and the line feed always fit behind what is said. */
static void put(char c) {
    if (length < LONGEST_FRAME - 6) frame[length++] = c;
}

void say_begin(char letter) {
    length = 0;
    put('$');
    put(letter);
}

static void put_digits(uint32_t value) {
    char digits[10];
    uint8_t n = 0;
    while (value > UINT16_MAX) { /* 32-bit division is slow: only while it must be */
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    }
    uint16_t rest = (uint16_t)value;
    do {
        digits[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    while (n) put(digits[--n]);
}

void say_number(uint32_t value) {
    put(' ');
    put_digits(value);
}

void say_reading(int16_t value) {
    put(' ');
    if (value < 0) put('-');
    put_digits(value < 0 ? (uint16_t)-value : (uint16_t)value);
}

void say_word(const char *word) {
    put(' ');
    while (*word) put(*word++);
}

void say_end(void) {
    static IN_FLASH char hex[] = "0123456789ABCDEF";
    uint16_t crc = 0xFFFF;
    for (uint8_t i = 1; i < length; i++) crc = crc16(crc, (uint8_t)frame[i]);
    frame[length++] = '*';
    for (uint8_t shift = 16; shift;) {
        shift = (uint8_t)(shift - 4);
        frame[length++] = hex[crc >> shift & 15];
    }
    frame[length++] = '\n';
    hal_send(frame, length);
}

void say_answer(char letter, uint8_t sequence, uint16_t value, uint8_t state) {
    say_begin(letter);
    say_number(sequence);
    say_number(value);
    say_number(state);
    say_end();
}

void say_event(uint32_t now_ms, uint8_t event, uint8_t value) {
    say_begin('E');
    say_number(now_ms);
    say_number(event);
    say_number(value);
    say_end();
}

#include "board.h"

#include "frame.h"

static uint16_t check_of(const uint8_t *bytes, uint8_t length) {
    uint16_t crc = 0xFFFF;
    while (length--) crc = crc16(crc, *bytes++);
    return crc;
}

static uint16_t word_at(const uint8_t *bytes) { return (uint16_t)(bytes[0] | bytes[1] << 8); }

/* A chip that never had a site's ceiling has the compiled one. One whose record is damaged gets the least:
 * it must not fall back to more than the site allowed. */
uint16_t board_read_site(const uint8_t record[SITE_LENGTH]) {
    uint16_t tenths = word_at(record + 1);
    uint8_t blank = 0;
    for (uint8_t i = 0; i < SITE_LENGTH; i++) blank = (uint8_t)(blank + (record[i] == 0xFF));
    if (blank == SITE_LENGTH) return CEILING_TENTHS;
    if (record[0] != SITE_MARK || word_at(record + 3) != check_of(record, 3)) return EMPTY_TENTHS;
    return tenths < EMPTY_TENTHS || tenths > CEILING_TENTHS ? EMPTY_TENTHS : tenths;
}

void board_write_site(uint16_t tenths, uint8_t record[SITE_LENGTH]) {
    uint16_t crc;
    record[0] = SITE_MARK;
    record[1] = (uint8_t)tenths;
    record[2] = (uint8_t)(tenths >> 8);
    crc = check_of(record, 3);
    record[3] = (uint8_t)crc;
    record[4] = (uint8_t)(crc >> 8);
}

/* A word has no blank and is never empty; what is not a word becomes `none`. */
static void read_word(const uint8_t *bytes, uint8_t longest, char *word, uint8_t good) {
    static const char none[] = "none";
    uint8_t n = 0;
    while (good && n < longest && bytes[n]) {
        if (bytes[n] <= ' ' || bytes[n] > '~') good = 0;
        word[n] = (char)bytes[n];
        n++;
    }
    if (!good || !n)
        for (n = 0; none[n]; n++) word[n] = none[n];
    word[n] = 0;
}

void board_read_words(const uint8_t record[BOARD_LENGTH], struct board *board) {
    uint8_t good = word_at(record + BOARD_WORDS) == check_of(record, BOARD_WORDS);
    read_word(record, LONGEST_MAKER, board->maker, good);
    read_word(record + LONGEST_MAKER, LONGEST_SERIAL_NUMBER, board->serial_number, good);
    read_word(record + LONGEST_MAKER + LONGEST_SERIAL_NUMBER, LONGEST_CALIBRATED, board->calibrated, good);
}

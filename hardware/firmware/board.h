/* What the EEPROM keeps, as bytes: the site's ceiling, and who this board is. Each with a CRC. */
#ifndef BOARD_H
#define BOARD_H
#include "core.h"

#define SITE_ADDRESS 0x00
#define SITE_MARK 0x5C
#define SITE_LENGTH 5 /* mark, ceiling (low byte first), CRC of these three (low byte first) */
#define BOARD_ADDRESS 0x10
#define BOARD_WORDS (LONGEST_MAKER + LONGEST_SERIAL_NUMBER + LONGEST_CALIBRATED)
#define BOARD_LENGTH (BOARD_WORDS + 2) /* three words filled up with zeros, CRC (low byte first) */

uint16_t board_read_site(const uint8_t record[SITE_LENGTH]);
void board_write_site(uint16_t tenths, uint8_t record[SITE_LENGTH]);
void board_read_words(const uint8_t record[BOARD_LENGTH], struct board *board);

#endif

/* Bytes from the host to commands. Strict: digits only, every number within its limits, or refused. */
#ifndef FRAME_H
#define FRAME_H
#include "core.h"

struct command {
    uint8_t sequence, name; /* COMMAND_... */
    uint32_t arguments[MOST_ARGUMENTS];
};

enum { FRAME_MORE, FRAME_COMMAND, FRAME_REFUSED };

#ifdef TEST_HOOKS
#define COMMAND_HANG COMMAND_COUNT
#endif

uint16_t crc16(uint16_t crc, uint8_t byte); /* CRC-16/CCITT, polynomial 0x1021; begins with 0xFFFF */
void frame_reset(void);
void frame_kill(void); /* without an answer: the host sends it again */
uint8_t frame_take(uint8_t byte, struct command *command, uint8_t *reason);
uint8_t frame_acts_again(uint8_t name);
uint16_t frame_bad_count(void);

#endif

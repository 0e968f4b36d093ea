/* Switched on, or reset by its pin or a low supply, the firmware hangs once on purpose: if the watchdog then
 * bites, it goes on, and tells the cause of the first reset. A bite that was not provoked is a fault.
 *
 * No flag at all: a bootloader took them, or the program ran wild to address 0. Unless a bite was provoked
 * that counts as the worse one of these. It cannot loop: only the three causes of the first line provoke a
 * bite, and what follows a bite is never one of them. */
#include "start.h"

#include "core.h"

#define MARK 0xB17E

void start_not_bitten(struct start_memory *memory) { memory->mark = memory->inverse = 0; }

struct start start_decide(uint8_t flags, struct start_memory *memory) {
    struct start start = {START_RUN, RESET_WATCHDOG, 0};
    uint8_t provoked = memory->mark == MARK && memory->inverse == (uint16_t)~MARK && memory->reset < RESET_WATCHDOG;
    start_not_bitten(memory);
    if (flags & (FLAGS_POWER_ON | FLAGS_PIN | FLAGS_BROWN_OUT)) {
        start.action = START_PROVE;
        start.reset = flags & FLAGS_POWER_ON    ? RESET_POWER_ON
                      : flags & FLAGS_BROWN_OUT ? RESET_BROWN_OUT
                                                : RESET_RESET_PIN;
        memory->mark = MARK;
        memory->inverse = (uint16_t)~MARK;
        memory->reset = start.reset;
    } else if (provoked) {
        start.reset = memory->reset;
        start.watchdog_proven = 1;
    } else {
        start.watchdog_proven = (flags & FLAGS_WATCHDOG) != 0; /* it has bitten, though unasked */
    }
    return start;
}

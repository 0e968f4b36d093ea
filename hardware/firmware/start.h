/* Why the chip came up, and whether its watchdog bites. Pure; main.c has the registers. */
#ifndef START_H
#define START_H
#include <stdint.h>

/* Bits of the reset flags, as the chip's MCUSR has them. */
enum { FLAGS_POWER_ON = 1, FLAGS_PIN = 2, FLAGS_BROWN_OUT = 4, FLAGS_WATCHDOG = 8 };

/* Kept in RAM over a reset. The mark says that the next bite of the watchdog was provoked. */
struct start_memory {
    uint16_t mark, inverse;
    uint8_t reset;
};

/* What to do now. */
enum { START_PROVE, START_RUN };
struct start {
    uint8_t action, reset, watchdog_proven;
};

void start_not_bitten(struct start_memory *memory); /* the provoked bite did not come: the next is none */
struct start start_decide(uint8_t flags, struct start_memory *memory);

#endif

/* The controller's logic, and all that it needs of the chip. No AVR header: the same files run on a PC
 * under sanitizers. One control loop calls everything here; interrupts call nothing. */
#ifndef CORE_H
#define CORE_H
#include <stdint.h>

#include "cuff1_table.h"
#include "pins.h"

/* Constants of the table stay in flash on the chip: nothing that runs wild in RAM widens a limit. */
#ifdef __FLASH
#define IN_FLASH const __flash
#else
#define IN_FLASH const
#endif

#define FIRMWARE_NAME "uno-1"
#define ADC_SAMPLES 8 /* of each sensor in a tick: their sum has 13 bits, of which noise moves the last */

/* What a tick sees. */
struct inputs {
    uint16_t first_sum, second_sum; /* ADC_SAMPLES conversions each */
    uint8_t loop_open, jumper_set;
};

/* What the pins do. All zero: both vent paths open, nothing fed. */
struct outputs {
    uint16_t drive;
    uint8_t dump, supply, shutoff, buzzer;
};

/* Who this board is: words as an identity has them, from EEPROM. */
struct board {
    char maker[LONGEST_MAKER + 1], serial_number[LONGEST_SERIAL_NUMBER + 1];
    char calibrated[LONGEST_CALIBRATED + 1], firmware_hash[LONGEST_FIRMWARE_HASH + 1];
};

/* How it came up. */
struct boot {
    uint8_t reset;           /* RESET_... */
    uint8_t watchdog_proven; /* it was seen to bite */
    uint16_t site_tenths;
    const struct board *board; /* stays in place */
};

void core_boot(const struct boot *boot);
void core_receive(uint8_t byte);             /* from the host, in order; a byte damaged on the way is 0 */
void core_tick(const struct inputs *inputs); /* every TICK_MS */

/* To be had from the chip. */
void hal_outputs(const struct outputs *outputs);
uint8_t hal_send(const char *frame, uint8_t length); /* 0: no room, the frame is lost; never waits */
uint16_t hal_store_site(uint16_t tenths);            /* returns what is stored now */
#ifdef TEST_HOOKS
void hal_hang(void);
#endif

#endif

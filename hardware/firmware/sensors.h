/* The two pressure sensors: what they read, and whether they can be believed. */
#ifndef SENSORS_H
#define SENSORS_H
#include "core.h"

/* Counts ticks: a bad one 2, a good one -1, up to what `samples` in a row make. Returns whether it is there. */
uint8_t sensors_count(uint8_t *count, uint8_t samples, uint8_t bad);

void sensors_reset(void);
void sensors_take(uint16_t first_sum, uint16_t second_sum);
int16_t sensors_first(void); /* tenths of a mmHg */
int16_t sensors_second(void);
int16_t sensors_high(void);  /* the higher one that is believed: what every rule judges */
uint8_t sensors_empty(void); /* both within range and below what counts as empty; not before the first tick */
uint8_t sensors_full(void);  /* believed, and not below what counts as empty: a broken wire is neither */
void sensors_await(void);    /* count from now on how long they stand still: an empty cuff may be quiet */
uint8_t sensors_stand_still(void);
uint8_t sensors_frozen(void); /* for so long that they measure nothing, whatever the pressure should do */
uint8_t sensors_fault(void); /* FAULT_..., FAULT_NONE */

#endif

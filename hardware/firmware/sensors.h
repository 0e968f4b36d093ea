/* The two pressure sensors: what they read, and whether they can be believed. */
#ifndef SENSORS_H
#define SENSORS_H
#include "core.h"

void sensors_reset(void);
void sensors_take(uint16_t first_sum, uint16_t second_sum);
int16_t sensors_first(void); /* tenths of a mmHg */
int16_t sensors_second(void);
int16_t sensors_high(void);  /* the higher one that is believed: what every rule judges */
uint8_t sensors_empty(void); /* both within range and below what counts as empty; not before the first tick */
uint8_t sensors_stand_still(void);
uint8_t sensors_fault(void); /* FAULT_..., FAULT_NONE */

#endif

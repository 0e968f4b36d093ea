/* Frames to the host. Never waits: a frame that finds no room is lost, and the host asks again. */
#ifndef SAY_H
#define SAY_H
#include "core.h"

void say_begin(char letter);
void say_number(uint32_t value);
void say_reading(int16_t value);
void say_word(const char *word);
void say_end(void);

void say_answer(char letter, uint8_t sequence, uint16_t value, uint8_t state); /* 'A' or 'N' */
void say_event(uint32_t now_ms, uint8_t event, uint8_t value);

#endif

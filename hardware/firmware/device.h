/* The state machine: where the device is, what moves it, and what the pins do there. */
#ifndef DEVICE_H
#define DEVICE_H
#include "core.h"

struct device {
    uint8_t state, fault, tested, reset, watchdog_proven;
    uint8_t hushed; /* the alarm that is silenced, BUZZER_... */
    uint8_t stay_armed, loop_open, jumper_set;
    uint8_t left, told_left; /* count of ticks with pressure that nobody asked for; it was told in a fault */
    uint8_t heart_seen, heartbeat;
    uint16_t heartbeat_age_ms, lease_ms, period_ms, full_ms;
    uint16_t site_tenths, ceiling_tenths;
    uint32_t now_ms, hushed_ms, closed_ms, counter;
    const struct board *board;
    struct outputs outputs;
};
extern struct device device;

uint8_t device_alive(void); /* a heartbeat came within the lease */
void device_go_to(uint8_t state);
void device_trip(uint8_t fault);
void device_hush(void);
void device_vent(void); /* what the vent byte does */
void device_say_status(void);
void device_obey_forget(void); /* in commands.c: no command was taken yet */

#endif

/* The air in the simulated cuff, and its two sensors. SPDX-License-Identifier: GPL-3.0-or-later */
#include "air.h"

#include <math.h>
#include <stddef.h>

#include "../pins.h"

#define FAULT_NAME(name) #name,
static const char *const NAMES[] = {FAULTS(FAULT_NAME)};

const char *fault_name(int number) {
    return number >= 0 && number < FAULT_COUNT ? NAMES[number] : NULL;
}

void air_begin(air_t *air, uint32_t seed) {
    *air = (air_t){.fill_tau_s = FILL_TAU_S,
                   .vent_tau_s = VENT_TAU_S,
                   .first_path_share = FIRST_PATH_SHARE,
                   .volts = {0.5, 0.5},
                   .random = seed * 2654435761u + 88172645463325252u};
}

static double uniform(air_t *air) { /* xorshift64 */
    air->random ^= air->random << 13;
    air->random ^= air->random >> 7;
    air->random ^= air->random << 17;
    return (double)(air->random >> 11) / 9007199254740992.0;
}

static double gauss(air_t *air) { /* the sum of 4 is near enough, and bounded */
    if (air->noiseless) return 0.0;
    double sum = 0.0;
    for (int i = 0; i < 4; i++) sum += uniform(air) - 0.5;
    return sum * 1.7320508 * NOISE_MMHG;
}

static double volts(double mmhg) {
    double span = SENSOR_FULL_MV - SENSOR_ZERO_MV;
    double value = (SENSOR_ZERO_MV + mmhg * span / SENSOR_FULL_MMHG) / 1000.0;
    return value < 0.0 ? 0.0 : value > SENSOR_SUPPLY_MV / 1000.0 ? SENSOR_SUPPLY_MV / 1000.0 : value;
}

static double wire(double fault, double value) { return fault == 1.0 ? 0.0 : fault == 2.0 ? 5.0 : value; }

static void flow(air_t *air, double towards_mmhg, double for_s, double tau_s) {
    if (air->faults[F_kinked] != 0.0) {
        air->in_front_mmhg += (towards_mmhg - air->in_front_mmhg) * (1.0 - exp(-for_s / IN_FRONT_TAU_S));
    } else {
        air->pressure_mmhg += (towards_mmhg - air->pressure_mmhg) * (1.0 - exp(-for_s / tau_s));
        air->in_front_mmhg = air->pressure_mmhg;
    }
}

void air_step(air_t *air, const pins_t *pins) {
    const double *fault = air->faults;
    int feeds = pins->supply_feeds || fault[F_supply_stuck] != 0.0;
    int fed = feeds && (pins->shutoff_open || fault[F_shutoff_stuck] != 0.0) && fault[F_no_supply] == 0.0;
    air->fed_for_s = fed ? air->fed_for_s + STEP_S : 0.0;
    double source = fault[F_runaway_mmhg];
    if (source == 0.0) {
        source = pins->target_mmhg * (1.0 + OVERSHOOT * exp(-air->fed_for_s / OVERSHOOT_TAU_S));
    }
    if (fed) flow(air, source, STEP_S, air->fill_tau_s);
    double open = feeds ? 0.0 : 1.0 - air->first_path_share;
    if (!pins->dump_closed && fault[F_dump_stuck] == 0.0) open += air->first_path_share;
    if (open > 0.0) flow(air, 0.0, STEP_S * open, air->vent_tau_s);
    air->pressure_mmhg *= exp(-(LEAK_PER_S + fault[F_leak_per_s]) * STEP_S);
    /* what is left of a vent; a slow fill begins with less than that each step */
    if (!fed && air->pressure_mmhg < 0.01) air->pressure_mmhg = 0.0;
    double seen_mmhg = fault[F_kinked] != 0.0 ? air->in_front_mmhg : air->pressure_mmhg;
    for (int i = 0; i < 2; i++) {
        double read = volts(seen_mmhg + fault[F_first_off_mmhg + i] + gauss(air));
        if (fault[F_first_frozen + i] == 0.0) air->volts[i] = read;
    }
}

double air_volts(const air_t *air, int sensor) {
    return wire(air->faults[F_first_volts + sensor], air->volts[sensor]);
}

/* The air in the simulated cuff, and its two sensors. SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The constants are those of hardware/sim/plant.py: a test compares the two. Valves as in ../pins.h. */
#ifndef AIR_H
#define AIR_H
#include <stdint.h>

#define FILL_TAU_S 0.35
#define VENT_TAU_S 0.4 /* both paths */
#define FIRST_PATH_SHARE 0.5 /* what the first path lets through of that; the second the rest */
#define OVERSHOOT 0.04 /* of the regulator, share of its target */
#define OVERSHOOT_TAU_S 0.8
#define LEAK_PER_S 0.01
#define NOISE_MMHG 0.25 /* standard deviation of each sensor */
#define IN_FRONT_TAU_S 0.02 /* the little air in front of a kink */
#define STEP_S 0.001

/* What can be wrong; all 0 is nothing. The names are told to Python by fault_name(). */
#define FAULTS(X)                                                                                        \
    X(leak_per_s)     /* share of the pressure lost each second on top of the usual */                   \
    X(kinked)         /* no air goes in or out; the sensors see the little air in front of the kink */   \
    X(no_supply)      /* no air goes in */                                                               \
    X(runaway_mmhg)   /* the regulator gives this whatever it is told; 0: it obeys */                    \
    X(dump_stuck)     /* the dump valve stays closed: no first vent path */                              \
    X(supply_stuck)   /* the supply valve stays towards the regulator: no second vent path */            \
    X(shutoff_stuck)  /* the shut-off valve stays open */                                                \
    X(first_frozen)   /* the first sensor repeats itself */                                              \
    X(second_frozen)                                                                                     \
    X(first_off_mmhg) /* the first sensor reads so much too high */                                      \
    X(second_off_mmhg)                                                                                   \
    X(first_volts)    /* the first sensor's wire: 0 as it should be, 1 open (0 V), 2 short (5 V) */      \
    X(second_volts)                                                                                      \
    X(loop_open)      /* the participant squeezes, or the wire of the loop is broken */                  \
    X(jumper_set)     /* the service jumper is on its pins */                                            \
    X(unplugged)      /* bytes get lost in both directions */

#define FAULT_ENUM(name) F_##name,
enum { FAULTS(FAULT_ENUM) FAULT_COUNT };

typedef struct {
    double faults[FAULT_COUNT];
    double fill_tau_s, vent_tau_s, first_path_share; /* the constants above, unless set otherwise */
    double pressure_mmhg, in_front_mmhg, fed_for_s;
    double volts[2];
    uint64_t random;
    int noiseless;
} air_t;

/* What the controller's pins say. */
typedef struct {
    double target_mmhg; /* the regulator's */
    int dump_closed, supply_feeds, shutoff_open;
} pins_t;

void air_begin(air_t *air, uint32_t seed);
void air_step(air_t *air, const pins_t *pins); /* lets STEP_S pass */
double air_volts(const air_t *air, int sensor); /* at the pin of the converter */
const char *fault_name(int number);

#endif

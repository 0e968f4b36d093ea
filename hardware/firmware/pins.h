/* Which pin of the Uno does what. Plain numbers: the firmware and its simulator both read this file.
 *
 * Air:  source -> regulator -> shut-off valve -> supply valve (3-port) -> cuff -> dump valve -> outside
 *                                                  \-> outside, without current
 *
 * Two vent paths, each open without current, each by a valve of its own:
 *   first   the dump valve, normally open
 *   second  the supply valve, whose third port lets the cuff out while it does not feed it
 * The shut-off valve (normally closed) is there so that the first path can be tried alone: with the supply
 * valve towards the regulator and the shut-off closed, nothing but the dump valve can let air out, also if
 * the regulator relieves. It also parts a runaway regulator from the cuff, so it is tried itself, before. Should
 * it stick after that, the regulator, which stays on, feeds the cuff instead of emptying it.
 *
 *                       dump  supply  shut-off  regulator
 *   rest, vent             0       0         0       0     both paths open
 *   inflate, hold, puff    1       1         1     > 0     both paths closed, fed
 *   all closed             1       1         0     > 0     nothing may come in or go out
 *   first path alone       0       1         0     > 0     the regulator stays on behind the shut-off:
 *   second path alone      1       0         0     > 0     at 0 it would vent through a shut-off stuck open
 *
 * All four are bits of port B, so that one instruction opens everything. Every coil has a pull-down at
 * its driver: the pins float while the chip is in reset. */
#ifndef PINS_H
#define PINS_H

#define PIN_DUMP 0      /* PB0, D8: coil of the dump valve (normally open); 1 closes it */
#define PIN_REGULATOR 1 /* PB1, D9, OC1A: 10-bit PWM to the regulator, 1023 = 400 mmHg */
#define PIN_SUPPLY 2    /* PB2, D10: coil of the supply valve; 1 feeds the cuff, 0 lets it out */
#define PIN_SHUTOFF 3   /* PB3, D11: coil of the shut-off valve (normally closed); 1 lets the regulator through */
#define PIN_LOOP 4      /* PD4, D4: the participant's abort loop to ground, pull-up; 1 = open = abort */
#define PIN_BUZZER 5    /* PD5, D5: active buzzer; 1 sounds */
#define PIN_JUMPER 6    /* PD6, D6: service jumper to ground, pull-up; 0 = set */
#define ADC_FIRST 0     /* A0: first sensor */
#define ADC_SECOND 1    /* A1: second sensor, on a tap of its own */

/* Sensors: ratiometric to the 5 V supply, 0.5 V = 0 mmHg, 4.5 V = 400 mmHg; a broken or shorted wire is
 * outside. D2 and D3 stay free: simavr crawls while INT0 or INT1 is low. */
#define SENSOR_ZERO_MV 500
#define SENSOR_FULL_MV 4500
#define SENSOR_SUPPLY_MV 5000
#define SENSOR_FULL_MMHG 400
#define ADC_STEPS 1024
#define REGULATOR_STEPS 1023
#define REGULATOR_FULL_MMHG 400

#endif

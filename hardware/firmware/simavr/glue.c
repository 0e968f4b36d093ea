/* The compiled firmware, its chip (simavr), its wire and its cuff, in one shared library for tests.
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A test tool: it links libsimavr, which is GPL-3, and so is this folder. Neither the firmware nor the
 * Python program links or ships it; hardware/sim/avr.py opens it where somebody has built it.
 *
 * Everything advances in cycles of the simulated chip, so the same library runs lock-step or in real
 * time. The pins are looked at after every instruction; the air moves once a millisecond. */
#include <simavr/avr_adc.h>
#include <simavr/avr_eeprom.h>
#include <simavr/avr_ioport.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <simavr/sim_time.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../pins.h"
#include "air.h"

#define CLOCK_HZ 16000000u
#define BYTE_CYCLES (CLOCK_HZ * 10u / 115200u)
#define STEP_CYCLES (CLOCK_HZ / 1000u)
#define RING 65536u
/* ATmega328P, data addresses */
#define DDRB 0x24
#define PORTB 0x25
#define DDRD 0x2A
#define PORTD 0x2B
#define MCUSR 0x54
#define UCSR0A 0xC0
#define SPOILT 0x1C /* its bits for a frame error, an overrun and a wrong parity */
#define UBRR0L 0xC4
#define TCCR1A 0x80
#define OCR1AL 0x88
#define SRAM 0x100
#define VALVES (1 << PIN_DUMP | 1 << PIN_SUPPLY | 1 << PIN_SHUTOFF)

typedef struct {
    avr_t *avr;
    avr_irq_t *to_chip, *adc[2];
    avr_uart_t *uart;
    uint8_t spoilt[uart_fifo_fifo_size]; /* the same bits, for each place of the chip's receiver */
    avr_io_read_t status;
    void *status_of;
    uint16_t rx[RING]; /* a byte and, above it, what the line did to it: bits of UCSR0A */
    uint8_t tx[RING];
    uint32_t rx_in, rx_out, tx_in, tx_out;
    air_t air;
    uint8_t pins, inputs; /* valves and, as bit 7, the buzzer; what drives the input pins */
    uint64_t edge_cycle[RING];
    uint8_t edge_pins[RING];
    uint32_t edge_in, edge_out;
    uint64_t before; /* cycles of earlier lives: simavr may begin again at 0 */
    avr_cycle_count_t last;
    void (*core_reset)(avr_t *);
    uint32_t resets;
    int begun_anew, ended;
} sim_t;

static void from_chip(struct avr_irq_t *irq, uint32_t value, void *param) {
    sim_t *sim = param;
    (void)irq;
    if (sim->air.faults[F_unplugged] == 0.0 && sim->tx_in - sim->tx_out < RING) {
        sim->tx[sim->tx_in++ % RING] = (uint8_t)value;
    }
}

static uint32_t chip_byte_cycles(const sim_t *sim) {
    const uint8_t *data = sim->avr->data;
    uint32_t divider = (data[UBRR0L] | data[UBRR0L + 1] << 8) + 1;
    return 10 * divider * (data[UCSR0A] & 2 ? 8 : 16); /* U2X0 */
}

static avr_cycle_count_t wire_timer(avr_t *avr, avr_cycle_count_t when, void *param) {
    sim_t *sim = param;
    (void)avr;
    /* simavr 1.6 gives a byte 11 bits: the chip would take bytes more slowly than the wire brings them, and
     * lose some of a long row */
    sim->uart->cycles_per_byte = chip_byte_cycles(sim);
    if (sim->rx_in != sim->rx_out) {
        uint16_t byte = sim->rx[sim->rx_out++ % RING];
        sim->spoilt[sim->uart->input.write] = (uint8_t)(byte >> 8);
        if (sim->air.faults[F_unplugged] == 0.0) avr_raise_irq(sim->to_chip, byte & 0xFF);
    }
    return when + BYTE_CYCLES;
}

static uint8_t read_status(avr_t *avr, avr_io_addr_t at, void *param) { /* simavr's line does no harm */
    sim_t *sim = param;
    const uart_fifo_t *input = &sim->uart->input;
    uint8_t status = sim->status ? sim->status(avr, at, sim->status_of) : avr->data[at];
    status &= (uint8_t)~SPOILT;
    return input->read == input->write ? status : status | sim->spoilt[input->read];
}

static void drive_inputs(sim_t *sim, int anew) {
    uint8_t inputs = (uint8_t)((sim->air.faults[F_loop_open] != 0.0) << PIN_LOOP |
                               (sim->air.faults[F_jumper_set] == 0.0) << PIN_JUMPER);
    if (inputs == sim->inputs && !anew) return;
    sim->inputs = inputs;
    avr_ioport_external_t outside = {
        .name = 'D', .mask = 1 << PIN_LOOP | 1 << PIN_JUMPER, .value = inputs};
    avr_ioctl(sim->avr, AVR_IOCTL_IOPORT_SET_EXTERNAL('D'), &outside);
    for (int pin = PIN_LOOP; pin <= PIN_JUMPER; pin++) {
        if (pin != PIN_LOOP && pin != PIN_JUMPER) continue;
        avr_irq_t *irq = avr_io_getirq(sim->avr, AVR_IOCTL_IOPORT_GETIRQ('D'), pin);
        avr_raise_irq(irq, !(inputs >> pin & 1)); /* a filtered line tells changes only */
        avr_raise_irq(irq, inputs >> pin & 1);
    }
}

static double regulator_mmhg(const sim_t *sim) {
    const uint8_t *data = sim->avr->data;
    if (!(data[TCCR1A] & 0x80) || !(data[DDRB] & 1 << PIN_REGULATOR)) return 0.0;
    double drive = (data[OCR1AL] | data[OCR1AL + 1] << 8) & 1023;
    return drive * REGULATOR_FULL_MMHG / REGULATOR_STEPS;
}

static avr_cycle_count_t air_timer(avr_t *avr, avr_cycle_count_t when, void *param) {
    sim_t *sim = param;
    (void)avr;
    pins_t pins = {.target_mmhg = regulator_mmhg(sim),
                   .dump_closed = sim->pins >> PIN_DUMP & 1,
                   .supply_feeds = sim->pins >> PIN_SUPPLY & 1,
                   .shutoff_open = sim->pins >> PIN_SHUTOFF & 1};
    air_step(&sim->air, &pins);
    for (int i = 0; i < 2; i++) avr_raise_irq(sim->adc[i], (uint32_t)(air_volts(&sim->air, i) * 1000.0 + 0.5));
    drive_inputs(sim, 0);
    return when + STEP_CYCLES;
}

static void start_outside(sim_t *sim) { /* a reset of the chip drops every timer, ours too */
    avr_cycle_timer_cancel(sim->avr, air_timer, sim);
    avr_cycle_timer_cancel(sim->avr, wire_timer, sim);
    avr_cycle_timer_register(sim->avr, STEP_CYCLES, air_timer, sim);
    avr_cycle_timer_register(sim->avr, BYTE_CYCLES, wire_timer, sim);
    drive_inputs(sim, 1);
}

static void on_reset(avr_t *avr) {
    sim_t *sim = avr->custom.data;
    if (sim->core_reset) sim->core_reset(avr);
    sim->resets++;
    sim->begun_anew = 1;
}

static void keep_awake(avr_t *avr, avr_cycle_count_t cycles) { /* pacing is the caller's job */
    (void)avr;
    (void)cycles;
}

static void look_at_pins(sim_t *sim) {
    const uint8_t *data = sim->avr->data;
    uint8_t pins = (uint8_t)((data[DDRB] & data[PORTB] & VALVES) |
                             (data[DDRD] & data[PORTD] & 1 << PIN_BUZZER ? 0x80 : 0));
    if (pins == sim->pins) return;
    sim->pins = pins;
    if (sim->edge_in - sim->edge_out == RING) sim->edge_out++; /* the oldest goes */
    sim->edge_cycle[sim->edge_in % RING] = sim->before + sim->avr->cycle;
    sim->edge_pins[sim->edge_in++ % RING] = pins;
}

static void begin_life(sim_t *sim) {
    if (sim->avr->cycle < sim->last) sim->before += sim->last;
    sim->last = sim->avr->cycle;
    sim->begun_anew = 0;
    start_outside(sim);
}

static void spoil_memory(sim_t *sim) { /* what RAM holds after power came on is anybody's guess */
    uint32_t value = 0x2545F491u + sim->resets;
    for (uint32_t at = SRAM; at <= sim->avr->ramend; at++) {
        value = value * 1664525u + 1013904223u;
        sim->avr->data[at] = (uint8_t)(value >> 24);
    }
}

/* Why: bit of MCUSR (0 power on, 1 reset pin, 2 brown-out). Only the reset pin leaves the memory alone. */
void sim_restart(sim_t *sim, int why) {
    avr_reset(sim->avr);
    if (why != 1) spoil_memory(sim);
    sim->avr->data[MCUSR] = (uint8_t)(1 << why);
    sim->ended = 0;
    begin_life(sim);
    look_at_pins(sim);
}

static void say_nothing(avr_t *avr, const int level, const char *format, va_list words) {
    (void)avr;
    (void)level;
    (void)format;
    (void)words;
}

sim_t *sim_open(const char *elf, uint32_t seed) {
    avr_global_logger_set(say_nothing); /* stdout belongs to the program */
    elf_firmware_t firmware;
    memset(&firmware, 0, sizeof firmware);
    if (elf_read_firmware(elf, &firmware)) return NULL;
    sim_t *sim = calloc(1, sizeof *sim);
    avr_t *avr = avr_make_mcu_by_name("atmega328p");
    if (!sim || !avr) return NULL;
    sim->avr = avr;
    avr_init(avr);
    avr->log = LOG_NONE;
    firmware.frequency = CLOCK_HZ;
    avr_load_firmware(avr, &firmware);
    avr->frequency = CLOCK_HZ;
    avr->vcc = avr->avcc = avr->aref = SENSOR_SUPPLY_MV;
    avr->sleep = keep_awake;
    avr->custom.data = sim;
    sim->core_reset = avr->reset;
    avr->reset = on_reset;
    uint32_t quiet = 0; /* no echo on stdout, no waiting */
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &quiet);
    for (avr_io_t *part = avr->io_port; part; part = part->next) {
        if (!strcmp(part->kind, "uart")) sim->uart = (avr_uart_t *)part;
    }
    if (!sim->uart) return NULL;
    sim->to_chip = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
    sim->adc[0] = avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0 + ADC_FIRST);
    sim->adc[1] = avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0 + ADC_SECOND);
    avr_irq_register_notify(
        avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), from_chip, sim);
    sim->status = avr->io[AVR_DATA_TO_IO(UCSR0A)].r.c;
    sim->status_of = avr->io[AVR_DATA_TO_IO(UCSR0A)].r.param;
    avr->io[AVR_DATA_TO_IO(UCSR0A)].r.c = read_status;
    avr->io[AVR_DATA_TO_IO(UCSR0A)].r.param = sim;
    air_begin(&sim->air, seed);
    sim_restart(sim, 0);
    sim->resets = 0;
    return sim;
}

void sim_close(sim_t *sim) {
    avr_terminate(sim->avr);
    free(sim->avr);
    free(sim);
}

uint64_t sim_cycle(sim_t *sim) { return sim->before + sim->avr->cycle; }

/* Runs to a cycle and returns 0, or -1 where the chip has stopped for good (asleep without interrupts). */
int sim_run(sim_t *sim, uint64_t until) {
    while (!sim->ended && sim->before + sim->avr->cycle < until) {
        int state = avr_run(sim->avr);
        look_at_pins(sim);
        if (sim->begun_anew) begin_life(sim);
        sim->last = sim->avr->cycle;
        sim->ended = state == cpu_Done || state == cpu_Crashed;
    }
    return sim->ended ? -1 : 0;
}

/* Errors: the bits of UCSR0A that the chip finds set with each of these bytes. */
void sim_write(sim_t *sim, const uint8_t *bytes, uint32_t count, uint32_t errors) {
    uint16_t spoilt = (uint16_t)((errors & SPOILT) << 8);
    for (uint32_t i = 0; i < count; i++) {
        if (sim->rx_in - sim->rx_out < RING) sim->rx[sim->rx_in++ % RING] = spoilt | bytes[i];
    }
}

uint32_t sim_read(sim_t *sim, uint8_t *bytes, uint32_t room) {
    uint32_t count = 0;
    while (count < room && sim->tx_out != sim->tx_in) bytes[count++] = sim->tx[sim->tx_out++ % RING];
    return count;
}

uint32_t sim_waiting(sim_t *sim) { return sim->rx_in - sim->rx_out; }
uint32_t sim_resets(sim_t *sim) { return sim->resets; }
uint32_t sim_pins(sim_t *sim) { return sim->pins; }
double sim_pressure(sim_t *sim) { return sim->air.pressure_mmhg; }
double sim_regulator(sim_t *sim) { return regulator_mmhg(sim); }
const char *sim_fault_name(int number) { return fault_name(number); }
void sim_set_fault(sim_t *sim, int number, double value) { sim->air.faults[number] = value; }
void sim_set_pressure(sim_t *sim, double mmhg) { sim->air.pressure_mmhg = mmhg; }
void sim_set_air(sim_t *sim, double fill_tau_s, double vent_tau_s, double first_path_share) {
    sim->air.fill_tau_s = fill_tau_s;
    sim->air.vent_tau_s = vent_tau_s;
    sim->air.first_path_share = first_path_share;
}
void sim_set_noiseless(sim_t *sim, int noiseless) { sim->air.noiseless = noiseless; }

/* The oldest change of the pins that was not asked for yet: 1 and the change, or 0. */
int sim_edge(sim_t *sim, uint64_t *cycle, uint32_t *pins) {
    if (sim->edge_out == sim->edge_in) return 0;
    *cycle = sim->edge_cycle[sim->edge_out % RING];
    *pins = sim->edge_pins[sim->edge_out++ % RING];
    return 1;
}

uint32_t sim_peek(sim_t *sim, uint32_t address) { return sim->avr->data[address]; }

/* Writes to a data address as the program would: a register takes effect, so a clock can be stopped. */
void sim_poke(sim_t *sim, uint32_t address, uint32_t value) {
    avr_t *avr = sim->avr;
    uint32_t io = AVR_DATA_TO_IO(address);
    if (address < SRAM && io < MAX_IOs && avr->io[io].w.c) {
        avr->io[io].w.c(avr, (avr_io_addr_t)address, (uint8_t)value, avr->io[io].w.param);
    } else {
        avr->data[address] = (uint8_t)value;
    }
}

void sim_eeprom(sim_t *sim, uint8_t *bytes, uint32_t count, uint32_t offset, int write) {
    avr_eeprom_desc_t part = {.ee = bytes, .offset = (uint16_t)offset, .size = count};
    avr_ioctl(sim->avr, write ? AVR_IOCTL_EEPROM_SET : AVR_IOCTL_EEPROM_GET, &part);
}

/* ATmega328P at 16 MHz: the thin layer between the chip and the core. */
#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>
#include <avr/wdt.h>
#include <util/delay.h>

#include "board.h"
#include "core.h"
#include "start.h"

#define VALVES (_BV(PIN_DUMP) | _BV(PIN_REGULATOR) | _BV(PIN_SUPPLY) | _BV(PIN_SHUTOFF))
#define RECEIVED 128 /* bytes: 11 ms of the wire */
#define WATCHDOG WDTO_120MS
#define TICKS_CAUGHT_UP 20 /* after a write to the EEPROM; more than that the watchdog would not allow */

/* Behind the '=' stands the image's hash; tools/firmware_stamp.py puts it there. */
static const char tag[] PROGMEM __attribute__((used)) = "fw-hash=00000000";
#define TAG_LENGTH 8

static volatile uint8_t received[RECEIVED], received_head, received_tail, sent_head, sent_tail;
static volatile char to_send[256]; /* indices of 8 bits go round by themselves */
static volatile uint8_t vents_waiting, bytes_lost, vent_lost;
static volatile uint8_t ticks_due, sampled, samples;
static volatile uint16_t sums[2];

static struct board board;
static struct start_memory memory __attribute__((section(".noinit")));
static uint8_t reset_flags __attribute__((section(".noinit")));

/* Before anything else: a watchdog that stays on after its bite would bite again during start-up. */
void early(void) __attribute__((naked, used, section(".init3")));
void early(void) {
    reset_flags = MCUSR;
    MCUSR = 0;
    wdt_disable();
}

static inline void open_both_paths(void) {
    PORTB &= (uint8_t)~VALVES;
    TCCR1A &= (uint8_t)~_BV(COM1A1);
    OCR1A = 0;
}

/* -- what the core asks for */

void hal_outputs(const struct outputs *outputs) {
    uint8_t was = SREG;
    cli();
    if (vents_waiting || vent_lost) { /* a vent byte has come and is not yet dealt with: it wins */
        open_both_paths();
    } else {
        uint8_t pins = PORTB & (uint8_t)~VALVES;
        if (outputs->dump) pins |= _BV(PIN_DUMP);
        if (outputs->supply) pins |= _BV(PIN_SUPPLY);
        if (outputs->shutoff) pins |= _BV(PIN_SHUTOFF);
        OCR1A = outputs->drive;
        /* fast PWM gives a pulse at 0 too: part the pin from it */
        if (outputs->drive) TCCR1A |= _BV(COM1A1);
        else TCCR1A &= (uint8_t)~_BV(COM1A1);
        PORTB = pins;
    }
    if (outputs->buzzer) PORTD |= _BV(PIN_BUZZER);
    else PORTD &= (uint8_t)~_BV(PIN_BUZZER);
    SREG = was;
}

uint8_t hal_send(const char *frame, uint8_t length) {
    if (length > (uint8_t)(sent_tail - sent_head - 1)) return 0;
    while (length--) {
        to_send[sent_head] = *frame++;
        sent_head++; /* after the byte: the interrupt sends what is in front of it */
    }
    UCSR0B |= _BV(UDRIE0);
    return 1;
}

/* Takes about 17 ms, in IDLE only. The ticks of that time are caught up. */
uint16_t hal_store_site(uint16_t tenths) {
    uint8_t record[SITE_LENGTH];
    board_write_site(tenths, record);
    eeprom_update_block(record, (void *)SITE_ADDRESS, SITE_LENGTH);
    eeprom_read_block(record, (const void *)SITE_ADDRESS, SITE_LENGTH);
    return board_read_site(record);
}

static void hang(void) {
    cli();
    for (;;) __asm__ volatile("nop");
}

#ifdef TEST_HOOKS
void hal_hang(void) { hang(); }
#endif

/* -- interrupts */

ISR(TIMER2_COMPA_vect) { /* 1 kHz */
    static uint8_t ms;
    if (++ms < TICK_MS) return;
    ms = 0;
    ticks_due++;
    if (sampled) return; /* the last tick waits still */
    samples = 0;
    sums[0] = sums[1] = 0;
    ADMUX = _BV(REFS0) | ADC_FIRST;
    ADCSRA |= _BV(ADSC);
}

/* The two sensors in turn, so that both are seen over the same time. */
ISR(ADC_vect) {
    sums[samples & 1] += ADC;
    if (++samples == 2 * ADC_SAMPLES) {
        sampled = 1;
        return;
    }
    ADMUX = _BV(REFS0) | (samples & 1 ? ADC_SECOND : ADC_FIRST);
    ADCSRA |= _BV(ADSC);
}

ISR(USART_RX_vect) {
    uint8_t damaged = UCSR0A & (_BV(FE0) | _BV(DOR0) | _BV(UPE0)), byte = UDR0;
    uint8_t vents = byte == VENT_BYTE || byte == RESET_BYTE;
    uint8_t next = (received_head + 1) % RECEIVED;
    if (vents) open_both_paths(); /* before anything is parsed; in its turn the core hears of it too */
    else if (damaged) byte = 0;
    if (next == received_tail) {
        bytes_lost = 1;
        vent_lost |= vents;
        return;
    }
    vents_waiting += vents;
    received[received_head] = byte;
    received_head = next;
}

ISR(USART_UDRE_vect) {
    if (sent_head == sent_tail) UCSR0B &= (uint8_t)~_BV(UDRIE0);
    else UDR0 = to_send[sent_tail++];
}

/* -- start and loop */

static void set_up_pins(void) {
    PORTB = 0;
    DDRB = VALVES;
    PORTD = _BV(PIN_LOOP) | _BV(PIN_JUMPER);
    DDRD = _BV(PIN_BUZZER);
}

static void set_up(void) {
    ICR1 = DRIVE_MAX;
    TCCR1A = _BV(WGM11);
    TCCR1B = _BV(WGM13) | _BV(WGM12) | _BV(CS10); /* 15.6 kHz */
    OCR2A = F_CPU / 64 / 1000 - 1;
    TCCR2A = _BV(WGM21);
    TCCR2B = _BV(CS22);
    TIMSK2 = _BV(OCIE2A);
    ADCSRA = _BV(ADEN) | _BV(ADIE) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0); /* 125 kHz */
    DIDR0 = _BV(ADC_FIRST) | _BV(ADC_SECOND);
    UCSR0A = _BV(U2X0); /* before the rate: simavr takes the time of a byte from what is set then */
    UBRR0 = (F_CPU + 4 * BAUD) / (8 * BAUD) - 1;
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
    set_sleep_mode(SLEEP_MODE_IDLE);
}

/* Hangs on purpose, with the watchdog set as it always is. Returns only if it does not bite. */
static void prove_watchdog(void) {
    wdt_enable(WATCHDOG);
    _delay_ms(500);
}

static void boot(const struct start *start) {
    uint8_t site[SITE_LENGTH], words[BOARD_LENGTH];
    struct boot how = {start->reset, start->watchdog_proven, 0, &board};
    eeprom_read_block(site, (const void *)SITE_ADDRESS, SITE_LENGTH);
    eeprom_read_block(words, (const void *)BOARD_ADDRESS, BOARD_LENGTH);
    how.site_tenths = board_read_site(site);
    board_read_words(words, &board);
    for (uint8_t i = 0; i < LONGEST_FIRMWARE_HASH; i++) board.firmware_hash[i] = (char)pgm_read_byte(tag + TAG_LENGTH + i);
    core_boot(&how);
}

/* A tick that is due goes first: no flood of bytes may keep the sensors from being judged. */
static void take_bytes(void) {
    while (!sampled && received_tail != received_head) {
        uint8_t byte = received[received_tail];
        core_receive(byte);
        received_tail = (received_tail + 1) % RECEIVED;
        if (byte == VENT_BYTE || byte == RESET_BYTE) {
            cli();
            vents_waiting--;
            sei();
        }
    }
    if (bytes_lost && received_tail == received_head) { /* what is left of a frame is none */
        bytes_lost = 0;
        core_receive(0);
        if (vent_lost) core_receive(VENT_BYTE);
        vent_lost = 0;
    }
}

static void take_tick(void) {
    struct inputs inputs;
    uint8_t ticks;
    inputs.first_sum = sums[0];
    inputs.second_sum = sums[1];
    inputs.loop_open = (PIND & _BV(PIN_LOOP)) != 0;
    inputs.jumper_set = (PIND & _BV(PIN_JUMPER)) == 0;
    cli();
    sampled = 0;
    ticks = ticks_due;
    ticks_due = 0;
    sei();
    if (ticks > TICKS_CAUGHT_UP) hang(); /* the clock or this loop has run away: the watchdog's case */
    while (ticks--) core_tick(&inputs);
    wdt_reset(); /* fed by nothing but a tick that was judged */
}

int main(void) {
    struct start start;
    set_up_pins();
    start = start_decide(reset_flags, &memory);
    if (start.action == START_PROVE) {
        prove_watchdog();
        start_not_bitten(&memory);
    }
    wdt_enable(WATCHDOG);
    set_up();
    boot(&start);
    sei();
    for (;;) {
        take_bytes();
        if (sampled) take_tick();
        cli();
        if (!sampled && received_head == received_tail) {
            sleep_enable();
            sei();
            sleep_cpu();
            sleep_disable();
        }
        sei();
    }
}

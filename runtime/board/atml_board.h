/* The board in the loop: what a port of a board provides, and what the generated board_model.c describes.
 * docs/board-protocol.md has the protocol and how to write a port. Freestanding C99. */
#ifndef ATML_BOARD_H
#define ATML_BOARD_H

#include <stdint.h>

/* A port, one C file a board: clocks, pins and a UART with 8 data bits, no parity, 1 stop bit. */
void board_init(void);
uint32_t board_clock_hz(void);           /* of the core, as it really runs */
int board_uart_read(uint8_t *byte);      /* 1: one byte; 0: none is waiting. Never waits. */
void board_uart_write(uint8_t byte);     /* waits for room */

/* Of the core (start.c); a port need not know them. */
void board_cycles_start(void);
uint64_t board_cycles(void); /* core cycles since the start; interrupts must be enabled */
uint32_t board_measured_run(void); /* runs the model; bytes of stack it took, 0xFFFFFFFF: all there were */
uint32_t board_stack_room(void);   /* bytes that board_measured_run() can see */
void board_reset(void);      /* restarts the core; does not return */
void board_serve(void);      /* answers requests for ever (protocol.c) */

/* Generated for every model (board_model.c). */
struct board_model {
  uint8_t model_id[8]; /* little-endian: FNV-1a 64 of the model file */
  uint8_t build_id[8]; /* little-endian: FNV-1a 64 of the production firmware's loaded bytes */
  const char *name;    /* of the model and the target, at most 31 characters */
  const char *target;
  uint32_t input_bytes;
  uint32_t output_bytes;
  uint32_t self_test_crc; /* CRC-32 of the output for the self-test's input */
};
extern const struct board_model board_model;
int8_t *board_model_input(void);
const int8_t *board_model_output(void);
void board_model_run(void);

#endif

/* Port of Arm's MPS2 boards (AN385, AN386, AN500) and of their QEMU machines: CMSDK UART 0, polled, 25 MHz. */
#include <stdint.h>

#include "atml_board.h"

#define ATML_UART(offset) (*(volatile uint32_t *)(0x40004000u + (offset)))
#define ATML_UART_DATA ATML_UART(0x00u)
#define ATML_UART_STATE ATML_UART(0x04u) /* bit 0: transmitter full, bit 1: a byte was received */
#define ATML_UART_CONTROL ATML_UART(0x08u)
#define ATML_UART_DIVIDER ATML_UART(0x10u)

enum { kClock = 25000000, kBaud = 115200 };

void board_init(void) {
  ATML_UART_DIVIDER = kClock / kBaud;
  ATML_UART_CONTROL = 3; /* transmitter and receiver on, no interrupt */
}

uint32_t board_clock_hz(void) { return kClock; }

int board_uart_read(uint8_t *byte) {
  if ((ATML_UART_STATE & 2u) == 0u) {
    return 0;
  }
  *byte = (uint8_t)(ATML_UART_DATA & 0xFFu);
  return 1;
}

void board_uart_write(uint8_t byte) {
  while ((ATML_UART_STATE & 1u) != 0u) {
  }
  ATML_UART_DATA = byte;
}

/* What the parts of the measurement program share. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Semihosting: SYS_OPEN 1, SYS_WRITE 5, SYS_READ 6, SYS_EXIT_EXTENDED 0x20; argument: a block of
 * words. */
int32_t atml_host_call(uint32_t operation, const void* argument);
void atml_exit(uint32_t code) __attribute__((noreturn));
void atml_main(void);

/* Between these two the emulator plugin counts. */
void atml_mark_start(void);
void atml_mark_stop(void);

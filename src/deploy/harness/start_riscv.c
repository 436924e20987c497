/* Start-up of the measurement program on QEMU's RISC-V machine: entry, memory, traps, and semihosting. Not
 * part of any firmware: it only carries the measured code. Compile with -O1. */
#include "harness.h"

extern uint32_t atml_data_load[], atml_data_start[], atml_data_end[];
extern uint32_t atml_bss_start[], atml_bss_end[];

void atml_start(void);
void atml_trap(uint32_t cause);

/* The machine starts at the first address of its RAM, where .vectors lies. */
__asm__(
    ".section .vectors, \"ax\"\n"
    ".option push\n"
    ".option arch, +zicsr\n"
    ".globl atml_reset\n"
    ".type atml_reset, @function\n"
    "atml_reset:\n"
    "  la sp, atml_stack_top\n"
    "  la t0, trap_entry\n"
    "  csrw mtvec, t0\n"
    "  call atml_start\n"
    /* In .text: a trap of the measured code is no jump outside its memory. */
    ".text\n"
    ".balign 4\n"
    "trap_entry:\n"
    "  la sp, atml_stack_top\n"
    "  csrr a0, mcause\n"
    "  call atml_trap\n"
    ".option pop\n"
    /* The debugger's trap between two no-ops that mark it, all in one page and uncompressed (RISC-V
     * semihosting specification). */
    ".globl atml_host_call\n"
    ".type atml_host_call, @function\n"
    ".balign 16\n"
    "atml_host_call:\n"
    ".option push\n"
    ".option norvc\n"
    "  slli zero, zero, 0x1f\n"
    "  ebreak\n"
    "  srai zero, zero, 7\n"
    "  ret\n"
    ".option pop\n");

void atml_exit(uint32_t code) {
  const uint32_t block[2] = {0x20026u, code}; /* ADP_Stopped_ApplicationExit */
  for (;;) {
    atml_host_call(0x20u, block); /* SYS_EXIT_EXTENDED */
  }
}

/* Exit code 132 + mcause (1 fetch, 2 illegal instruction, 5 load, 7 store). */
void atml_trap(uint32_t cause) { atml_exit(132u + (cause & 15u)); }

void atml_start(void) {
  const uint32_t *from = atml_data_load;
  for (uint32_t *to = atml_data_start; to < atml_data_end;) {
    *to++ = *from++;
  }
  for (uint32_t *to = atml_bss_start; to < atml_bss_end;) {
    *to++ = 0;
  }
  atml_main();
  atml_exit(0);
}

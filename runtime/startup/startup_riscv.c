/* Start-up of an RV32 part without vendor code: entry, .data, .bss, main. Compile with -O1.
 * Symbols come from link.ld; the entry is the first word of flash. */
#include <stdint.h>

extern uint32_t atml_data_load[];
extern uint32_t atml_data_start[];
extern uint32_t atml_data_end[];
extern uint32_t atml_bss_start[];
extern uint32_t atml_bss_end[];

int main(void);
void atml_start(void);
void atml_fault(void);

/* Some parts start in a mirror of flash (the GD32VF103 at address 0): the jump is absolute, to where the
 * program was linked. Every trap ends in atml_fault. */
__asm__(
    ".section .vectors, \"ax\"\n"
    ".option push\n"
    ".option arch, +zicsr\n"
    ".globl atml_reset\n"
    ".type atml_reset, @function\n"
    "atml_reset:\n"
    "  lui t0, %hi(atml_linked)\n"
    "  jalr zero, %lo(atml_linked)(t0)\n"
    "atml_linked:\n"
    "  lui sp, %hi(atml_stack_top)\n"
    "  addi sp, sp, %lo(atml_stack_top)\n"
    "  lui t0, %hi(atml_fault)\n"
    "  addi t0, t0, %lo(atml_fault)\n"
    "  csrw mtvec, t0\n"
    "  call atml_start\n"
    ".option pop\n"
    ".text\n");

/* Every unexpected trap ends here; a debugger shows mcause and mepc. */
__attribute__((aligned(4))) void atml_fault(void) {
  for (;;) {
  }
}

void atml_start(void) {
  const uint32_t *from = atml_data_load;
  for (uint32_t *to = atml_data_start; to < atml_data_end; to++) {
    *to = *from;
    from++;
  }
  for (uint32_t *to = atml_bss_start; to < atml_bss_end; to++) {
    *to = 0u;
  }
  (void)main();
  atml_fault();
}

/* Start-up of the measurement program on an emulated Cortex-M board: vector table, memory, faults, and
 * semihosting. Not part of any firmware: it only carries the measured code. Compile with -O1. */
#include "harness.h"

extern uint32_t atml_stack_top[], atml_stack_low[];
extern uint32_t atml_data_load[], atml_data_start[], atml_data_end[];
extern uint32_t atml_bss_start[], atml_bss_end[];

static void fault(void);
void atml_reset(void);

struct vectors {
  uint32_t *stack;
  void (*handlers[15])(void);
};

__attribute__((section(".vectors"), used)) const struct vectors atml_vectors = {
    atml_stack_top,
    {atml_reset, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault}};

int32_t atml_host_call(uint32_t operation, const void *argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return (int32_t)r0;
}

void atml_exit(uint32_t code) {
  const uint32_t block[2] = {0x20026u, code}; /* ADP_Stopped_ApplicationExit */
  for (;;) {
    atml_host_call(0x20u, block); /* SYS_EXIT_EXTENDED */
  }
}

/* Exit code 100 + number of the exception (3 hard fault, 4 memory, 5 bus, 6 usage). */
static void fault(void) {
  uint32_t exception;
  __asm__ volatile("mrs %0, ipsr" : "=r"(exception));
  atml_exit(100u + (exception & 63u));
}

static void enable_coprocessors(void) {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR */
  __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
}

/* Reports faults as what they are, not all as hard faults, where the core can. */
static void enable_fault_handlers(void) {
#if __ARM_ARCH > 6
  *(volatile uint32_t *)0xE000ED24u |= 7u << 16; /* SHCSR: memory, bus and usage faults */
#endif
}

void atml_reset(void) {
  enable_coprocessors();
  enable_fault_handlers();
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

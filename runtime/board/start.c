/* Start-up and cycle counter of a Cortex-M for the board in the loop. Cycles come from SysTick on the core's
 * clock, which every Cortex-M has (DWT does not exist on M0 and M0+): 24 bits, extended by its interrupt.
 * A fault restarts the core, so that the host sees a lost session instead of silence. Compile with -O1. */
#include <stdint.h>

#include "atml_board.h"

extern uint32_t atml_stack_low[], atml_stack_top[];
extern uint32_t atml_data_load[], atml_data_start[], atml_data_end[];
extern uint32_t atml_bss_start[], atml_bss_end[];

void atml_reset(void);

#define ATML_REGISTER(address) (*(volatile uint32_t *)(address))
#define ATML_SYSTICK_CONTROL ATML_REGISTER(0xE000E010u)
#define ATML_SYSTICK_RELOAD ATML_REGISTER(0xE000E014u)
#define ATML_SYSTICK_VALUE ATML_REGISTER(0xE000E018u)
#define ATML_INTERRUPT_STATE ATML_REGISTER(0xE000ED04u) /* ICSR */
#define ATML_VECTOR_TABLE ATML_REGISTER(0xE000ED08u)
#define ATML_RESET_CONTROL ATML_REGISTER(0xE000ED0Cu) /* AIRCR */
#define ATML_COPROCESSORS ATML_REGISTER(0xE000ED88u)

static volatile uint32_t wraps;

static void systick(void) { wraps++; }

void board_reset(void) {
  __asm__ volatile("dsb" ::: "memory");
  ATML_RESET_CONTROL = 0x05FA0004u; /* key, SYSRESETREQ */
  for (;;) {
  }
}

void board_cycles_start(void) {
  ATML_SYSTICK_RELOAD = 0xFFFFFFu;
  ATML_SYSTICK_VALUE = 0;
  ATML_SYSTICK_CONTROL = 7; /* core clock, interrupt, on */
}

uint64_t board_cycles(void) {
  uint32_t before;
  uint32_t value;
  uint32_t pending;
  do { /* again where a wrap fell between the reads or is not counted yet */
    before = wraps;
    value = ATML_SYSTICK_VALUE;
    pending = ATML_INTERRUPT_STATE & (1u << 26);
  } while (pending != 0u || before != wraps || value == 0u);
  return ((uint64_t)before << 24) + (0x1000000u - value);
}

static const uint32_t kPaint = 0xA5A5A5A5u;

/* The stack below this frame is painted, then searched for the deepest write. Interrupts are off, so that
 * no exception frame is counted. */
__attribute__((noinline)) uint32_t board_measured_run(void) {
  const volatile uint32_t *p = atml_stack_low;
  const uint32_t *top;
  const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  __asm__ volatile("cpsid i\n\tmov %0, sp" : "=r"(top)::"memory");
  for (volatile uint32_t *q = atml_stack_low; q < top; q++) {
    *q = kPaint;
  }
  board_model_run();
  __asm__ volatile("cpsie i" ::: "memory");
  while (p < top && *p == kPaint) {
    p++;
  }
  return p == atml_stack_low ? 0xFFFFFFFFu : (uint32_t)(here - (uintptr_t)p);
}

uint32_t board_stack_room(void) {
  return (uint32_t)((uintptr_t)atml_stack_top - (uintptr_t)atml_stack_low);
}

typedef union {
  void (*handler)(void);
  const void *address;
} atml_vector;

__attribute__((section(".vectors"), used)) const atml_vector atml_vectors[16] = {
    {.address = atml_stack_top}, {.handler = atml_reset},  {.handler = board_reset}, {.handler = board_reset},
    {.handler = board_reset},    {.handler = board_reset}, {.handler = board_reset}, {.handler = 0},
    {.handler = 0},              {.handler = 0},           {.handler = 0},           {.handler = board_reset},
    {.handler = board_reset},    {.handler = 0},           {.handler = board_reset}, {.handler = systick},
};

void atml_reset(void) {
  ATML_VECTOR_TABLE = (uint32_t)(uintptr_t)atml_vectors;
#if (defined(__ARM_FP) && (__ARM_FP != 0)) || defined(__ARM_FEATURE_MVE)
  ATML_COPROCESSORS |= 0xFu << 20;
  __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
  const uint32_t *from = atml_data_load;
  for (uint32_t *to = atml_data_start; to < atml_data_end; to++) {
    *to = *from;
    from++;
  }
  for (uint32_t *to = atml_bss_start; to < atml_bss_end; to++) {
    *to = 0u;
  }
  board_init();
  board_cycles_start();
  board_serve();
}

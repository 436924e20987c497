/* Start-up of a Cortex-M without vendor code: vector table, .data, .bss, floating point unit, main.
 * Compile with -O1: at -O3 the copy loops may become vector code before the unit is switched on.
 * Symbols come from link.ld. */
#include <stdint.h>

extern uint32_t atml_stack_top[];
extern uint32_t atml_data_load[];
extern uint32_t atml_data_start[];
extern uint32_t atml_data_end[];
extern uint32_t atml_bss_start[];
extern uint32_t atml_bss_end[];

int main(void);
void atml_reset(void);
void atml_fault(void);

/* Every unexpected exception ends here; a debugger shows IPSR. */
void atml_fault(void) {
  for (;;) {
  }
}

void atml_reset(void) {
  const uint32_t *from = atml_data_load;
#if defined(__ARM_FP) && (__ARM_FP != 0)
  volatile uint32_t *const cpacr = (volatile uint32_t *)0xE000ED88u;
  *cpacr |= 0xFu << 20; /* full access to coprocessors 10 and 11 */
  __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
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

typedef union {
  void (*handler)(void);
  const void *address;
} atml_vector;

__attribute__((section(".vectors"), used)) const atml_vector atml_vectors[16] = {
    {.address = atml_stack_top}, {.handler = atml_reset}, /* reset */
    {.handler = atml_fault},     {.handler = atml_fault}, /* NMI, hard fault */
    {.handler = atml_fault},     {.handler = atml_fault}, /* memory management, bus fault */
    {.handler = atml_fault},     {.handler = 0},          /* usage fault */
    {.handler = 0},              {.handler = 0},
    {.handler = 0},              {.handler = atml_fault}, /* SVCall */
    {.handler = atml_fault},     {.handler = 0},          /* debug monitor */
    {.handler = atml_fault},     {.handler = atml_fault}, /* PendSV, SysTick */
};

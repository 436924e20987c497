/* The measurement program: reads one sample after the other from the host's file "in.bin", runs the model
 * between the two markers, writes the outputs to "out.bin", and last the painted stack depth to "stack.bin".
 *
 * Exit codes: 0 done, 10 in.bin cannot be opened, 11 an output file cannot be opened or written, 12 the
 * last sample is incomplete. Faults exit with 100 + exception number (start.c). */
#include "harness.h"

/* The generated model, and its sizes as symbols of the linker script: this file is compiled once for all
 * models. The value of a size is the address of its symbol. */
void model_run(void *arena);
extern uint8_t atml_arena[], atml_arena_end[];
extern uint8_t atml_input[], atml_output[]; /* in the arena */
extern uint8_t atml_input_bytes[], atml_output_bytes[];

enum { kRead = 1, kWrite = 5 }; /* "rb", "wb" of SYS_OPEN */
static const uint32_t kPaint = 0xA5A5A5A5u;

extern uint32_t atml_stack_top[], atml_stack_low[];

__attribute__((noinline)) void atml_mark_start(void) { __asm__ volatile("" ::: "memory"); }
__attribute__((noinline)) void atml_mark_stop(void) { __asm__ volatile("" ::: "memory"); }

static int32_t open_file(const char *name, uint32_t length, uint32_t mode) {
  const uint32_t block[3] = {(uint32_t)(uintptr_t)name, mode, length};
  return atml_host_call(0x01u, block);
}

/* Number of bytes that were not transferred. */
static int32_t transfer(uint32_t operation, int32_t file, const void *bytes, uint32_t count) {
  const uint32_t block[3] = {(uint32_t)file, (uint32_t)(uintptr_t)bytes, count};
  return atml_host_call(operation, block);
}

static int32_t open_or_exit(const char *name, uint32_t length, uint32_t mode, uint32_t code) {
  const int32_t file = open_file(name, length, mode);
  if (file < 0) {
    atml_exit(code);
  }
  return file;
}

/* Fills the stack from its low end up to a little below the current frame. */
static void paint_stack(void) {
  volatile uint32_t *const here = (volatile uint32_t *)__builtin_frame_address(0);
  for (volatile uint32_t *p = atml_stack_low; p < here - 32; p++) {
    *p = kPaint;
  }
}

static uint32_t painted_depth(void) {
  const volatile uint32_t *p = atml_stack_low;
  while (p < atml_stack_top && *p == kPaint) {
    p++;
  }
  return (uint32_t)((uintptr_t)atml_stack_top - (uintptr_t)p);
}

static void run_samples(int32_t in, int32_t out) {
  const uint32_t input_bytes = (uint32_t)(uintptr_t)atml_input_bytes;
  const uint32_t output_bytes = (uint32_t)(uintptr_t)atml_output_bytes;
  for (;;) {
    const int32_t missing = transfer(6u, in, atml_input, input_bytes);
    if (missing == (int32_t)input_bytes) {
      return;
    }
    if (missing != 0) {
      atml_exit(12);
    }
    atml_mark_start();
    model_run(atml_arena);
    atml_mark_stop();
    if (transfer(5u, out, atml_output, output_bytes) != 0) {
      atml_exit(11);
    }
  }
}

void atml_main(void) {
  /* A model that reads what it has not written must not profit from cleared memory. */
  for (uint8_t *p = atml_arena; p < atml_arena_end; p++) {
    *p = 0xA5u;
  }
  const int32_t in = open_or_exit("in.bin", 6, kRead, 10);
  const int32_t out = open_or_exit("out.bin", 7, kWrite, 11);
  const int32_t depth_file = open_or_exit("stack.bin", 9, kWrite, 11);
  paint_stack();
  run_samples(in, out);
  const uint32_t depth = painted_depth();
  if (transfer(5u, depth_file, &depth, sizeof depth) != 0) {
    atml_exit(11);
  }
}

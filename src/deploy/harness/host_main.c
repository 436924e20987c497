/* The same samples on the host: reads from standard input, writes outputs to standard output.
 * Exit codes: 0 done, 11 writing failed, 12 the last sample is incomplete. */
#include <stdio.h>
#include <string.h>

#include "model.h"

static _Alignas(16) unsigned char arena[MODEL_ARENA_BYTES];

int main(void) {
  memset(arena, 0xA5, sizeof arena);
  for (;;) {
    const size_t count = fread(model_input(arena), 1, MODEL_INPUT_BYTES, stdin);
    if (count == 0) {
      return fflush(stdout) == 0 ? 0 : 11;
    }
    if (count != MODEL_INPUT_BYTES) {
      return 12;
    }
    model_run(arena);
    if (fwrite(model_output(arena), 1, MODEL_OUTPUT_BYTES, stdout) != MODEL_OUTPUT_BYTES) {
      return 11;
    }
  }
}

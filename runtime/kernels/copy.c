#include "atml_memory.h"
#include "atml_ops.h"

void atml_copy(const int8_t *in, int8_t *out, int32_t count) { memmove(out, in, (size_t)count); }

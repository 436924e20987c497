#include "atml_arithmetic.h"
#include "atml_filters.h"

void atml_clamp(int8_t *values, int32_t count, int32_t low, int32_t high) {
  for (int32_t i = 0; i < count; i++) {
    values[i] = atml_clamp_int8(values[i], low, high);
  }
}

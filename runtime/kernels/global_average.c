#include "atml_ops.h"
#include "atml_sum.h"

void atml_global_average(const int8_t *in, int8_t *out, int32_t positions, int32_t channels) {
  for (int32_t c = 0; c < channels; c += 4) {
    const int32_t count = (channels - c < 4) ? (channels - c) : 4;
    int32_t sums[4] = {0, 0, 0, 0};
    atml_sum_channels(&in[c], positions, channels, count, sums);
    for (int32_t i = 0; i < count; i++) {
      out[c + i] = (int8_t)atml_mean_of(sums[i], positions);
    }
  }
}

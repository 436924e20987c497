// The kernels of the batch evaluator over a vector type V; included by one file per instruction
// set, inside an anonymous namespace, after its V. V has kLanes, kWords, kPositions, the type I
// (kLanes int32, or the bytes of one block) and the operations used below.

// (x M 2^left + 2^30) >> 31 is gemmlowp's rounding for both signs; the right shift rounds ties away
// from zero:
// ((y - [y < 0]) >> (r - 1)) + 1 >> 1, which cannot overflow.
template <class V>
inline typename V::I requantized(typename V::I x, const Scale& s, bool single) {
  if (single) return V::multiply_single(x, s.mantissa, 31 - s.left + s.right);
  if (s.left != 0) x = V::shift_left(x, s.left);
  x = V::high_mul(x, s.mantissa);
  if (s.right == 0) return x;
  x = V::shift_right(V::add(x, V::shift_right(x, 31)), s.right - 1);
  return V::shift_right(V::add(x, V::set1(1)), 1);
}

// Four channels to the bytes of one block, each clamped and moved to q + 128.
template <class V>
inline void store_quad(std::uint8_t* out, typename V::I (&q)[4], int low, int high) {
  const auto lowest = V::set1(low), highest = V::set1(high), bias = V::set1(128);
  auto word = V::set1(0);
  for (int c = 0; c < 4; ++c) {
    const auto byte = V::add(V::min(V::max(q[c], lowest), highest), bias);
    word = V::bit_or(word, c == 0 ? byte : V::shift_left(byte, 8 * c));
  }
  V::store(out, word);
}

template <class V, int P>
inline void conv_tile(const FilterCall& call, std::int64_t position, int oq) {
  constexpr int kBlock = 4 * V::kLanes;
  typename V::I acc[P][4];
  for (int p = 0; p < P; ++p) {
    for (int c = 0; c < 4; ++c) acc[p][c] = V::set1(call.bias[4 * oq + c]);
  }
  const std::int32_t* w =
      call.weights + static_cast<std::int64_t>(oq) * call.taps * call.in_quads * 4 * V::kWords;
  const std::int32_t* offsets = call.offsets + position * call.taps;
  for (int tap = 0; tap < call.taps; ++tap) {
    const std::uint8_t* x[P];
    for (int p = 0; p < P; ++p) {
      const std::int32_t offset = offsets[p * call.taps + tap];
      x[p] =
          offset == kPadding ? call.padding : call.in + static_cast<std::int64_t>(offset) * kBlock;
    }
    for (int iq = 0; iq < call.in_quads; ++iq, w += 4 * V::kWords) {
      typename V::X value[P];
      for (int p = 0; p < P; ++p) value[p] = V::load(x[p] + static_cast<std::int64_t>(iq) * kBlock);
      for (int c = 0; c < 4; ++c) {
        const auto weight = V::weight(w + c * V::kWords);
        for (int p = 0; p < P; ++p) acc[p][c] = V::dot(acc[p][c], value[p], weight);
      }
    }
  }
  const auto offset = V::set1(call.output_offset);
  for (int p = 0; p < P; ++p) {
    for (int c = 0; c < 4; ++c)
      acc[p][c] =
          V::add(requantized<V>(acc[p][c], call.scales[4 * oq + c], call.single_rounding), offset);
    store_quad<V>(call.out + ((position + p) * call.out_quads + oq) * kBlock, acc[p], call.low,
                  call.high);
  }
}

template <class V>
void conv(const FilterCall& call) {
  std::int64_t position = 0;
  for (; position + V::kPositions <= call.positions; position += V::kPositions) {
    for (int oq = 0; oq < call.out_quads; ++oq) conv_tile<V, V::kPositions>(call, position, oq);
  }
  for (; position < call.positions; ++position) {
    for (int oq = 0; oq < call.out_quads; ++oq) conv_tile<V, 1>(call, position, oq);
  }
}

template <class V>
void depthwise(const FilterCall& call) {
  constexpr int kBlock = 4 * V::kLanes;
  const auto offset = V::set1(call.output_offset);
  for (std::int64_t position = 0; position < call.positions; ++position) {
    const std::int32_t* offsets = call.offsets + position * call.taps;
    for (int oq = 0; oq < call.out_quads; ++oq) {
      const std::int32_t* quads = call.quads + 4 * oq;
      typename V::I acc[4];
      for (int c = 0; c < 4; ++c) acc[c] = V::set1(call.bias[4 * oq + c]);
      for (int tap = 0; tap < call.taps; ++tap) {
        const std::uint8_t* x = offsets[tap] == kPadding
                                    ? call.padding
                                    : call.in + static_cast<std::int64_t>(offsets[tap]) * kBlock;
        const std::int32_t* w =
            call.weights + (static_cast<std::int64_t>(tap) * call.out_quads + oq) * 4 * V::kWords;
        for (int c = 0; c < 4; ++c)
          acc[c] = V::dot(acc[c], V::load(x + quads[c] * kBlock), V::weight(w + c * V::kWords));
      }
      for (int c = 0; c < 4; ++c)
        acc[c] =
            V::add(requantized<V>(acc[c], call.scales[4 * oq + c], call.single_rounding), offset);
      store_quad<V>(call.out + (position * call.out_quads + oq) * kBlock, acc, call.low, call.high);
    }
  }
}

// Channel c of a block as int32, q.
template <class V>
inline typename V::I channel(typename V::I block, int c) {
  return V::add(V::bit_and(c == 0 ? block : V::shift_right(block, 8 * c), V::set1(255)),
                V::set1(-128));
}

template <class V>
void max_pool(const PoolCall& call) {
  constexpr int kBlock = 4 * V::kLanes;
  for (std::int64_t position = 0; position < call.positions; ++position) {
    const std::int32_t* offsets = call.offsets + position * call.taps;
    for (int quad = 0; quad < call.quads; ++quad) {
      auto best = V::set1(0);  // q = -128 in every byte
      for (int tap = 0; tap < call.taps; ++tap) {
        if (offsets[tap] == kPadding) continue;
        best = V::max_bytes(
            best,
            V::load_block(call.in + (static_cast<std::int64_t>(offsets[tap]) + quad) * kBlock));
      }
      typename V::I q[4];
      for (int c = 0; c < 4; ++c) q[c] = channel<V>(best, c);
      store_quad<V>(call.out + (position * call.quads + quad) * kBlock, q, call.low, call.high);
    }
  }
}

template <class V>
void average_pool(const PoolCall& call) {
  constexpr int kBlock = 4 * V::kLanes;
  for (std::int64_t position = 0; position < call.positions; ++position) {
    const std::int32_t* offsets = call.offsets + position * call.taps;
    for (int quad = 0; quad < call.quads; ++quad) {
      typename V::I sum[4];
      for (int c = 0; c < 4; ++c) sum[c] = V::set1(0);
      int count = 0;
      for (int tap = 0; tap < call.taps; ++tap) {
        if (offsets[tap] == kPadding) continue;
        const auto block =
            V::load_block(call.in + (static_cast<std::int64_t>(offsets[tap]) + quad) * kBlock);
        for (int c = 0; c < 4; ++c) sum[c] = V::add(sum[c], channel<V>(block, c));
        ++count;
      }
      for (int c = 0; c < 4; ++c) sum[c] = V::rounded_quotient(sum[c], count);
      store_quad<V>(call.out + (position * call.quads + quad) * kBlock, sum, call.low, call.high);
    }
  }
}

template <class V>
void add(const AddCall& call) {
  constexpr int kBlock = 4 * V::kLanes;
  const auto offset_1 = V::set1(call.offset_1), offset_2 = V::set1(call.offset_2),
             offset = V::set1(call.output_offset);
  for (std::int64_t i = 0; i < call.blocks; ++i) {
    const auto x = V::load_block(call.in_1 + i * kBlock);
    const auto y = V::load_block(call.in_2 + i * kBlock);
    typename V::I q[4];
    for (int c = 0; c < 4; ++c) {
      const auto a = V::shift_left(V::add(channel<V>(x, c), offset_1), call.left_shift);
      const auto b = V::shift_left(V::add(channel<V>(y, c), offset_2), call.left_shift);
      const auto sum = V::add(requantized<V>(a, call.input_1, call.single_rounding),
                              requantized<V>(b, call.input_2, call.single_rounding));
      q[c] = V::add(requantized<V>(sum, call.output, call.single_rounding), offset);
    }
    store_quad<V>(call.out + i * kBlock, q, call.low, call.high);
  }
}

template <class V>
constexpr Kernels kernels_of() {
  return {V::kLanes, V::kWords, conv<V>, depthwise<V>, max_pool<V>, average_pool<V>, add<V>};
}

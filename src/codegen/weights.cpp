#include "codegen/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace atml::codegen {

using namespace quantize;

namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

void append_int32(std::string& bytes, std::int32_t value) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8)
    bytes.push_back(static_cast<char>((bits >> shift) & 255u));
}

std::int32_t read_int32(const std::string& bytes, std::size_t offset) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 4; ++i)
    bits |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[offset + i])) << (8 * i);
  return static_cast<std::int32_t>(bits);
}

void append_int16(std::string& bytes, std::int32_t value) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value);
  bytes.push_back(static_cast<char>(bits & 255u));
  bytes.push_back(static_cast<char>((bits >> 8) & 255u));
}

// Halfword 256 b + a; a's sign borrows from b's byte, which the kernels undo by subtracting.
void append_pair(std::string& bytes, int a, int b) { append_int16(bytes, 256 * b + a); }

const char* type_name(ArrayType type) {
  switch (type) {
    case ArrayType::kInt8:
      return "int8_t";
    case ArrayType::kUint8:
      return "uint8_t";
    case ArrayType::kInt16:
      return "int16_t";
    case ArrayType::kInt32:
      return "int32_t";
  }
  ATML_UNREACHABLE("unknown array type");
}

std::size_t element_size(ArrayType type) {
  switch (type) {
    case ArrayType::kInt8:
    case ArrayType::kUint8:
      return 1;
    case ArrayType::kInt16:
      return 2;
    case ArrayType::kInt32:
      return 4;
  }
  ATML_UNREACHABLE("unknown array type");
}

std::string signature(const ConstArray& a, const std::string& section_macro) {
  return fmt::format("const {} {}[{}] {}", type_name(a.type), a.name,
                     a.bytes.size() / element_size(a.type), section_macro);
}

std::string element_text(const ConstArray& a, std::size_t i) {
  const std::size_t offset = i * element_size(a.type);
  const auto byte = [&](std::size_t n) {
    return static_cast<unsigned>(static_cast<unsigned char>(a.bytes[offset + n]));
  };
  switch (a.type) {
    case ArrayType::kInt8:
      return fmt::format("{:4}", static_cast<int>(static_cast<signed char>(a.bytes[offset])));
    case ArrayType::kUint8:
      return fmt::format("{:3}", byte(0));
    case ArrayType::kInt16:
      return fmt::format("{:6}", static_cast<std::int16_t>(byte(0) | byte(1) << 8));
    case ArrayType::kInt32:
      return fmt::format("{:11}", read_int32(a.bytes, offset));
  }
  ATML_UNREACHABLE("unknown array type");
}

std::size_t per_line(ArrayType type) {
  switch (type) {
    case ArrayType::kInt8:
    case ArrayType::kUint8:
      return 16;
    case ArrayType::kInt16:
      return 12;
    case ArrayType::kInt32:
      return 8;
  }
  ATML_UNREACHABLE("unknown array type");
}

void append_definition(std::string& text, const ConstArray& a, const std::string& section_macro) {
  const std::size_t count = a.bytes.size() / element_size(a.type);
  text += signature(a, section_macro) + " = {";
  for (std::size_t i = 0; i < count; ++i) {
    if (i % per_line(a.type) == 0) text += "\n  ";
    text += element_text(a, i);
    text += ',';
  }
  text += "\n};\n\n";
}

}  // namespace

std::string int32_bytes(const std::vector<std::int32_t>& values) {
  std::string bytes;
  for (const std::int32_t v : values) append_int32(bytes, v);
  return bytes;
}

std::vector<std::int32_t> folded_bias(const Int8Model& model, const Op& op) {
  const FilterShape shape = filter_shape(model, op);
  std::vector<std::int32_t> bias = filter_of(op)->bias;
  for (int o = 0; o < shape.outputs; ++o) {
    std::int64_t sum = 0;
    for (int i = 0; i < shape.inputs; ++i) sum += shape.weight(op, o, i);
    bias[at(o)] = static_cast<std::int32_t>(bias[at(o)] - sum * model.input_of(op).zero_point);
  }
  return bias;
}

std::string pack_nibbles(const std::string& weights) {
  std::string packed((weights.size() + 1) / 2, '\0');
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const int nibble = weights[i] & 15;
    packed[i / 2] = static_cast<char>(packed[i / 2] | nibble << (i % 2 * 4));
  }
  return packed;
}

namespace {

// Of a factor that packs. A factor of 0 has shift 0: any right shift gives 0.
int right_shift(const Multiplier& m) { return std::max(1, -m.shift); }

}  // namespace

std::vector<std::int32_t> channel_words(const Int8Model& model, const Op& op) {
  const FilterParams p = filter_params(model, op);
  std::vector<std::int32_t> words = folded_bias(model, op);
  for (std::size_t o = 0; o < words.size(); ++o)
    words[o] = words[o] * 64 + right_shift(p.multipliers[o]) - 1;
  return words;
}

std::string pack_stream(const Int8Model& model, const Op& op) {
  constexpr int kOrder[4] = {0, 2, 1, 3};
  const FilterShape shape = filter_shape(model, op);
  const std::vector<std::int32_t> words = channel_words(model, op);
  const auto weight = [&](int o, int i) {
    return o < shape.outputs && i < shape.inputs ? shape.weight(op, o, i) : 0;
  };
  std::string stream;
  stream.reserve(at(shape.outputs + 1) * at(packed_inputs(shape.inputs) + 4));
  for (int o = 0; o < shape.outputs; o += 2) {
    append_int32(stream, words[at(o)]);
    append_int32(stream, o + 1 < shape.outputs ? words[at(o + 1)] : 0);
    if (has_nibbles(op)) {
      for (int i = 0; i < packed_inputs(shape.inputs); ++i)
        stream.push_back(static_cast<char>((weight(o, i) + 8) | (weight(o + 1, i) & 15) << 4));
      continue;
    }
    for (int i = 0; i < packed_inputs(shape.inputs); ++i) {
      const int input = i / 4 * 4 + kOrder[i % 4];
      append_pair(stream, weight(o, input), weight(o + 1, input));
    }
  }
  return stream;
}

namespace {

constexpr int kSwarStep = 14, kSwarChunk = 14;  // ATML_SWAR_STEP, ATML_SWAR_CHUNK
constexpr int kSwarMostWeight = 32767 / 128;    // sum |w| of a chunk, inputs in [-128, 127]

// Chunks of one channel's weights, as long as they may be.
void append_chunks(std::string& stream, const std::vector<int>& weights) {
  for (std::size_t i = 0; i < weights.size();) {
    std::size_t n = 0;
    for (int sum = 0; i + n < weights.size() && n < kSwarChunk; ++n) {
      sum += std::abs(weights[i + n]);
      if (sum > kSwarMostWeight) break;
    }
    ATML_ASSERT(n > 0, "one weight of 8 bits always fits");
    stream.push_back(static_cast<char>(kSwarStep * (kSwarChunk - static_cast<int>(n))));
    for (std::size_t j = i; j < i + n; ++j) stream.push_back(static_cast<char>(weights[j]));
    i += n;
  }
}

}  // namespace

std::string pack_swar_stream(const Int8Model& model, const Op& op) {
  const FilterShape shape = filter_shape(model, op);
  const std::vector<std::int32_t> words = channel_words(model, op);
  std::string stream;
  std::vector<int> weights(at(packed_inputs(shape.inputs)), 0);
  for (int o = 0; o < shape.outputs; ++o) {
    for (int i = 0; i < shape.inputs; ++i) weights[at(i)] = shape.weight(op, o, i);
    append_int32(stream, words[at(o)]);
    if (has_nibbles(op))
      stream += pack_nibbles({weights.begin(), weights.end()});
    else
      append_chunks(stream, weights);
    while (stream.size() % 4 != 0) stream.push_back('\0');
  }
  return stream;
}

std::string pack_pair_multipliers(const FilterParams& params, bool per_channel) {
  const int outputs = static_cast<int>(params.multipliers.size());
  const auto mantissa = [&](int o) { return o < outputs ? params.multipliers[at(o)].mantissa : 0; };
  std::string bytes;
  for (int o = 0; o < (per_channel ? outputs : 1); o += 2) {
    append_int32(bytes, mantissa(o));
    append_int32(bytes, mantissa(per_channel ? o + 1 : o));
  }
  return bytes;
}

std::string pack_depthwise_bias(const Filter& filter, bool wide) {
  std::string bytes;
  for (const std::int32_t bias : filter.bias) {
    if (wide)
      append_int32(bytes, bias);
    else
      append_int16(bytes, bias);
  }
  return bytes;
}

int depthwise_right(const FilterParams& params, const KernelChoice& choice) {
  if (choice.wide) return 0;
  int least = right_shift(params.multipliers[0]);
  if (choice.per_channel) {
    for (const Multiplier& m : params.multipliers) least = std::min(least, right_shift(m));
  }
  return least;
}

std::string pack_depthwise_factors(const FilterParams& params, const KernelChoice& choice) {
  const std::size_t count = choice.per_channel ? params.multipliers.size() : 1;
  const int least = depthwise_right(params, choice);
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) {
    const Multiplier& m = params.multipliers[i];
    if (choice.wide) {
      append_int32(bytes, m.mantissa);
      append_int32(bytes, right_shift(m));
    } else {
      const auto span = static_cast<std::uint32_t>(right_shift(m) - least);
      append_int32(bytes, static_cast<std::int32_t>(
                              span << 30 | (static_cast<std::uint32_t>(m.mantissa) & 0x3fffffffu)));
    }
  }
  return bytes;
}

std::string pack_taps(const Op& op, const FilterShape& shape, bool transposed) {
  const network::Window& w = std::get<Depthwise>(op.kind).window;
  std::string bytes;
  for (int c = 0; c < shape.outputs; ++c) {
    for (int row = 0; row < (transposed ? w.kernel_w : w.kernel_h); ++row) {
      for (int tap = 0; tap < (transposed ? w.kernel_h : w.kernel_w); ++tap) {
        const int input = transposed ? tap * w.kernel_w + row : row * w.kernel_w + tap;
        bytes.push_back(static_cast<char>(shape.weight(op, c, input)));
      }
    }
  }
  return bytes;
}

std::vector<std::int32_t> pack_row_taps(const Op& op, const FilterShape& shape) {
  std::vector<std::int32_t> words;
  const auto weight = [&](int channel, int tap) {
    return channel < shape.outputs ? shape.weight(op, channel, tap) : 0;
  };
  const auto pair = [](int low, int high) {
    return static_cast<std::int32_t>((static_cast<std::uint32_t>(high) << 16) |
                                     (static_cast<std::uint32_t>(low) & 0xffffu));
  };
  for (int c = 0; c < shape.outputs; c += 4) {
    for (int tap = 0; tap < shape.inputs; ++tap) {
      words.push_back(pair(2 * weight(c, tap), 2 * weight(c + 2, tap)));
      words.push_back(pair(2 * weight(c + 1, tap), 2 * weight(c + 3, tap)));
    }
  }
  return words;
}

std::vector<std::int32_t> pack_row_table(const Filter& filter, const FilterParams& params) {
  std::vector<std::int32_t> words;
  const int channels = static_cast<int>(filter.bias.size());
  for (int c = 0; c < channels; c += 4) {
    for (int i = c; i < c + 4; ++i) {
      const int right = i < channels ? std::max(1, -params.multipliers[at(i)].shift) : 1;
      words.push_back((i < channels ? filter.bias[at(i)] * 256 : 0) + right - 1);
    }
    for (int i = c; i < c + 4; ++i)
      words.push_back(i < channels ? params.multipliers[at(i)].mantissa : 0);
  }
  return words;
}

std::string declarations(const std::vector<ConstArray>& arrays, const std::string& section_macro) {
  std::string text;
  for (const ConstArray& a : arrays) text += "extern " + signature(a, section_macro) + ";\n";
  return text;
}

std::string c_definitions(const std::vector<ConstArray>& arrays, const std::string& section_macro) {
  std::string text;
  for (const ConstArray& a : arrays) append_definition(text, a, section_macro);
  return text;
}

std::string assembly_definitions(const std::vector<ConstArray>& arrays,
                                 const std::string& blob_path) {
  std::string text;
  std::size_t offset = 0;
  for (const ConstArray& a : arrays) {
    fmt::format_to(std::back_inserter(text),
                   "\t.section .rodata.{0}, \"a\"\n\t.balign 4\n\t.global {0}\n\t.type {0}, "
                   "%object\n\t.size {0}, {1}\n{0}:\n"
                   "\t.incbin \"{2}\", {3}, {1}\n",
                   a.name, a.bytes.size(), blob_path, offset);
    offset += a.bytes.size();
  }
  return text;
}

std::string blob(const std::vector<ConstArray>& arrays) {
  std::string bytes;
  for (const ConstArray& a : arrays) bytes += a.bytes;
  return bytes;
}

}  // namespace atml::codegen

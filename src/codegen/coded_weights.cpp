#include "codegen/coded_weights.h"

#include <algorithm>
#include <limits>

namespace atml::codegen {

using namespace quantize;

namespace {

constexpr int kParameterBits = 3;
constexpr std::int64_t kDecoderBytes = 400;  // code of the kernel on any core, generously
constexpr int kLeastShare = 16;              // a layer that saves less than a 16th stays as it is

// 0, -1, 1, -2, ... as 0, 1, 2, 3, ...
unsigned folded(int weight) {
  return static_cast<unsigned>(weight < 0 ? -2 * weight - 1 : 2 * weight);
}

int code_bits(unsigned value, int low_bits) {
  return static_cast<int>(value >> low_bits) + 1 + low_bits;
}

// Bits, the highest of each halfword first.
class BitWriter {
 public:
  void put(unsigned bits, int count) {
    for (int i = count - 1; i >= 0; --i) {
      if (used_ % 16 == 0) halfwords_.push_back(0);
      halfwords_.back() |= (bits >> i & 1u) << (15 - used_ % 16);
      ++used_;
    }
  }
  // What the kernel reads ahead, and up to a whole word.
  std::string finish() {
    halfwords_.resize((halfwords_.size() + 3) / 2 * 2, 0);
    std::string bytes;
    for (const unsigned h : halfwords_) {
      bytes.push_back(static_cast<char>(h & 255u));
      bytes.push_back(static_cast<char>(h >> 8));
    }
    return bytes;
  }

 private:
  std::vector<unsigned> halfwords_;
  int used_ = 0;
};

// The lower bits that give the shortest codes; from five on no code is too long.
int best_low_bits(const std::vector<unsigned>& values) {
  int best = 0;
  std::int64_t fewest = std::numeric_limits<std::int64_t>::max();
  for (int low_bits = 1; low_bits <= 1 << kParameterBits; ++low_bits) {
    std::int64_t bits = 0;
    int longest = 0;
    for (const unsigned v : values) {
      bits += code_bits(v, low_bits);
      longest = std::max(longest, code_bits(v, low_bits));
    }
    if (longest > kLongestCode || bits >= fewest) continue;
    fewest = bits;
    best = low_bits;
  }
  return best;
}

KernelChoice coded(const Int8Model& model, const Op& op, const KernelChoice& choice) {
  KernelChoice c = choice;
  const std::int64_t outputs = filter_shape(model, op).outputs;
  c.kernel = Kernel::kDenseCoded;
  c.weights = static_cast<std::int64_t>(pack_codes(model, op).size());
  c.tables = 4 * outputs + 4 * (c.per_channel ? outputs : 1);
  return c;
}

std::int64_t bytes_of(const KernelChoice& choice) { return choice.weights + choice.tables; }

}  // namespace

std::string pack_codes(const Int8Model& model, const Op& op) {
  const FilterShape shape = filter_shape(model, op);
  BitWriter writer;
  std::vector<unsigned> values(static_cast<std::size_t>(shape.inputs));
  for (int o = 0; o < shape.outputs; ++o) {
    for (int i = 0; i < shape.inputs; ++i)
      values[static_cast<std::size_t>(i)] = folded(shape.weight(op, o, i));
    const int low_bits = best_low_bits(values);
    writer.put(static_cast<unsigned>(low_bits - 1), kParameterBits);
    for (const unsigned v : values) {
      writer.put(v, low_bits);
      writer.put(1, static_cast<int>(v >> low_bits) + 1);
    }
  }
  return writer.finish();
}

std::string pack_multipliers(const FilterParams& params, bool per_channel) {
  std::vector<std::int32_t> mantissas;
  for (const Multiplier& m : params.multipliers) mantissas.push_back(m.mantissa);
  if (!per_channel) mantissas.resize(1);
  return int32_bytes(mantissas);
}

void compress_weights(const Int8Model& model, std::vector<Step>& steps) {
  std::vector<KernelChoice> choices;
  std::int64_t saved = 0;
  for (const Step& step : steps) {
    choices.push_back(step.choice);
    if (step.choice.kernel != Kernel::kDensePacked) continue;
    const KernelChoice c = coded(model, model.ops[static_cast<std::size_t>(step.op)], step.choice);
    const std::int64_t less = bytes_of(step.choice) - bytes_of(c);
    if (less * kLeastShare < bytes_of(step.choice)) continue;
    choices.back() = c;
    saved += less;
  }
  if (saved <= kDecoderBytes) return;
  for (std::size_t i = 0; i < steps.size(); ++i) steps[i].choice = choices[i];
}

}  // namespace atml::codegen

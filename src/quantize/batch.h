// BatchInterpreter: many samples at once, in the lanes of SIMD registers; bit-identical to
// Interpreter and chosen at run time for the processor (AVX-512 VNNI, AVX2, portable). Not thread
// safe: one a thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "quantize/model.h"

namespace atml::quantize {

enum class Isa { kPortable, kAvx2, kAvx512Vnni };
/// The best the processor has.
Isa best_isa();
std::string_view to_string(Isa isa);

class BatchInterpreter {
 public:
  /// The model must verify() and outlive the interpreter. `isa` must be one the processor has.
  explicit BatchInterpreter(const Int8Model& model, Isa isa = best_isa());
  BatchInterpreter(BatchInterpreter&&) noexcept;
  ~BatchInterpreter();

  /// n samples, sample after sample, HWC order: in holds n x input elements, out n x output
  /// elements.
  void run(std::span<const std::int8_t> in, std::size_t n, std::span<std::int8_t> out);

 private:
  struct Plan;
  std::unique_ptr<Plan> plan_;
};

}  // namespace atml::quantize

#include "deploy/riscv_cycles.h"

#include <cstdint>

namespace atml::deploy {
namespace {

constexpr RiscVCost kInteger{1, 1, 1}, kLoad{1, 2, 2}, kStore{1, 1, 2}, kMultiply{1, 1, 3},
    kMultiplyHigh{1, 2, 4}, kDivide{3, 19, 37};

// Major opcodes of 32-bit instructions (RISC-V unprivileged specification, chapter 24).
constexpr unsigned kOpLoad = 0x03, kOpStore = 0x23, kOpRegister = 0x33;

RiscVCost cost_32(std::uint32_t word) {
  const unsigned opcode = word & 0x7f;
  if (opcode == kOpLoad) return kLoad;
  if (opcode == kOpStore) return kStore;
  const bool extension_m = opcode == kOpRegister && word >> 25 == 1;
  if (!extension_m) return kInteger;
  const unsigned function = word >> 12 & 7;  // mul, mulh, mulhsu, mulhu, div, divu, rem, remu
  return function == 0 ? kMultiply : function < 4 ? kMultiplyHigh : kDivide;
}

// Compressed: quadrant (bits 1:0) and function (bits 15:13); those of RV32C without floating point.
RiscVCost cost_16(std::uint32_t half) {
  const unsigned quadrant = half & 3, function = half >> 13;
  if (quadrant == 1) return kInteger;
  if (function == 2) return kLoad;   // c.lw, c.lwsp
  if (function == 6) return kStore;  // c.sw, c.swsp
  return kInteger;
}

void add(RiscVCost& sum, const RiscVCost& cost) {
  sum.low += cost.low;
  sum.mid += cost.mid;
  sum.high += cost.high;
}

}  // namespace

RiscVCost riscv_cost(std::string_view code) {
  RiscVCost sum;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(code[i]));
  };
  while (code.size() >= 2) {
    const std::uint32_t half = byte(0) | byte(1) << 8;
    const bool wide = (half & 3) == 3;
    if (wide && code.size() < 4) break;
    add(sum, wide ? cost_32(half | byte(2) << 16 | byte(3) << 24) : cost_16(half));
    code.remove_prefix(wide ? 4 : 2);
  }
  return sum;
}

}  // namespace atml::deploy

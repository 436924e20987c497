#include "deploy/cycles.h"

#include <capstone/capstone.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

#include "deploy/flash_wait.h"
#include "deploy/riscv_cycles.h"

namespace atml::deploy {
namespace {

using target::Core;

enum class Table { kM0Plus, kM3, kM4 };

Table table_of(Core core) {
  switch (core) {
    case Core::kCortexM0:
    case Core::kCortexM0Plus:
      return Table::kM0Plus;
    case Core::kCortexM3:
      return Table::kM3;
    case Core::kCortexM4:
    case Core::kCortexM7:
    case Core::kCortexM33:
    case Core::kCortexM55:
      return Table::kM4;
    case Core::kRv32imc:
      break;  // estimate_riscv
  }
  ATML_UNREACHABLE("unknown core");
}

// Registers in "r0!, {r4, r5, pc}".
int listed_registers(std::string_view operands) {
  const std::size_t brace = operands.find('{');
  if (brace == std::string_view::npos) return 1;
  return 1 + static_cast<int>(std::ranges::count(operands.substr(brace), ','));
}

bool lists_pc(std::string_view operands) { return operands.find("pc}") != std::string_view::npos; }

enum class Kind { kOther, kLoad, kStore };

struct Cost {
  double cycles = 1;
  Kind kind = Kind::kOther;
};

// What both tables share: transfers of several registers.
bool multiple_transfer(const cs_insn& insn) {
  switch (insn.id) {
    case ARM_INS_LDM:
    case ARM_INS_LDMDB:
    case ARM_INS_STM:
    case ARM_INS_STMDB:
    case ARM_INS_PUSH:
    case ARM_INS_POP:
    case ARM_INS_VLDMIA:
    case ARM_INS_VLDMDB:
    case ARM_INS_VSTMIA:
    case ARM_INS_VSTMDB:
    case ARM_INS_VPUSH:
    case ARM_INS_VPOP:
      return true;
    default:
      return false;
  }
}

Kind single_transfer(const cs_insn& insn) {
  switch (insn.id) {
    case ARM_INS_LDR:
    case ARM_INS_LDRB:
    case ARM_INS_LDRH:
    case ARM_INS_LDRSB:
    case ARM_INS_LDRSH:
      return Kind::kLoad;
    case ARM_INS_STR:
    case ARM_INS_STRB:
    case ARM_INS_STRH:
      return Kind::kStore;
    default:
      return Kind::kOther;
  }
}

Cost cost_m0plus(const cs_insn& insn) {
  const int registers = listed_registers(insn.op_str);
  // The branch that a POP {pc} or BL makes is always taken: its +1 comes from the taken count.
  if (multiple_transfer(insn)) return {1.0 + registers + (lists_pc(insn.op_str) ? 1 : 0)};
  if (insn.id == ARM_INS_BL || insn.id == ARM_INS_BLX) return {2};
  if (single_transfer(insn) != Kind::kOther) return {2, single_transfer(insn)};
  return {};
}

// Cortex-M3: multiplications that the M4 does in one cycle; ranges of the manual by their middle.
double m3_multiply(const cs_insn& insn) {
  switch (insn.id) {
    case ARM_INS_MLA:
    case ARM_INS_MLS:
      return 2;
    case ARM_INS_SMULL:
    case ARM_INS_UMULL:
      return 4;  // 3 to 5
    case ARM_INS_SMLAL:
    case ARM_INS_UMLAL:
      return 5.5;  // 4 to 7
    default:
      return 1;
  }
}

Cost cost_m4(const cs_insn& insn, Kind before, Table table) {
  if (multiple_transfer(insn)) return {1.0 + listed_registers(insn.op_str)};
  switch (single_transfer(insn)) {
    case Kind::kLoad:
      return {before == Kind::kOther ? 2.0 : 1.0, Kind::kLoad};
    case Kind::kStore:
      return {1, Kind::kStore};
    case Kind::kOther:
      break;
  }
  switch (insn.id) {
    case ARM_INS_LDRD:
    case ARM_INS_STRD:
      return {3};
    case ARM_INS_UDIV:
    case ARM_INS_SDIV:
      return {7};
    case ARM_INS_VLDR:
    case ARM_INS_VSTR:
      return {2};
    case ARM_INS_VDIV:
    case ARM_INS_VSQRT:
      return {14};
    default:
      return {table == Table::kM3 ? m3_multiply(insn) : 1.0};
  }
}

class Disassembler {
 public:
  Disassembler() {
    open_ = cs_open(CS_ARCH_ARM, static_cast<cs_mode>(CS_MODE_THUMB | CS_MODE_MCLASS | CS_MODE_V8),
                    &handle_) == CS_ERR_OK;
    if (open_) insn_ = cs_malloc(handle_);
  }
  ~Disassembler() {
    if (insn_ != nullptr) cs_free(insn_, 1);
    if (open_) cs_close(&handle_);
  }
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;
  bool open() const { return insn_ != nullptr; }

  // What Capstone cannot decode (MVE, low-overhead loops) costs one cycle.
  double block_cost(std::string_view code, Table table) {
    double sum = 0;
    Kind before = Kind::kOther;
    while (code.size() >= 2) {
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(code.data());
      std::size_t size = code.size();
      std::uint64_t address = 0;
      const std::uint8_t* at = bytes;
      if (!cs_disasm_iter(handle_, &at, &size, &address, insn_)) {
        const bool wide = (bytes[1] & 0xF8u) >= 0xE8u;
        code.remove_prefix(std::min<std::size_t>(wide ? 4 : 2, code.size()));
        before = Kind::kOther;
        sum += 1;
        continue;
      }
      const Cost cost =
          table == Table::kM0Plus ? cost_m0plus(*insn_) : cost_m4(*insn_, before, table);
      sum += cost.cycles;
      before = cost.kind;
      code.remove_prefix(insn_->size);
    }
    return sum;
  }

 private:
  csh handle_ = 0;
  cs_insn* insn_ = nullptr;
  bool open_ = false;
};

Error no_disassembler() {
  return {Code::kUnsupported, "the disassembler (libcapstone) was built without ARM"};
}

Cycles rounded(double value) { return Cycles(static_cast<std::int64_t>(std::llround(value))); }

}  // namespace

Result<double> static_cost(std::string_view code, Core core) {
  if (core == Core::kRv32imc) return riscv_cost(code).mid;
  Disassembler disassembler;
  if (!disassembler.open()) return no_disassembler();
  return disassembler.block_cost(code, table_of(core));
}

namespace {

// Code outside the layers comes last.
std::size_t place_of(int layer, std::size_t layers) {
  const std::size_t place = layer < 0 ? layers : static_cast<std::size_t>(layer);
  ATML_ASSERT(place <= layers, "figures of an unknown layer");
  return place;
}

CycleEstimate estimate_riscv(const ElfFile& elf, std::span<const ExecutedBlock> blocks,
                             const target::CostModel& cost, std::size_t layers) {
  CycleEstimate estimate;
  estimate.layers.assign(layers + 1, 0);
  RiscVCost sum;
  for (const ExecutedBlock& block : blocks) {
    const RiscVCost once = riscv_cost(elf.bytes_at(block.pc, block.end - block.pc));
    const auto times = static_cast<double>(block.executions);
    const auto taken = static_cast<double>(block.taken);
    const double mid = times * once.mid + taken * kRiscVTaken.mid;
    sum.low += times * once.low + taken * kRiscVTaken.low;
    sum.mid += mid;
    sum.high += times * once.high + taken * kRiscVTaken.high;
    estimate.layers[place_of(block.layer, layers)] += cost.factor * mid;
  }
  estimate.table_cycles = sum.mid;
  estimate.total = {rounded(cost.low_factor * sum.low), rounded(cost.factor * sum.mid),
                    rounded(cost.high_factor * sum.high)};
  return estimate;
}

}  // namespace

Result<CycleEstimate> estimate_cycles(const ElfFile& elf, const EmulationReport& report,
                                      const target::Target& target, std::size_t layers) {
  if (target.core == Core::kRv32imc) return estimate_riscv(elf, report.blocks, target.cost, layers);
  Disassembler disassembler;
  if (!disassembler.open()) return no_disassembler();
  const Table table = table_of(target.core);
  CycleEstimate estimate;
  estimate.layers.assign(layers + 1, 0);
  double straight = 0;
  double taken = 0;
  const double penalty = table == Table::kM0Plus ? 1 : 2;
  std::map<std::pair<std::uint32_t, std::uint32_t>, double> known;  // layers share kernels
  for (const ExecutedBlock& block : report.blocks) {
    const auto [entry, fresh] = known.try_emplace({block.pc, block.end}, 0);
    if (fresh) {
      entry->second = disassembler.block_cost(elf.bytes_at(block.pc, block.end - block.pc), table);
    }
    const double cost = entry->second;
    const double block_cycles = cost * static_cast<double>(block.executions);
    estimate.layers[place_of(block.layer, layers)] +=
        target.cost.factor * (block_cycles + penalty * static_cast<double>(block.taken));
    straight += block_cycles;
    taken += static_cast<double>(block.taken);
  }
  const double line_cycles = flash_wait(target).line_cycles(target);
  for (std::size_t i = 0; i < report.flash_misses.size(); ++i) {
    const double wait = line_cycles * static_cast<double>(report.flash_misses[i]);
    estimate.layers[place_of(static_cast<int>(i) - 1, layers)] += wait;
    estimate.wait_cycles += wait;
  }
  estimate.table_cycles = straight + penalty * taken;
  const double spread = table == Table::kM0Plus ? 0 : 1;
  const auto total = [&](double factor, double penalty_now) {
    return rounded(factor * (straight + penalty_now * taken) + estimate.wait_cycles);
  };
  estimate.total = {total(target.cost.low_factor, penalty - spread),
                    total(target.cost.factor, penalty),
                    total(target.cost.high_factor, penalty + spread)};
  return estimate;
}

}  // namespace atml::deploy

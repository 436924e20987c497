// Target: a microcontroller as its data sheet describes it; Limits: what the firmware may use of
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"

namespace atml::target {

enum class Core {
  kCortexM0,
  kCortexM0Plus,
  kCortexM3,
  kCortexM4,
  kCortexM7,
  kCortexM33,
  kCortexM55,
  kRv32imc
};

/// "cortex-m4"; the inverse fails with "did you mean". The names are those of -mcpu, but "rv32imc".
std::string_view to_string(Core core);
Result<Core> parse_core(std::string_view text);

struct Region {
  std::uint32_t origin = 0;
  Bytes size;
};

/// cycles = table cycles x factor (facts: calibration); low and high bracket the mid figure.
struct CostModel {
  double factor = 1.165;     // measured cycles / table cycles
  double low_factor = 1.0;   // of the same core, best case seen in calibration
  double high_factor = 1.3;  // worst case seen in calibration
  bool calibrated = false;   // false: "table cycles, uncalibrated"
  std::string note;          // where the factors come from, with the error
};

struct Target {
  std::string name;   // "stm32f401re", the key
  std::string title;  // "STMicroelectronics STM32F401RE (NUCLEO-F401RE)"
  Core core = Core::kCortexM4;
  bool fpu = false;
  bool dsp = false;  // SMLAD and friends
  double clock_hz = 0;
  Region flash;
  Region ram;  // the region that firmware uses: contiguous with it only
  double volts = 3.3;
  double microamps_per_mhz =
      0;  // run mode, from flash, per data sheet; 0: unknown, energy is not given
  double sleep_microamps = 0;  // deep sleep with RAM kept; 0: unknown
  CostModel cost;
  std::vector<std::string> sources;  // data sheet, table, page of every figure
  std::vector<std::string> notes;    // what the figures leave out: further RAM banks, clock set-ups

  /// Power while running: volts x current per MHz x clock; 0 where the data sheet figure is
  /// unknown.
  double run_watts() const { return volts * microamps_per_mhz * 1e-6 * clock_hz * 1e-6; }
};

/// What the whole firmware may use; an absent limit means the part's own size (flash, RAM) or none.
struct Limits {
  Bytes flash;  // <= target.flash.size
  Bytes ram;
  std::optional<Seconds> latency;
  std::optional<Joules> energy;
  Bytes reserve_flash;  // taken by the application, beside the network's firmware
  Bytes reserve_ram;

  Bytes usable_flash() const { return flash - reserve_flash; }
  Bytes usable_ram() const { return ram - reserve_ram; }
};

/// Cycle factors of a core, for parts whose file gives none. Calibrated against published board
/// latencies of MLPerf Tiny for Cortex-M4 (and, by ratio, M7 and M33); the others are table cycles.
CostModel default_cost(Core core);

/// The part's own limits.
Limits full_limits(const Target& target);

/// Reads one targets/*.toml (docs/targets.md gives the keys). Errors name file, line and key.
Result<Target> read_target(const std::string& path);
/// All parts of the catalogue (resource folder "targets"), sorted by name.
Result<std::vector<Target>> catalogue();
/// A part by name ("did you mean" on a miss) or, where the text ends in .toml, by file.
Result<Target> find_target(const std::string& name_or_file);

}  // namespace atml::target

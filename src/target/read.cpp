// One target file -> Target. Every figure is checked for range, so that a slip of the pen ends
// here.
#include <filesystem>

#include <fmt/format.h>

#include "base/toml.h"
#include "target/target.h"

namespace atml::target {
namespace {

// The error of a key: file, line and key, then what is wrong with it.
Error bad(const Toml& table, std::string_view key, const std::string& problem) {
  const auto member = table.at(key);
  return (member.ok() ? member.value() : table).error(fmt::format("'{}' {}", key, problem));
}

Result<double> number_in(const Toml& table, std::string_view key, double low, double high) {
  ATML_TRY(const double value, table.number(key));
  if (!(value >= low && value <= high)) {
    return bad(table, key, fmt::format("is {}, but must be from {} to {}", value, low, high));
  }
  return value;
}

// A figure that a data sheet may not give: absent or 0 means unknown.
Result<double> figure_or_unknown(const Toml& table, std::string_view key, double high) {
  if (!table.contains(key)) return 0.0;
  return number_in(table, key, 0, high);
}

Result<Bytes> read_size(const Toml& table) {
  ATML_TRY(const Toml value, table.at("size"));
  if (value.is_integer()) {
    ATML_TRY(const std::int64_t bytes, value.integer());
    return Bytes(bytes);
  }
  ATML_TRY(const std::string text, value.string());
  const auto bytes = parse_bytes(text);
  if (!bytes.ok()) return value.error("'size': " + bytes.error().message);
  return bytes.value();
}

Result<Region> read_region(const Toml& root, std::string_view key) {
  constexpr std::int64_t kAddressSpace = std::int64_t{1} << 32;
  ATML_TRY(const Toml table, root.at(key));
  if (!table.is_table()) return bad(root, key, "must be a table with origin and size");
  ATML_TRY_STATUS(table.only_keys({"origin", "size"}));
  ATML_TRY(const std::int64_t origin, table.integer("origin"));
  ATML_TRY(const Bytes size, read_size(table));
  if (origin < 0 || origin >= kAddressSpace) {
    return bad(table, "origin", fmt::format("is {}, but an address has 32 bits", origin));
  }
  if (size.value < 1024 || size.value > kAddressSpace - origin) {
    return bad(table, "size",
               fmt::format("is {} bytes, but must be at least 1024 and end within the 32-bit "
                           "address space (origin {:#010x})",
                           size.value, origin));
  }
  return Region{static_cast<std::uint32_t>(origin), size};
}

Status read_power(const Toml& root, Target& target) {
  if (!root.contains("power")) return {};
  ATML_TRY(const Toml table, root.at("power"));
  ATML_TRY_STATUS(table.only_keys({"volts", "microamps_per_mhz", "sleep_microamps"}));
  if (table.contains("volts")) {
    ATML_TRY(target.volts, number_in(table, "volts", 0.5, 6));
  }
  ATML_TRY(target.microamps_per_mhz, figure_or_unknown(table, "microamps_per_mhz", 2000));
  ATML_TRY(target.sleep_microamps, figure_or_unknown(table, "sleep_microamps", 100000));
  return {};
}

// The core's own factors, unless the file brings a better calibration.
Status read_cost(const Toml& root, Target& target) {
  target.cost = default_cost(target.core);
  if (!root.contains("cost")) return {};
  ATML_TRY(const Toml table, root.at("cost"));
  ATML_TRY_STATUS(table.only_keys({"factor", "low_factor", "high_factor", "calibrated", "note"}));
  ATML_TRY(target.cost.factor, number_in(table, "factor", 0.05, 20));
  ATML_TRY(target.cost.low_factor, number_in(table, "low_factor", 0.05, 20));
  ATML_TRY(target.cost.high_factor, number_in(table, "high_factor", 0.05, 20));
  ATML_TRY(target.cost.calibrated, table.boolean_or("calibrated", false));
  ATML_TRY(target.cost.note, table.string("note"));
  if (target.cost.low_factor > target.cost.factor || target.cost.factor > target.cost.high_factor) {
    return bad(root, "cost",
               fmt::format("needs low_factor <= factor <= high_factor, found {} / {} / {}",
                           target.cost.low_factor, target.cost.factor, target.cost.high_factor));
  }
  return {};
}

// The name is the key of the catalogue: it must equal the file's name, or find_target would miss
// it.
Status read_names(const Toml& root, const std::string& path, Target& target) {
  ATML_TRY(target.name, root.string("name"));
  ATML_TRY(target.title, root.string("title"));
  const std::string stem = std::filesystem::path(path).stem().string();
  if (target.name != stem) {
    return bad(root, "name",
               fmt::format("is '{}', but the file is called '{}.toml'; make them equal",
                           target.name, stem));
  }
  return {};
}

Status read_core(const Toml& root, Target& target) {
  ATML_TRY(const std::string text, root.string("core"));
  const auto core = parse_core(text);
  if (!core.ok()) return bad(root, "core", "names an " + core.error().message);
  target.core = core.value();
  const bool can_dsp = target.core == Core::kCortexM4 || target.core == Core::kCortexM7 ||
                       target.core == Core::kCortexM33 || target.core == Core::kCortexM55;
  ATML_TRY(target.fpu, root.boolean_or("fpu", false));
  ATML_TRY(target.dsp, root.boolean_or("dsp", can_dsp));
  if (target.dsp && !can_dsp)
    return bad(root, "dsp", fmt::format("is true, but {} has no DSP instructions", text));
  ATML_TRY(const double megahertz, number_in(root, "clock_mhz", 0.1, 2000));
  target.clock_hz = megahertz * 1e6;
  return {};
}

Status check_regions(const Toml& root, const Target& target) {
  const auto end = [](const Region& r) {
    return static_cast<std::int64_t>(r.origin) + r.size.value;
  };
  if (target.flash.origin < end(target.ram) && target.ram.origin < end(target.flash)) {
    return bad(root, "ram", "overlaps 'flash'");
  }
  return {};
}

Result<std::vector<std::string>> strings_or_none(const Toml& root, std::string_view key) {
  if (!root.contains(key)) return std::vector<std::string>{};
  ATML_TRY(const Toml member, root.at(key));
  return member.strings();
}

}  // namespace

Result<Target> read_target(const std::string& path) {
  ATML_TRY(const Toml root, Toml::parse_file(path));
  ATML_TRY_STATUS(root.only_keys({"name", "title", "core", "fpu", "dsp", "clock_mhz", "flash",
                                  "ram", "power", "cost", "sources", "notes"}));
  Target target;
  ATML_TRY_STATUS(read_names(root, path, target));
  ATML_TRY_STATUS(read_core(root, target));
  ATML_TRY(target.flash, read_region(root, "flash"));
  ATML_TRY(target.ram, read_region(root, "ram"));
  ATML_TRY_STATUS(check_regions(root, target));
  ATML_TRY_STATUS(read_power(root, target));
  ATML_TRY_STATUS(read_cost(root, target));
  ATML_TRY(target.sources, strings_or_none(root, "sources"));
  ATML_TRY(target.notes, strings_or_none(root, "notes"));
  return target;
}

}  // namespace atml::target

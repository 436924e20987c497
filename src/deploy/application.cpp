#include "deploy/application.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "deploy/elf.h"

namespace atml::deploy {
namespace {

using target::Core;
using target::Region;

// Numbers of the ELF specification (System V ABI, chapter 4) and of its processor supplements.
constexpr std::size_t kClassAt = 4, kDataAt = 5, kTypeAt = 16, kMachineAt = 18, kFlagsAt = 36;
constexpr std::size_t kHeaderSize = 52;
constexpr unsigned kExecutable = 2, kArm = 40, kRiscV = 243;
constexpr unsigned kRiscVFloatAbi = 6;  // bits of e_flags

// Arm: "Addenda to, and Errata in, the ABI for the Arm Architecture", build attributes.
constexpr unsigned kTagArch = 6, kTagProfile = 7, kTagFloat = 10;

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
}
unsigned half_at(std::string_view bytes, std::size_t at) {
  return byte_at(bytes, at) | byte_at(bytes, at + 1) << 8;
}
unsigned word_at(std::string_view bytes, std::size_t at) {
  return half_at(bytes, at) | half_at(bytes, at + 2) << 16;
}

Error bad(Code code, std::string message) { return {code, std::move(message)}; }

std::string machine_name(unsigned machine) {
  switch (machine) {
    case 3:
      return "x86";
    case 62:
      return "x86-64";
    case 183:
      return "AArch64";
    case kArm:
      return "Arm";
    case kRiscV:
      return "RISC-V";
    default:
      return fmt::format("machine {}", machine);
  }
}

// What the first bytes tell, before anything else is read.
Status check_header(std::string_view bytes, const target::Target& target) {
  if (!bytes.starts_with("\x7f"
                         "ELF"))
    return bad(Code::kParse,
               fmt::format("is no ELF file ({} bytes); give the linked firmware, not its .bin or "
                           ".hex",
                           bytes.size()));
  if (bytes.size() < kHeaderSize)
    return bad(Code::kParse, fmt::format("is cut: {} bytes", bytes.size()));
  const unsigned machine = half_at(bytes, kMachineAt);
  const unsigned wanted = target.core == Core::kRv32imc ? kRiscV : kArm;
  const bool right_class = byte_at(bytes, kClassAt) == 1 && byte_at(bytes, kDataAt) == 1;
  if (machine != wanted || !right_class)
    return bad(Code::kInvalidArgument,
               fmt::format("is built for {} ({} bits, {} endian), target '{}' is {} (32 bits, "
                           "little endian); give the part's firmware",
                           machine_name(machine), byte_at(bytes, kClassAt) == 2 ? 64 : 32,
                           byte_at(bytes, kDataAt) == 2 ? "big" : "little", target.name,
                           machine_name(wanted)));
  if (half_at(bytes, kTypeAt) != kExecutable)
    return bad(Code::kInvalidArgument,
               "is no linked firmware (an object file or a library); link it first");
  if (machine == kRiscV && (word_at(bytes, kFlagsAt) & kRiscVFloatAbi) != 0)
    return bad(Code::kInvalidArgument,
               fmt::format("uses floating-point registers, which core {} does not have",
                           target::to_string(target.core)));
  return {};
}

struct Attributes {
  std::optional<unsigned> arch;
  unsigned profile = 0;
  unsigned floating = 0;
};

// Reads on in a byte string; behind its end there are zeros.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}
  bool more() const { return !bytes_.empty(); }
  unsigned number() {  // ULEB128
    unsigned value = 0;
    for (unsigned shift = 0; more(); shift += 7) {
      const unsigned byte = byte_at(bytes_, 0);
      bytes_.remove_prefix(1);
      if (shift < 28) value |= (byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) break;
    }
    return value;
  }
  void skip_text() { skip(std::min(bytes_.find('\0'), bytes_.size() - 1) + 1); }
  void skip(std::size_t count) { bytes_.remove_prefix(std::min(count, bytes_.size())); }

 private:
  std::string_view bytes_;
};

// Tags 4, 5 and odd ones above 32 are texts, 32 is a number and a text, all others are numbers.
void read_file_attributes(std::string_view bytes, Attributes& found) {
  Cursor in(bytes);
  while (in.more()) {
    const unsigned tag = in.number();
    const bool text = tag == 4 || tag == 5 || (tag > 32 && tag % 2 == 1);
    if (text && in.more()) in.skip_text();
    if (text || !in.more()) continue;
    const unsigned value = in.number();
    if (tag == kTagArch) found.arch = value;
    if (tag == kTagProfile) found.profile = value;
    if (tag == kTagFloat) found.floating = value;
    if (tag == 32 && in.more()) in.skip_text();
  }
}

// .ARM.attributes: 'A', then sections of length, vendor, and there the attributes of the file.
Attributes read_attributes(std::string_view bytes) {
  Attributes found;
  if (bytes.empty() || bytes[0] != 'A') return found;
  bytes.remove_prefix(1);
  while (bytes.size() > 4) {
    const std::size_t length = std::min<std::size_t>(word_at(bytes, 0), bytes.size());
    const std::string_view section = bytes.substr(0, length);
    if (length < 15) break;
    constexpr std::size_t kTagAt = 10;  // behind the length and "aeabi"
    if (section.substr(4, 6) == std::string_view("aeabi\0", 6) && byte_at(section, kTagAt) == 1) {
      const std::size_t size =
          std::min<std::size_t>(word_at(section, kTagAt + 1), section.size() - kTagAt);
      if (size > 5) read_file_attributes(section.substr(kTagAt + 5, size - 5), found);
    }
    bytes.remove_prefix(length);
  }
  return found;
}

struct Arch {
  unsigned number;
  std::string_view name;
  std::vector<Core> cores;  // that run it
};

std::vector<Arch> architectures() {
  using enum Core;
  const std::vector<Core> all{kCortexM0, kCortexM0Plus, kCortexM3, kCortexM4,
                              kCortexM7, kCortexM33,    kCortexM55};
  return {{11, "Armv6-M", all},
          {12, "Armv6S-M", all},
          {10, "Armv7-M", {kCortexM3, kCortexM4, kCortexM7, kCortexM33, kCortexM55}},
          {13, "Armv7E-M", {kCortexM4, kCortexM7, kCortexM33, kCortexM55}},
          {16, "Armv8-M baseline", {kCortexM33, kCortexM55}},
          {17, "Armv8-M mainline", {kCortexM33, kCortexM55}},
          {21, "Armv8.1-M mainline", {kCortexM55}}};
}

Status check_attributes(const Attributes& attributes, const target::Target& target) {
  if (!attributes.arch) return {};  // the linker script may discard them
  const std::vector<Arch> known = architectures();
  const auto it = std::ranges::find(known, *attributes.arch, &Arch::number);
  const bool wrong_profile = attributes.arch == 10u && attributes.profile != 'M';
  if (it == known.end() || wrong_profile)
    return bad(Code::kInvalidArgument,
               fmt::format("is built for an Arm architecture (build attribute {}) that is no "
                           "microcontroller's",
                           *attributes.arch));
  if (std::ranges::find(it->cores, target.core) == it->cores.end())
    return bad(Code::kInvalidArgument,
               fmt::format("is built for {}, which core {} of target '{}' does not run", it->name,
                           target::to_string(target.core), target.name));
  if (attributes.floating != 0 && !target.fpu)
    return bad(
        Code::kInvalidArgument,
        fmt::format("uses a floating-point unit, which target '{}' does not have", target.name));
  return {};
}

bool inside(std::uint64_t address, const Region& region) {
  return address >= region.origin &&
         address < region.origin + static_cast<std::uint64_t>(region.size.value);
}

bool named(const Section& section, std::string_view word) {
  return section.name.find(word) != std::string::npos;
}

// Heaps and stacks may be marked COPY, to make room only: then nothing says that they are memory.
bool occupies(const Section& section) {
  const bool debug = section.address == 0 || section.name.starts_with(".debug");
  return section.loaded || (!debug && (named(section, "heap") || named(section, "stack")));
}

struct Count {
  Application application;
  Bytes other_flash;                // loaded bytes outside the part's flash
  Bytes other_ram;                  // writable sections outside the part's RAM
  std::vector<std::string> in_ram;  // names
  bool has_stack = false;
};

Count count_sections(const ElfFile& elf, const target::Target& target) {
  Count count;
  for (const Section& s : elf.sections()) {
    if (s.size == 0 || !occupies(s)) continue;
    if (s.loaded && s.has_bytes)
      (inside(s.load_address, target.flash) ? count.application.flash : count.other_flash) +=
          Bytes(s.size);
    if (inside(s.address, target.ram)) {
      count.application.ram += Bytes(s.size);
      count.in_ram.push_back(s.name);
      count.has_stack = count.has_stack || named(s, "stack");
    } else if (s.writable) {
      count.other_ram += Bytes(s.size);
    }
  }
  return count;
}

std::string describe(const Count& count, std::string_view name) {
  std::string text = fmt::format("application {}: {} flash, {} RAM", name,
                                 to_text(count.application.flash), to_text(count.application.ram));
  if (!count.in_ram.empty()) text += " (" + join(count.in_ram, ", ") + ")";
  if (count.other_flash.value + count.other_ram.value > 0)
    text += fmt::format("; not counted: {} flash and {} RAM in other memories",
                        to_text(count.other_flash), to_text(count.other_ram));
  if (!count.has_stack)
    text += "; no section is its stack, which is not counted: add it with --reserve-ram";
  return text;
}

Result<Application> parse(std::string bytes, std::string_view name, const target::Target& target) {
  ATML_TRY_STATUS(check_header(bytes, target));
  const std::string copy = bytes;
  const auto elf = ElfFile::parse(std::move(bytes));
  if (!elf.ok())
    return bad(Code::kParse,
               fmt::format("is cut or damaged, or has no section table ({} bytes)", copy.size()));
  for (const Section& s : elf->sections()) {
    if (s.name == ".ARM.attributes" && s.has_bytes)
      ATML_TRY_STATUS(check_attributes(
          read_attributes(std::string_view(copy).substr(s.offset, s.size)), target));
  }
  Count count = count_sections(*elf, target);
  if (count.application.flash.value == 0)
    return bad(Code::kInvalidArgument,
               fmt::format("has no byte in the flash of target '{}' ({:#010x}, {}); link it for "
                           "this part, or give --reserve-flash and --reserve-ram instead",
                           target.name, target.flash.origin, to_text(target.flash.size)));
  count.application.text = describe(count, name);
  return count.application;
}

}  // namespace

Result<Application> parse_application(std::string bytes, std::string_view name,
                                      const target::Target& target) {
  auto application = parse(std::move(bytes), name, target);
  if (application.ok()) return application;
  return Error{application.error().code,
               fmt::format("application '{}' {}", name, application.error().message)};
}

Result<Application> read_application(const std::string& path, const target::Target& target) {
  ATML_TRY(std::string bytes, read_file(path));
  return parse_application(std::move(bytes), std::filesystem::path(path).filename().string(),
                           target);
}

}  // namespace atml::deploy

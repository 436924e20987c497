#include "deploy/elf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace atml::deploy {
namespace {

// Numbers of the ELF specification (System V ABI, chapter 4).
constexpr std::uint32_t kProgramLoad = 1;
constexpr std::uint32_t kSectionSymbols = 2, kSectionNoBits = 8;
constexpr std::uint32_t kFlagWrite = 1, kFlagAlloc = 2;
constexpr std::uint32_t kSymbolFunction = 2;
constexpr std::uint16_t kMachineArm = 40;
constexpr std::size_t kHeaderSize = 52, kProgramEntry = 32, kSectionEntry = 40, kSymbolEntry = 16;

// Bounds-checked little-endian reads: a read outside gives 0 and marks the reader as failed.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  std::uint32_t u32(std::size_t at) { return static_cast<std::uint32_t>(number(at, 4)); }
  std::uint16_t u16(std::size_t at) { return static_cast<std::uint16_t>(number(at, 2)); }
  std::uint8_t u8(std::size_t at) { return static_cast<std::uint8_t>(number(at, 1)); }
  std::string text(std::size_t at) {
    if (at >= bytes_.size()) return fail(), "";
    const std::size_t end = bytes_.find('\0', at);
    return end == std::string_view::npos ? (fail(), "") : std::string(bytes_.substr(at, end - at));
  }
  bool has(std::size_t at, std::size_t size) const {
    return at <= bytes_.size() && bytes_.size() - at >= size;
  }
  void fail() { failed_ = true; }
  bool failed() const { return failed_; }

 private:
  std::uint64_t number(std::size_t at, std::size_t size) {
    if (!has(at, size)) return fail(), 0;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[at + i])) << (8 * i);
    }
    return value;
  }
  std::string_view bytes_;
  bool failed_ = false;
};

struct RawSection {
  std::uint32_t name, type, flags, address, offset, size, link;
};

std::vector<RawSection> read_sections(Reader& in) {
  const std::size_t table = in.u32(32);
  const std::size_t count = in.u16(48);
  std::vector<RawSection> raw;
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    const std::size_t at = table + i * kSectionEntry;
    raw.push_back({in.u32(at), in.u32(at + 4), in.u32(at + 8), in.u32(at + 12), in.u32(at + 16),
                   in.u32(at + 20), in.u32(at + 24)});
    if (raw.back().type != kSectionNoBits && raw.back().type != 0 &&
        !in.has(raw.back().offset, raw.back().size))
      in.fail();
  }
  return raw;
}

std::vector<Symbol> read_symbols(Reader& in, const std::vector<RawSection>& raw, bool thumb) {
  std::vector<Symbol> symbols;
  for (const RawSection& table : raw) {
    if (table.type != kSectionSymbols || table.link >= raw.size()) continue;
    const std::size_t names = raw[table.link].offset;
    for (std::size_t at = table.offset; at + kSymbolEntry <= table.offset + std::size_t{table.size};
         at += kSymbolEntry) {
      Symbol symbol{in.text(names + in.u32(at)), in.u32(at + 4), in.u32(at + 8)};
      symbol.function = (in.u8(at + 12) & 15u) == kSymbolFunction;
      const std::uint16_t section = in.u16(at + 14);
      symbol.section = section < raw.size() ? section : -1;
      if (symbol.function && thumb) symbol.value &= ~1u;
      if (in.failed()) return symbols;
      if (!symbol.name.empty()) symbols.push_back(std::move(symbol));
    }
  }
  return symbols;
}

// The load address of a section: its segment maps virtual to physical addresses.
std::uint32_t load_address(Reader& in, const RawSection& section) {
  const std::size_t table = in.u32(28);
  const std::size_t count = in.u16(44);
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    const std::size_t at = table + i * kProgramEntry;
    const std::uint32_t address = in.u32(at + 8);
    const std::uint32_t size = in.u32(at + 20);
    const bool inside = section.address >= address && section.address - address < size;
    if (in.u32(at) == kProgramLoad && inside) return section.address - address + in.u32(at + 12);
  }
  return section.address;
}

}  // namespace

Result<ElfFile> ElfFile::parse(std::string bytes) {
  const Error bad{
      Code::kParse,
      fmt::format("not a complete 32-bit little-endian ELF file ({} bytes)", bytes.size())};
  if (bytes.size() < kHeaderSize || std::memcmp(bytes.data(),
                                                "\x7f"
                                                "ELF\x01\x01",
                                                6) != 0)
    return bad;
  ElfFile elf;
  elf.bytes_ = std::move(bytes);
  Reader in(elf.bytes_);
  const std::vector<RawSection> raw = read_sections(in);
  const std::size_t names = in.u16(50);
  if (names >= raw.size()) return bad;
  for (const RawSection& s : raw) {
    elf.sections_.push_back({in.text(raw[names].offset + std::size_t{s.name}), s.address,
                             load_address(in, s), s.size, s.offset, (s.flags & kFlagAlloc) != 0,
                             (s.flags & kFlagWrite) != 0, s.type != kSectionNoBits && s.type != 0});
  }
  elf.symbols_ = read_symbols(in, raw, in.u16(18) == kMachineArm);
  if (in.failed()) return bad;
  return elf;
}

const Symbol* ElfFile::find(std::string_view name) const {
  const auto it = std::ranges::find_if(symbols_, [&](const Symbol& s) { return s.name == name; });
  return it == symbols_.end() ? nullptr : &*it;
}

Result<std::uint32_t> ElfFile::address(std::string_view name) const {
  const Symbol* symbol = find(name);
  if (symbol == nullptr)
    return Error{Code::kNotFound, fmt::format("symbol '{}' is not in the linked ELF", name)};
  return symbol->value;
}

Bytes ElfFile::flash_bytes() const {
  std::uint64_t low = UINT64_MAX;
  std::uint64_t high = 0;
  for (const Section& s : sections_) {
    if (!s.loaded || !s.has_bytes || s.size == 0) continue;
    low = std::min<std::uint64_t>(low, s.load_address);
    high = std::max<std::uint64_t>(high, std::uint64_t{s.load_address} + s.size);
  }
  return Bytes(high > low ? static_cast<std::int64_t>(high - low) : 0);
}

Bytes ElfFile::static_ram_bytes() const {
  Bytes sum;
  for (const Section& s : sections_) {
    if (s.loaded && s.writable) sum += Bytes(s.size);
  }
  return sum;
}

std::string_view ElfFile::bytes_at(std::uint32_t address, std::uint32_t size) const {
  for (const Section& s : sections_) {
    if (!s.loaded || !s.has_bytes || address < s.address) continue;
    const std::uint32_t into = address - s.address;
    if (into <= s.size && s.size - into >= size)
      return std::string_view(bytes_).substr(s.offset + into, size);
  }
  return {};
}

}  // namespace atml::deploy

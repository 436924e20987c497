// Reads the parts of a 32-bit little-endian ELF file that deployability needs: what is loaded, the
// sections and the symbols.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace atml::deploy {

struct Section {
  std::string name;
  std::uint32_t address = 0;
  std::uint32_t load_address = 0;  // where its bytes lie in flash; differs from address for .data
  std::uint32_t size = 0;
  std::uint32_t offset = 0;  // in the file
  bool loaded = false;       // SHF_ALLOC: occupies memory of the part
  bool writable = false;
  bool has_bytes = false;  // false for .bss and the like
};

struct Symbol {
  std::string name;
  std::uint32_t value = 0;  // of functions: without the Thumb bit
  std::uint32_t size = 0;
  bool function = false;
  int section = -1;  // index into ElfFile::sections, -1 for absolute symbols
};

class ElfFile {
 public:
  /// Fails (parse) on anything but a complete 32-bit little-endian ELF; bounds are checked
  /// everywhere.
  static Result<ElfFile> parse(std::string bytes);

  const std::vector<Section>& sections() const { return sections_; }
  const std::vector<Symbol>& symbols() const { return symbols_; }
  const Symbol* find(std::string_view name) const;
  /// The address of a symbol; fails (not_found) with its name.
  Result<std::uint32_t> address(std::string_view name) const;

  /// Size of the image that is flashed (objcopy -O binary): from the first to the last loaded byte
  /// of all sections with contents, alignment gaps included.
  Bytes flash_bytes() const;
  /// Memory of all writable loaded sections (.data, .bss, arena), without alignment gaps between
  /// them.
  Bytes static_ram_bytes() const;
  /// File bytes at a loaded address, empty where [address, address + size) has none.
  std::string_view bytes_at(std::uint32_t address, std::uint32_t size) const;

 private:
  std::string bytes_;
  std::vector<Section> sections_;
  std::vector<Symbol> symbols_;
};

}  // namespace atml::deploy

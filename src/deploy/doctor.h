// What deployability checks need from outside: programs and files, whether they are there, and
// which Debian package brings them.
#pragma once

#include <string>
#include <vector>

namespace atml::deploy {

struct Tool {
  std::string name;     // "arm-none-eabi-gcc"
  std::string purpose;  // "compiles firmware"
  std::string package;  // Debian package; empty for our own files
  bool found = false;
  bool required = true;  // false: only an optional feature needs it, named in `purpose`
  std::string version;   // first line of --version; empty where not found
  std::string path;      // where it was found
  std::string problem;   // what is wrong with it, with the remedy; empty where all is well
};

/// Every external program and file that this layer uses, in a fixed order.
std::vector<Tool> examine_tools();

}  // namespace atml::deploy

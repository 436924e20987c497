// The files of src/deploy/harness as text, built into the library so that an installed program
// needs no folder for them.
#pragma once

#include <string_view>

namespace atml::deploy::harness {

extern const std::string_view kHeader;       // harness.h
extern const std::string_view kStart;        // start.c
extern const std::string_view kStartRiscV;   // start_riscv.c
extern const std::string_view kMain;         // main.c
extern const std::string_view kHostMain;     // host_main.c
extern const std::string_view kBoardScript;  // board.ld

}  // namespace atml::deploy::harness

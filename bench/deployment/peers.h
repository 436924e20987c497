// What other engines need for the same models, and their golden outputs: measured once with the
// same compiler and emulator (facts: kernels and peers), since the peers themselves are not part of
// this project.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace atml::bench {

struct PeerFigures {
  std::string engine;
  std::int64_t instructions = 0;  // of one inference, Cortex-M4F, gcc 12
  std::int64_t flash = 0;         // linked ELF, bytes
  std::int64_t ram = 0;           // arena with input and output + static + stack, bytes
};

struct ReferenceModel {
  std::string name;                     // file in ../shared/models without .tflite
  std::array<std::uint32_t, 3> golden;  // FNV-1a of the outputs for the three generated inputs
  std::vector<PeerFigures> peers;
};

const std::vector<ReferenceModel>& reference_models();

/// On the trained models of the same topology: IC (pretrainedResnet_quant) and VWW (vww_96_int8).
std::vector<PeerFigures> image_classification_peers();
std::vector<PeerFigures> visual_wake_words_peers();

}  // namespace atml::bench

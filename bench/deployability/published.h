// Published results of boards: MLPerf Tiny, closed division (result files of
// github.com/mlcommons/tiny_results_v0.5 to v1.3). Latency in ms and energy in uJ of the networks
// AD, IC, KWS and VWW; 0 where nothing was published.
#pragma once

namespace atml::bench {

inline constexpr const char* kNetworks[] = {"AD", "IC", "KWS", "VWW"};

struct BoardRow {
  const char* engine;
  const char* board;
  const char* target;  // of the catalogue; "" where it has none
  double megahertz;
  double ms[4];
};

// The NUCLEO-L4R5ZI (Cortex-M4) comes first: rows of the same engine on other boards follow it.
inline constexpr BoardRow kBoards[] = {
    {"TFLM 2.3.1, reference (v0.5)", "L4R5ZI", "stm32l4r5zi", 120, {10.05, 704.2, 181.9, 600.6}},
    {"microTVM, native (v1.0)", "L4R5ZI", "stm32l4r5zi", 120, {11.72, 389.3, 144.0, 336.6}},
    {"microTVM, CMSIS-NN (v1.0)", "L4R5ZI", "stm32l4r5zi", 120, {8.60, 389.6, 99.8, 301.2}},
    {"microTVM, CMSIS-NN (v1.0)", "nRF5340", "nrf5340", 128, {6.27, 316, 76.1, 232}},
    {"Skymizer (v1.1)", "L4R5ZI", "stm32l4r5zi", 120, {8.07, 298.7, 82.0, 172.2}},
    {"X-CUBE-AI 7.1 (v0.7)", "L4R5ZI", "stm32l4r5zi", 120, {9.67, 252.8, 97.7, 254.7}},
    {"X-CUBE-AI 7.1 (v0.7)", "H7A3ZI", "stm32h7a3zi", 280, {2.28, 70.4, 22.3, 64.4}},
    {"X-CUBE-AI 7.1 (v0.7)", "U575ZI", "stm32u575zi", 160, {5.73, 158, 54.8, 152}},
    {"X-CUBE-AI 7.3 (v1.0)", "L4R5ZI", "stm32l4r5zi", 120, {7.58, 226.9, 75.1, 230.5}},
    {"X-CUBE-AI 7.3 (v1.0)", "H7A3ZI", "stm32h7a3zi", 280, {1.83, 54.3, 16.8, 50.7}},
    {"X-CUBE-AI 7.3 (v1.0)", "U575ZI", "stm32u575zi", 160, {4.85, 140, 44.2, 133}},
    {"X-CUBE-AI 8.1 (v1.1)", "L4R5ZI", "stm32l4r5zi", 120, {6.86, 214.0, 62.9, 118.7}},
    {"X-CUBE-AI 8.1 (v1.1)", "H7A3ZI", "stm32h7a3zi", 280, {1.82, 52.0, 15.4, 29.6}},
    {"X-CUBE-AI 8.1 (v1.1)", "U575ZI", "stm32u575zi", 160, {4.85, 128, 38.6, 71.6}},
    {"X-CUBE-AI 9.0 (v1.2)", "L4R5ZI", "stm32l4r5zi", 120, {5.26, 165.1, 43.2, 88.9}},
    {"X-CUBE-AI 9.0 (v1.2)", "H7A3ZI", "stm32h7a3zi", 280, {1.23, 40.8, 11.3, 23.8}},
    {"X-CUBE-AI 9.0 (v1.2)", "U575ZI", "stm32u575zi", 160, {3.43, 111, 29.1, 59.3}},
    {"X-CUBE-AI 10.2 (v1.3)", "L4R5ZI", "stm32l4r5zi", 120, {4.79, 165.7, 43.4, 89.4}},
    {"X-CUBE-AI 10.2 (v1.3)", "U575ZI", "stm32u575zi", 160, {3.21, 109, 29.0, 59.3}},
    {"X-CUBE-AI 10.2 (v1.3)", "U385RG", "stm32u385rg", 96, {5.41, 182.4, 48.3, 98.7}},
    {"Plumerai (v1.0)", "L4R5ZI", "stm32l4r5zi", 120, {5.57, 173.2, 71.7, 208.6}},
    {"Plumerai (v1.0)", "F746NG", "stm32f746ng", 216, {2.29, 64.8, 19.1, 57.0}},
    {"Plumerai (v1.1)", "L4R5ZI", "stm32l4r5zi", 120, {4.05, 167.8, 47.8, 98.8}},
    {"Plumerai (v1.1)", "H7A3ZI", "stm32h7a3zi", 280, {1.35, 50.9, 13.9, 26.8}},
    {"Plumerai (v1.1)", "F746NG", "stm32f746ng", 216, {1.71, 62.9, 17.8, 34.1}},
    {"Plumerai (v1.1)", "U575ZI", "stm32u575zi", 160, {3.67, 104, 30.0, 59.5}},
    {"Bosch HALE (v1.1)", "L4R5ZI", "stm32l4r5zi", 120, {5.66, 179.0, 62.7, 180.7}},
    {"Bosch HALE (v1.1)", "H7A3ZI", "stm32h7a3zi", 280, {1.36, 46.8, 14.7, 43.7}},
    {"Bosch HALE (v1.1)", "F746NG", "stm32f746ng", 216, {1.70, 61.6, 18.4, 57.2}},
    {"Bosch HALE (v1.1)", "U575ZI", "stm32u575zi", 160, {3.80, 118, 39.7, 115}},
    {"Bosch HALE (v1.2)", "G0B1RE (M0+)", "", 64, {40.9, 1522, 474.6, 1414}},
    {"Renesas (v1.2)", "RA8D1 (M85)", "", 480, {0.53, 8.48, 3.47, 13.4}},
};

// Instructions and table cycles (P = 2) of the two engines whose C is public, in millions, counted
// here with the emulator; gcc 12.2 -O2, theirs was Zephyr's SDK 0.13.2.
// flash_lines: 32-byte lines of weights that one inference reads, from the structure of the code:
// AD reads each weight once. CMSIS-NN's convolutions pass over the whole filter for each two pixels
// and its depthwise ones for each pixel: MACs / 2 / 32 and MACs / 32. How the native code tiles its
// loops is not known: each weight once, the least.
struct Counted {
  const char* engine;
  double instructions[4];
  double table[4];
  double flash_lines[4];
};
inline constexpr Counted kCounted[] = {
    {"microTVM, native (v1.0)",
     {0.991, 33.83, 10.08, 25.51},
     {1.25, 45.3, 15.1, 33.9},
     {0.008256, 0.002418, 0.000688, 0.006504}},
    {"microTVM, CMSIS-NN (v1.0)",
     {0.606, 31.92, 8.48, 24.94},
     {0.807, 39.4, 10.2, 30.1},
     {0.008256, 0.195338, 0.046012, 0.129495}},
};

// AD by Bosch HALE (v1.2), its 264,192 bytes of weights in flash and copied to RAM: what a line of
// flash costs.
struct FlashPair {
  const char* board;
  const char* target;
  double megahertz, flash_ms, ram_ms;
};
inline constexpr FlashPair kFlashPairs[] = {{"L4R5ZI", "stm32l4r5zi", 120, 5.84, 4.73},
                                            {"U575ZI", "stm32u575zi", 160, 3.80, 3.09},
                                            {"F746NG", "stm32f746ng", 216, 1.71, 1.42},
                                            {"H7A3ZI", "stm32h7a3zi", 280, 1.36, 1.08}};
inline constexpr double kWeightsOfAd = 264192;

struct EnergyRow {
  const char* board;
  const char* target;
  bool set_up_of_catalogue;  // false: the catalogue's power is of another supply or engine
  double ms[4];
  double microjoules[4];
};
inline constexpr EnergyRow kEnergies[] = {
    {"L4R5ZI, ST (v1.2)",
     "stm32l4r5zi",
     true,
     {5.261, 165.13, 43.187, 88.928},
     {203.4, 6919.4, 1820.5, 3894.6}},
    {"L4R5ZI, microTVM CMSIS-NN (v1.0)",
     "stm32l4r5zi",
     false,
     {8.60, 389.6, 99.8, 301.2},
     {443, 20236, 5230, 15531}},
    {"L4R5ZI-P, switching supply, ST (v1.3)",
     "stm32l4r5zi",
     false,
     {4.794, 165.67, 43.418, 89.437},
     {160.4, 5495.9, 1430.7, 3029.8}},
    {"U575ZI-Q, ST (v1.3)",
     "stm32u575zi",
     true,
     {3.209, 109.49, 28.995, 59.266},
     {77.24, 2565.2, 664.4, 1372.2}},
    {"U385RG-Q, ST (v1.3)",
     "stm32u385rg",
     true,
     {5.410, 182.45, 48.302, 98.736},
     {31.84, 965.6, 245.3, 519.0}},
    {"H7A3ZI-Q, ST (v1.2)",
     "stm32h7a3zi",
     true,
     {1.225, 40.845, 11.318, 23.804},
     {165.7, 5090.3, 1375.6, 2965.5}},
};

}  // namespace atml::bench

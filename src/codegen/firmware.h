// Codegen: an Int8Model and a Target become C sources. A pure function of its arguments: the same
// model, target and options give the same bytes, without time stamps, host paths or hidden state.
//
// What the C looks like to its caller (prefix "model"):
//   MODEL_ARENA_BYTES, MODEL_INPUT_BYTES, MODEL_OUTPUT_BYTES        macros in model.h
//   int8_t*       model_input(void* arena)         where the caller writes the input, inside the
//   arena void          model_run(void* arena)           one inference; the input is overwritten
//   const int8_t* model_output(const void* arena)  valid until the next write into the arena
//   void          model_predict(const int8_t in[], int8_t out[], void* arena)    copies in, runs,
//   copies out
// The arena is the caller's, aligned to 16 bytes, and holds input and output. Every operator that
// computes is one static noinline function `model_layer_NN_<name>` (NN = index of the operator, at
// least two digits).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "quantize/model.h"
#include "target/target.h"

namespace atml::codegen {

enum class Optimize { kSpeed, kBalanced, kSize };
std::string_view to_string(Optimize optimize);
Result<Optimize> parse_optimize(std::string_view text);

/// Row streaming of neighbouring operators (fewer bytes of RAM for some instructions, same bits).
/// kAuto: as little as the arena limit asks for; in a balanced build also where that costs few
/// instructions (4 %) and saves a quarter of the arena and 4 KiB, more than it takes of flash.
enum class Streaming { kOff, kAuto, kOn };
std::string_view to_string(Streaming streaming);
Result<Streaming> parse_streaming(std::string_view text);

/// The form of the user's folder: for make and CMake, an Arduino library, a Zephyr module.
enum class Layout { kPlain, kArduino, kZephyr };
std::string_view to_string(Layout layout);
Result<Layout> parse_layout(std::string_view text);

/// A vector for the firmware's own test: what must come out for this input.
struct SelfTest {
  std::vector<std::int8_t> input;
  std::vector<std::int8_t> output;
};

/// RAM that a firmware needs beside its arena, at most: statics and stack of the deepest kernel.
constexpr Bytes kOtherRam(512);

struct Options {
  std::string prefix = "model";  // a C identifier; on all external names and macros
  Optimize optimize = Optimize::kBalanced;
  Streaming streaming = Streaming::kAuto;
  Bytes arena_limit;   // for kAuto; 0: the part's RAM less kOtherRam
  std::string kernel;  // "atml_conv_plain": for all operators that it can compute, to compare
  std::optional<SelfTest> self_test;  // only firmware_folder() uses it
  std::string provenance;  // text for the header comment (study, trial, seed); may have lines
  Layout layout = Layout::kPlain;  // only firmware_folder() uses it
  /// Weights of dense layers in a prefix code where that saves flash (coded_weights.h): same bits,
  /// several times the instructions of these layers, no RAM. estimate() and plan_memory() do not
  /// know it: no search offers it.
  bool compress_weights = false;
  bool weight_arrays = true;  // form (a) of the weights: most of the text, and nobody's in a check
};

/// Where a tensor lies in the arena while it lives: from before first_op to after last_op (operator
/// indices; -1 = before the first, for the input; ops.size() = after the last, for the output).
/// Tensors that share bytes by an in-place operator overlap on purpose: `in_place_of` names the
/// other one.
struct Placement {
  int tensor = 0;
  Bytes offset, size;
  int first_op = 0, last_op = 0;
  int in_place_of = -1;  // tensor whose bytes this one overwrites, or -1
  int rows = 0;          // > 0: a line buffer of so many rows of the tensor; `size` is theirs
};

/// Operators that run together row by row; tensors between them are in line buffers.
struct StreamedGroup {
  int first_op = 0, last_op = 0;        // both included
  std::int64_t extra_instructions = 0;  // estimate of its price; nothing is computed twice
};

struct MemoryPlan {
  Bytes arena;  // size of the caller's buffer: all of the below
  std::vector<Placement>
      placements;        // in order of tensor index; tensors that need no room are absent
  Bytes scratch;         // largest scratch of an operator (patch and row buffers), inside arena
  Bytes scratch_offset;  // of the operator that needs the largest
  std::vector<Bytes> live_at_op;  // bytes in use while operator i runs, with its scratch
  int peak_op = 0;                // the first operator with the largest live_at_op
  std::vector<StreamedGroup> groups;
  /// Operators of the model in the order in which they run; every operator index above counts in
  /// this order.
  std::vector<int> order;
};

enum class Role {
  kSource,  // C of the model: needed in both weight forms
  kHeader,
  kWeightsArray,     // form (a): the weights as C arrays; compile it or link form (b), never both
  kWeightsBlob,      // form (b): raw bytes, read by .incbin (the assembler needs -I of the folder)
  kWeightsAssembly,  // form (b): the assembler file; gives the same symbols, sections and sizes as
                     // (a)
  kLinkerScript,     // the part's true memory map
  kMain,             // main.c: the minimal application of the production ELF
  kSupport,          // README, Makefile, self-test, copies of the runtime: firmware_folder() only
};

struct File {
  std::string path;  // relative, with '/'
  std::string bytes;
  Role role = Role::kSource;
};

/// What became of an operator.
struct OpInfo {
  int op = 0;  // index into Int8Model::ops
  std::string name;
  std::string symbol;  // its function in model.c; empty: no code (a reshape, a merged pad)
  std::string kernel;  // runtime function that does the work ("atml_pointwise_s8")
  Bytes weights;       // kernel bytes in flash, padding of the packing included
  Bytes tables;        // biases, multipliers, shifts, look-up tables, parameters
  Bytes scratch;       // arena bytes beside its tensors
};

struct Firmware {
  std::vector<File> files;  // in stable order
  MemoryPlan plan;
  std::vector<OpInfo> ops;  // one an operator, in order of execution

  const File* find(std::string_view path) const;
};

/// The hot path of a deployability check: <prefix>.h, <prefix>.c, both weight forms
/// (<prefix>_weights.c or <prefix>_weights.S + <prefix>_weights.bin) with <prefix>_weights.h,
/// main.c, link.ld. Start-up and kernels do not depend on the model: runtime.h lists them. Fails
/// (unsupported) on what the runtime cannot compute, naming operator, kind and the reason. The
/// model must verify().
Result<Firmware> generate(const quantize::Int8Model& model, const target::Target& target,
                          const Options& options);
/// What limits leave for the arena (at least 1 byte): for Options::arena_limit.
Bytes arena_limit(const target::Limits& limits);
/// The limit that kAuto plans for.
Bytes arena_limit(const target::Target& target, const Options& options);

/// The user's folder in the layout asked for. Plain: all of generate() without form (b), the
/// kernels in use, start-up, Makefile, README.md, self-test (host `make check`). Arduino and
/// Zephyr: the same C without start-up, with what those builds read and an example that runs the
/// self-test. Every external name and macro, those of the kernels too, begins with the prefix, so
/// that folders of several models link into one program. Fails (invalid argument) on a prefix that
/// is no C identifier or would hide a header that the sources need.
Result<Firmware> firmware_folder(const quantize::Int8Model& model, const target::Target& target,
                                 const Options& options);

/// The arena alone, without code: the exact plan that generate() uses.
MemoryPlan plan_memory(const quantize::Int8Model& model, const target::Target& target,
                       const Options& options);

/// An operator that only portable code computes, several times slower than the kernels of its core.
struct PlainLayer {
  int op = 0;          // of the model
  std::string reason;  // "output channel 3: its factor 0.7 is not in [2^-23, 0.5)"
};
std::vector<PlainLayer> plain_layers(const quantize::Int8Model& model);

/// Whether Options::compress_weights changes this firmware.
bool compression_pays(const quantize::Int8Model& model, const target::Target& target,
                      Options options);

/// Sizes without a compiler, in microseconds, to skip what cannot fit. arena is exact; flash and
/// ram (arena + statics + stack) are bounds from below, made of what each kernel was measured to
/// take on this core at options.optimize: see estimate.cpp, and bench/results/deployability.md for
/// the error.
struct Estimate {
  Bytes flash, arena, ram;
};
Estimate estimate(const quantize::Int8Model& model, const target::Target& target,
                  const Options& options);

}  // namespace atml::codegen

// ExternalOracle: any command that gets a model file and answers with JSON - a vendor's compiler, a
// board farm. Whatever it does, the search goes on: hangs, crashes and nonsense become "not
// computable".
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "deploy/deployability.h"

namespace atml::deploy {

/// Makes the bytes of the model file (the caller gives exchange's .tflite writer).
using ModelWriter = std::function<Result<std::string>(const quantize::Int8Model&)>;

struct ExternalOptions {
  std::string command;  // a shell command; the path of the model file is appended as last word
  std::string file_name = "model.tflite";
  Seconds timeout{60};  // then the whole process group is killed
};

/// The command runs in a scratch folder of its own (a tool may write there) with these variables:
/// AUTOTINYML_MODEL_ID (16 hexadecimal digits of the file's bytes), AUTOTINYML_TARGET (name),
/// AUTOTINYML_FLASH and AUTOTINYML_RAM (usable bytes). It prints one JSON object, alone or as its
/// last line:
///   {"model": "<AUTOTINYML_MODEL_ID>", "flash_bytes": 51200, "ram_bytes": 20480,
///   "latency_ms": 41.5}
/// and optionally "arena_bytes", "stack_bytes", "instructions", "cycles" (a number, or low / mid /
/// high) and "energy_uj". {"model": ..., "computable": false, "reason": "operator X is not
/// supported"} refuses the model. "model" must be the id that was given: an answer for another
/// model is refused. Limits on latency or energy need an answer that has them.
///
/// Not computable, with the reason: exit code other than 0, a signal, the time-out, more than 1 MiB
/// of output, no JSON, missing, negative, fractional (bytes) or absurd numbers, another model's id.
/// Error: cancelled where `stop` asks for it, also while the command runs; the command does not
/// exist (exit codes 126 and 127 of the shell), or the disk is full. Thread safe.
class ExternalOracle : public Oracle {
 public:
  ExternalOracle(ExternalOptions options, ModelWriter writer)
      : options_(std::move(options)), writer_(std::move(writer)) {}

  std::string name() const override { return "external:" + options_.command; }
  Result<Deployability> check(const quantize::Int8Model& model, const target::Target& target,
                              const target::Limits& limits, const StopToken& stop) override;

 private:
  ExternalOptions options_;
  ModelWriter writer_;
};

/// The command with every word that names a file beside the caller ("./ask.sh", "python3 ask.py")
/// made absolute, so that it can be run from another folder. Words with quotes or other characters
/// that mean something to the shell stay as they are; so does a first word without a slash, which
/// is looked up in PATH.
std::string absolute_command(const std::string& command);

/// The answer of an external command as a verdict, without judging limits; `id` is the model's.
/// Fails (invalid_argument) with what is wrong in it.
Result<Deployability> parse_answer(std::string_view output, std::string_view id);

}  // namespace atml::deploy

// Dataset: samples with labels (or targets), groups and a split into train / validation / test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/shape.h"

namespace atml::data {

enum class Task { kClassification, kRegression, kAnomaly };
enum class ElementType { kUint8, kInt8, kInt16, kFloat32 };
std::string_view to_string(Task task);         // "classification", as in dataset.toml
std::string_view to_string(ElementType type);  // "uint8"
std::size_t size_of(ElementType type);         // bytes

/// n samples of one shape, kept in the element type of their file (a CIFAR-10 split as floats would
/// take 600 MB). Values are element x scale; elements lie in HWC order, sample after sample.
class Samples {
 public:
  Samples() = default;
  Samples(Shape shape, ElementType type, std::vector<std::byte> bytes, double scale = 1);

  std::size_t size() const { return count_; }
  const Shape& shape() const { return shape_; }
  ElementType type() const { return type_; }
  double scale() const { return scale_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::span<const std::byte> bytes_of(std::size_t index) const;  // of one sample

  /// Writes the values (element x scale, not normalised) of one sample; out has shape().elements().
  void read(std::size_t index, std::span<float> out) const;
  /// A copy that holds only the samples at `indices`, in that order.
  Samples select(std::span<const std::size_t> indices) const;

 private:
  Shape shape_;
  ElementType type_ = ElementType::kFloat32;
  std::vector<std::byte> bytes_;
  double scale_ = 1;
  std::size_t count_ = 0;
};

struct Split {
  Samples x;
  std::vector<std::int32_t> labels;  // classification: 0..classes-1, one a sample; else empty
                                     // (anomaly: 0 normal, 1 anomalous, where the data says so)
  std::vector<float> targets;        // regression: target_size values a sample; else empty
  std::vector<std::int32_t> groups;  // subject, speaker, machine of each sample; empty if unknown

  std::size_t size() const { return x.size(); }
  Split select(std::span<const std::size_t> indices) const;
};

/// normalised = (value - mean[c]) * gain[c], c = channel. For 8-bit images mean is one whole number
/// and gain one figure for all channels, so that the int8 input of the firmware is exactly pixel -
/// 128 (scale = gain, zero point = mean - 128); for signals both are per channel.
struct Normalisation {
  std::vector<float> mean;                        // shape.channels values
  std::vector<float> gain;                        // shape.channels values, > 0
  bool exact_pixels = false;                      // the uint8 rule above holds
  void apply(std::span<float> hwc_values) const;  // in place, size a multiple of channels
};

struct Dataset {
  std::string name;
  Task task = Task::kClassification;
  std::vector<std::string> classes;   // names, classification
  int target_size = 0;                // regression: values a sample
  Shape shape;                        // of one sample
  std::vector<std::string> channels;  // names, or empty
  double sample_rate_hz = 0;          // 0 if unknown
  Split train;
  Split validation;               // carved from train, by group where groups are given
  Split test;                     // read once, at the end
  Normalisation normalisation;    // measured on train only
  std::uint64_t fingerprint = 0;  // of all values, labels and the split: a resumed study checks it

  int outputs() const {  // numbers the network gives
    if (task == Task::kClassification) return static_cast<int>(classes.size());
    return task == Task::kRegression ? target_size : static_cast<int>(shape.elements());
  }
};

}  // namespace atml::data

#include "data/dataset.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace atml::data {
namespace {

template <class Element>
void convert(const std::byte* from, double scale, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Element element;
    std::memcpy(&element, from + i * sizeof(Element), sizeof(Element));
    out[i] = static_cast<float>(static_cast<double>(element) * scale);
  }
}

template <class T>
std::vector<T> pick(const std::vector<T>& values, std::span<const std::size_t> indices,
                    std::size_t width = 1) {
  std::vector<T> picked;
  if (values.empty()) return picked;
  picked.reserve(indices.size() * width);
  for (const std::size_t index : indices) {
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(index * width);
    picked.insert(picked.end(), first, first + static_cast<std::ptrdiff_t>(width));
  }
  return picked;
}

}  // namespace

std::string_view to_string(Task task) {
  switch (task) {
    case Task::kClassification:
      return "classification";
    case Task::kRegression:
      return "regression";
    case Task::kAnomaly:
      return "anomaly";
  }
  ATML_UNREACHABLE("task");
}

std::string_view to_string(ElementType type) {
  switch (type) {
    case ElementType::kUint8:
      return "uint8";
    case ElementType::kInt8:
      return "int8";
    case ElementType::kInt16:
      return "int16";
    case ElementType::kFloat32:
      return "float32";
  }
  ATML_UNREACHABLE("element type");
}

std::size_t size_of(ElementType type) {
  switch (type) {
    case ElementType::kUint8:
    case ElementType::kInt8:
      return 1;
    case ElementType::kInt16:
      return 2;
    case ElementType::kFloat32:
      return 4;
  }
  ATML_UNREACHABLE("element type");
}

Samples::Samples(Shape shape, ElementType type, std::vector<std::byte> bytes, double scale)
    : shape_(shape), type_(type), bytes_(std::move(bytes)), scale_(scale) {
  const std::size_t sample = static_cast<std::size_t>(shape_.elements()) * size_of(type_);
  ATML_ASSERT(sample > 0 && bytes_.size() % sample == 0, "samples of shape " + shape_.text());
  count_ = bytes_.size() / sample;
}

std::span<const std::byte> Samples::bytes_of(std::size_t index) const {
  ATML_ASSERT(index < count_, "sample index " + std::to_string(index));
  const std::size_t sample = bytes_.size() / count_;
  return std::span(bytes_).subspan(index * sample, sample);
}

void Samples::read(std::size_t index, std::span<float> out) const {
  ATML_ASSERT(out.size() == static_cast<std::size_t>(shape_.elements()), "size of out");
  const std::byte* from = bytes_of(index).data();
  switch (type_) {
    case ElementType::kUint8:
      return convert<std::uint8_t>(from, scale_, out);
    case ElementType::kInt8:
      return convert<std::int8_t>(from, scale_, out);
    case ElementType::kInt16:
      return convert<std::int16_t>(from, scale_, out);
    case ElementType::kFloat32:
      return convert<float>(from, scale_, out);
  }
}

Samples Samples::select(std::span<const std::size_t> indices) const {
  if (indices.empty()) return Samples(shape_, type_, {}, scale_);
  return Samples(shape_, type_, pick(bytes_, indices, bytes_.size() / count_), scale_);
}

Split Split::select(std::span<const std::size_t> indices) const {
  const std::size_t width = size() > 0 ? targets.size() / size() : 1;
  return {x.select(indices), pick(labels, indices), pick(targets, indices, width),
          pick(groups, indices)};
}

void Normalisation::apply(std::span<float> hwc_values) const {
  const std::size_t channels = mean.size();
  ATML_ASSERT(channels > 0 && hwc_values.size() % channels == 0, "size of values");
  for (std::size_t i = 0; i < hwc_values.size(); i += channels) {
    for (std::size_t c = 0; c < channels; ++c) {
      hwc_values[i + c] = (hwc_values[i + c] - mean[c]) * gain[c];
    }
  }
}

}  // namespace atml::data

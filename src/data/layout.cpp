#include "data/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/text.h"

namespace atml::data {
namespace {

constexpr std::size_t kMostPerAxis = 1 << 24;

const std::vector<std::string>& axis_names() {  // in the order of Axis
  static const std::vector<std::string> names = {"sample", "time",    "height",
                                                 "width",  "channel", "feature"};
  return names;
}

bool has(const std::vector<Axis>& layout, Axis axis) {
  return std::ranges::count(layout, axis) > 0;
}

/// The axes of the array in the order sample, height, width, channel, leaving out what is absent.
std::vector<std::size_t> hwc_order(const std::vector<Axis>& layout) {
  std::vector<std::size_t> order;
  for (const Axis axis :
       {Axis::kSample, Axis::kTime, Axis::kHeight, Axis::kWidth, Axis::kChannel, Axis::kFeature}) {
    const auto at = std::ranges::find(layout, axis);
    if (at != layout.end()) order.push_back(static_cast<std::size_t>(at - layout.begin()));
  }
  return order;
}

Shape shape_of(const Array& array, const std::vector<Axis>& layout) {
  Shape shape;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    const int size = static_cast<int>(array.dims[i]);
    switch (layout[i]) {
      case Axis::kSample:
        break;
      case Axis::kTime:
      case Axis::kHeight:
        shape.height = size;
        break;
      case Axis::kWidth:
        shape.width = size;
        break;
      case Axis::kChannel:
      case Axis::kFeature:
        shape.channels = size;
        break;
    }
  }
  return shape;
}

std::optional<ElementType> kept_type(NumberType type) {
  switch (type) {
    case NumberType::kUint8:
      return ElementType::kUint8;
    case NumberType::kInt8:
      return ElementType::kInt8;
    case NumberType::kInt16:
      return ElementType::kInt16;
    case NumberType::kFloat32:
      return ElementType::kFloat32;
    default:
      return std::nullopt;
  }
}

float float_at(const std::vector<std::byte>& floats, std::size_t index) {
  float value;
  std::memcpy(&value, floats.data() + index * sizeof(float), sizeof(float));
  return value;
}

Error not_finite(const std::string& name, float value, std::size_t index, std::size_t per_sample) {
  const char* kind = std::isnan(value)   ? "NaN"
                     : std::isinf(value) ? "infinite"
                                         : "beyond float32 after scaling";
  return {Code::kInvalidArgument,
          fmt::format("{}: sample {}, element {} is {}; remove or repair that sample", name,
                      index / per_sample, index % per_sample, kind)};
}

std::vector<std::byte> to_floats(const Array& array) {
  std::vector<std::byte> bytes(array.elements() * sizeof(float));
  for (std::size_t i = 0; i < array.elements(); ++i) {
    const auto value = static_cast<float>(array.number(i));
    std::memcpy(bytes.data() + i * sizeof(float), &value, sizeof(float));
  }
  return bytes;
}

/// The first element that is no finite float after scaling, or nullopt.
std::optional<std::size_t> first_not_finite(const std::vector<std::byte>& floats, double scale) {
  for (std::size_t i = 0; i < floats.size() / sizeof(float); ++i) {
    if (!std::isfinite(static_cast<float>(float_at(floats, i) * scale))) return i;
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<Axis>> parse_layout(const std::vector<std::string>& names) {
  std::vector<Axis> layout;
  for (const std::string& name : names) {
    const auto at = std::ranges::find(axis_names(), name);
    if (at == axis_names().end()) {
      return Error{Code::kInvalidArgument, fmt::format("layout: unknown axis '{}'{}", name,
                                                       suggestion(name, axis_names()))};
    }
    const auto axis = static_cast<Axis>(at - axis_names().begin());
    if (has(layout, axis)) {
      return Error{Code::kInvalidArgument, fmt::format("layout: '{}' appears twice", name)};
    }
    layout.push_back(axis);
  }
  if (!has(layout, Axis::kSample) || layout.size() < 2) {
    return Error{Code::kInvalidArgument,
                 "layout: needs 'sample' and at least one other axis, as in [\"sample\", \"time\", "
                 "\"channel\"]"};
  }
  for (const auto& [a, b] :
       {std::pair(Axis::kTime, Axis::kHeight), std::pair(Axis::kChannel, Axis::kFeature)}) {
    if (!has(layout, a) || !has(layout, b)) continue;
    return Error{Code::kInvalidArgument,
                 fmt::format("layout: '{}' and '{}' cannot be combined: both are the same axis of "
                             "the network's input",
                             axis_names()[static_cast<std::size_t>(a)],
                             axis_names()[static_cast<std::size_t>(b)])};
  }
  return layout;
}

Result<Samples> to_samples(Array array, const std::vector<Axis>& layout, double scale) {
  if (array.rank() != layout.size()) {
    return Error{Code::kInvalidArgument,
                 fmt::format("{}: shape {} has {} axes, the layout names {}", array.name,
                             array.dims_text(), array.rank(), layout.size())};
  }
  for (const std::size_t dim : array.dims) {
    if (dim <= kMostPerAxis) continue;
    return Error{Code::kUnsupported, fmt::format("{}: an axis of {} in shape {}; {} at most",
                                                 array.name, dim, array.dims_text(), kMostPerAxis)};
  }
  const Shape shape = shape_of(array, layout);
  if (shape.elements() > static_cast<std::int64_t>(kMostPerAxis)) {
    return Error{Code::kUnsupported,
                 fmt::format("{}: a sample of {} has {} elements; {} at most", array.name,
                             shape.text(), shape.elements(), kMostPerAxis)};
  }
  const std::vector<std::size_t> order = hwc_order(layout);
  if (!std::ranges::is_sorted(order)) array = array.permuted(order);
  const bool image = shape.height > 1 && shape.width > 1;
  const auto kept = kept_type(array.type);
  if (kept && *kept != ElementType::kFloat32) {
    const double used = image && *kept == ElementType::kUint8 ? 1.0 : scale;
    return Samples(shape, *kept, std::move(array.bytes), used);
  }
  std::vector<std::byte> floats = kept ? std::move(array.bytes) : to_floats(array);
  if (const auto bad = first_not_finite(floats, scale)) {
    return not_finite(array.name, float_at(floats, *bad), *bad,
                      static_cast<std::size_t>(shape.elements()));
  }
  return Samples(shape, ElementType::kFloat32, std::move(floats), scale);
}

}  // namespace atml::data

// PNG and JPEG files -> pixels; the only user of libpng and libjpeg. Private to data.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "base/result.h"
#include "base/shape.h"

namespace atml::data {

struct Image {
  Shape shape;                    // height, width, 1 (grey) or 3 (red, green, blue)
  std::vector<std::byte> pixels;  // HWC, 8 bits
};

inline constexpr int kLargestSide =
    4096;  // pixels; larger images are refused before they are unpacked

/// The kind is recognised by the first bytes. 16-bit channels are cut to 8, palettes resolved,
/// alpha is dropped, no colour correction is applied: 8-bit pixels come out as they are in the
/// file.
Result<Image> read_image(const std::filesystem::path& path);

}  // namespace atml::data

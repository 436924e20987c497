#include "data/cifar10.h"

#include <fmt/format.h>

#include "data/assemble.h"
#include "data/byte_reader.h"

namespace atml::data {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kSide = 32;
constexpr std::size_t kPlane = kSide * kSide;
constexpr std::size_t kRecord = 1 + 3 * kPlane;
constexpr int kClasses = 10;

struct Images {
  std::vector<std::byte> pixels;  // HWC
  std::vector<std::int32_t> labels;
};

void append_hwc(const std::byte* planes, std::vector<std::byte>& pixels) {
  for (std::size_t i = 0; i < kPlane; ++i) {
    for (std::size_t c = 0; c < 3; ++c) pixels.push_back(planes[c * kPlane + i]);
  }
}

Status append_batch(const fs::path& path, Images& images) {
  ATML_TRY(ByteReader reader, ByteReader::open(path));
  const std::uint64_t size = reader.most_left();
  if (size == 0 || size % kRecord != 0) {
    return Error{
        Code::kParse,
        fmt::format("{}: {} bytes, expected whole records of {} bytes (10000 of them = {}); "
                    "the file is truncated or no CIFAR-10 binary batch",
                    path.string(), size, kRecord, 10000 * kRecord)};
  }
  std::vector<std::byte> record(kRecord);
  for (std::uint64_t i = 0; i < size / kRecord; ++i) {
    ATML_TRY_STATUS(reader.read(record, fmt::format("image {}", i)));
    const int label = std::to_integer<int>(record[0]);
    if (label >= kClasses) {
      return Error{Code::kInvalidArgument,
                   fmt::format("{}: label {} of sample {} is out of range: {} classes are "
                               "numbered 0 to {}",
                               path.string(), label, i, kClasses, kClasses - 1)};
    }
    images.labels.push_back(label);
    append_hwc(record.data() + 1, images.pixels);
  }
  return reader.expect_end();
}

Split to_split(Images images) {
  return {Samples({kSide, kSide, 3}, ElementType::kUint8, std::move(images.pixels)),
          std::move(images.labels),
          {},
          {}};
}

fs::path batch_folder(const fs::path& folder) {
  std::error_code ignored;
  const fs::path inner = folder / "cifar-10-batches-bin";
  return fs::is_directory(inner, ignored) ? inner : folder;
}

}  // namespace

bool is_cifar10_folder(const fs::path& folder) {
  std::error_code ignored;
  const fs::path batches = batch_folder(folder);
  return fs::exists(batches / "data_batch_1.bin", ignored) ||
         fs::exists(batches / "test_batch.bin", ignored);
}

Result<Dataset> load_cifar10(const fs::path& folder, const LoadOptions& options) {
  const fs::path batches = batch_folder(folder);
  Images train;
  train.pixels.reserve(50000 * (kRecord - 1));
  for (int batch = 1; batch <= 5; ++batch) {
    ATML_TRY_STATUS(append_batch(batches / fmt::format("data_batch_{}.bin", batch), train));
  }
  Images test;
  ATML_TRY_STATUS(append_batch(batches / "test_batch.bin", test));
  Dataset head;
  head.name = "cifar-10";
  head.classes = {"airplane", "automobile", "bird",  "cat",  "deer",
                  "dog",      "frog",       "horse", "ship", "truck"};
  head.channels = {"red", "green", "blue"};
  Parts parts;
  parts.train = to_split(std::move(train));
  parts.test = to_split(std::move(test));
  return assemble(std::move(head), std::move(parts), options);
}

}  // namespace atml::data

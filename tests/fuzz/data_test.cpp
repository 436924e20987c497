// Damaged .npy, IDX, gzip and dataset.toml files: an error or a data set, never a crash, and never
// memory beyond what the files can hold.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/describe.h"
#include "data/idx.h"
#include "data/load.h"
#include "data/npy.h"
#include "data/test_files.h"
#include "mutate.h"

namespace atml::data {
namespace {

using fuzz::mutate;

/// Peak memory of this process, KiB.
long peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/// No reader of files below 2 KiB may need more than this beside what the tests hold, KiB. The
/// address sanitizer keeps freed memory, so under it only a gross breach shows.
#ifdef __SANITIZE_ADDRESS__
constexpr long kMostGrowth = 512 << 10;
#else
constexpr long kMostGrowth = 64 << 10;
#endif

class FuzzReaders : public testing::Test {
 protected:
  void SetUp() override { start_ = peak_memory(); }
  void TearDown() override { EXPECT_LT(peak_memory() - start_, kMostGrowth); }
  Folder folder_;
  long start_ = 0;
};

struct Tally {
  int good = 0;
  int refused = 0;
};

/// Counts, and checks what every answer owes.
template <class T>
bool note(const Result<T>& result, Tally& tally) {
  ++(result.ok() ? tally.good : tally.refused);
  if (!result.ok()) {
    const std::string& message = result.error().message;
    EXPECT_FALSE(message.empty());
    EXPECT_NE(message.back(), '.') << message;
  }
  return result.ok();
}

TEST_F(FuzzReaders, Npy) {
  const std::string seeds[] = {npy("<f4", {4, 3, 2}, std::vector<float>(24, 1.5f)),
                               npy("|u1", {5, 7}, std::vector<std::uint8_t>(35, 9)),
                               npy_bytes("<i8", {3, 2}, std::string(48, '\1'), true, 2)};
  const std::vector<std::string> words = {
      "'shape': (", "99999999999999999999", "-1", "<f8", "True", ")", "\x93NUMPY"};
  Rng rng(1);
  Tally tally;
  for (int round = 0; round < 6000; ++round) {
    std::string bytes = mutate(seeds[round % 3], words, rng);
    if (round % 5 == 0) bytes = mutate(gzip(bytes), {}, rng);
    const auto array = read_npy(folder_.put("x.npy", bytes));
    if (!note(array, tally)) continue;
    ASSERT_EQ(array->bytes.size(), array->elements() * size_of(array->type));
    std::size_t product = 1;
    for (const std::size_t dim : array->dims) product *= dim;
    ASSERT_EQ(array->elements(), product);
  }
  EXPECT_GT(tally.good, 200) << "the damage should sometimes spare the file";
  EXPECT_GT(tally.refused, 2000);
}

TEST_F(FuzzReaders, Idx) {
  const std::string seeds[] = {idx_bytes(8, {6, 5, 4}, std::string(120, 'p')),
                               idx_bytes(8, {6}, std::string(6, '\2')),
                               idx_bytes(0x0E, {3, 2}, std::string(48, '?'))};
  Rng rng(2);
  Tally tally;
  for (int round = 0; round < 6000; ++round) {
    std::string bytes = mutate(seeds[round % 3], {}, rng);
    if (round % 5 == 0) bytes = mutate(gzip(bytes), {}, rng);
    const auto array = read_idx(folder_.put("x.idx", bytes));
    if (!note(array, tally)) continue;
    ASSERT_EQ(array->bytes.size(), array->elements() * size_of(array->type));
  }
  EXPECT_GT(tally.good, 200);
  EXPECT_GT(tally.refused, 2000);
}

TEST_F(FuzzReaders, AGzipBombIsNotUnpacked) {
  // 200 MB of zeros in 1 MB, announced as one float: only what was announced is read.
  const std::string bomb = gzip(npy_bytes("<f4", {1}, std::string(200 << 20, '\0')), 1);
  const auto path = folder_.put("x.npy.gz", bomb);
  start_ = peak_memory();
  const auto array = read_npy(path);
  ASSERT_FALSE(array.ok());
  EXPECT_NE(array.error().message.find("expected 132 bytes, found more"), std::string::npos)
      << array.error().message;
}

/// What every accepted data set owes its users.
void expect_sound(const Dataset& dataset) {
  for (const Split* split : {&dataset.train, &dataset.validation, &dataset.test}) {
    ASSERT_GT(split->size(), 0u);
    ASSERT_EQ(split->x.shape(), dataset.shape);
    if (dataset.task == Task::kClassification) {
      ASSERT_EQ(split->labels.size(), split->size());
      for (const std::int32_t label : split->labels) {
        ASSERT_GE(label, 0);
        ASSERT_LT(label, static_cast<std::int32_t>(dataset.classes.size()));
      }
    }
    std::vector<float> values(static_cast<std::size_t>(dataset.shape.elements()));
    for (std::size_t i = 0; i < split->size(); ++i) {
      split->x.read(i, values);
      dataset.normalisation.apply(values);
      ASSERT_TRUE(std::ranges::all_of(values, [](float v) { return std::isfinite(v); }));
    }
  }
  ASSERT_EQ(dataset.normalisation.gain.size(), static_cast<std::size_t>(dataset.shape.channels));
  (void)describe(dataset);
}

TEST_F(FuzzReaders, WholeFolders) {
  std::vector<float> x(20 * 6);
  std::iota(x.begin(), x.end(), 0.f);
  std::vector<std::int32_t> y, g;
  for (int i = 0; i < 20; ++i) {
    y.push_back(i % 2);
    g.push_back(i / 4);
  }
  const std::string toml = R"(name = "demo"
task = "classification"
classes = ["rest", "move"]
layout = ["sample", "time", "channel"]
scale = 0.5
[all]
x = "x.npy"
y = "y.npy"
groups = "g.npy"
test_fraction = 0.3
)";
  const std::vector<std::string> words = {"[train]\n",
                                          "scale = 1e308\n",
                                          "\"sample\"",
                                          "0.0",
                                          "-1",
                                          "nan",
                                          "inf",
                                          "{",
                                          "[[",
                                          "\"feature\"",
                                          "y.npy",
                                          "x.npy",
                                          "\"regression\"",
                                          "\"anomaly\"",
                                          "1e-320"};
  Rng rng(3);
  Tally tally;
  for (int round = 0; round < 6000; ++round) {
    const int victim = round % 4;
    const auto damaged = [&](int which, const std::string& bytes) {
      return victim == which ? mutate(bytes, words, rng) : bytes;
    };
    folder_.put("dataset.toml", damaged(0, toml));
    folder_.put("x.npy", damaged(1, npy("<f4", {20, 3, 2}, x)));
    folder_.put("y.npy", damaged(2, npy("<i4", {20}, y)));
    folder_.put("g.npy", damaged(3, npy("<i4", {20}, g)));
    const auto dataset = load_dataset(folder_.path());
    if (note(dataset, tally)) expect_sound(*dataset);
    if (HasFatalFailure()) FAIL() << "in round " << round;
  }
  EXPECT_GT(tally.good, 200);
  EXPECT_GT(tally.refused, 1000);
}

TEST_F(FuzzReaders, Csv) {
  std::string text = "Temp,\"CO2, ppm\",subject,class\n";
  for (int i = 0; i < 24; ++i)
    text += fmt::format("{},{},s{},{}\n", 20 + 0.5 * i, 400 - i, i / 4, i % 2 == 0 ? "wet" : "dry");
  const std::vector<std::string> words = {"\"",  "\"\"",  ",", "\n",    "\r\n",        ";;;;;",
                                          "nan", "1e400", "-", "class", "\xEF\xBB\xBF"};
  Rng rng(4);
  Tally tally;
  for (int round = 0; round < 4000; ++round) {
    std::string bytes = mutate(text, words, rng);
    if (round % 5 == 0) bytes = mutate(gzip(bytes), {}, rng);
    const auto dataset = load_dataset(folder_.put("t.csv", bytes));
    if (note(dataset, tally)) expect_sound(*dataset);
    if (HasFatalFailure()) FAIL() << "in round " << round;
  }
  EXPECT_GT(tally.good, 200);
  EXPECT_GT(tally.refused, 1000);
}

}  // namespace
}  // namespace atml::data

// The real data sets beside the source tree load with their published shapes and counts. Skipped,
// with a message, where they are absent.
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>

#include "base/process.h"
#include "data/describe.h"
#include "data/load.h"
#include "data/test_files.h"

namespace atml::data {
namespace {

namespace fs = std::filesystem;

fs::path shared_data() { return fs::path(ATML_SOURCE_DIR) / "../shared/data"; }

#define NEED(wanted)                                                                    \
  do {                                                                                  \
    if (!fs::exists(wanted)) GTEST_SKIP() << fs::path(wanted).string() << " is absent"; \
  } while (false)

void expect_whole(const Dataset& dataset, std::size_t train, std::size_t test) {
  EXPECT_EQ(dataset.train.size() + dataset.validation.size(), train);
  EXPECT_EQ(dataset.test.size(), test);
  const double share = static_cast<double>(dataset.validation.size()) / static_cast<double>(train);
  EXPECT_NEAR(share, 0.15, 0.06);
}

std::vector<std::size_t> test_counts(const Summary& summary) {
  std::vector<std::size_t> counts;
  for (const ClassCounts& c : summary.classes) counts.push_back(c.samples.test);
  return counts;
}

TEST(RealData, FashionMnist) {
  NEED("/usr/share/datasets/fashion-mnist");
  const auto dataset = load_dataset("fashion-mnist");
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->shape, (Shape{28, 28, 1}));
  expect_whole(*dataset, 60000, 10000);
  EXPECT_EQ(dataset->train.x.type(), ElementType::kUint8);
  const Summary summary = describe(*dataset);
  EXPECT_EQ(test_counts(summary), std::vector<std::size_t>(10, 1000));
  EXPECT_NEAR(summary.channels[0].mean / 255, 0.2860, 0.001);       // as published
  EXPECT_NEAR(summary.channels[0].deviation / 255, 0.3530, 0.001);  // as published
  EXPECT_EQ(dataset->test.labels[0], 9);                            // the first is an ankle boot
}

TEST(RealData, Mnist) {
  NEED(shared_data() / "mnist");
  const auto dataset = load_dataset(shared_data() / "mnist");
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->name, "mnist");
  expect_whole(*dataset, 60000, 10000);
  EXPECT_EQ(test_counts(describe(*dataset)),
            (std::vector<std::size_t>{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}));
}

TEST(RealData, UciHarKeepsSubjectsApart) {
  NEED(shared_data() / "uci_har");
  const auto dataset = load_dataset(shared_data() / "uci_har");
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->shape, (Shape{128, 1, 9}));
  EXPECT_EQ(dataset->sample_rate_hz, 50);
  expect_whole(*dataset, 7352, 2947);
  const Summary summary = describe(*dataset);
  EXPECT_EQ(test_counts(summary), (std::vector<std::size_t>{496, 471, 420, 491, 532, 537}));
  EXPECT_EQ(summary.groups.train + summary.groups.validation, 21u);  // of the 21, none in both
  EXPECT_EQ(summary.groups.test, 9u);
  for (const Note& note : summary.notes)
    EXPECT_EQ(note.text.find("groups"), std::string::npos) << note.text;
  EXPECT_NEAR(summary.channels[6].mean, 0.80, 0.02);  // total acceleration along x: gravity, in g
}

TEST(RealData, SmallSets) {
  NEED(shared_data() / "ucr");
  struct Known {
    const char* folder;
    std::size_t train, test;
    Shape shape;
    std::size_t classes;
  };
  for (const Known& known :
       {Known{"ucr/GunPoint", 50, 150, {150, 1, 1}, 2}, Known{"ucr/CBF", 30, 900, {128, 1, 1}, 3},
        Known{"ucr/ECG200", 100, 100, {96, 1, 1}, 2},
        Known{"ucr/ItalyPowerDemand", 67, 1029, {24, 1, 1}, 2},
        Known{"ucr/SyntheticControl", 300, 300, {60, 1, 1}, 6},
        Known{"uea/BasicMotions", 40, 40, {100, 1, 6}, 4}}) {
    SCOPED_TRACE(known.folder);
    const auto dataset = load_dataset(shared_data() / known.folder);
    ASSERT_TRUE(dataset.ok()) << dataset.error().message;
    expect_whole(*dataset, known.train, known.test);
    EXPECT_EQ(dataset->shape, known.shape);
    EXPECT_EQ(dataset->classes.size(), known.classes);
  }
}

TEST(RealData, DigitsWithoutAnOfficialSplit) {
  NEED(shared_data() / "tabular/digits8x8");
  const auto dataset = load_dataset(shared_data() / "tabular/digits8x8");
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->shape, (Shape{1, 1, 64}));
  EXPECT_EQ(dataset->train.size() + dataset->validation.size() + dataset->test.size(), 1797u);
  EXPECT_NEAR(static_cast<double>(dataset->test.size()) / 1797, 0.33, 0.005);
}

TEST(RealData, TablesInCsv) {
  NEED(shared_data() / "tabular/occupancy");
  const auto iris = load_dataset(shared_data() / "tabular/iris/iris.csv.gz");
  ASSERT_TRUE(iris.ok()) << iris.error().message;
  EXPECT_EQ(iris->shape, (Shape{1, 1, 4}));
  EXPECT_EQ(iris->classes, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(iris->train.size() + iris->validation.size() + iris->test.size(), 150u);
  const auto occupancy = load_dataset(shared_data() / "tabular/occupancy");
  ASSERT_TRUE(occupancy.ok()) << occupancy.error().message;
  EXPECT_EQ(occupancy->shape, (Shape{1, 1, 5}));
  EXPECT_EQ(occupancy->channels[0], "Temperature");
  expect_whole(*occupancy, 8143, 2665 + 9752);
}

TEST(RealData, Cifar10) {
  const fs::path source = shared_data() / "cifar10";
  NEED(source / "unpack.c");
  const Folder folder;
  const std::string program = folder.path("unpack");
  Command compile{{"cc", "-O2", "-o", program, (source / "unpack.c").string(), "-lz"}};
  const auto compiled = run_process(compile);
  if (!compiled.ok() || !compiled->succeeded()) GTEST_SKIP() << "no C compiler to build unpack.c";
  const auto unpacked = run_process({{program, source.string(), folder.path()}});
  ASSERT_TRUE(unpacked.ok() && unpacked->succeeded());

  const auto dataset = load_dataset(folder.path());
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->shape, (Shape{32, 32, 3}));
  expect_whole(*dataset, 50000, 10000);
  EXPECT_EQ(dataset->train.x.bytes().size(), 42500u * 3072u);  // one byte a value
  const Summary summary = describe(*dataset);
  EXPECT_EQ(test_counts(summary), std::vector<std::size_t>(10, 1000));
  const double means[] = {0.4914, 0.4822, 0.4465},
               deviations[] = {0.2470, 0.2435, 0.2616};  // as published
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(summary.channels[c].mean / 255, means[c], 0.001);
    EXPECT_NEAR(summary.channels[c].deviation / 255, deviations[c], 0.001);
  }
}

}  // namespace
}  // namespace atml::data

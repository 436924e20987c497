#include "data/load.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "data/built_in.h"
#include "data/describe.h"
#include "data/test_files.h"

namespace atml::data {
namespace {

/// A folder with a small valid data set (20 + 8 signals of 3 steps x 2 channels, 2 classes,
/// groups), which tests damage in one place.
class TomlFolder : public testing::Test {
 protected:
  void SetUp() override {
    put_split("train", 20, 0);
    put_split("test", 8, 100);
    put_toml("");
  }

  void put_split(const std::string& name, std::size_t samples, int first_group) {
    std::vector<float> x(samples * 6);
    std::iota(x.begin(), x.end(), first_group * 1000.f);
    std::vector<std::int64_t> y, groups;
    for (std::size_t i = 0; i < samples; ++i) {
      y.push_back(static_cast<std::int64_t>(i % 2));
      groups.push_back(first_group + static_cast<std::int64_t>(i / 4));
    }
    folder_.put(name + "_x.npy", npy("<f4", {samples, 3, 2}, x));
    folder_.put(name + "_y.npy", npy("<i8", {samples}, y));
    folder_.put(name + "_g.npy", npy("<i8", {samples}, groups));
  }

  void put_toml(const std::string& extra, const std::string& from = "",
                const std::string& to = "") {
    std::string text = R"(name = "demo"
classes = ["rest", "move"]
layout = ["sample", "time", "channel"]
channels = ["x", "y"]
sample_rate_hz = 50
)" + extra + R"(
[train]
x = "train_x.npy"
y = "train_y.npy"
groups = "train_g.npy"
[test]
x = "test_x.npy"
y = "test_y.npy"
)";
    const std::size_t at = from.empty() ? std::string::npos : text.find(from);
    if (at != std::string::npos) text.replace(at, from.size(), to);
    folder_.put("dataset.toml", text);
  }

  /// The message of loading, with the folder's path taken out.
  std::string error(const LoadOptions& options = {}) {
    const auto dataset = load_dataset(folder_.path(), options);
    if (dataset.ok()) return "loaded";
    std::string message = dataset.error().message;
    for (std::size_t at; (at = message.find(folder_.path())) != std::string::npos;) {
      message.erase(at, folder_.path().size());
    }
    return message;
  }

  Folder folder_;
};

TEST_F(TomlFolder, LoadsWhatItSays) {
  const auto dataset = load_dataset(folder_.path());
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->name, "demo");
  EXPECT_EQ(dataset->task, Task::kClassification);
  EXPECT_EQ(dataset->classes, (std::vector<std::string>{"rest", "move"}));
  EXPECT_EQ(dataset->shape, (Shape{3, 1, 2}));
  EXPECT_EQ(dataset->sample_rate_hz, 50);
  EXPECT_EQ(dataset->train.size() + dataset->validation.size(), 20u);
  EXPECT_EQ(dataset->test.size(), 8u);
  EXPECT_TRUE(dataset->test.groups.empty());
  EXPECT_EQ(dataset->outputs(), 2);
  const std::set<int> left(dataset->train.groups.begin(), dataset->train.groups.end());
  for (const int group : dataset->validation.groups) EXPECT_FALSE(left.contains(group));
  // Each sample kept its own label and group: sample i starts with the value 6 i.
  for (const Split* split : {&dataset->train, &dataset->validation}) {
    for (std::size_t i = 0; i < split->size(); ++i) {
      std::vector<float> values(6);
      split->x.read(i, values);
      const int index = static_cast<int>(values[0]) / 6;
      EXPECT_EQ(split->labels[i], index % 2);
      EXPECT_EQ(split->groups[i], index / 4);
    }
  }
}

TEST_F(TomlFolder, TheSeedDrawsTheSplitAndChangesTheFingerprint) {
  LoadOptions options;
  const auto first = load_dataset(folder_.path(), options);
  EXPECT_EQ(load_dataset(folder_.path(), options)->fingerprint, first->fingerprint);
  std::set<std::vector<std::int32_t>> drawn;
  std::set<std::uint64_t> fingerprints;
  for (options.seed = 0; options.seed < 20; ++options.seed) {
    const auto dataset = load_dataset(folder_.path(), options);
    drawn.insert(dataset->validation.groups);
    fingerprints.insert(dataset->fingerprint);
  }
  EXPECT_GT(drawn.size(), 1u);
  EXPECT_EQ(fingerprints.size(), drawn.size());
}

TEST_F(TomlFolder, ATomlFileItselfAndATrailingSlashAreTheSame) {
  const std::uint64_t fingerprint = load_dataset(folder_.path())->fingerprint;
  EXPECT_EQ(load_dataset(folder_.path("dataset.toml"))->fingerprint, fingerprint);
  EXPECT_EQ(load_dataset(folder_.path() + "/")->fingerprint, fingerprint);
}

TEST_F(TomlFolder, NormalisationAndValidationAreOfTrainOnly) {
  put_split("test", 8, 500);  // quite other values
  const auto dataset = load_dataset(folder_.path());
  double sum = 0;
  for (std::size_t i = 0; i < dataset->train.size(); ++i) {
    std::vector<float> values(6);
    dataset->train.x.read(i, values);
    sum += values[0] + values[2] + values[4];
  }
  EXPECT_NEAR(dataset->normalisation.mean[0],
              sum / (3.0 * static_cast<double>(dataset->train.size())), 1e-3);
}

TEST_F(TomlFolder, OneTableIsSplitInThree) {
  put_toml("", "[train]", "[all]\ntest_fraction = 0.4");
  std::string text = *read_file(folder_.path("dataset.toml"));
  folder_.put("dataset.toml", text.substr(0, text.find("[test]")));
  const auto dataset = load_dataset(folder_.path());
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->train.size() + dataset->validation.size() + dataset->test.size(), 20u);
  EXPECT_EQ(dataset->test.size(), 8u);  // two of the five groups
  std::set<int> train(dataset->train.groups.begin(), dataset->train.groups.end());
  for (const Split* split : {&dataset->validation, &dataset->test}) {
    for (const int group : split->groups) EXPECT_FALSE(train.contains(group));
  }
}

TEST_F(TomlFolder, AValidationTableIsTakenAsItIs) {
  put_split("validation", 6, 200);
  put_toml("[validation]\nx = \"validation_x.npy\"\ny = \"validation_y.npy\"\n");
  const auto dataset = load_dataset(folder_.path());
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->train.size(), 20u);
  EXPECT_EQ(dataset->validation.size(), 6u);
}

TEST_F(TomlFolder, RegressionAndAnomaly) {
  put_toml("task = \"regression\"\n", "classes = [\"rest\", \"move\"]\n", "");
  folder_.put("train_y.npy", npy("<f8", {20, 2}, std::vector<double>(40, 1.5)));
  folder_.put("test_y.npy", npy("<f8", {8, 2}, std::vector<double>(16, 2.5)));
  auto dataset = load_dataset(folder_.path());
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->target_size, 2);
  EXPECT_EQ(dataset->outputs(), 2);
  EXPECT_EQ(dataset->test.targets, std::vector<float>(16, 2.5f));
  EXPECT_EQ(dataset->train.targets.size(), 2 * dataset->train.size());

  put_toml("task = \"anomaly\"\n", "classes = [\"rest\", \"move\"]\n", "");
  EXPECT_EQ(error(), "train_y.npy: labels are float64, expected integers; save y.astype('int32')");
  put_split("train", 20, 0);
  put_split("test", 8, 100);
  EXPECT_EQ(error(),
            "dataset.toml: sample 1 of train is labelled 1 (anomalous); an anomaly detector learns "
            "from normal samples "
            "only");
  folder_.put("train_y.npy", npy("<i8", {20}, std::vector<std::int64_t>(20, 0)));
  dataset = load_dataset(folder_.path());
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->outputs(), 6);
}

TEST_F(TomlFolder, RefusesKeysItDoesNotKnow) {
  put_toml("chanels = [\"x\"]\n");
  EXPECT_EQ(error(), "dataset.toml:6: unknown key 'chanels'; did you mean 'channels'?");
  put_toml("", "groups =", "group =");
  EXPECT_EQ(error(), "dataset.toml:10: unknown key 'group'; did you mean 'groups'?");
  put_toml("task = \"clasification\"\n");
  EXPECT_EQ(error(),
            "dataset.toml:6: unknown task 'clasification'; did you mean 'classification'?");
  put_toml("scale = 0\n");
  EXPECT_EQ(error(), "dataset.toml:6: scale is 0, expected a positive number");
  put_toml("", "\"move\"", "\"rest\"");
  EXPECT_EQ(error(), "dataset.toml:2: 'rest' appears twice in classes");
  put_toml("", "layout = [\"sample\", \"time\", \"channel\"]\n", "");
  EXPECT_EQ(error(), "dataset.toml:1: 'layout' is missing");
  put_toml("", "\"time\"", "\"tme\"");
  EXPECT_EQ(error(), "dataset.toml:3: layout: unknown axis 'tme'; did you mean 'time'?");
  put_toml("", "[\"x\", \"y\"]", "[\"x\"]");
  EXPECT_EQ(error(), "dataset.toml:4: 1 channel names, the samples have 2 channels (shape 3x1x2)");
}

TEST_F(TomlFolder, RefusesTablesThatDoNotFit) {
  put_toml("", "[test]", "[all]");
  EXPECT_EQ(error(),
            "dataset.toml:1: [all] and [train] exclude each other: [all] is split into train, "
            "validation and test");
  put_toml("", "[test]", "[validation]");
  EXPECT_EQ(error(),
            "dataset.toml:1: [test] is missing; give [train] and [test], or one [all] from which a "
            "test split is drawn");
  put_toml("", "y = \"train_y.npy\"\n", "");
  EXPECT_EQ(error(), "dataset.toml:7: 'y' is missing in [train]; classification needs it");
  put_toml("", "x = \"train_x.npy\"\n", "");
  EXPECT_EQ(error(), "dataset.toml:7: 'x' is missing in [train]");
  put_toml("", "train_x.npy", "no.npy");
  EXPECT_EQ(error(), "dataset.toml:8: cannot read 'no.npy': no such file");
}

TEST_F(TomlFolder, RefusesArraysThatDoNotFit) {
  folder_.put("train_y.npy", npy("<i8", {19}, std::vector<std::int64_t>(19, 0)));
  EXPECT_EQ(error(),
            "train_y.npy: shape (19) does not fit the 20 samples of train_x.npy: expected one "
            "label a sample");
  put_split("train", 20, 0);
  folder_.put("train_g.npy", npy("<i8", {21}, std::vector<std::int64_t>(21, 0)));
  EXPECT_EQ(error(),
            "train_g.npy: shape (21) does not fit the 20 samples of train_x.npy: expected one "
            "group a sample");
  put_split("train", 20, 0);
  folder_.put("test_x.npy", npy("<f4", {8, 4, 2}, std::vector<float>(64)));
  EXPECT_EQ(
      error(),
      "dataset.toml: samples of test are 4x1x2, those of train 3x1x2; all must have one shape");
  folder_.put("test_x.npy", npy("<f4", {8, 6}, std::vector<float>(48)));
  EXPECT_EQ(error(), "test_x.npy: shape (8, 6) has 2 axes, the layout names 3");
}

TEST_F(TomlFolder, RefusesLabelsThatAreNone) {
  std::vector<std::int64_t> y(20);
  for (std::size_t i = 0; i < 20; ++i) y[i] = static_cast<std::int64_t>(i % 2);
  y[7] = 2;
  folder_.put("train_y.npy", npy("<i8", {20}, y));
  EXPECT_EQ(error(),
            "train_y.npy: label 2 of sample 7 is out of range: 2 classes are numbered 0 to 1");
  y[7] = -1;
  folder_.put("train_y.npy", npy("<i8", {20}, y));
  EXPECT_EQ(error(),
            "train_y.npy: label -1 of sample 7 is out of range: 2 classes are numbered 0 to 1");
  folder_.put("train_y.npy", npy("<f4", {20}, std::vector<float>(20)));
  EXPECT_EQ(error(), "train_y.npy: labels are float32, expected integers; save y.astype('int32')");
  folder_.put("train_y.npy", npy("<i8", {20, 2}, std::vector<std::int64_t>(40)));
  EXPECT_EQ(error(), "train_y.npy: labels have shape (20, 2), expected one integer a sample");
  folder_.put("train_y.npy", npy("<i8", {20, 1}, std::vector<std::int64_t>(20)));
  EXPECT_EQ(error(),
            "dataset.toml: class 1 ('move') has no sample in train (20 samples); add some or "
            "remove the class "
            "from 'classes'");
}

TEST_F(TomlFolder, RefusesAClassWithOneSample) {
  put_toml("", "groups = \"train_g.npy\"\n", "");
  std::vector<std::int64_t> y(20, 0);
  y[4] = 1;
  folder_.put("train_y.npy", npy("<i8", {20}, y));
  EXPECT_EQ(error(),
            "dataset.toml: class 1 ('move') has one sample (number 4) to draw a validation split "
            "from, at least "
            "2 are needed; add samples or remove the class");
}

TEST_F(TomlFolder, RefusesNan) {
  std::vector<float> x(48, 1);
  x[6 * 5 + 2] = std::nanf("");
  folder_.put("test_x.npy", npy("<f4", {8, 3, 2}, x));
  EXPECT_EQ(error(), "test_x.npy: sample 5, element 2 is NaN; remove or repair that sample");
}

TEST_F(TomlFolder, RefusesFractionsThatAreNone) {
  LoadOptions options;
  options.validation_fraction = 0.7;
  EXPECT_EQ(error(options),
            "the validation fraction is 0.7, expected a number above 0 and at most 0.5");
  options = {};
  options.test_fraction = std::nan("");
  EXPECT_EQ(error(options), "the test fraction is nan, expected a number above 0 and at most 0.9");
}

TEST(Names, AreSuggestedAndPackagesNamed) {
  EXPECT_EQ(load_dataset("fashon-mnist").error().message,
            "no data set 'fashon-mnist': neither a built-in name nor a file or folder; did you "
            "mean 'fashion-mnist'?");
  EXPECT_EQ(load_dataset("fashon-mnist").error().code, Code::kNotFound);
  const BuiltIn absent{"fashion-mnist", "/no/such/folder", "dataset-fashion-mnist", {}};
  EXPECT_EQ(load_built_in(absent, {}).error().message,
            "the data set 'fashion-mnist' is not installed: '/no/such/folder' is missing; install "
            "it with apt-get "
            "install dataset-fashion-mnist");
}

class Folders : public testing::Test {
 protected:
  Folder folder_;
};

TEST_F(Folders, WithoutAnyDataSayWhatIsUnderstood) {
  const auto dataset = load_dataset(folder_.path());
  ASSERT_FALSE(dataset.ok());
  EXPECT_NE(dataset.error().message.find("is no data set: it holds neither a dataset.toml"),
            std::string::npos);
}

TEST_F(Folders, OfIdxFilesLoadPlainAndPacked) {
  const auto pixels = [](std::size_t n) {
    std::string text;
    for (std::size_t i = 0; i < n * 6; ++i) text += static_cast<char>(i * 37);
    return idx_bytes(8, {n, 3, 2}, text);
  };
  const auto labels = [](std::size_t n) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i) text += static_cast<char>(i % 3);
    return idx_bytes(8, {n}, text);
  };
  folder_.put("train-images-idx3-ubyte", pixels(30));
  folder_.put("train-labels.idx1-ubyte", labels(30));
  folder_.put("t10k-images-idx3-ubyte.gz", gzip(pixels(9)));
  EXPECT_NE(load_dataset(folder_.path()).error().message.find("has no t10k-labels-idx1-ubyte"),
            std::string::npos);
  folder_.put("t10k-labels-idx1-ubyte.gz", gzip(labels(9)));
  const auto dataset = load_dataset(folder_.path());
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->shape, (Shape{3, 2, 1}));
  EXPECT_EQ(dataset->classes, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(dataset->train.size(), 24u);  // of each class of 10, 2 (0.15 rounded)
  EXPECT_EQ(dataset->validation.size(), 6u);
  EXPECT_TRUE(dataset->normalisation.exact_pixels);
  folder_.put("t10k-labels-idx1-ubyte.gz",
              gzip(idx_bytes(8, {9}, std::string("\0\1\2\0\1\7\0\1\2", 9))));
  EXPECT_NE(load_dataset(folder_.path())
                .error()
                .message.find("label 7 of sample 5 is out of range: 3 classes"),
            std::string::npos);
}

/// Two images a class and batch; the pixel of plane p at i is (i + 7 p + image) modulo 256.
std::string cifar_batch(int images) {
  std::string bytes;
  for (int n = 0; n < images; ++n) {
    bytes += static_cast<char>(n % 10);
    for (int plane = 0; plane < 3; ++plane) {
      for (int i = 0; i < 1024; ++i) bytes += static_cast<char>(i + 7 * plane + n);
    }
  }
  return bytes;
}

TEST_F(Folders, OfCifarBatchesLoadAsHwc) {
  for (int b = 1; b <= 5; ++b)
    folder_.put(fmt::format("cifar-10-batches-bin/data_batch_{}.bin", b), cifar_batch(20));
  EXPECT_NE(load_dataset(folder_.path()).error().message.find("test_batch.bin': no such file"),
            std::string::npos);
  folder_.put("cifar-10-batches-bin/test_batch.bin", cifar_batch(20));
  const auto dataset = load_dataset(folder_.path());
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->shape, (Shape{32, 32, 3}));
  EXPECT_EQ(dataset->train.x.type(), ElementType::kUint8);
  EXPECT_EQ(dataset->train.size() + dataset->validation.size(), 100u);
  std::vector<float> values(3072);
  dataset->test.x.read(13, values);
  for (int i = 0; i < 1024; ++i) {
    for (int c = 0; c < 3; ++c)
      EXPECT_EQ(values[static_cast<std::size_t>(3 * i + c)], (i + 7 * c + 13) % 256);
  }
  folder_.put("cifar-10-batches-bin/data_batch_3.bin", cifar_batch(20).substr(0, 10000));
  EXPECT_NE(load_dataset(folder_.path())
                .error()
                .message.find("10000 bytes, expected whole records of 3073 bytes"),
            std::string::npos);
  std::string wrong = cifar_batch(20);
  wrong[3073 * 4] = 12;
  folder_.put("cifar-10-batches-bin/data_batch_3.bin", wrong);
  EXPECT_NE(load_dataset(folder_.path())
                .error()
                .message.find("label 12 of sample 4 is out of range: 10 classes"),
            std::string::npos);
}

TEST_F(TomlFolder, TheAuditSeesWhatMisleads) {
  // Test: sample 0 is a copy of train's sample 3 with another label, its groups 0 and 1 are
  // train's.
  std::vector<float> test_x(48);
  for (std::size_t i = 0; i < 48; ++i) test_x[i] = -static_cast<float>(i);
  for (std::size_t i = 0; i < 6; ++i) test_x[i] = static_cast<float>(3 * 6 + i);
  folder_.put("test_x.npy", npy("<f4", {8, 3, 2}, test_x));
  folder_.put("test_g.npy",
              npy("<i8", {8}, std::vector<std::int64_t>{0, 0, 1, 1, 100, 100, 101, 101}));
  put_split("validation", 8, 300);
  put_toml("[validation]\nx = \"validation_x.npy\"\ny = \"validation_y.npy\"\n",
           "y = \"test_y.npy\"", "y = \"test_y.npy\"\ngroups = \"test_g.npy\"");
  const Summary summary = describe(*load_dataset(folder_.path()));
  EXPECT_EQ(summary.samples.train, 20u);
  EXPECT_EQ(summary.groups.train, 5u);
  EXPECT_EQ(summary.groups.test, 4u);
  EXPECT_EQ(summary.classes[1].name, "move");
  EXPECT_EQ(summary.classes[1].samples.train, 10u);
  EXPECT_EQ(summary.classes[1].samples.test, 4u);
  ASSERT_EQ(summary.channels.size(), 2u);
  EXPECT_EQ(summary.channels[1].name, "y");
  EXPECT_EQ(summary.channels[1].min, 1);
  EXPECT_EQ(summary.channels[1].max, 119);
  ASSERT_EQ(summary.notes.size(), 2u);
  EXPECT_EQ(summary.notes[0].text,
            "2 of the 4 groups of test are also in train (the first: 0): the test score will not "
            "tell how new groups "
            "fare");
  EXPECT_EQ(summary.notes[1].text,
            "1 of the 8 samples of test are exactly equal to one of train (1 with another label)");
  EXPECT_EQ(summary.notes[1].kind, Note::Kind::kWarning);
}

TEST_F(TomlFolder, TheAuditSeesImbalanceRepeatsAndConstants) {
  std::vector<float> x(120);
  for (std::size_t i = 0; i < 120; ++i) x[i] = i % 2 == 1 ? 5 : static_cast<float>(i);
  for (std::size_t i = 0; i < 6; ++i) x[i] = x[6 + i];
  std::vector<std::int64_t> y(20, 0);
  y[8] = y[12] = y[16] = 1;
  put_split("validation", 8, 300);
  folder_.put("train_x.npy", npy("<f4", {20, 3, 2}, x));
  folder_.put("train_y.npy", npy("<i8", {20}, y));
  put_toml("[validation]\nx = \"validation_x.npy\"\ny = \"validation_y.npy\"\n");
  folder_.put("validation_y.npy", npy("<i8", {8}, std::vector<std::int64_t>(8, 0)));
  std::vector<std::string> notes;
  for (const Note& note : describe(*load_dataset(folder_.path())).notes) notes.push_back(note.text);
  EXPECT_EQ(notes, (std::vector<std::string>{"1 of the 20 samples of train repeat another one",
                                             "the classes are imbalanced: 'rest' has 17 training "
                                             "samples, 'move' 3; accuracy alone may mislead",
                                             "class 'move' has no sample in validation",
                                             "1 of 2 channels never change in train: y"}));
}

}  // namespace
}  // namespace atml::data

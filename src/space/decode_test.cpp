#include "space/decode.h"

#include <gtest/gtest.h>

#include "space/space.h"

namespace atml::space {
namespace {

class Decode : public ::testing::Test {
 protected:
  void SetUp() override { setenv("AUTOTINYML_HOME", ATML_SOURCE_DIR, 1); }
  static network::Network must(const Configuration& c, const Shape& input, int outputs) {
    auto net = decode(c, input, outputs);
    EXPECT_TRUE(net.ok()) << net.error().message << "\n" << c.text();
    return std::move(*net);
  }
  static std::string kinds(const network::Network& net) {
    std::string text;
    for (const network::Layer& layer : net.layers()) {
      text += std::string(network::kind_name(layer.op)) + layer.output.text() + " ";
    }
    return text;
  }
};

struct Input {
  const char* space;
  Shape shape;
};

TEST_F(Decode, EverySampledConfigurationIsAValidNetworkForEveryInput) {
  Rng rng(11);
  for (const Input& input :
       {Input{"image", {28, 28, 1}}, Input{"image", {32, 32, 3}}, Input{"image", {8, 8, 1}},
        Input{"image", {3, 5, 2}}, Input{"image", {96, 96, 3}}, Input{"image", {49, 10, 1}},
        Input{"signal", {128, 1, 9}}, Input{"signal", {2, 1, 1}}, Input{"signal", {1000, 1, 3}},
        Input{"table", {1, 1, 4}}, Input{"table", {8, 8, 1}}}) {
    const Space space = *load_space(input.space);
    for (int i = 0; i < 200; ++i) {
      const Configuration c = space.sample(rng);
      const network::Network net = must(c, input.shape, 10);
      EXPECT_EQ(net.output_shape(), (Shape{1, 1, 10}));
      EXPECT_TRUE(net.verify().ok());
    }
  }
}

TEST_F(Decode, DefaultImageNetworkIsSmallAndSeparable) {
  const network::Network net = must(load_space("image")->default_configuration(), {28, 28, 1}, 10);
  // Stem 9*16+16; per separable block 9*in+in + in*out+out; dense 96*10+10.
  const int expected = (9 * 16 + 16) + (10 * 16 + 16 * 32 + 32) + (10 * 32 + 32 * 64 + 64) +
                       (10 * 64 + 64 * 64 + 64) + (10 * 64 + 64 * 96 + 96) + (96 * 10 + 10);
  EXPECT_EQ(net.parameters(), expected);
  EXPECT_LT(net.macs().value, 1'000'000);
}

TEST_F(Decode, SignalsGetColumnKernels) {
  const network::Network net = must(load_space("signal")->default_configuration(), {128, 1, 9}, 6);
  EXPECT_EQ(kinds(net),
            "input128x1x9 conv64x1x16 batch_norm64x1x16 relu64x1x16 conv32x1x24 batch_norm32x1x24 "
            "relu32x1x24 conv16x1x32 batch_norm16x1x32 relu16x1x32 global_average_pool1x1x32 "
            "dropout1x1x32 dense1x1x6 ");
  EXPECT_EQ(net.parameters(), 7 * 9 * 16 + 16 + 5 * 16 * 24 + 24 + 5 * 24 * 32 + 32 + 32 * 6 + 6);
}

TEST_F(Decode, BlocksHaveTheStructureTheyAreNamedAfter) {
  const std::string common =
      "stem_filters=0 stages=1 stage1_width=4 stage1_stride=1 head=average residual=identity ";
  const auto net = [&](const std::string& rest) {
    return kinds(must(*Configuration::from_text(common + rest), {8, 8, 4}, 2));
  };
  EXPECT_EQ(net("block=conv"),
            "input8x8x4 conv8x8x4 batch_norm8x8x4 add8x8x4 relu8x8x4 global_average_pool1x1x4 "
            "dense1x1x2 ");
  EXPECT_EQ(
      net("block=separable"),
      "input8x8x4 depthwise8x8x4 batch_norm8x8x4 relu8x8x4 conv8x8x4 batch_norm8x8x4 add8x8x4 "
      "relu8x8x4 global_average_pool1x1x4 dense1x1x2 ");
  EXPECT_EQ(net("block=inverted expansion=3"),
            "input8x8x4 conv8x8x12 batch_norm8x8x12 relu8x8x12 depthwise8x8x12 batch_norm8x8x12 "
            "relu8x8x12 conv8x8x4 batch_norm8x8x4 add8x8x4 global_average_pool1x1x4 dense1x1x2 ");
}

TEST_F(Decode, ProjectionJoinsWhereShapesDiffer) {
  const auto net = must(
      *Configuration::from_text("stem_filters=0 stages=1 stage1_width=6 stage1_stride=2 "
                                "block=conv residual=projection head=flatten hidden=5 dropout=0.1"),
      {8, 8, 4}, 2);
  EXPECT_EQ(kinds(net),
            "input8x8x4 conv4x4x6 batch_norm4x4x6 conv4x4x6 batch_norm4x4x6 add4x4x6 relu4x4x6 "
            "flatten1x1x96 dense1x1x5 relu1x1x5 dropout1x1x5 dense1x1x2 ");
}

TEST_F(Decode, PoolingHalvesBeforeTheStage) {
  const auto net =
      must(*Configuration::from_text("stem_filters=0 stages=1 stage1_width=6 stage1_stride=2 "
                                     "block=conv downsample=maxpool"),
           {8, 8, 4}, 2);
  EXPECT_EQ(kinds(net),
            "input8x8x4 max_pool4x4x4 conv4x4x6 batch_norm4x4x6 relu4x4x6 "
            "global_average_pool1x1x6 dense1x1x2 ");
}

TEST_F(Decode, RefusesWhatItCannotExpress) {
  const Configuration image = load_space("image")->default_configuration();
  EXPECT_EQ(
      decode(image, {1, 1, 12}, 3).error().message,
      "a convolutional space cannot express the feature vector 1x1x12; use the space 'table'");
  EXPECT_EQ(decode(image, {8, 8, 1}, 0).error().message,
            "a network needs at least one output, not 0");
}

TEST_F(Decode, TrainingSettingsComeFromTheConfiguration) {
  const TrainingChoice t =
      training_choice(*Configuration::from_text("learning_rate=0.5 batch_size=32 mixup=0.2"));
  EXPECT_EQ(t.learning_rate, 0.5);
  EXPECT_EQ(t.batch_size, 32);
  EXPECT_EQ(t.mixup, 0.2);
  EXPECT_EQ(t.weight_decay, TrainingChoice{}.weight_decay);
  EXPECT_FALSE(t.one_cycle);
  EXPECT_TRUE(training_choice(*Configuration::from_text("schedule=one-cycle")).one_cycle);
}

TEST_F(Decode, AWordThatNobodyKnowsIsRefused) {
  for (const char* name : {"image", "signal", "table", "image-4bit", "signal-4bit"})
    EXPECT_TRUE(check_words(*load_space(name)).ok()) << name;
  const auto space = parse_space(
      "name = \"mine\"\n[parameters]\nschedule = { kind = \"categorical\", values = [\"cosine\", "
      "\"one-cicle\"], default = \"cosine\" }\n",
      "mine.toml");
  ASSERT_TRUE(space.ok()) << space.error().message;
  EXPECT_EQ(check_words(*space).error().message,
            "space 'mine': 'one-cicle' is no value of schedule; known: cosine, one-cycle");
}

TEST_F(Decode, DefaultSpaceFollowsTheShape) {
  EXPECT_EQ(default_space_name({28, 28, 1}), "image");
  EXPECT_EQ(default_space_name({128, 1, 9}), "signal");
  EXPECT_EQ(default_space_name({1, 1, 4}), "table");
}

}  // namespace
}  // namespace atml::space

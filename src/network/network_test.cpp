#include "network/network.h"

#include <gtest/gtest.h>

namespace atml::network {
namespace {

Network ds_cnn() {  // the first block of MLPerf Tiny's keyword spotter
  Network n({49, 10, 1});
  int x = *n.add(Conv{64, {10, 4, 2, 2}}, {0});
  x = *n.add(BatchNorm{}, {x});
  x = *n.add(Activate{}, {x});
  x = *n.add(Depthwise{1, {3, 3}}, {x});
  x = *n.add(Conv{64, {1, 1}}, {x});
  x = *n.add(GlobalAveragePool{}, {x});
  x = *n.add(Dense{12}, {x});
  return n;
}

TEST(Network, ComputesShapesMacsAndParameters) {
  const Network n = ds_cnn();
  EXPECT_EQ(n.layer(1).output, (Shape{25, 5, 64}));
  EXPECT_EQ(n.macs(1).value, 25 * 5 * 64 * 40);  // 320,000 as in the MLPerf model
  EXPECT_EQ(n.macs(4).value, 25 * 5 * 64 * 9);   // 72,000
  EXPECT_EQ(n.macs(5).value, 25 * 5 * 64 * 64);  // 512,000
  EXPECT_EQ(n.parameters(7), 64 * 12 + 12);
  EXPECT_TRUE(n.verify().ok());
}

TEST(Network, PaddingIsTensorFlows) {
  const Window w{3, 3, 2, 2};
  EXPECT_EQ(w.output_height(96), 48);
  EXPECT_EQ(w.pad_top(96), 0);  // an even size with stride 2 pads at the bottom only
  EXPECT_EQ(w.pad_top(49), 1);
  const Window valid{3, 3, 2, 2, 1, 1, Padding::kValid};
  EXPECT_EQ(valid.output_height(8), 3);
  EXPECT_EQ(valid.pad_top(8), 0);
  const Window dilated{3, 3, 1, 1, 2, 2};
  EXPECT_EQ(dilated.pad_top(16), 2);
}

TEST(Network, TextRoundTrips) {
  Network n = ds_cnn();
  const Result<Network> back = Network::from_text(n.text());
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(*back, n);
}

TEST(Network, RefusesWhatDoesNotFit) {
  Network n({8, 8, 3});
  EXPECT_EQ(n.add(Conv{4, {9, 9, 1, 1, 1, 1, Padding::kValid}}, {0}).error().message,
            "layer 'conv_1': a 9x9 kernel does not fit into 8x8x3 without padding");
  EXPECT_FALSE(n.add(Dense{0}, {0}).ok());
  EXPECT_FALSE(n.add(Add{}, {0}).ok());
  EXPECT_FALSE(n.add(Conv{4}, {7}).ok());
  const int a = *n.add(Conv{4}, {0});
  EXPECT_FALSE(n.add(Add{}, {0, a}).ok());
  EXPECT_FALSE(Network::from_text("a = conv(b)\n").ok());
  EXPECT_FALSE(Network::from_text("").ok());
  (void)*n.add(Dense{2}, {0});
  EXPECT_EQ(n.verify().error().message, "the output of layer 'conv_1' is read by no other layer");
}

}  // namespace
}  // namespace atml::network

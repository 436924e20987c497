// A small depthwise network on Fashion-MNIST: the accuracy that the search builds on.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "data/load.h"
#include "train/trainer.h"

namespace atml::train {
namespace {

using network::Network;
using network::Window;

void block(Network& net, network::Op op) {
  for (network::Op o :
       {std::move(op), network::Op(network::BatchNorm{}), network::Op(network::Activate{})}) {
    ASSERT_TRUE(net.add(std::move(o), {net.last()}).ok());
  }
}

Network depthwise_net() {
  Network net({28, 28, 1});
  block(net, network::Conv{8, Window{3, 3}});
  for (const auto& [filters, stride] : {std::pair{16, 2}, {32, 1}, {32, 2}, {64, 1}}) {
    block(net, network::Depthwise{1, Window{3, 3, stride, stride}});
    block(net, network::Conv{filters, Window{}});
  }
  EXPECT_TRUE(net.add(network::GlobalAveragePool{}, {net.last()}).ok());
  EXPECT_TRUE(net.add(network::Dense{10, true}, {net.last()}).ok());
  return net;
}

TEST(FashionMnist, ADepthwiseNetworkReachesNinetyPercent) {
  auto data = data::load_dataset("fashion-mnist");
  if (!data.ok()) GTEST_SKIP() << data.error().message;
  Settings s;
  s.epochs = std::getenv("ATML_EPOCHS") ? std::atoi(std::getenv("ATML_EPOCHS")) : 6;
  s.learning_rate = 6e-3;
  s.ema_decay = 0.998;
  auto trainer = Trainer::create(depthwise_net(), *data, s);
  ASSERT_TRUE(trainer.ok()) << trainer.error().message;
  EpochReport report;
  for (int e = 0; e < s.epochs; ++e) {
    ASSERT_EQ((*trainer)->run_epoch({}, report), TrainEnd::kOk);
    const Evaluation v = (*trainer)->evaluate(data->validation);
    std::printf("epoch %d: loss %.4f, train %.4f, validation %.4f, %.1f s, %.0f samples/s\n", e,
                report.train_loss, report.train_metric, v.metric, report.seconds,
                static_cast<double>(data->train.size()) / report.seconds);
  }
  EXPECT_GT((*trainer)->evaluate(data->validation).metric, 0.895);
}

}  // namespace
}  // namespace atml::train

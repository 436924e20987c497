#include "networks.h"

namespace atml::bench {
namespace {

using network::Activate;
using network::BatchNorm;
using network::Conv;
using network::Dense;
using network::Depthwise;
using network::Network;
using network::Padding;
using network::Window;

int add(Network& net, network::Op op, std::vector<int> inputs) {
  return *net.add(std::move(op), std::move(inputs));
}
int follow(Network& net, network::Op op) { return add(net, std::move(op), {net.last()}); }

int normalised(Network& net, network::Op op, int input) {
  add(net, std::move(op), {input});
  follow(net, BatchNorm{});
  return follow(net, Activate{});
}
int normalised(Network& net, network::Op op) { return normalised(net, std::move(op), net.last()); }

void head(Network& net, int classes) {
  follow(net, network::GlobalAveragePool{});
  follow(net, Dense{classes, true});
}

Network ds_cnn() {
  Network net({49, 10, 1});
  normalised(net, Conv{64, Window{10, 4, 2, 2}});
  for (int i = 0; i < 4; ++i) {
    normalised(net, Depthwise{1, Window{3, 3}});
    normalised(net, Conv{64, Window{}});
  }
  head(net, 12);
  return net;
}

Network image() {
  Network net({28, 28, 1});
  normalised(net, Conv{8, Window{3, 3}});
  normalised(net, Depthwise{1, Window{3, 3, 2, 2}});
  normalised(net, Conv{16, Window{}});
  normalised(net, Depthwise{1, Window{3, 3, 2, 2}});
  normalised(net, Conv{32, Window{}});
  head(net, 10);
  return net;
}

Network windows() {
  Network net({128, 1, 9});
  normalised(net, Conv{16, Window{5, 1, 2, 1}});
  normalised(net, Conv{32, Window{5, 1, 2, 1}});
  normalised(net, Conv{32, Window{3, 1, 2, 1}});
  head(net, 6);
  return net;
}

int residual_block(Network& net, int input, int filters, int stride) {
  normalised(net, Conv{filters, Window{3, 3, stride, stride}}, input);
  follow(net, Conv{filters, Window{3, 3}});
  const int main = follow(net, BatchNorm{});
  const int skip =
      stride == 1 ? input : add(net, Conv{filters, Window{1, 1, stride, stride}, true}, {input});
  add(net, network::Add{}, {main, skip});
  return follow(net, Activate{});
}

Network resnet8() {
  Network net({32, 32, 3});
  int x = normalised(net, Conv{16, Window{3, 3}});
  x = residual_block(net, x, 16, 1);
  x = residual_block(net, x, 32, 2);
  residual_block(net, x, 64, 2);
  head(net, 10);
  return net;
}

Network mlp() {
  Network net({1, 1, 64});
  for (const int units : {32, 16}) {
    follow(net, Dense{units, true});
    follow(net, Activate{});
  }
  follow(net, Dense{10, true});
  return net;
}

}  // namespace

std::vector<Case> training_cases() {
  return {{"ds-cnn 49x10x1", ds_cnn(), 32},
          {"image 28x28x1", image(), 32},
          {"windows 128x9", windows(), 32},
          {"resnet-8 32x32x3", resnet8(), 32},
          {"mlp 64-32-16-10", mlp(), 32}};
}

}  // namespace atml::bench

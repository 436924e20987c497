// Writes a small int8 model as training and TensorFlow's converter leave many: dead channels, an
// explicit pad, a dilated depthwise. Usage: dead_channels_model FILE.tflite
#include <fmt/format.h>

#include <cstdio>

#include "base/files.h"
#include "exchange/tflite.h"
#include "quantize/quantize.h"

namespace {

using namespace atml;

quantize::Int8Model living() {
  network::Network net(Shape{16, 12, 3});
  int last = 0;
  const auto add = [&](network::Op op) { last = *net.add(std::move(op), {last}); };
  add(network::Conv{12, network::Window{3, 3, 2, 2}, true});
  add(network::Activate{network::Activation::kRelu});
  add(network::Depthwise{1, network::Window{3, 3, 1, 1, 2, 2}, true});
  add(network::Activate{network::Activation::kRelu6});
  add(network::Conv{10, network::Window{}, true});
  add(network::GlobalAveragePool{});
  add(network::Flatten{});
  add(network::Dense{4, true});
  return quantize::random_model(net, 17);
}

// No weights, a scale next to zero, and the bias that makes the output zero.
void kill(quantize::Filter& filter, int outputs, int channel) {
  const std::size_t inputs = filter.weights.size() / static_cast<std::size_t>(outputs);
  const std::size_t o = static_cast<std::size_t>(channel);
  for (std::size_t i = 0; i < inputs; ++i) filter.weights[o * inputs + i] = 0;
  filter.bias[o] = -1073741952;
  filter.scales[o] = 1e-9f;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: dead_channels_model FILE.tflite\n");
    return 2;
  }
  quantize::Int8Model model = living();
  auto& first = std::get<quantize::Conv>(model.ops[0].kind);
  for (const int channel : {1, 4, 5, 11}) kill(first.filter, 12, channel);
  const auto bytes = exchange::write_tflite(model);
  const Status written = bytes.ok() ? write_file(argv[1], *bytes) : Status(bytes.error());
  if (written.ok()) return 0;
  fmt::print(stderr, "dead_channels_model: {}\n", written.error().message);
  return 2;
}

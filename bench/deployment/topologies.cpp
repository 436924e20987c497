#include "topologies.h"

#include "quantize/quantize.h"

namespace atml::bench {

using namespace network;

namespace {

struct Builder {
  Network net;

  int add(Op op, std::vector<int> inputs) {
    const Result<int> index = net.add(std::move(op), std::move(inputs));
    ATML_ASSERT(index.ok(), index.ok() ? "" : index.error().message);
    return *index;
  }
  int relu(int from) { return add(Activate{Activation::kRelu}, {from}); }
  int conv(int from, int filters, Window window) {
    return add(Conv{filters, window, true}, {from});
  }
};

}  // namespace

quantize::Int8Model image_classification_topology() {
  Builder b{Network(Shape{32, 32, 3})};
  int last = b.relu(b.conv(0, 16, Window{3, 3}));
  for (const int filters : {16, 32, 64}) {
    const int stride = filters == 16 ? 1 : 2;
    const int from = last;
    int x = b.relu(b.conv(from, filters, Window{3, 3, stride, stride}));
    x = b.conv(x, filters, Window{3, 3});
    const int skip = stride == 1 ? from : b.conv(from, filters, Window{1, 1, stride, stride});
    last = b.relu(b.add(Add{}, {skip, x}));
  }
  last = b.add(GlobalAveragePool{}, {last});
  b.add(Dense{10, true}, {last});
  return quantize::random_model(b.net, 1);
}

quantize::Int8Model visual_wake_words_topology() {
  Builder b{Network(Shape{96, 96, 3})};
  int last = b.relu(b.conv(0, 8, Window{3, 3, 2, 2}));
  struct Block {
    int filters, stride;
  };
  for (const Block& block : {Block{16, 1},
                             {32, 2},
                             {32, 1},
                             {64, 2},
                             {64, 1},
                             {128, 2},
                             {128, 1},
                             {128, 1},
                             {128, 1},
                             {128, 1},
                             {128, 1},
                             {256, 2},
                             {256, 1}}) {
    last = b.relu(b.add(Depthwise{1, Window{3, 3, block.stride, block.stride}, true}, {last}));
    last = b.relu(b.conv(last, block.filters, Window{}));
  }
  last = b.add(GlobalAveragePool{}, {last});
  b.add(Dense{2, true}, {last});
  return quantize::random_model(b.net, 1);
}

quantize::Int8Model depthwise_topology() {
  Builder b{Network(Shape{28, 28, 1})};
  int last = b.relu(b.conv(0, 24, Window{3, 3, 2, 2}));
  for (const auto& [filters, stride] : {std::pair{48, 1}, {64, 2}, {96, 1}}) {
    last = b.relu(b.add(Depthwise{1, Window{3, 3, stride, stride}, true}, {last}));
    last = b.relu(b.conv(last, filters, Window{}));
  }
  last = b.add(GlobalAveragePool{}, {last});
  b.add(Dense{10, true}, {last});
  return quantize::random_model(b.net, 1);
}

}  // namespace atml::bench

// Notation: a "map" is an activation of height x width x channels; signals have width 1, and then
// windows are k x 1. Every convolution and depthwise layer is followed by batch normalisation.
#include "space/decode.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace atml::space {
namespace {

using network::Network;
using network::Window;

/// Appends layers one after the other; keeps the first error, after which nothing happens.
class Builder {
 public:
  explicit Builder(const Shape& input) : network_(input) {}

  int last() const { return last_; }
  void rewind(int layer) { last_ = layer; }  // the next layer reads this one
  const Shape& shape() const { return network_.layer(last_).output; }

  void add(network::Op op, std::vector<int> inputs) {
    if (!status_.ok()) return;
    auto index = network_.add(std::move(op), std::move(inputs));
    if (index)
      last_ = *index;
    else
      status_ = index.error();
  }
  void add(network::Op op) { add(std::move(op), {last_}); }
  void relu() { add(network::Activate{}); }

  void conv(int filters, int kernel, int stride, int bits = 8) {
    add(network::Conv{.filters = filters, .window = window(kernel, stride), .weight_bits = bits});
    add(network::BatchNorm{});
  }
  void depthwise(int kernel, int stride) {
    add(network::Depthwise{.multiplier = 1, .window = window(kernel, stride)});
    add(network::BatchNorm{});
  }

  /// Same padding; along an axis of one element everything is 1, and a stride that would leave
  /// fewer than two rows or columns becomes 1.
  Window window(int kernel, int stride) const {
    const Shape& map = shape();
    const auto stride_on = [stride](int size) { return size >= 2 * stride ? stride : 1; };
    return {.kernel_h = map.height > 1 ? kernel : 1,
            .kernel_w = map.width > 1 ? kernel : 1,
            .stride_h = stride_on(map.height),
            .stride_w = stride_on(map.width)};
  }

  Result<Network> finish() {
    if (!status_.ok()) return status_.error();
    ATML_TRY_STATUS(network_.verify());
    return std::move(network_);
  }

 private:
  Network network_;
  int last_ = 0;
  Status status_;
};

int whole(const Configuration& c, std::string_view name, int fallback) {
  return static_cast<int>(c.integer(name, fallback));
}

struct Block {
  std::string kind;      // conv, separable, inverted
  std::string residual;  // none, identity, projection
  int width, kernel, stride, expansion;
  int bits = 8;  // of the convolutions; depthwise layers, whose weights are few, keep 8
};

// The path of a block without its shortcut and last activation.
void add_main_path(Builder& b, const Block& block) {
  if (block.kind == "conv") {
    b.conv(block.width, block.kernel, block.stride, block.bits);
    return;
  }
  if (block.kind == "inverted") {  // MobileNetV2 (Sandler et al., CVPR 2018), expansion first
    b.conv(b.shape().channels * block.expansion, 1, 1, block.bits);
    b.relu();
  }
  b.depthwise(block.kernel, block.stride);
  b.relu();
  b.conv(block.width, 1, 1, block.bits);
}

void add_block(Builder& b, const Block& block) {
  const int entry = b.last();
  const Shape entry_shape = b.shape();
  add_main_path(b, block);
  const int exit = b.last();
  if (block.residual != "none") {
    if (b.shape() == entry_shape) {
      b.add(network::Add{}, {exit, entry});
    } else if (block.residual == "projection") {
      b.rewind(entry);
      b.conv(block.width, 1, block.stride, block.bits);
      b.add(network::Add{}, {exit, b.last()});
    }
  }
  if (block.kind != "inverted") b.relu();  // the inverted bottleneck ends linear
}

// Halves the map before a stage, unless the first block's stride does it. Returns that stride.
int downsample(Builder& b, const std::string& how, int stride) {
  if (stride == 1 || how == "stride") return stride;
  const Window window = b.window(stride, stride);
  if (window.stride_h == 1 && window.stride_w == 1) return 1;
  const Window pool{.kernel_h = window.stride_h,
                    .kernel_w = window.stride_w,
                    .stride_h = window.stride_h,
                    .stride_w = window.stride_w};
  if (how == "maxpool")
    b.add(network::MaxPool{pool});
  else
    b.add(network::AveragePool{pool});
  return 1;
}

void add_stage(Builder& b, const Configuration& c, int stage) {
  const auto key = [stage](const char* what) { return fmt::format("stage{}_{}", stage, what); };
  Block block{.kind = c.word("block", "separable"),
              .residual = c.word("residual", "none"),
              .width = whole(c, key("width"), 16 << std::min(stage, 4)),
              .kernel = whole(c, key("kernel"), whole(c, "kernel", 3)),
              .stride = 1,
              .expansion = whole(c, "expansion", 3),
              .bits = whole(c, key("bits"), whole(c, "weight_bits", 8))};
  block.stride = downsample(b, c.word("downsample", "stride"), whole(c, key("stride"), 2));
  const int depth = whole(c, key("depth"), 1);
  for (int i = 0; i < depth; ++i) {
    add_block(b, block);
    block.stride = 1;
  }
}

void add_head(Builder& b, const Configuration& c, int outputs) {
  const bool map = b.shape().height > 1 || b.shape().width > 1;
  if (map && c.word("head", "average") == "average")
    b.add(network::GlobalAveragePool{});
  else if (map)
    b.add(network::Flatten{});
  if (const int units = whole(c, "hidden", 0); units > 0) {
    b.add(network::Dense{.units = units, .weight_bits = whole(c, "weight_bits", 8)});
    b.relu();
  }
  if (const double rate = c.real("dropout", 0); rate > 0)
    b.add(network::Dropout{.rate = static_cast<float>(rate)});
  b.add(network::Dense{.units = outputs});
}

Result<Network> decode_convolutional(const Configuration& c, const Shape& input, int outputs) {
  Builder b(input);
  if (const int filters = whole(c, "stem_filters", 16); filters > 0) {
    b.conv(filters, whole(c, "stem_kernel", 3), whole(c, "stem_stride", 1));
    b.relu();
  }
  const int stages = whole(c, "stages", 3);
  for (int stage = 1; stage <= stages; ++stage) add_stage(b, c, stage);
  add_head(b, c, outputs);
  return b.finish();
}

// Dense layers over a feature vector; maps are flattened first.
Result<Network> decode_dense(const Configuration& c, const Shape& input, int outputs) {
  Builder b(input);
  if (input.height > 1 || input.width > 1) b.add(network::Flatten{});
  const int layers = whole(c, "layers", 2);
  for (int i = 1; i <= layers; ++i) {
    b.add(network::Dense{.units = whole(c, fmt::format("layer{}_units", i), 32),
                         .weight_bits = whole(c, "weight_bits", 8)});
    b.relu();
  }
  if (const double rate = c.real("dropout", 0); rate > 0)
    b.add(network::Dropout{.rate = static_cast<float>(rate)});
  b.add(network::Dense{.units = outputs});
  return b.finish();
}

}  // namespace

Result<Network> decode(const Configuration& configuration, const Shape& input, int outputs) {
  if (outputs < 1)
    return Error{Code::kUnsupported,
                 fmt::format("a network needs at least one output, not {}", outputs)};
  if (input.height < 1 || input.width < 1 || input.channels < 1)
    return Error{Code::kUnsupported, fmt::format("the input {} is empty", input.text())};
  if (configuration.has("layers")) return decode_dense(configuration, input, outputs);
  if (input.height == 1 && input.width == 1)
    return Error{
        Code::kUnsupported,
        fmt::format("a convolutional space cannot express the feature vector {}; use the space "
                    "'table'",
                    input.text())};
  return decode_convolutional(configuration, input, outputs);
}

Status check_words(const Space& space) {
  const std::map<std::string, std::vector<std::string>> known = {
      {"block", {"conv", "separable", "inverted"}},
      {"residual", {"none", "identity", "projection"}},
      {"downsample", {"stride", "maxpool", "avgpool"}},
      {"head", {"average", "flatten"}},
      {"schedule", {"cosine", "one-cycle"}}};
  for (const auto& [name, words] : known) {
    const Parameter* parameter = space.find(name);
    if (parameter == nullptr) continue;
    for (const Value& value : parameter->values) {
      const std::string* word = std::get_if<std::string>(&value);
      if (word == nullptr || std::ranges::find(words, *word) != words.end()) continue;
      return Error{Code::kInvalidArgument,
                   fmt::format("space '{}': '{}' is no value of {}; known: {}", space.name(), *word,
                               name, fmt::join(words, ", "))};
    }
  }
  return {};
}

TrainingChoice training_choice(const Configuration& configuration) {
  const TrainingChoice standard;
  TrainingChoice t;
  t.learning_rate = configuration.real("learning_rate", standard.learning_rate);
  t.weight_decay = configuration.real("weight_decay", standard.weight_decay);
  t.batch_size = whole(configuration, "batch_size", standard.batch_size);
  t.augmentation = configuration.real("augmentation", standard.augmentation);
  t.dropout = configuration.real("dropout", standard.dropout);
  t.label_smoothing = configuration.real("label_smoothing", standard.label_smoothing);
  t.mixup = configuration.real("mixup", standard.mixup);
  t.one_cycle = configuration.word("schedule", "cosine") == "one-cycle";
  return t;
}

std::string default_space_name(const Shape& input) {
  if (input.width > 1) return "image";
  return input.height > 1 ? "signal" : "table";
}

}  // namespace atml::space

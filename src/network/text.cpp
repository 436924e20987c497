// The text form of a Network: one line a layer, name = kind(inputs) key=value...
#include <fmt/format.h>

#include <charconv>
#include <map>

#include "base/text.h"
#include "network/network.h"

namespace atml::network {
namespace {

std::string window_text(const Window& w) {
  std::string text =
      fmt::format(" kernel={}x{} stride={}x{}", w.kernel_h, w.kernel_w, w.stride_h, w.stride_w);
  if (w.dilation_h != 1 || w.dilation_w != 1)
    text += fmt::format(" dilation={}x{}", w.dilation_h, w.dilation_w);
  return text + (w.padding == Padding::kSame ? " padding=same" : " padding=valid");
}

std::string weights_text(bool bias, int bits) {
  return fmt::format("{}{}", bias ? " bias=1" : " bias=0",
                     bits == 8 ? "" : fmt::format(" bits={}", bits));
}

std::string attributes(const Op& op) {
  if (const auto* o = std::get_if<Input>(&op)) {
    return fmt::format(" shape={}", o->shape.text());
  }
  if (const auto* o = std::get_if<Conv>(&op)) {
    return fmt::format(" filters={}", o->filters) + window_text(o->window) +
           weights_text(o->bias, o->weight_bits);
  }
  if (const auto* o = std::get_if<Depthwise>(&op)) {
    return fmt::format(" multiplier={}", o->multiplier) + window_text(o->window) +
           weights_text(o->bias, o->weight_bits);
  }
  if (const auto* o = std::get_if<Dense>(&op)) {
    return fmt::format(" units={}", o->units) + weights_text(o->bias, o->weight_bits);
  }
  if (const auto* o = std::get_if<MaxPool>(&op)) return window_text(o->window);
  if (const auto* o = std::get_if<AveragePool>(&op)) return window_text(o->window);
  if (const auto* o = std::get_if<Dropout>(&op)) return fmt::format(" rate={}", o->rate);
  return "";
}

/// The key=value pairs of one line, with errors that name the line.
class Attributes {
 public:
  Attributes(std::map<std::string, std::string> values, int line)
      : values_(std::move(values)), line_(line) {}

  Result<std::vector<int>> sizes(const std::string& key, std::size_t count, int fallback) {
    std::vector<int> numbers;
    const auto it = values_.find(key);
    if (it == values_.end() && fallback >= 0) return std::vector<int>(count, fallback);
    if (it != values_.end()) {
      for (const std::string& part : split(it->second, 'x')) {
        int number = 0;
        const auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), number);
        if (code == std::errc{} && end == part.data() + part.size() && number >= 0)
          numbers.push_back(number);
      }
    }
    if (numbers.size() == count) return numbers;
    return Error{Code::kParse, fmt::format("line {}: '{}' must be {} whole number(s) joined by x",
                                           line_, key, count)};
  }
  Result<int> number(const std::string& key, int fallback) {
    ATML_TRY(const auto numbers, sizes(key, 1, fallback));
    return numbers[0];
  }
  std::string word(const std::string& key) const {
    const auto it = values_.find(key);
    return it == values_.end() ? "" : it->second;
  }

 private:
  std::map<std::string, std::string> values_;
  int line_;
};

Result<Window> parse_window(Attributes& a) {
  ATML_TRY(const auto kernel, a.sizes("kernel", 2, -1));
  ATML_TRY(const auto stride, a.sizes("stride", 2, 1));
  ATML_TRY(const auto dilation, a.sizes("dilation", 2, 1));
  return Window{kernel[0],
                kernel[1],
                stride[0],
                stride[1],
                dilation[0],
                dilation[1],
                a.word("padding") == "valid" ? Padding::kValid : Padding::kSame};
}

Result<Op> parse_op(const std::string& kind, Attributes& a) {
  ATML_TRY(const int bias, a.number("bias", 0));
  ATML_TRY(const int bits, a.number("bits", 8));
  if (kind == "conv") {
    ATML_TRY(const int filters, a.number("filters", -1));
    ATML_TRY(const Window window, parse_window(a));
    return Op(Conv{filters, window, bias != 0, bits});
  }
  if (kind == "depthwise") {
    ATML_TRY(const int multiplier, a.number("multiplier", 1));
    ATML_TRY(const Window window, parse_window(a));
    return Op(Depthwise{multiplier, window, bias != 0, bits});
  }
  if (kind == "dense") {
    ATML_TRY(const int units, a.number("units", -1));
    return Op(Dense{units, bias != 0, bits});
  }
  if (kind == "max_pool" || kind == "average_pool") {
    ATML_TRY(const Window window, parse_window(a));
    return kind == "max_pool" ? Op(MaxPool{window}) : Op(AveragePool{window});
  }
  if (kind == "dropout") return Op(Dropout{std::strtof(a.word("rate").c_str(), nullptr)});
  static const std::map<std::string, Op> plain{{"batch_norm", BatchNorm{}},
                                               {"relu", Activate{Activation::kRelu}},
                                               {"relu6", Activate{Activation::kRelu6}},
                                               {"hard_swish", Activate{Activation::kHardSwish}},
                                               {"global_average_pool", GlobalAveragePool{}},
                                               {"add", Add{}},
                                               {"concat", Concat{}},
                                               {"flatten", Flatten{}}};
  const auto it = plain.find(kind);
  if (it != plain.end()) return it->second;
  return Error{Code::kParse, fmt::format("unknown layer kind '{}'", kind)};
}

struct Line {
  std::string name;
  std::string kind;
  std::vector<std::string> inputs;
  std::map<std::string, std::string> attributes;
};

Result<Line> parse_line(const std::string& text, int number) {
  const Error bad{Code::kParse,
                  fmt::format("line {}: expected 'name = kind(inputs) key=value...', found '{}'",
                              number, text)};
  const std::size_t equals = text.find(" = ");
  const std::size_t open = text.find('(');
  const std::size_t close = text.find(')');
  if (equals == std::string::npos || open == std::string::npos || close == std::string::npos ||
      open < equals || close < open) {
    return bad;
  }
  Line line;
  line.name = trim(text.substr(0, equals));
  line.kind = trim(text.substr(equals + 3, open - equals - 3));
  for (const std::string& input : split(text.substr(open + 1, close - open - 1), ',')) {
    if (!trim(input).empty()) line.inputs.push_back(trim(input));
  }
  for (const std::string& word : split(text.substr(close + 1), ' ')) {
    if (word.empty()) continue;
    const std::size_t at = word.find('=');
    if (at == std::string::npos) return bad;
    line.attributes[word.substr(0, at)] = word.substr(at + 1);
  }
  return line;
}

}  // namespace

std::string Network::text() const {
  std::string text;
  for (const Layer& l : layers_) {
    std::vector<std::string> inputs;
    for (const int i : l.inputs) inputs.push_back(layer(i).name);
    text += fmt::format("{} = {}({}){}\n", l.name, kind_name(l.op), join(inputs, ", "),
                        attributes(l.op));
  }
  return text;
}

Result<Network> Network::from_text(std::string_view text) {
  std::optional<Network> network;
  std::map<std::string, int> index;
  int number = 0;
  for (const std::string& raw : split(text, '\n')) {
    ++number;
    if (trim(raw).empty()) continue;
    ATML_TRY(Line line, parse_line(raw, number));
    Attributes attributes(line.attributes, number);
    if (!network) {
      if (line.kind != "input") return Error{Code::kParse, "the first layer must be the input"};
      ATML_TRY(const auto shape, attributes.sizes("shape", 3, -1));
      network.emplace(Shape{shape[0], shape[1], shape[2]});
      network->layers_[0].name = line.name;
      index[line.name] = 0;
      continue;
    }
    std::vector<int> inputs;
    for (const std::string& input : line.inputs) {
      if (!index.contains(input)) {
        return Error{Code::kParse,
                     fmt::format("line {}: no layer '{}' above this line", number, input)};
      }
      inputs.push_back(index[input]);
    }
    ATML_TRY(const Op op, parse_op(line.kind, attributes));
    ATML_TRY(index[line.name], network->add(op, inputs, line.name));
  }
  if (!network) return Error{Code::kParse, "empty network text"};
  return *network;
}

}  // namespace atml::network

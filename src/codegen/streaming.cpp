#include "codegen/streaming.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <set>

#include "codegen/weights.h"

namespace atml::codegen {

using namespace quantize;

namespace {

constexpr std::size_t kMostBuffers = 250;  // uint8_t with a mark for "none"
constexpr int kMostRows = 30000;           // int16_t

// By hand from counts of a few emulated networks on a Cortex-M4, not fitted: they rank plans, the
// oracle counts what is chosen.
constexpr double kCallPrice = 330;       // of a row: engine, parameters, call
constexpr double kMovePrice = 0.6;       // of a shifted byte
constexpr double kDepthwisePrice = 0.3;  // of a depthwise multiply-accumulate
constexpr double kPixelPrice = 0.55;     // of a MAC of a pixel that is alone, not one of four

std::size_t at(int i) { return static_cast<std::size_t>(i); }

const network::Window* window_of(const Op& op) {
  if (const auto* c = std::get_if<Conv>(&op.kind)) return &c->window;
  if (const auto* d = std::get_if<Depthwise>(&op.kind)) return &d->window;
  if (const auto* m = std::get_if<MaxPool>(&op.kind)) return &m->window;
  if (const auto* a = std::get_if<AveragePool>(&op.kind)) return &a->window;
  return nullptr;
}

bool averages_all(Kernel kernel) { return kernel == Kernel::kSumRow; }

// Every window has at least one row inside the input.
bool windows_touch_input(const network::Window& w, const Shape& in, const Shape& out) {
  const int extent = (w.kernel_h - 1) * w.dilation_h + 1;
  const int last = (out.height - 1) * w.stride_h - w.pad_top(in.height);
  return extent > w.pad_top(in.height) && last < in.height;
}

bool is_used_after(const Int8Model& model, int tensor, int op) {
  if (tensor == model.output) return true;
  for (int i = op + 1; i < static_cast<int>(model.ops.size()); ++i) {
    if (std::ranges::count(model.ops[at(i)].inputs, tensor) > 0) return true;
  }
  return false;
}

// They share a word with a shift (atml_rows_depthwise).
bool biases_fit_rows(const Filter& filter) {
  return std::ranges::all_of(filter.bias,
                             [](int bias) { return bias >= -(1 << 23) && bias < 1 << 23; });
}

struct Builder {
  const Int8Model& model;
  const std::vector<KernelChoice>& choices;
  StreamGroup& group;

  int buffer_of(int tensor) {
    for (std::size_t b = 0; b < group.buffers.size(); ++b) {
      if (group.buffers[b].tensor == tensor) return static_cast<int>(b);
    }
    const Shape& shape = model.tensor(tensor).shape;
    StreamBuffer buffer;
    buffer.tensor = tensor;
    buffer.given = true;  // until an operator of the group writes it
    buffer.height = buffer.capacity = shape.height;
    buffer.row_bytes = static_cast<std::int64_t>(shape.width) * shape.channels;
    group.buffers.push_back(buffer);
    return static_cast<int>(group.buffers.size()) - 1;
  }

  bool add(int i) {
    const Op& op = model.ops[at(i)];
    const KernelChoice choice = row_kernel(model, op, choices[at(i)]);
    if (choice.kernel == Kernel::kNone) return false;
    const bool last = i == group.last_op;
    if (averages_all(choice.kernel) && !last) return false;
    StreamStage stage;
    stage.op = i;
    stage.scratch = choice.scratch;
    for (const int t : op.inputs) stage.inputs.push_back(buffer_of(t));
    stage.output = buffer_of(op.output);
    StreamBuffer& out = group.buffers[at(stage.output)];
    out.given = false;
    out.line = !is_used_after(model, op.output, group.last_op);
    if (averages_all(choice.kernel)) {
      // Its "rows" are those of the input, added up; the mean is written after the last.
      out.height = out.capacity = model.input_of(op).shape.height;
      out.row_bytes = 0;
      group.sums = 4 * static_cast<std::int64_t>(model.output_of(op).shape.channels);
    } else if (const network::Window* w = window_of(op)) {
      if (!windows_touch_input(*w, model.input_of(op).shape, model.output_of(op).shape))
        return false;
      stage.stride = w->stride_h;
      stage.pad = w->pad_top(model.input_of(op).shape.height);
      stage.extent = (w->kernel_h - 1) * w->dilation_h + 1;
    }
    group.stages.push_back(stage);
    return true;
  }
};

// A set of parts.
using PartSet = std::vector<std::uint64_t>;

constexpr std::size_t kWordBits = 64;

void set(PartSet& parts, std::size_t part, bool member = true) {
  const std::uint64_t bit = std::uint64_t{1} << part % kWordBits;
  std::uint64_t& word = parts[part / kWordBits];
  word = member ? word | bit : word & ~bit;
}

template <class Visit>
void for_each(const PartSet& parts, Visit visit) {
  for (std::size_t w = 0; w < parts.size(); ++w) {
    for (std::uint64_t rest = parts[w]; rest != 0; rest &= rest - 1)
      visit(w * kWordBits + static_cast<std::size_t>(std::countr_zero(rest)));
  }
}

// runtime/kernels/stream.c with buffers of any size. A plan asks for hundreds of groups, so what a
// step changes is kept up to date instead of found anew.
class Simulation {
 public:
  explicit Simulation(StreamGroup& group)
      : g_(group),
        filled_(group.buffers.size(), 0),
        needed_(group.buffers.size(), 0),
        readers_(group.buffers.size()),
        occupied_((parts() + kWordBits - 1) / kWordBits, 0) {
    for (int s = 0; s < static_cast<int>(g_.stages.size()); ++s) {
      for (const int input : g_.stages[at(s)].inputs) readers_[at(input)].push_back(s);
    }
    for (int b = 0; b < static_cast<int>(filled_.size()); ++b) {
      if (g_.buffers[at(b)].given) filled_[at(b)] = g_.buffers[at(b)].height;
      if (g_.buffers[at(b)].line) g_.buffers[at(b)].capacity = 0;
    }
    for (int b = 0; b < static_cast<int>(filled_.size()); ++b) update(b);
    for (const int given : whole(true)) {
      for (const int kept : whole(false)) {
        const std::int64_t none = -g_.buffers[at(given)].height * g_.buffers[at(given)].row_bytes;
        if (g_.buffers[at(kept)].row_bytes > 0)
          g_.over_inputs.push_back({given, kept, {Overlap::Kind::kAtLeast, none}});
      }
    }
  }

  bool run() {
    for (int s = last(); s >= 0;) {
      if (is_ready(g_.stages[at(s)])) {
        step(at(s));
        // Of the stages behind, only readers of the new row can have become ready.
        const auto& readers = readers_[at(g_.stages[at(s)].output)];
        if (!readers.empty()) s = std::max(s, readers.back());
      } else {
        --s;
      }
    }
    return std::ranges::all_of(g_.stages, [&](const StreamStage& s) {
      return filled_[at(s.output)] == g_.buffers[at(s.output)].height;
    });
  }

  // Shifts happen where a buffer is full: the sizes are known only after run().
  void count_moves() {
    for (const StreamBuffer& b : g_.buffers) {
      if (b.line && b.capacity < b.height)
        g_.moved += static_cast<std::int64_t>(b.height - b.capacity) * std::max(0, b.capacity - 1) *
                    b.row_bytes;
    }
  }

  // After run() as well: which parts are held at one time, and the most bytes of them.
  void find_peak() {
    g_.together.assign(parts(), std::vector<bool>(parts(), false));
    for (const PartSet& live : moments_) {
      std::int64_t bytes = 0;
      for_each(live, [&](std::size_t part) {
        bytes += bytes_of(part);
        for_each(live, [&](std::size_t other) { g_.together[part][other] = true; });
      });
      g_.peak = std::max(g_.peak, bytes);
    }
  }

 private:
  std::size_t parts() const { return g_.buffers.size() + g_.stages.size(); }
  int last() const { return static_cast<int>(g_.stages.size()) - 1; }

  std::vector<int> whole(bool given) const {
    std::vector<int> list;
    for (int b = 0; b < static_cast<int>(g_.buffers.size()); ++b) {
      if (!g_.buffers[at(b)].line && g_.buffers[at(b)].given == given) list.push_back(b);
    }
    return list;
  }

  std::int64_t bytes_of(std::size_t part) const {
    if (part >= g_.buffers.size()) return g_.stages[part - g_.buffers.size()].scratch;
    const StreamBuffer& b = g_.buffers[part];
    return (b.capacity * b.row_bytes + 3) / 4 * 4;
  }

  bool is_ready(const StreamStage& s) const {
    const int y = filled_[at(s.output)];
    if (y == g_.buffers[at(s.output)].height) return false;
    if (s.inputs.size() > 1 && filled_[at(s.inputs[1])] <= y) return false;
    const int end = y * s.stride - s.pad + s.extent;
    return filled_[at(s.inputs[0])] >= std::min(end, g_.buffers[at(s.inputs[0])].height);
  }

  int first_needed(int b) const {
    int row = filled_[at(b)];
    for (const int reader : readers_[at(b)]) {
      const StreamStage& s = g_.stages[at(reader)];
      const int y = filled_[at(s.output)];
      if (y >= g_.buffers[at(s.output)].height) continue;
      if (s.inputs[0] == b) row = std::min(row, y * s.stride - s.pad);
      if (s.inputs.size() > 1 && s.inputs[1] == b) row = std::min(row, y);
    }
    return std::max(row, 0);
  }

  // After a change of its rows or of a reader's.
  void update(int b) {
    needed_[at(b)] = first_needed(b);
    set(occupied_, at(b), g_.buffers[at(b)].line && filled_[at(b)] > needed_[at(b)]);
  }

  void step(std::size_t index) {
    const StreamStage& stage = g_.stages[index];
    const int y = filled_[at(stage.output)];
    StreamBuffer& out = g_.buffers[at(stage.output)];
    if (out.line) out.capacity = std::max(out.capacity, y + 1 - needed_[at(stage.output)]);
    PartSet live = occupied_;
    set(live, g_.part_of_scratch(index));
    if (out.line) set(live, at(stage.output));
    moments_.insert(std::move(live));
    for (auto& over : g_.over_inputs) {
      const StreamBuffer& in = g_.buffers[at(over.input)];
      const int needed = needed_[at(over.input)];
      if (over.output != stage.output || needed >= in.height) continue;
      over.rule.distance =
          std::max(over.rule.distance, (y + 1) * out.row_bytes - needed * in.row_bytes);
    }
    ++filled_[at(stage.output)];
    ++g_.rows;
    update(stage.output);
    for (const int input : stage.inputs) update(input);
  }

  StreamGroup& g_;
  std::vector<int> filled_;                // rows written, by buffer
  std::vector<int> needed_;                // first row that is still read, by buffer
  std::vector<std::vector<int>> readers_;  // stages, rising, by buffer
  PartSet occupied_;                       // line buffers that hold a row
  std::set<PartSet> moments_;              // parts that were held at one time
};

// What the row-wise kernel of an operator costs beside the other.
double kernel_price(const Int8Model& model, int i) {
  const Op& op = model.ops[at(i)];
  const double macs = static_cast<double>(model.macs(op).value);
  const int width = model.output_of(op).shape.width;
  if (std::holds_alternative<Depthwise>(op.kind)) return kDepthwisePrice * macs;
  if (std::holds_alternative<Conv>(op.kind)) return kPixelPrice * macs * (width % 4) / width;
  return 0;
}

bool is_usable(const StreamGroup& group) {
  if (group.buffers.size() > kMostBuffers) return false;
  const bool saves = std::ranges::any_of(
      group.buffers, [](const StreamBuffer& b) { return b.line && b.capacity < b.height; });
  return saves && std::ranges::all_of(group.buffers, [](const StreamBuffer& b) {
           return b.height <= kMostRows && b.row_bytes <= std::numeric_limits<std::int32_t>::max();
         });
}

}  // namespace

KernelChoice row_kernel(const Int8Model& model, const Op& op, const KernelChoice& choice) {
  const KernelChoice none;
  KernelChoice row = choice;
  switch (choice.kernel) {
    case Kernel::kConvPacked:
    case Kernel::kPointwisePacked:
    case Kernel::kConvNibbles:
    case Kernel::kPointwiseNibbles:
    case Kernel::kConvPlain:
    case Kernel::kDepthwisePlain:
    case Kernel::kMaxPool:
    case Kernel::kAveragePool:
    case Kernel::kTable:
    case Kernel::kDepthwiseRows:
      return row;
    case Kernel::kAdd:
    case Kernel::kAddHalf:
    case Kernel::kAddLinear:  // a second input of one value a channel has no rows
      return model.input_of(op, 1).shape == model.output_of(op).shape ? row : none;
    case Kernel::kPlace:
      return op.inputs.size() == 2 ? row : none;
    case Kernel::kDepthwisePacked:
    case Kernel::kDepthwiseLine: {
      const FilterShape shape = filter_shape(model, op);
      if (!biases_fit_rows(*filter_of(op))) return none;
      row.kernel = Kernel::kDepthwiseRows;
      row.transposed = row.clamp = false;
      row.scratch = 0;
      row.weights = 8 * static_cast<std::int64_t>((shape.outputs + 3) / 4) * shape.inputs;
      row.tables = 32 * static_cast<std::int64_t>((shape.outputs + 3) / 4);
      return row;
    }
    case Kernel::kGlobalAverage:
    case Kernel::kMean:
      row.kernel = Kernel::kSumRow;
      return model.input_of(op).shape.height > 1 ? row : none;
    case Kernel::kNone:
    case Kernel::kConvSwar:  // chosen after the plan
    case Kernel::kPointwiseSwar:
    case Kernel::kConvNibblesSwar:
    case Kernel::kPointwiseNibblesSwar:
    case Kernel::kDepthwiseNibbles:  // its row form would keep the weights as words
    case Kernel::kDensePacked:
    case Kernel::kDenseNibbles:
    case Kernel::kDenseCoded:
    case Kernel::kDensePlain:
    case Kernel::kMul:
    case Kernel::kPad:
    case Kernel::kSoftmax:
    case Kernel::kSumRow:
      return none;
  }
  ATML_UNREACHABLE("unknown kernel");
}

bool make_group(const Int8Model& model, const std::vector<KernelChoice>& choices, int first_op,
                int last_op, StreamGroup& group) {
  group = {};
  group.first_op = first_op;
  group.last_op = last_op;
  if (last_op <= first_op) return false;
  Builder builder{model, choices, group};
  for (int i = first_op; i <= last_op; ++i) {
    if (!builder.add(i)) return false;
  }
  Simulation simulation(group);
  if (!simulation.run()) return false;
  simulation.count_moves();
  simulation.find_peak();
  return is_usable(group);
}

std::int64_t streaming_price(const Int8Model& model, const StreamGroup& group) {
  double price =
      kCallPrice * static_cast<double>(group.rows) + kMovePrice * static_cast<double>(group.moved);
  for (const StreamStage& stage : group.stages) price += kernel_price(model, stage.op);
  return static_cast<std::int64_t>(price);
}

std::int64_t least_streaming_price(const Int8Model& model, int op, const KernelChoice& row_kernel) {
  const Op& streamed = model.ops[at(op)];
  const int rows = averages_all(row_kernel.kernel) ? model.input_of(streamed).shape.height
                                                   : model.output_of(streamed).shape.height;
  return static_cast<std::int64_t>(kCallPrice * rows + kernel_price(model, op));
}

}  // namespace atml::codegen

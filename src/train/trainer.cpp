#include "train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "base/clock.h"
#include "base/random.h"
#include "train/batch_loader.h"
#include "train/check.h"
#include "train/denormals.h"
#include "train/engine.h"
#include "train/loss.h"
#include "train/optimiser.h"
#include "train/state.h"

namespace atml::train {
namespace {

// A multiple of the widest vector of any machine, so that a batch holds the same samples
// everywhere.
constexpr int kBatchStep = 16;
constexpr double kExplosion = 20;  // times the first loss

bool finite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float v) { return std::isfinite(v); });
}

int round_up(int n, int step) { return (n + step - 1) / step * step; }

// Settings that came later enter only where they are used, so that older checkpoints stay valid.
std::string newer_settings(const Settings& s) {
  std::string text;
  const Augmentation& a = s.augmentation;
  if (!(a == Augmentation{.strength = a.strength}))
    text += fmt::format("|a {} {} {} {}", a.rotation, a.crop, a.time_warp, a.channel_drop);
  if (s.mixup > 0) text += fmt::format("|mixup {}", s.mixup);
  if (s.schedule == Schedule::kOneCycle) text += "|one cycle";
  if (s.round_weights) text += "|rounded";
  for (const double w : s.class_weights) text += fmt::format("|c {}", w);
  return text;
}

std::uint64_t owner_of(const network::Network& net, const data::Dataset& data, const Settings& s,
                       const QuantisationPlan* plan) {
  std::string text = fmt::format(
      "{}|{}|{:016x}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", net.text(), data.name, data.fingerprint,
      data.train.size(), static_cast<int>(s.optimizer), s.learning_rate, s.weight_decay, s.momentum,
      s.batch_size, s.epochs, s.warmup_epochs, s.label_smoothing, s.gradient_clip,
      s.augmentation.strength, s.ema_decay);
  text += newer_settings(s);
  if (plan != nullptr) {
    for (const auto& range : plan->outputs)
      text += range ? fmt::format("|{} {}", range->scale, range->zero_point) : "|";
  }
  return fnv1a(text) ^ s.seed;
}

}  // namespace

struct Trainer::Impl {
  Impl(const network::Network& network, const data::Dataset& data, const Settings& s,
       const QuantisationPlan* plan_given)
      : dataset(data),
        settings(s),
        plan(with_rounding(s, plan_given)),
        owner(owner_of(network, data, s, plan ? &*plan : nullptr)),
        engine(network, round_up(s.batch_size, kBatchStep), best_kernels(), plan ? &*plan : nullptr,
               s.most_threads),
        loader(data.shape, data.normalisation, s.augmentation,
               data.task == data::Task::kAnomaly ? 0 : s.mixup),
        loss(data.task, data.outputs(), s.label_smoothing, s.class_weights),
        evaluation_loss(data.task, data.outputs(), 0),
        optimiser(s) {
    engine.initialise(Rng::derive(s.seed, "initial weights"));
    optimiser.prepare(engine.values().size(), state);
    start_average();
    order.resize(data.train.size());
  }

  static std::optional<QuantisationPlan> with_rounding(const Settings& s,
                                                       const QuantisationPlan* plan) {
    if (plan != nullptr) return *plan;
    if (!s.round_weights) return std::nullopt;
    return QuantisationPlan{};
  }

  void start_average() {
    if (settings.ema_decay <= 0) return;
    state.average_values.assign(engine.values().begin(), engine.values().end());
    state.average_statistics.assign(engine.statistics().begin(), engine.statistics().end());
  }

  std::size_t batch() const { return static_cast<std::size_t>(engine.batch()); }
  std::size_t steps_per_epoch() const { return (dataset.train.size() + batch() - 1) / batch(); }

  void collect();  // engine -> state
  void apply(const State& from);
  void draw_order();
  void ask_teacher();
  TrainEnd train_batches(const StopToken& stop, Score& score);
  bool exploded(double batch_loss);
  void average_weights();
  template <class Visit>
  void infer(const data::Split& split, Visit visit);

  const data::Dataset& dataset;
  Settings settings;
  std::optional<QuantisationPlan> plan;
  std::uint64_t owner;
  Engine engine;
  std::unique_ptr<Engine> teacher;
  BatchLoader loader;
  Loss loss, evaluation_loss;
  Optimiser optimiser;
  State state;  // its values and statistics are current only after collect()
  std::vector<std::size_t> order;
  std::vector<std::size_t> indices;
};

void Trainer::Impl::collect() {
  state.values.assign(engine.values().begin(), engine.values().end());
  state.statistics.assign(engine.statistics().begin(), engine.statistics().end());
}

void Trainer::Impl::apply(const State& from) {
  state = from;
  std::ranges::copy(state.values, engine.values().begin());
  std::ranges::copy(state.statistics, engine.statistics().begin());
  engine.values_changed();
}

void Trainer::Impl::draw_order() {
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng rng = Rng::derive(settings.seed, "order of samples", state.epochs);
  rng.shuffle(std::span(order));
}

// The teacher sees the very samples that the student sees (Beyer et al., CVPR 2022).
void Trainer::Impl::ask_teacher() {
  const Tensor& from = engine.input();
  const Tensor& to = teacher->input();
  for (int c = 0; c < from.layout.shape.channels; ++c)
    engine.kernels().scale(common_extent(from.layout, to.layout), from.plane(c), to.plane(c), 1,
                           false);
  teacher->forward(false);
}

TrainEnd Trainer::Impl::train_batches(const StopToken& stop, Score& score) {
  const FlushDenormals flush;
  indices.resize(batch());
  for (std::size_t b = 0; b < steps_per_epoch(); ++b) {
    if (stop.stop_requested()) return TrainEnd::kStopped;
    for (std::size_t i = 0; i < batch(); ++i) indices[i] = order[(b * batch() + i) % order.size()];
    const std::uint64_t step = state.steps;
    loader.load_augmented(engine, dataset.train.x, indices, settings.seed, step * batch());
    engine.forward(true, Rng::derive(settings.seed, "dropout", step).next());
    if (teacher) ask_teacher();
    const SoftTargets soft{loader.shares(), teacher.get(), settings.teacher_weight,
                           settings.temperature};
    const double batch_loss = loss.run(engine, dataset.train, indices, batch(), true, loader.mean(),
                                       loader.gain(), score, soft);
    if (exploded(batch_loss)) return TrainEnd::kDiverged;
    engine.backward();
    optimiser.step(engine, state, learning_rate(settings, steps_per_epoch(), step),
                   momentum(settings, steps_per_epoch(), step));
    if (settings.ema_decay > 0) average_weights();
  }
  // The last step's result has met no loss yet.
  return finite(engine.values()) && finite(engine.statistics()) ? TrainEnd::kOk
                                                                : TrainEnd::kDiverged;
}

bool Trainer::Impl::exploded(double batch_loss) {
  if (!std::isfinite(batch_loss)) return true;
  if (state.steps == 0) state.first_loss = state.smoothed_loss = batch_loss;
  state.smoothed_loss = 0.9 * state.smoothed_loss + 0.1 * batch_loss;
  return state.smoothed_loss > kExplosion * std::max(state.first_loss, 1.0);
}

// The decay grows from 0 as in (1 + t) / (10 + t), so that the average forgets the initial weights.
void Trainer::Impl::average_weights() {
  const double t = static_cast<double>(state.steps);
  const auto rate = static_cast<float>(1 - std::min(settings.ema_decay, (1 + t) / (10 + t)));
  engine.kernels().average(state.average_values.size(), state.average_values.data(),
                           engine.values().data(), rate);
  engine.kernels().average(state.average_statistics.size(), state.average_statistics.data(),
                           engine.statistics().data(), rate);
}

// visit(indices of the batch, how many of them count) after each forward pass of inference.
template <class Visit>
void Trainer::Impl::infer(const data::Split& split, Visit visit) {
  const FlushDenormals flush;
  const bool averaged = settings.ema_decay > 0;
  const auto exchange = [&] {
    if (!averaged) return;
    std::ranges::swap_ranges(state.average_values, engine.values());
    std::ranges::swap_ranges(state.average_statistics, engine.statistics());
    engine.values_changed();
  };
  exchange();
  indices.resize(batch());
  for (std::size_t first = 0; first < split.size(); first += batch()) {
    const std::size_t count = std::min(batch(), split.size() - first);
    for (std::size_t i = 0; i < batch(); ++i) indices[i] = first + std::min(i, count - 1);
    loader.load(engine, split.x, indices);
    engine.forward(false);
    visit(std::span<const std::size_t>(indices), count);
  }
  exchange();
}

Trainer::Trainer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Trainer::~Trainer() = default;

Result<std::unique_ptr<Trainer>> Trainer::create(const network::Network& network,
                                                 const data::Dataset& dataset,
                                                 const Settings& settings) {
  const Status status = check_suits(network, dataset, settings);
  if (!status.ok()) return status.error();
  return std::unique_ptr<Trainer>(
      new Trainer(std::make_unique<Impl>(network, dataset, settings, nullptr)));
}

Result<std::unique_ptr<Trainer>> Trainer::create_from(const network::Network& network,
                                                      const data::Dataset& dataset,
                                                      const Settings& settings,
                                                      const Weights& start,
                                                      const QuantisationPlan* plan) {
  const Status status = check_suits(network, dataset, settings);
  if (!status.ok()) return status.error();
  auto impl = std::make_unique<Impl>(network, dataset, settings, plan);
  ATML_TRY_STATUS(impl->engine.set_weights(start));
  impl->start_average();
  return std::unique_ptr<Trainer>(new Trainer(std::move(impl)));
}

void Trainer::set_threads(int count) {
  impl_->engine.set_threads(count);
  if (impl_->teacher) impl_->teacher->set_threads(count);
}

void Trainer::set_ranges(const QuantisationPlan& plan) {
  Impl& t = *impl_;
  ATML_ASSERT(t.plan && t.plan->outputs.size() == plan.outputs.size(), "a plan of this network");
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    if (t.plan->outputs[i] && plan.outputs[i]) t.plan->outputs[i] = plan.outputs[i];
  }
  t.engine.set_ranges(plan);
  t.owner = owner_of(t.engine.network(), t.dataset, t.settings, &*t.plan);
}

Status Trainer::set_teacher(const network::Network& network, const Weights& weights) {
  Impl& t = *impl_;
  const auto about_teacher = [](const Status& status) -> Status {
    if (status.ok()) return {};
    return status.error().with_context("the teacher");
  };
  ATML_TRY_STATUS(about_teacher(check_suits(network, t.dataset, t.settings)));
  auto teacher = std::make_unique<Engine>(network, t.engine.batch(), t.engine.kernels(), nullptr,
                                          t.engine.most_threads());
  ATML_TRY_STATUS(about_teacher(teacher->set_weights(weights)));
  teacher->set_threads(t.engine.threads());
  const auto values = teacher->values();
  t.owner ^= fnv1a({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  t.teacher = std::move(teacher);
  return {};
}

std::vector<double> balanced_class_weights(const data::Dataset& dataset) {
  std::vector<double> counts(dataset.classes.size(), 0);
  for (const int label : dataset.train.labels) ++counts[static_cast<std::size_t>(label)];
  std::vector<double> weights;
  const auto samples = static_cast<double>(dataset.train.size());
  for (const double count : counts)
    weights.push_back(count > 0 ? samples / (static_cast<double>(counts.size()) * count) : 0);
  return weights;
}

TrainEnd Trainer::run_epoch(const StopToken& stop, EpochReport& report) {
  Impl& t = *impl_;
  const double started = now_seconds();
  t.collect();
  const State before = t.state;
  t.draw_order();
  Score score(t.dataset.task, t.dataset.outputs());
  const TrainEnd end = t.train_batches(stop, score);
  report.epoch = static_cast<int>(before.epochs);
  report.train_loss = score.loss();
  report.train_metric = score.metric();
  report.steps = t.state.steps - before.steps;
  report.seconds = now_seconds() - started;
  if (end == TrainEnd::kStopped) t.apply(before);
  if (end == TrainEnd::kOk) ++t.state.epochs;
  return end;
}

int Trainer::epochs_done() const { return static_cast<int>(impl_->state.epochs); }
int Trainer::lanes() const { return impl_->engine.kernels().lanes; }

Evaluation Trainer::evaluate(const data::Split& split) {
  Impl& t = *impl_;
  if (!check_split(split, t.dataset, "evaluated").ok()) return {};
  Score score(t.dataset.task, t.dataset.outputs());
  t.infer(split, [&](std::span<const std::size_t> batch, std::size_t count) {
    t.evaluation_loss.run(t.engine, split, batch, count, false, t.loader.mean(), t.loader.gain(),
                          score);
  });
  return {score.loss(), score.metric(), score.samples()};
}

std::vector<float> Trainer::predict(const data::Split& split) {
  Impl& t = *impl_;
  const auto outputs = static_cast<std::size_t>(t.dataset.outputs());
  std::vector<float> rows(split.size() * outputs);
  float* to = rows.data();
  t.infer(split, [&](std::span<const std::size_t>, std::size_t count) {
    for (std::size_t s = 0; s < count; ++s, to += outputs)
      t.loss.read_outputs(t.engine, s, {to, outputs});
  });
  return rows;
}

Weights Trainer::weights() const {
  Impl& t = *impl_;
  if (t.settings.ema_decay > 0)
    return t.engine.weights(t.state.average_values, t.state.average_statistics);
  return t.engine.weights(t.engine.values(), t.engine.statistics());
}

Weights Trainer::rounded_weights() const {
  Impl& t = *impl_;
  const bool averaged = t.settings.ema_decay > 0;
  const std::vector<float> values =
      averaged ? t.engine.rounded(t.state.average_values) : t.engine.rounded(t.engine.values());
  return averaged ? t.engine.weights(values, t.state.average_statistics)
                  : t.engine.weights(values, t.engine.statistics());
}

std::string Trainer::checkpoint() const {
  impl_->collect();
  return to_bytes(impl_->state, impl_->owner);
}

Status Trainer::restore(std::string_view bytes) {
  impl_->collect();
  ATML_TRY(const State state, from_bytes(bytes, impl_->owner, impl_->state));
  impl_->apply(state);
  return {};
}

}  // namespace atml::train

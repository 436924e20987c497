// Training options against hand computation in double precision: losses with everything that
// softens their targets, optimisers over several steps, weight averaging, quick ends of divergence.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include "train/engine_test_support.h"
#include "train/loss.h"
#include "train/optimiser.h"
#include "train/trainer.h"

namespace atml::train {
namespace {

using network::Network;
using reference::Values;

data::Samples samples_of(const Shape& shape, const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return data::Samples(shape, data::ElementType::kFloat32, std::move(bytes));
}

std::vector<float> random_floats(std::size_t count, Rng& rng, double deviation = 1) {
  std::vector<float> v(count);
  for (float& x : v) x = static_cast<float>(deviation * rng.normal());
  return v;
}

Network one_layer(const Shape& in, network::Op op) {
  Network net(in);
  EXPECT_TRUE(net.add(std::move(op), {0}).ok());
  return net;
}

// ---- Losses

// Everything about the loss of one sample, and its value by definition.
struct SampleLoss {
  data::Task task;
  Values target;   // values, or the mass of each class
  Values teacher;  // outputs; empty: none
  double teacher_weight = 0, temperature = 1;

  static Values softmax(const Values& row, double temperature) {
    Values p;
    double sum = 0;
    for (const double v : row) sum += std::exp(v / temperature);
    for (const double v : row) p.push_back(std::exp(v / temperature) / sum);
    return p;
  }
  static double squared(const Values& a, const Values& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum / static_cast<double>(a.size());
  }
  double hard(const Values& row) const {
    if (task != data::Task::kClassification) return squared(row, target);
    const Values p = softmax(row, 1);
    double sum = 0;
    for (std::size_t i = 0; i < row.size(); ++i) sum -= target[i] * std::log(p[i]);
    return sum;
  }
  double soft(const Values& row) const {
    if (task != data::Task::kClassification) return squared(row, teacher);
    const Values p = softmax(row, temperature), q = softmax(teacher, temperature);
    double sum = 0;
    for (std::size_t i = 0; i < row.size(); ++i) sum += q[i] * std::log(q[i] / p[i]);
    return temperature * temperature * sum;
  }
  double operator()(const Values& row) const {
    if (teacher.empty()) return hard(row);
    return (1 - teacher_weight) * hard(row) + teacher_weight * soft(row);
  }
};

// A random task with its data, and what each sample's loss is by definition.
class LossCase {
 public:
  LossCase(data::Task task, std::uint64_t seed, const Kernels& kernels)
      : task_(task),
        rng_(seed),
        shape_(task == data::Task::kAnomaly
                   ? Shape{rng_.integer(1, 5), rng_.integer(1, 4), rng_.integer(1, 3)}
                   : Shape{1, 1, rng_.integer(2, 33)}),
        outputs_(static_cast<std::size_t>(shape_.elements())),
        batch_(static_cast<std::size_t>(16 * rng_.integer(1, 3))),
        net_(one_layer(shape_, network::BatchNorm{})),
        engine_(net_, static_cast<int>(batch_), kernels),
        teacher_(net_, static_cast<int>(batch_), kernels) {
    draw();
  }

  void check() {
    Loss loss(task_, static_cast<int>(outputs_), smoothing_, class_weights_);
    const SoftTargets soft{shares_, taught_ ? &teacher_ : nullptr, 0.3, 2.5};
    Score score(task_, static_cast<int>(outputs_));
    put(engine_.output(), engine_.output().value, static_cast<int>(batch_), rows_);
    const double found =
        loss.run(engine_, split_, indices_, batch_, true, mean_, gain_, score, soft);
    double expected = 0;
    for (std::size_t s = 0; s < batch_; ++s) expected += of_sample(s)(row(s));
    expected /= static_cast<double>(batch_);
    ASSERT_NEAR(found, expected, 1e-5 * (1 + std::abs(expected)));
    for (std::size_t s = 0; s < batch_; s += 5) check_gradient(s);
  }
  std::string text() const {
    return std::string(to_string(task_)) + " " + shape_.text() + ", batch " +
           std::to_string(batch_) + ", smoothing " + std::to_string(smoothing_) +
           (taught_ ? ", teacher" : "") + (shares_.empty() ? "" : ", mixup") +
           (class_weights_.empty() ? "" : ", class weights");
  }

 private:
  void draw() {
    const bool classifies = task_ == data::Task::kClassification;
    if (classifies && rng_.chance(0.5)) smoothing_ = rng_.uniform(0, 0.5);
    if (classifies && rng_.chance(0.5)) {
      for (std::size_t c = 0; c < outputs_; ++c) class_weights_.push_back(rng_.uniform(0, 3));
    }
    taught_ = rng_.chance(0.5);
    const std::size_t samples = batch_ + 7;
    split_.x = samples_of(shape_, random_floats(samples * outputs_, rng_));
    for (std::size_t i = 0; i < samples; ++i)
      split_.labels.push_back(static_cast<int>(rng_.below(outputs_)));
    split_.targets = random_floats(samples * outputs_, rng_);
    indices_.resize(batch_);
    for (std::size_t& i : indices_) i = rng_.below(samples);
    if (task_ != data::Task::kAnomaly && rng_.chance(0.5)) {
      for (std::size_t i = 0; i < batch_; ++i)
        shares_.push_back(i % 2 == 0 ? static_cast<float>(rng_.uniform()) : shares_.back());
    }
    mean_ = random_floats(static_cast<std::size_t>(shape_.channels), rng_);
    gain_ = random_floats(static_cast<std::size_t>(shape_.channels), rng_);
    for (Values* v : {&rows_, &teacher_rows_}) {
      const auto floats = random_floats(batch_ * outputs_, rng_, 2);
      v->assign(floats.begin(), floats.end());
    }
    put(teacher_.output(), teacher_.output().value, static_cast<int>(batch_), teacher_rows_);
  }

  Values row(std::size_t s) const { return slice(rows_, s); }
  template <class Numbers>
  Values slice(const Numbers& v, std::size_t s) const {
    const auto first = v.begin() + static_cast<std::ptrdiff_t>(s * outputs_);
    return Values(first, first + static_cast<std::ptrdiff_t>(outputs_));
  }

  Values own_target(std::size_t index) const {
    if (task_ == data::Task::kRegression) return slice(split_.targets, index);
    Values t(outputs_, 0.0);
    if (task_ == data::Task::kAnomaly) {
      std::vector<float> x(outputs_);
      split_.x.read(index, x);
      for (std::size_t i = 0; i < outputs_; ++i) {
        const std::size_t c = i % mean_.size();
        t[i] = (static_cast<double>(x[i]) - static_cast<double>(mean_[c])) *
               static_cast<double>(gain_[c]);
      }
      return t;
    }
    const auto label = static_cast<std::size_t>(split_.labels[index]);
    const double mass = class_weights_.empty() ? 1 : class_weights_[label];
    for (std::size_t i = 0; i < outputs_; ++i) {
      t[i] =
          mass * ((i == label ? 1 - smoothing_ : 0) + smoothing_ / static_cast<double>(outputs_));
    }
    return t;
  }

  SampleLoss of_sample(std::size_t s) const {
    SampleLoss l{task_, own_target(indices_[s]), {}};
    if (!shares_.empty()) {
      const Values other = own_target(indices_[s ^ 1]);
      const auto share = static_cast<double>(shares_[s]);
      for (std::size_t i = 0; i < outputs_; ++i)
        l.target[i] = share * l.target[i] + (1 - share) * other[i];
    }
    if (taught_) {
      l.teacher = slice(teacher_rows_, s);
      l.teacher_weight = 0.3;
      l.temperature = 2.5;
    }
    return l;
  }

  void check_gradient(std::size_t s) {
    const SampleLoss l = of_sample(s);
    Values at = row(s);
    const Values found =
        slice(get(engine_.output(), engine_.output().gradient, static_cast<int>(batch_)), s);
    for (std::size_t i = 0; i < outputs_; ++i) {
      const double kept = at[i];
      at[i] = kept + 1e-5;
      const double up = l(at);
      at[i] = kept - 1e-5;
      const double down = l(at);
      at[i] = kept;
      const double slope = (up - down) / 2e-5 / static_cast<double>(batch_);
      ASSERT_NEAR(found[i], slope, 2e-5 * (1e-2 + std::abs(slope)))
          << "sample " << s << " output " << i;
    }
  }

  data::Task task_;
  Rng rng_;
  Shape shape_;
  std::size_t outputs_, batch_;
  Network net_;
  Engine engine_, teacher_;
  double smoothing_ = 0;
  std::vector<double> class_weights_;
  bool taught_ = false;
  data::Split split_;
  std::vector<std::size_t> indices_;
  std::vector<float> shares_, mean_, gain_;
  Values rows_, teacher_rows_;
};

TEST(Loss, ValuesAndGradientsOfRandomTasksAreThoseOfTheirDefinition) {
  for (const data::Task task :
       {data::Task::kClassification, data::Task::kRegression, data::Task::kAnomaly}) {
    for (std::uint64_t seed = 0; seed < 25; ++seed) {
      for (const Kernels* k : all_kernels()) {
        LossCase c(task, 100 + seed, *k);
        SCOPED_TRACE(c.text() + ", seed " + std::to_string(seed) + ", " + k->name);
        c.check();
        if (HasFatalFailure()) return;
      }
    }
  }
}

// ---- Optimisers

// One parameter in double precision, by the papers' formulas.
struct HandStep {
  const Settings& s;
  double w, m = 0, v = 0;
  void step(double g, double t, double rate, bool decays) {
    const double decay = decays ? s.weight_decay : 0;
    if (s.optimizer == Optimizer::kSgd) {  // Sutskever et al., as PyTorch writes it
      g += decay * w;
      m = s.momentum * m + g;
      w -= rate * (g + s.momentum * m);
      return;
    }
    m = s.momentum * m + (1 - s.momentum) * g;
    v = 0.999 * v + 0.001 * g * g;
    const double m_hat = m / (1 - std::pow(s.momentum, t)), v_hat = v / (1 - std::pow(0.999, t));
    w -= rate * (m_hat / (std::sqrt(v_hat) + 1e-8) + decay * w);
  }
};

TEST(Optimiser, SeveralStepsAreThoseOfThePapers) {
  Rng rng(8);
  for (int n = 0; n < 12; ++n) {
    const Network net =
        one_layer({1, 1, rng.integer(1, 19)}, network::Dense{rng.integer(1, 9), true});
    Settings s;
    s.optimizer = n % 2 == 0 ? Optimizer::kSgd : Optimizer::kAdamW;
    s.weight_decay = rng.uniform(0, 0.1);
    s.momentum = rng.uniform(0, 0.95);
    s.gradient_clip = n % 3 == 0 ? 0 : rng.uniform(0.1, 6);
    for (const Kernels* k : all_kernels()) {
      SCOPED_TRACE(std::string(k->name) + ", case " + std::to_string(n));
      Engine engine(net, 16, *k);
      engine.initialise(Rng(3));
      const Optimiser optimiser(s);
      State state;
      optimiser.prepare(engine.values().size(), state);
      std::vector<HandStep> hand;
      for (const float w : engine.values()) hand.push_back({s, static_cast<double>(w)});
      const std::size_t kernel = engine.decayed()[0].size;
      for (int step = 1; step <= 7; ++step) {
        const double rate = 0.03 / step;
        double norm = 0;
        for (float& g : engine.gradients()) {
          g = static_cast<float>(rng.normal());
          norm += static_cast<double>(g) * static_cast<double>(g);
        }
        norm = std::sqrt(norm);
        const double factor = s.gradient_clip > 0 ? std::min(1.0, s.gradient_clip / norm) : 1;
        for (std::size_t i = 0; i < hand.size(); ++i)
          hand[i].step(factor * static_cast<double>(engine.gradients()[i]), step, rate, i < kernel);
        const double told = optimiser.step(engine, state, rate);
        EXPECT_NEAR(told, s.gradient_clip > 0 ? norm : 0, 1e-4);
      }
      EXPECT_EQ(state.steps, 7u);
      for (std::size_t i = 0; i < hand.size(); ++i)
        ASSERT_NEAR(engine.values()[i], hand[i].w, 2e-5 * (1 + std::abs(hand[i].w)));
    }
  }
}

TEST(Schedule, BothAreContinuousPositiveAndPeakAtTheirRate) {
  for (const Schedule schedule : {Schedule::kCosine, Schedule::kOneCycle}) {
    Settings s;
    s.schedule = schedule;
    s.learning_rate = 0.2;
    s.epochs = 7;
    s.warmup_epochs = 1.5;
    double most = 0, before = learning_rate(s, 50, 0);
    for (std::uint64_t step = 0; step < 500; ++step) {
      const double rate = learning_rate(s, 50, step);
      EXPECT_GT(rate, 0);
      EXPECT_LT(std::abs(rate - before), 0.2 / 30) << step;
      most = std::max(most, rate);
      before = rate;
    }
    EXPECT_NEAR(most, 0.2, 1e-3);
  }
}

// ---- Trainer

data::Dataset blobs(std::size_t count, std::uint64_t seed = 1) {
  data::Dataset d;
  d.name = "blobs";
  d.classes = {"a", "b", "c"};
  d.shape = {1, 1, 6};
  Rng rng(seed);
  std::vector<float> x;
  for (std::size_t i = 0; i < count; ++i) {
    d.train.labels.push_back(static_cast<int>(i % 3));
    for (std::size_t j = 0; j < 6; ++j)
      x.push_back(static_cast<float>(rng.normal() + (j == i % 3 ? 2 : 0)));
  }
  d.train.x = samples_of(d.shape, x);
  return d;
}

std::vector<float> flat(const Weights& w) {
  std::vector<float> all;
  for (const LayerWeights& l : w.layers)
    for (const auto* v : {&l.kernel, &l.bias, &l.gamma, &l.beta, &l.mean, &l.variance})
      all.insert(all.end(), v->begin(), v->end());
  return all;
}

TEST(Trainer, AveragedWeightsAreTheSumOfTheirSteps) {
  const data::Dataset d = blobs(16);  // one step an epoch
  Network net(d.shape);
  ASSERT_TRUE(net.add(network::Dense{5, false}, {0}).ok());
  ASSERT_TRUE(net.add(network::BatchNorm{}, {1}).ok());
  ASSERT_TRUE(net.add(network::Dense{3, true}, {2}).ok());
  Settings s;
  s.batch_size = 16;
  s.epochs = 12;
  auto plain = std::move(Trainer::create(net, d, s)).value();
  s.ema_decay = 0.5;
  auto averaged = std::move(Trainer::create(net, d, s)).value();
  std::vector<float> initial = flat(plain->weights());
  Values average(initial.begin(), initial.end());
  for (int t = 1; t <= 12; ++t) {
    EpochReport report;
    ASSERT_EQ(plain->run_epoch({}, report), TrainEnd::kOk);
    ASSERT_EQ(report.steps, 1u);
    ASSERT_EQ(averaged->run_epoch({}, report), TrainEnd::kOk);
    const std::vector<float> now = flat(plain->weights()), found = flat(averaged->weights());
    const double decay = std::min(0.5, (1.0 + t) / (10.0 + t));
    for (std::size_t i = 0; i < now.size(); ++i) {
      average[i] = decay * average[i] + (1 - decay) * static_cast<double>(now[i]);
      ASSERT_NEAR(found[i], average[i], 1e-5) << "step " << t << ", number " << i;
    }
  }
}

TEST(Trainer, DivergenceEndsWithinAFewSteps) {
  const data::Dataset d = blobs(3200);
  for (const Optimizer optimizer : {Optimizer::kSgd, Optimizer::kAdamW}) {
    for (const double rate : {1e3, 1e6, 1e12}) {
      Settings s;
      s.optimizer = optimizer;
      s.learning_rate = rate;
      s.warmup_epochs = 0;
      auto t =
          std::move(Trainer::create(one_layer(d.shape, network::Dense{3, true}), d, s)).value();
      EpochReport report;
      EXPECT_EQ(t->run_epoch({}, report), TrainEnd::kDiverged) << rate;
      EXPECT_LE(report.steps, 10u) << rate;
    }
  }
}

TEST(Trainer, AnInfiniteWeightAfterTheLastBatchIsADivergence) {
  data::Dataset d = blobs(16);
  d.task = data::Task::kRegression;
  d.target_size = 1;
  d.classes.clear();
  d.train.targets.assign(16, 1e30f);  // the loss is a finite double, the step no finite float
  Settings s;
  s.optimizer = Optimizer::kSgd;
  s.learning_rate = 1e12;
  s.warmup_epochs = 0;
  auto t = std::move(Trainer::create(one_layer(d.shape, network::Dense{1, true}), d, s)).value();
  EpochReport report;
  EXPECT_EQ(t->run_epoch({}, report), TrainEnd::kDiverged);
}

}  // namespace
}  // namespace atml::train

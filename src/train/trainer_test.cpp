// Training as a caller sees it: it learns, stops, diverges, continues and refuses.
#include "train/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/random.h"
#include "train/early_stop.h"
#include "train/engine.h"
#include "train/fake_quantise.h"
#include "train/loss.h"
#include "train/optimiser.h"

namespace atml::train {
namespace {

using network::Network;
using network::Window;

data::Samples samples_of(const Shape& shape, const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return data::Samples(shape, data::ElementType::kFloat32, std::move(bytes));
}

// Class c is a bright bar in row or column c of a noisy 8 x 8 image.
data::Split bars(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values;
  data::Split split;
  for (std::size_t n = 0; n < count; ++n) {
    const int label = rng.integer(0, 3);
    const int position = rng.integer(0, 3) + (label % 2) * 4;
    for (int y = 0; y < 8; ++y)
      for (int x = 0; x < 8; ++x)
        values.push_back(
            static_cast<float>(0.5 * rng.normal() + ((label < 2 ? y : x) == position ? 2 : 0)));
    split.labels.push_back(label);
  }
  split.x = samples_of({8, 8, 1}, values);
  return split;
}

data::Dataset bar_data(std::size_t count = 640) {
  data::Dataset d;
  d.name = "bars";
  d.classes = {"top", "bottom", "left", "right"};
  d.shape = {8, 8, 1};
  d.train = bars(count, 1);
  d.test = bars(203, 2);
  d.normalisation = {{0.25f}, {1.2f}, false};
  return d;
}

int add(Network& net, network::Op op) { return *net.add(std::move(op), {net.last()}); }

Network small_net(float dropout = 0) {
  Network net({8, 8, 1});
  add(net, network::Conv{8, Window{3, 3}, false});
  add(net, network::BatchNorm{});
  add(net, network::Activate{});
  add(net, network::Depthwise{1, Window{3, 3, 2, 2}, false});
  add(net, network::BatchNorm{});
  add(net, network::Activate{});
  add(net, network::Conv{12, Window{}, false});
  add(net, network::BatchNorm{});
  add(net, network::Activate{});
  if (dropout > 0) add(net, network::Dropout{dropout});
  add(net, network::Flatten{});
  add(net, network::Dense{4, true});
  return net;
}

std::unique_ptr<Trainer> trainer_for(const Network& net, const data::Dataset& d,
                                     const Settings& s) {
  auto t = Trainer::create(net, d, s);
  EXPECT_TRUE(t.ok()) << (t.ok() ? "" : t.error().message);
  return std::move(t).value();
}

EpochReport train(Trainer& t, int epochs) {
  EpochReport report;
  for (int i = 0; i < epochs; ++i) EXPECT_EQ(t.run_epoch({}, report), TrainEnd::kOk);
  return report;
}

TEST(Trainer, LearnsAnEasyTask) {
  const data::Dataset d = bar_data();
  for (const Optimizer optimizer : {Optimizer::kSgd, Optimizer::kAdamW}) {
    Settings s;
    s.optimizer = optimizer;
    s.learning_rate = optimizer == Optimizer::kSgd ? 0.05 : 5e-3;
    s.epochs = 12;
    auto t = trainer_for(small_net(), d, s);
    EXPECT_LT(t->evaluate(d.test).metric, 0.6);
    const double first = train(*t, 1).train_loss;
    const EpochReport last = train(*t, 11);
    EXPECT_LT(last.train_loss, 0.2 * first);
    EXPECT_EQ(last.epoch, 11);
    const Evaluation e = t->evaluate(d.test);
    EXPECT_EQ(e.samples, 203u);
    EXPECT_GT(e.metric, 0.97);
  }
}

TEST(Trainer, PredictionsAreTheArgumentsOfEvaluate) {
  const data::Dataset d = bar_data();
  Settings s;
  s.epochs = 2;
  auto t = trainer_for(small_net(), d, s);
  train(*t, 2);
  const std::vector<float> rows = t->predict(d.test);
  ASSERT_EQ(rows.size(), 203u * 4);
  int correct = 0;
  double loss = 0;
  for (std::size_t i = 0; i < 203; ++i) {
    const float* row = rows.data() + i * 4;
    correct += std::max_element(row, row + 4) - row == d.test.labels[i];
    double sum = 0;
    for (int k = 0; k < 4; ++k) sum += std::exp(static_cast<double>(row[k]));
    loss += std::log(sum) - static_cast<double>(row[d.test.labels[i]]);
  }
  const Evaluation e = t->evaluate(d.test);
  EXPECT_DOUBLE_EQ(e.metric, correct / 203.0);
  EXPECT_NEAR(e.loss, loss / 203, 1e-6);
}

TEST(Trainer, SameSeedSameWeights) {
  const data::Dataset d = bar_data(100);  // not a multiple of the batch
  Settings s;
  s.augmentation.strength = 0.7;
  s.seed = 5;
  auto a = trainer_for(small_net(0.2f), d, s);
  auto b = trainer_for(small_net(0.2f), d, s);
  train(*a, 2);
  train(*b, 2);
  EXPECT_EQ(a->checkpoint(), b->checkpoint());
  s.seed = 6;
  auto c = trainer_for(small_net(0.2f), d, s);
  train(*c, 2);
  EXPECT_NE(a->weights().layers[1].kernel, c->weights().layers[1].kernel);
}

TEST(Trainer, ContinuesFromACheckpointBitIdentically) {
  const data::Dataset d = bar_data(300);
  for (const Optimizer optimizer : {Optimizer::kSgd, Optimizer::kAdamW}) {
    Settings s;
    s.optimizer = optimizer;
    s.epochs = 4;
    s.augmentation.strength = 0.5;
    s.ema_decay = 0.99;
    auto whole = trainer_for(small_net(0.1f), d, s);
    train(*whole, 2);
    const std::string saved = whole->checkpoint();
    train(*whole, 2);
    auto later = trainer_for(small_net(0.1f), d, s);
    ASSERT_TRUE(later->restore(saved).ok());
    EXPECT_EQ(later->epochs_done(), 2);
    train(*later, 2);
    EXPECT_EQ(whole->checkpoint(), later->checkpoint());
    EXPECT_EQ(whole->predict(d.test), later->predict(d.test));
  }
}

TEST(Trainer, EvaluationDoesNotDisturbTraining) {
  const data::Dataset d = bar_data(128);
  Settings s;
  s.ema_decay = 0.9;
  auto a = trainer_for(small_net(), d, s);
  auto b = trainer_for(small_net(), d, s);
  for (int i = 0; i < 2; ++i) {
    train(*a, 1);
    train(*b, 1);
    b->evaluate(d.test);
    b->predict(d.test);
  }
  EXPECT_EQ(a->checkpoint(), b->checkpoint());
}

TEST(Trainer, AStoppedEpochLeavesNoTrace) {
  const data::Dataset d = bar_data(2000);
  Settings s;
  auto a = trainer_for(small_net(), d, s);
  auto b = trainer_for(small_net(), d, s);
  EpochReport report;
  // A deadline in the middle of the epoch (wherever that falls), then at once.
  EXPECT_NE(b->run_epoch(StopToken().with_deadline(now_seconds() + 1e-3), report),
            TrainEnd::kDiverged);
  std::atomic<bool> flag{true};
  EXPECT_EQ(b->run_epoch(StopToken(&flag), report), TrainEnd::kStopped);
  if (b->epochs_done() == 0) train(*b, 1);
  train(*a, 1);
  EXPECT_EQ(a->checkpoint(), b->checkpoint());
}

TEST(Trainer, DivergenceEndsTheEpoch) {
  const data::Dataset d = bar_data(3200);
  for (const Optimizer optimizer : {Optimizer::kSgd, Optimizer::kAdamW}) {
    Settings s;
    s.optimizer = optimizer;
    s.learning_rate = 1e6;
    auto t = trainer_for(small_net(), d, s);
    EpochReport report;
    EXPECT_EQ(t->run_epoch({}, report), TrainEnd::kDiverged);
    EXPECT_EQ(t->epochs_done(), 0);
  }
}

TEST(Trainer, NotANumberInTheDataIsADivergence) {
  data::Dataset d = bar_data(64);
  std::vector<float> values(64 * 64, 0.0f);
  values[100] = std::numeric_limits<float>::quiet_NaN();
  d.train.x = samples_of(d.shape, values);
  auto t = trainer_for(small_net(), d, {});
  EpochReport report;
  EXPECT_EQ(t->run_epoch({}, report), TrainEnd::kDiverged);
}

TEST(Trainer, RegressionReachesAHighR2) {
  data::Dataset d;
  d.task = data::Task::kRegression;
  d.target_size = 2;
  d.shape = {1, 1, 5};
  Rng rng(3);
  for (data::Split* split : {&d.train, &d.test}) {
    std::vector<float> x;
    for (int n = 0; n < 800; ++n) {
      float v[5];
      for (float& f : v) x.push_back(f = static_cast<float>(rng.normal()));
      split->targets.push_back(2 * v[0] - v[1] + 3);
      split->targets.push_back(v[2] * v[3]);
    }
    split->x = samples_of(d.shape, x);
  }
  Network net(d.shape);
  add(net, network::Dense{32, true});
  add(net, network::Activate{});
  add(net, network::Dense{16, true});
  add(net, network::Activate{});
  add(net, network::Dense{2, true});
  Settings s;
  s.epochs = 40;
  s.learning_rate = 1e-2;
  auto t = trainer_for(net, d, s);
  train(*t, 40);
  EXPECT_GT(t->evaluate(d.test).metric, 0.95);
}

TEST(Trainer, AnAutoencoderLearnsItsNormalisedInput) {
  data::Dataset d = bar_data(640);
  d.task = data::Task::kAnomaly;
  d.classes.clear();
  Network net({8, 8, 1});
  add(net, network::Dense{16, true});
  add(net, network::Activate{});
  add(net, network::Dense{64, true});
  Settings s;
  s.epochs = 30;
  auto t = trainer_for(net, d, s);
  const double before = t->evaluate(d.test).metric;
  train(*t, 30);
  const double after = t->evaluate(d.test).metric;
  EXPECT_LT(before, after);
  EXPECT_GT(after, 0.6 * before);  // both negative
}

TEST(Trainer, AugmentationOfSignalsStillLearns) {
  // Class 1 oscillates twice as fast.
  data::Dataset d;
  d.classes = {"slow", "fast"};
  d.shape = {64, 1, 2};
  Rng rng(4);
  for (data::Split* split : {&d.train, &d.test}) {
    std::vector<float> x;
    for (int n = 0; n < 400; ++n) {
      const int label = rng.integer(0, 1);
      const double phase = rng.uniform(0, 6.28);
      for (int i = 0; i < 64; ++i) {
        x.push_back(
            static_cast<float>(std::sin(phase + 0.3 * (label + 1) * i) + 0.3 * rng.normal()));
        x.push_back(static_cast<float>(rng.normal()));
      }
      split->labels.push_back(label);
    }
    split->x = samples_of(d.shape, x);
  }
  Network net(d.shape);
  add(net, network::Conv{6, Window{7, 1, 2, 1}, false});
  add(net, network::BatchNorm{});
  add(net, network::Activate{});
  add(net, network::GlobalAveragePool{});
  add(net, network::Dense{2, true});
  Settings s;
  s.augmentation.strength = 1;
  s.epochs = 20;
  s.learning_rate = 1e-2;
  auto t = trainer_for(net, d, s);
  train(*t, 20);
  EXPECT_GT(t->evaluate(d.test).metric, 0.97);
}

TEST(Trainer, DamagedCheckpointsAreRefusedAndChangeNothing) {
  const data::Dataset d = bar_data(64);
  auto t = trainer_for(small_net(), d, {});
  train(*t, 1);
  const std::string good = t->checkpoint();
  EXPECT_EQ(t->restore("").error().code, Code::kParse);
  EXPECT_EQ(t->restore(std::string_view(good).substr(0, good.size() - 3)).error().code,
            Code::kParse);
  Rng rng(1);
  for (int n = 0; n < 50; ++n) {
    std::string bad = good;
    bad[rng.below(bad.size())] ^= 0x10;
    EXPECT_FALSE(t->restore(bad).ok());
  }
  EXPECT_EQ(t->checkpoint(), good);
  Settings other;
  other.learning_rate = 1e-4;
  auto stranger = trainer_for(small_net(), d, other);
  EXPECT_EQ(stranger->restore(good).error().message,
            "the training checkpoint belongs to another network, data set or settings");
}

TEST(Trainer, SaysWhatDoesNotSuit) {
  data::Dataset d = bar_data(64);
  Network wrong_input({7, 8, 1});
  add(wrong_input, network::Dense{4, true});
  EXPECT_EQ(Trainer::create(wrong_input, d, {}).error().message,
            "the network reads 7x8x1, a sample is 8x8x1");
  Network wrong_output({8, 8, 1});
  add(wrong_output, network::Dense{5, true});
  EXPECT_EQ(Trainer::create(wrong_output, d, {}).error().message,
            "the network gives 5 numbers, the task needs 4");
  Network without_weights({8, 8, 4});
  add(without_weights, network::GlobalAveragePool{});
  data::Dataset four = bar_data(16);
  four.shape = {8, 8, 4};
  EXPECT_EQ(Trainer::create(without_weights, four, {}).error().message,
            "the network has no weights to train");
  Settings s;
  s.augmentation.strength = 1.5;
  EXPECT_EQ(Trainer::create(small_net(), d, s).error().message,
            "training setting augmentation must be in [0, 1], not 1.5");
  d.train.labels[3] = 4;
  EXPECT_EQ(Trainer::create(small_net(), d, {}).error().message,
            "train split: label 4 of sample 3 is outside 0..3");
  d.train.labels.clear();
  EXPECT_EQ(Trainer::create(small_net(), d, {}).error().message,
            "train split has 0 labels for 64 samples");
}

TEST(Trainer, StartsFromGivenWeights) {
  const data::Dataset d = bar_data(200);
  Settings s;
  auto a = trainer_for(small_net(), d, s);
  train(*a, 2);
  auto b = Trainer::create_from(small_net(), d, s, a->weights());
  ASSERT_TRUE(b.ok());
  EXPECT_EQ(a->predict(d.test), (*b)->predict(d.test));
  EXPECT_EQ((*b)->epochs_done(), 0);
  Weights wrong = a->weights();
  wrong.layers[1].kernel.pop_back();
  EXPECT_EQ(Trainer::create_from(small_net(), d, s, wrong).error().message,
            "layer 'conv_1': 71 weights where the network has 72");
}

TEST(FineTuning, RoundsAsInt8DoesAndLearnsUnderIt) {
  const data::Dataset d = bar_data();
  const Network net = small_net();
  Settings s;
  s.epochs = 12;
  auto a = trainer_for(net, d, s);
  train(*a, 12);
  // Coarse ranges (steps of 0.5 and 1) so that rounding hurts, and training under it helps.
  QuantisationPlan plan;
  plan.outputs.resize(static_cast<std::size_t>(net.size()));
  for (int i = 0; i < net.size(); ++i) {
    if (std::holds_alternative<network::Activate>(net.layer(i).op))
      plan.outputs[static_cast<std::size_t>(i)] = {0.8f, -128};
  }
  plan.outputs.back() = {2.0f, 0};
  Settings fine;
  fine.epochs = 6;
  fine.learning_rate = 1e-3;
  auto b = Trainer::create_from(net, d, fine, a->weights(), &plan);
  ASSERT_TRUE(b.ok()) << b.error().message;
  for (const float v : (*b)->predict(d.test)) ASSERT_EQ(v, 2 * std::round(v / 2));
  const Evaluation before = (*b)->evaluate(d.test);
  train(**b, 6);
  const Evaluation after = (*b)->evaluate(d.test);
  EXPECT_LT(after.loss, before.loss);
  EXPECT_GE(after.metric, before.metric);
}

TEST(FineTuning, AFineGridChangesAlmostNothing) {
  // 8-bit weights only: the loss is that of the float network within a few percent, and gradients
  // flow.
  const data::Dataset d = bar_data(320);
  auto a = trainer_for(small_net(), d, {});
  train(*a, 3);
  const QuantisationPlan weights_only;
  auto b = Trainer::create_from(small_net(), d, {}, a->weights(), &weights_only);
  ASSERT_TRUE(b.ok());
  const double exact = a->evaluate(d.test).loss;
  const double rounded = (*b)->evaluate(d.test).loss;
  EXPECT_NE(exact, rounded);
  EXPECT_NEAR(exact, rounded, 0.05 * exact);
}

TEST(FineTuning, WeightsLieOnTheGridOfTheirChannel) {
  float w[] = {0.5f, 9, -1.27f, 9, 0.004f, 9};
  round_channel(w, 2, 3, 8);
  EXPECT_NEAR(w[0], 0.5, 1e-6);
  EXPECT_NEAR(w[2], -1.27, 1e-6);
  EXPECT_EQ(w[4], 0);
  EXPECT_EQ(w[1], 9);
  float v[] = {0.7f, -0.16f};
  round_channel(v, 1, 2, 4);  // steps of 0.1
  EXPECT_NEAR(v[1], -0.2, 1e-6);
}

TEST(Trainer, EmptySplitsGiveNothing) {
  const data::Dataset d = bar_data(64);
  auto t = trainer_for(small_net(), d, {});
  data::Split empty;
  EXPECT_EQ(t->evaluate(empty).samples, 0u);
  EXPECT_TRUE(t->predict(empty).empty());
}

TEST(Schedule, WarmsUpThenFallsAsACosine) {
  Settings s;
  s.learning_rate = 1;
  s.epochs = 10;
  s.warmup_epochs = 2;
  EXPECT_NEAR(learning_rate(s, 10, 0), 1.0 / 21, 1e-12);
  EXPECT_NEAR(learning_rate(s, 10, 19), 20.0 / 21, 1e-12);
  EXPECT_NEAR(learning_rate(s, 10, 20), 1, 1e-12);
  EXPECT_NEAR(learning_rate(s, 10, 60), 0.505, 1e-12);  // half of the way from 1 to 0.01
  EXPECT_NEAR(learning_rate(s, 10, 100), 0.01, 1e-12);
  EXPECT_NEAR(learning_rate(s, 10, 1000), 0.01, 1e-12);
  s.warmup_epochs = 50;
  EXPECT_NEAR(learning_rate(s, 10, 50), 1, 1e-12);
}

// By hand, with numbers chosen so that a step is computable on paper.
TEST(Optimiser, AdamTakesTheStepOfItsPaper) {
  Network net({1, 1, 1});
  add(net, network::Dense{1, true});
  Engine engine(net, 16, best_kernels());
  Settings s;
  s.weight_decay = 0.5;
  Optimiser optimiser(s);
  State state;
  optimiser.prepare(2, state);
  engine.values()[0] = 3;  // kernel: decays
  engine.values()[1] = 5;  // bias: does not
  engine.gradients()[0] = 0.25f;
  engine.gradients()[1] = -4;
  optimiser.step(engine, state, 0.1);
  EXPECT_NEAR(engine.values()[0], 3 - 0.1 * 1 - 0.1 * 0.5 * 3,
              1e-5);  // the first step is the gradient's sign
  EXPECT_NEAR(engine.values()[1], 5 + 0.1, 1e-5);
}

TEST(Optimiser, NesterovTakesTheStepOfItsPaper) {
  Network net({1, 1, 1});
  add(net, network::Dense{1, true});
  Engine engine(net, 16, best_kernels());
  Settings s;
  s.optimizer = Optimizer::kSgd;
  s.momentum = 0.5;
  s.weight_decay = 0.1;
  s.gradient_clip = 2.5;
  Optimiser optimiser(s);
  State state;
  optimiser.prepare(2, state);
  engine.values()[0] = 3;
  engine.values()[1] = 5;
  engine.gradients()[0] = 3;  // norm 5: clipped to half
  engine.gradients()[1] = 4;
  EXPECT_NEAR(optimiser.step(engine, state, 0.1), 5, 1e-6);
  // g = 1.5 + 0.1 * 3, v = g, w -= 0.1 (g + 0.5 v); without decay for the bias
  EXPECT_NEAR(engine.values()[0], 3 - 0.1 * 1.5 * 1.8, 1e-5);
  EXPECT_NEAR(engine.values()[1], 5 - 0.1 * 1.5 * 2, 1e-5);
}

TEST(Trainer, TheNumberOfThreadsDoesNotChangeABit) {
  const data::Dataset d = bar_data(96);
  for (const bool tuned : {false, true}) {
    std::vector<std::string> states;
    for (const int threads : {1, 2, 3}) {
      Settings s;
      s.augmentation.strength = 0.5;
      s.mixup = 0.4;
      s.batch_size = 48;
      s.most_threads = threads;
      s.round_weights = tuned;
      auto t = trainer_for(small_net(0.2f), d, s);
      t->set_threads(threads);
      train(*t, 1);
      t->set_threads(1);
      train(*t, 1);
      states.push_back(t->checkpoint());
      EXPECT_GT(t->evaluate(d.test).samples, 0u);
    }
    EXPECT_EQ(states[0], states[1]);
    EXPECT_EQ(states[0], states[2]);
  }
}

TEST(Trainer, EveryRecipeLearns) {
  const data::Dataset d = bar_data();
  std::vector<std::pair<const char*, Settings>> recipes(5);
  recipes[0] = {"mixup", {}};
  recipes[0].second.mixup = 0.3;
  recipes[1] = {"one cycle", {}};
  recipes[1].second.schedule = Schedule::kOneCycle;
  recipes[2] = {"rotation and crop", {}};
  recipes[2].second.augmentation = {.rotation = 5, .crop = 0.1};
  recipes[3] = {"four-bit rounding from the start", {}};
  recipes[3].second.round_weights = true;
  recipes[4] = {"class weights", {}};
  recipes[4].second.class_weights = balanced_class_weights(d);
  for (auto& [name, s] : recipes) {
    s.epochs = 12;
    auto t = trainer_for(small_net(), d, s);
    train(*t, 12);
    EXPECT_GT(t->evaluate(d.test).metric, 0.85) << name;
  }
}

TEST(Trainer, AStudentFollowsItsTeacher) {
  const data::Dataset d = bar_data();
  Settings s;
  s.epochs = 12;
  auto teacher = trainer_for(small_net(), d, s);
  train(*teacher, 12);
  // The labels are worthless: what the student learns comes from the teacher alone.
  data::Dataset blind = bar_data();
  for (auto& label : blind.train.labels) label = 0;
  s.teacher_weight = 1;
  auto student = trainer_for(small_net(), blind, s);
  ASSERT_TRUE(student->set_teacher(small_net(), teacher->weights()).ok());
  const std::string before = student->checkpoint();
  train(*student, 12);
  EXPECT_GT(student->evaluate(d.test).metric, teacher->evaluate(d.test).metric - 0.05);
  auto other = trainer_for(small_net(), blind, s);
  EXPECT_EQ(other->restore(before).error().code, Code::kConflict) << "another loss";
  EXPECT_FALSE(other->set_teacher(small_net(), Weights{}).ok());
}

TEST(Trainer, ClassWeightsMoveErrorsToTheCheapClass) {
  const data::Dataset d = bar_data();
  const auto share_of_first = [&](double weight) {
    Settings s;
    s.epochs = 4;
    s.class_weights = {weight, 1, 1, 1};
    auto t = trainer_for(small_net(), d, s);
    train(*t, 4);
    const std::vector<float> rows = t->predict(d.test);
    int first = 0;
    for (std::size_t i = 0; i < rows.size(); i += 4)
      first += std::max_element(&rows[i], &rows[i] + 4) == &rows[i];
    return first;
  };
  EXPECT_GT(share_of_first(8), share_of_first(0.02));
  Settings wrong;
  wrong.class_weights = {1, 2};
  EXPECT_EQ(Trainer::create(small_net(), d, wrong).error().message,
            "2 class weights for 4 classes");
}

// Gradients of the loss by central differences, with everything that softens targets at once.
TEST(Loss, GradientsOfSoftTargetsAreRight) {
  Network net({1, 1, 5});
  add(net, network::Dense{4, true});
  const int batch = best_kernels().lanes;
  Engine engine(net, batch, best_kernels()), teacher(net, batch, best_kernels());
  Rng rng(3);
  data::Split split;
  std::vector<std::size_t> indices;
  std::vector<float> shares;
  for (int i = 0; i < batch; ++i) {
    split.labels.push_back(rng.integer(0, 3));
    indices.push_back(static_cast<std::size_t>(i));
    shares.push_back(i % 2 == 0 ? static_cast<float>(rng.uniform()) : shares.back());
  }
  const Tensor& out = engine.output();
  const std::size_t count = 4 * static_cast<std::size_t>(out.layout.channel);
  std::vector<float> logits(count);
  for (std::size_t i = 0; i < count; ++i) {
    logits[i] = static_cast<float>(2 * rng.normal());
    teacher.output().value[i] = static_cast<float>(2 * rng.normal());
  }
  Loss loss(data::Task::kClassification, 4, 0.1, {0.5, 2, 1, 3});
  const SoftTargets soft{shares, &teacher, 0.3, 2.5};
  const auto value = [&](bool gradient) {
    std::copy(logits.begin(), logits.end(), out.value);
    Score score(data::Task::kClassification, 4);
    return loss.run(engine, split, indices, indices.size(), gradient, {}, {}, score, soft);
  };
  value(true);
  const std::vector<float> gradient(out.gradient, out.gradient + count);
  for (int c = 0; c < 4; ++c) {
    for (int lane = 0; lane < batch; lane += 3) {
      const auto at = static_cast<std::size_t>(out.layout.at(c, 0, 0, lane / out.layout.lanes)) +
                      static_cast<std::size_t>(lane % out.layout.lanes);
      const float kept = logits[at];
      logits[at] = kept + 0.01f;
      const double up = value(false);
      logits[at] = kept - 0.01f;
      const double down = value(false);
      logits[at] = kept;
      ASSERT_NEAR((up - down) / 0.02, gradient[at], 2e-4);
    }
  }
}

TEST(Schedule, OneCycleRisesAndFallsAndItsMomentumMirrorsIt) {
  Settings s;
  s.schedule = Schedule::kOneCycle;
  s.epochs = 10;
  s.learning_rate = 1;
  EXPECT_NEAR(learning_rate(s, 10, 0), 1.0 / 25, 1e-9);
  EXPECT_NEAR(learning_rate(s, 10, 30), 1, 1e-9);
  EXPECT_NEAR(learning_rate(s, 10, 15), (1 + 1.0 / 25) / 2, 1e-9);
  EXPECT_LT(learning_rate(s, 10, 100), 1e-4);
  EXPECT_NEAR(momentum(s, 10, 0), 0.9, 1e-9);
  EXPECT_NEAR(momentum(s, 10, 30), 0.8, 1e-9);
}

TEST(EarlyStop, EndsWhenNothingIsGainedAndReturnsToTheBestEpoch) {
  data::Dataset d = bar_data(160);
  Settings s;
  s.epochs = 60;
  s.learning_rate = 1e-2;
  auto t = trainer_for(small_net(), d, s);
  const auto fitted = fit(*t, d.test, {.epochs = 60, .patience = 3}, {});
  ASSERT_TRUE(fitted.ok());
  EXPECT_LT(fitted->epochs, 60);
  EXPECT_EQ(fitted->epochs, fitted->best_epoch + 3);
  EXPECT_EQ(t->epochs_done(), fitted->best_epoch);
  EXPECT_EQ(t->evaluate(d.test).metric, fitted->best);
}

}  // namespace
}  // namespace atml::train

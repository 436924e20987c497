#include "report/sample_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace atml::report {
namespace {

target::Target sample_target() {
  target::Target t;
  t.name = "stm32f401re";
  t.title = "STMicroelectronics STM32F401RE (NUCLEO-F401RE)";
  t.core = target::Core::kCortexM4;
  t.fpu = t.dsp = true;
  t.clock_hz = 84e6;
  t.flash = {0x08000000, Bytes(512 * 1024)};
  t.ram = {0x20000000, Bytes(96 * 1024)};
  t.microamps_per_mhz = 146;
  t.sleep_microamps = 42;
  t.cost = target::default_cost(t.core);
  t.sources = {"ST DS10086, cover page"};
  return t;
}

study::Figures figures(double size) {
  study::Figures f;
  f.flash_bytes = static_cast<std::int64_t>(9000 + 42000 * size);
  f.arena_bytes = static_cast<std::int64_t>(3000 + 22000 * size) / 16 * 16;
  f.stack_bytes = 304;
  f.ram_bytes = f.arena_bytes + 96 + f.stack_bytes;
  f.macs = static_cast<std::int64_t>(2.1e6 * size);
  f.parameters = f.flash_bytes - 8000;
  f.instructions = f.macs * 14 / 10 + 40000;
  f.cycles_mid = f.instructions * 15 / 10;
  f.cycles_low = f.cycles_mid * 9 / 10;
  f.cycles_high = f.cycles_mid * 11 / 10;
  f.latency_s = static_cast<double>(f.cycles_mid) / 84e6;
  f.energy_j = f.latency_s * 3.3 * 146e-6 * 84;
  f.origin = "linked ELF, qemu-system-arm 7.2";
  return f;
}

void add_constraints(study::Trial& t, const target::Limits& limits) {
  t.constraints = {{"flash", static_cast<double>(t.figures->flash_bytes),
                    static_cast<double>(limits.usable_flash().value)},
                   {"ram", static_cast<double>(t.figures->ram_bytes),
                    static_cast<double>(limits.usable_ram().value)},
                   {"latency", t.figures->latency_s, limits.latency->value}};
}

study::Trial sample_trial(int number, const target::Limits& limits, int trials) {
  Rng rng = Rng::derive(7, "sample trial", static_cast<std::uint64_t>(number));
  study::Trial t;
  t.number = number;
  const double size = std::exp(rng.uniform(-1.8, 1.4));
  t.configuration.set("blocks", std::int64_t{rng.integer(2, 6)});
  t.configuration.set("lr", std::round(rng.uniform(0.001, 0.1) * 1e4) / 1e4);
  t.configuration.set("stem", std::string(rng.chance(0.5) ? "conv" : "separable"));
  t.seconds = {0.02, 0.11, 0, 0};
  if (number % 29 == 13) {
    t.outcome = study::Outcome::kEmulationFailed;
    t.reason = "the emulator stopped after 200,000,000 instructions";
    return t;
  }
  t.figures = figures(size);
  add_constraints(t, limits);
  if (!t.deployable()) {
    t.outcome = study::Outcome::kUndeployable;
    return t;
  }
  const double learnt = 0.05 * number / trials;
  const double error =
      0.075 + 0.06 * std::exp(-2.2 * size) + std::abs(rng.normal()) * 0.03 - learnt * 0.3;
  const bool pruned = rng.chance(0.4);
  t.outcome = pruned ? study::Outcome::kPruned : study::Outcome::kMeasured;
  if (pruned) t.reason = "below the median after 3 epochs";
  const double value = std::round((1 - error * (pruned ? 1.6 : 1)) * 1e4) / 1e4;
  t.rungs = {{pruned ? 3 : 9, value + 0.003, value, 0.31, 4.0}};
  t.objective = value;
  t.seconds.train = pruned ? 1.4 : 4.1;
  t.seconds.quantize = 0.2;
  return t;
}

MemoryPlan sample_memory(const std::vector<LayerRow>& layers, std::int64_t arena) {
  MemoryPlan plan;
  plan.arena_bytes = arena;
  const auto size = [&](int op) {
    return op < 0 ? std::int64_t{784} : layers[static_cast<std::size_t>(op)].output.elements();
  };
  const int count = static_cast<int>(layers.size());
  for (int op = -1; op < count; ++op) {  // outputs swap between the two ends of the arena
    const bool low = (op + 1) % 2 == 0;
    plan.placements.push_back({op < 0 ? "input" : layers[static_cast<std::size_t>(op)].name,
                               low ? 0 : arena - size(op), size(op), op,
                               std::min(op + 1, count - 1)});
  }
  for (int op = 0; op < count; ++op) plan.live_bytes.push_back(size(op - 1) + size(op));
  return plan;
}

std::vector<LayerRow> sample_layers() {
  return {{"conv_1", "conv", {14, 14, 16}, 28224, 240, 52000, 74100},
          {"dw_2", "depthwise", {14, 14, 16}, 28224, 240, 71000, 98000},
          {"pw_3", "conv", {14, 14, 32}, 100352, 896, 160000, 214000},
          {"dw_4", "depthwise", {7, 7, 32}, 14112, 480, 39000, 55000},
          {"pw_5", "conv", {7, 7, 64}, 100352, 2816, 151000, 205000},
          {"conv_6", "conv", {7, 7, 40}, 1128960, 23360, 1410000, 1830000},
          {"mean_7", "mean", {1, 1, 40}, 0, 0, 9000, 12500},
          {"dense_8", "dense", {1, 1, 10}, 400, 520, 1100, 1700}};
}

ConfusionMatrix sample_confusion(std::size_t classes) {
  Rng rng(11);
  ConfusionMatrix m;
  m.counts.assign(classes * classes, 0);
  for (std::size_t truth = 0; truth < classes; ++truth) {
    std::int64_t left = 1000;
    for (int error = 0; error < 4; ++error) {
      const std::size_t guess = rng.below(classes);
      const auto count = static_cast<std::int64_t>(rng.below(60));
      if (guess == truth) continue;
      m.counts[truth * classes + guess] += count;
      left -= count;
    }
    m.counts[truth * classes + truth] += left;
  }
  return m;
}

Winner sample_winner(const study::Trial& best) {
  Winner w;
  w.trial = best.number;
  w.configuration = best.configuration.text();
  w.network =
      "input_0 = input 28x28x1\nconv_1 = conv(input_0) filters=16 kernel=3x3 stride=2x2 "
      "padding=same\n";
  w.figures = *best.figures;
  w.statics_bytes = 96;
  w.layers = sample_layers();
  w.figures.arena_bytes = 9424;
  w.figures.ram_bytes = 9424 + 96 + 304;
  w.memory = sample_memory(w.layers, 9424);
  w.flash_split = {{"weights", 28552},
                   {"tables", 2140},
                   {"code", w.figures.flash_bytes - 28552 - 2140 - 1392},
                   {"start-up", 1392}};
  w.score = {"accuracy", 0.9141, 0.9123, 0.9139, Interval{0.9066, 0.9177}};
  w.confusion = sample_confusion(10);
  w.seeds = {{1, 0.9141}, {2, 0.9133}, {3, 0.9150}};
  w.bit_exactness = {true,
                     true,
                     200,
                     {"reference interpreter", "C on the host, gcc -O2", "C on qemu-system-arm"},
                     ""};
  return w;
}

Provenance sample_provenance() {
  Provenance p;
  p.version = "0.1.0";
  p.command =
      "autotinyml search fashion-mnist --target stm32f401re --flash 64KiB --ram 32KiB --latency "
      "100ms --budget 10min --seed 1 --out out";
  p.seed = 1;
  p.jobs = 2;
  p.strategy = "gp";
  p.space = "image";
  p.settings = {{"Budget", "10 min"}, {"Finalists", "3 with 3 seeds each"}};
  p.tools = {{"arm-none-eabi-gcc", "12.2.1"}, {"qemu-system-arm", "7.2"}};
  return p;
}

ReportData frame(int trials) {
  ReportData data;
  data.study = "fashion-mnist-f401";
  data.data = {"fashion-mnist",
               "classification",
               {28, 28, 1},
               {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
                "Bag", "Ankle boot"},
               54000,
               6000,
               10000,
               "stratified, seed 1",
               0x0123456789abcdefull};
  data.target = sample_target();
  data.limits = target::full_limits(data.target);
  data.limits.flash = Bytes(64 * 1024);
  data.limits.ram = Bytes(32 * 1024);
  data.limits.latency = Seconds(0.1);
  data.provenance = sample_provenance();
  data.estimate_error = EstimateError{trials, 1.24, 3.91, 0.6, 2.2};
  return data;
}

}  // namespace

ReportData sample_report(int trials) {
  ReportData data = frame(trials);
  for (int i = 0; i < trials; ++i) data.trials.push_back(sample_trial(i, data.limits, trials));
  std::vector<const study::Trial*> done;
  for (const study::Trial& t : data.trials) {
    if (t.outcome == study::Outcome::kMeasured) done.push_back(&t);
  }
  std::ranges::stable_sort(
      done, [](const auto* a, const auto* b) { return *a->objective > *b->objective; });
  if (done.empty()) return data;
  data.winner = sample_winner(*done.front());
  for (std::size_t i = 0; i < std::min<std::size_t>(3, done.size()); ++i) {
    const double mean = *done[i]->objective;
    data.finalists.push_back({done[i]->number,
                              {mean - 0.002, mean + 0.001, mean + 0.001},
                              mean,
                              {mean - 0.0043, mean + 0.0043},
                              *done[i]->figures});
  }
  data.times = {590.4, 7.1, 31.2, 380.5, 21.3, 120.0, 18.2, 0.108, 0.213};
  data.files = {{"summary.json", "the figures for scripts"},
                {"report.html", "this page"},
                {"model.tflite", "the int8 model"},
                {"firmware/", "C sources that build with make"},
                {"study.db", "all trials; resume continues it"}};
  return data;
}

ReportData sample_nothing_fits(int trials) {
  ReportData data = frame(trials);
  data.limits.flash = Bytes(4 * 1024);
  for (int i = 0; i < trials; ++i) data.trials.push_back(sample_trial(i, data.limits, trials));
  const study::Trial* nearest = nullptr;
  for (const study::Trial& t : data.trials) {
    if (t.figures && (nearest == nullptr || t.figures->flash_bytes < nearest->figures->flash_bytes))
      nearest = &t;
  }
  const double used = nearest != nullptr ? static_cast<double>(nearest->figures->flash_bytes) : 0;
  data.nothing_fits =
      NothingFits{"flash",
                  used,
                  4096,
                  nearest != nullptr ? nearest->number : -1,
                  fmt::format("flash: {} used, 4.0 KiB allowed, {} too much",
                              to_text(Bytes(static_cast<std::int64_t>(used))),
                              to_text(Bytes(static_cast<std::int64_t>(used) - 4096))),
                  {"raise --flash to 12KiB",
                   "any part with 16 KiB of flash or more would do: stm32l053r8 has 64 KiB"}};
  data.times.total = 3.1;
  data.times.deploy = 2.8;
  data.times.propose = 0.1;
  return data;
}

}  // namespace atml::report

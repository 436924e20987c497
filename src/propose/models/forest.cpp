#include "propose/models/forest.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace atml::propose {

namespace {

constexpr std::size_t kLeaf = 3;

struct Moments {
  double mean = 0, variance = 0;
};

Moments moments_of(const Observations& data, std::span<const std::size_t> members) {
  Moments m;
  for (const std::size_t j : members) m.mean += data.y[j] / static_cast<double>(members.size());
  for (const std::size_t j : members)
    m.variance += (data.y[j] - m.mean) * (data.y[j] - m.mean) / static_cast<double>(members.size());
  return m;
}

struct Split {
  double error = 0;  // summed squares left after it
  int parameter = -1;
  double threshold = 0;
  bool word = false;
};

bool goes_left(const Split& s, double value) {
  return s.word ? value == s.threshold : value < s.threshold;
}

void consider(const Observations& data, std::span<const std::size_t> members,
              const Split& candidate, Split& best) {
  double count[2] = {0, 0}, sum[2] = {0, 0}, square[2] = {0, 0};
  for (const std::size_t j : members) {
    const int side =
        goes_left(candidate, data.x[j][static_cast<std::size_t>(candidate.parameter)]) ? 0 : 1;
    count[side] += 1;
    sum[side] += data.y[j];
    square[side] += data.y[j] * data.y[j];
  }
  if (count[0] < kLeaf || count[1] < kLeaf) return;
  const double error =
      square[0] - sum[0] * sum[0] / count[0] + square[1] - sum[1] * sum[1] / count[1];
  if (best.parameter >= 0 && error >= best.error) return;
  best = candidate;
  best.error = error;
}

}  // namespace

Forest::Forest(const Layout& layout, const Observations& data, std::uint64_t seed, int trees) {
  for (int t = 0; t < trees; ++t) {
    Rng rng(seed + 0x9e3779b97f4a7c15ull * static_cast<std::uint64_t>(t + 1));
    std::vector<std::size_t> members;
    for (std::size_t j = 0; j < data.size(); ++j)
      members.push_back(rng.below(data.size()));  // bootstrap
    std::sort(members.begin(), members.end());
    Tree tree;
    grow(tree, layout, data, std::move(members), rng);
    trees_.push_back(std::move(tree));
  }
}

int Forest::grow(Tree& tree, const Layout& layout, const Observations& data,
                 std::vector<std::size_t> members, Rng& rng) {
  const int index = static_cast<int>(tree.size());
  const Moments m = moments_of(data, members);
  tree.push_back({.mean = m.mean, .variance = m.variance});
  if (members.size() < 2 * kLeaf || m.variance < 1e-18) return index;
  Split best;
  for (std::size_t i = 0; i < layout.dimensions(); ++i) {
    if (rng.chance(1.0 / 6)) continue;
    std::vector<double> values;
    for (const std::size_t j : members) values.push_back(data.x[j][i]);
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    for (std::size_t k = 0; k + 1 < values.size(); ++k) {
      const bool word = layout.words[i] > 0;
      const double threshold =
          word ? values[k] : values[k] + (values[k + 1] - values[k]) * rng.uniform();
      consider(data, members,
               {0, static_cast<int>(i), word ? threshold : std::nextafter(threshold, 2.0), word},
               best);
    }
  }
  if (best.parameter < 0) return index;
  std::vector<std::size_t> left, right;
  for (const std::size_t j : members)
    (goes_left(best, data.x[j][static_cast<std::size_t>(best.parameter)]) ? left : right)
        .push_back(j);
  const int l = grow(tree, layout, data, std::move(left), rng);
  const int r = grow(tree, layout, data, std::move(right), rng);
  Node& node = tree[static_cast<std::size_t>(index)];
  node.parameter = best.parameter;
  node.threshold = best.threshold;
  node.word = best.word;
  node.left = l;
  node.right = r;
  return index;
}

const Forest::Node& Forest::leaf_of(const Tree& tree, std::span<const double> x) const {
  const Node* node = &tree[0];
  while (node->parameter >= 0) {
    const double value = x[static_cast<std::size_t>(node->parameter)];
    const bool left = node->word ? value == node->threshold : value < node->threshold;
    node = &tree[static_cast<std::size_t>(left ? node->left : node->right)];
  }
  return *node;
}

void Forest::predict(const Points& x, std::span<double> mean, std::span<double> variance) const {
  const auto n = static_cast<double>(trees_.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    double sum = 0, square = 0, within = 0;
    for (const Tree& tree : trees_) {
      const Node& leaf = leaf_of(tree, x[i]);
      sum += leaf.mean;
      square += leaf.mean * leaf.mean;
      within += leaf.variance;
    }
    mean[i] = sum / n;
    variance[i] = std::max(square / n - mean[i] * mean[i] + within / n, 1e-6);
  }
}

}  // namespace atml::propose

#include "propose/models/sobol.h"

#include <bit>

#include "base/assert.h"
#include "base/random.h"

namespace atml::propose {
namespace {

constexpr int kBits = 32;

struct Polynomial {
  int degree;
  std::uint32_t coefficients;  // all degree + 1 bits, highest first
};

// A polynomial over GF(2) is primitive when x has the order 2^degree - 1 modulo it.
bool primitive(const Polynomial& p) {
  const std::uint32_t period = (1u << p.degree) - 1;
  std::uint32_t power = 1;
  for (std::uint32_t k = 1; k <= period; ++k) {
    power <<= 1;
    if (power >> p.degree & 1u) power ^= p.coefficients;
    if (power == 1) return k == period;
  }
  return false;
}

std::vector<Polynomial> primitive_polynomials(int count) {
  std::vector<Polynomial> found;
  for (int degree = 1; static_cast<int>(found.size()) < count; ++degree) {
    const std::uint32_t top = 1u << degree;
    for (std::uint32_t middle = 0; middle < top && static_cast<int>(found.size()) < count;
         middle += 2) {
      const Polynomial p{degree, top | middle | 1u};
      if (primitive(p)) found.push_back(p);
    }
  }
  return found;
}

// v_k as numbers whose highest bit is bit 31 (Bratley and Fox, Algorithm 659, eq. 2).
std::vector<std::uint32_t> directions_of(const Polynomial& p, Rng& rng) {
  std::vector<std::uint32_t> v(kBits);
  for (int k = 0; k < p.degree && k < kBits; ++k) {
    const auto odd = static_cast<std::uint32_t>(2 * rng.below(1ull << k) + 1);  // odd, < 2^(k+1)
    v[static_cast<std::size_t>(k)] = odd << (kBits - 1 - k);
  }
  for (int k = p.degree; k < kBits; ++k) {
    const std::uint32_t old = v[static_cast<std::size_t>(k - p.degree)];
    std::uint32_t value = old ^ (old >> p.degree);
    for (int i = 1; i < p.degree; ++i) {
      if (p.coefficients >> (p.degree - i) & 1u) value ^= v[static_cast<std::size_t>(k - i)];
    }
    v[static_cast<std::size_t>(k)] = value;
  }
  return v;
}

// Multiplies by a random lower triangular bit matrix with ones on the diagonal: output bit i
// depends on input bits 0..i (bit 0 is the most significant).
std::vector<std::uint32_t> scrambled(const std::vector<std::uint32_t>& v, Rng& rng) {
  std::vector<std::uint32_t> rows(kBits);
  for (int i = 0; i < kBits; ++i) {
    const std::uint32_t diagonal = 1u << (kBits - 1 - i);
    const std::uint32_t above = ~((diagonal << 1) - 1);  // bits more significant than the diagonal
    rows[static_cast<std::size_t>(i)] =
        diagonal | (static_cast<std::uint32_t>(rng.next()) & (i == 0 ? 0u : above));
  }
  std::vector<std::uint32_t> out(kBits, 0);
  for (std::size_t k = 0; k < kBits; ++k) {
    for (int i = 0; i < kBits; ++i) {
      const auto bit =
          static_cast<std::uint32_t>(std::popcount(v[k] & rows[static_cast<std::size_t>(i)]) & 1);
      out[k] |= bit << (kBits - 1 - i);
    }
  }
  return out;
}

std::vector<std::uint32_t> van_der_corput() {
  std::vector<std::uint32_t> v(kBits);
  for (int k = 0; k < kBits; ++k) v[static_cast<std::size_t>(k)] = 1u << (kBits - 1 - k);
  return v;
}

}  // namespace

Sobol::Sobol(int dimensions, std::uint64_t seed) {
  ATML_ASSERT(dimensions >= 1, "Sobol points need a dimension");
  const std::vector<Polynomial> polynomials = primitive_polynomials(dimensions - 1);
  Rng rng = Rng::derive(seed, "sobol");
  for (int d = 0; d < dimensions; ++d) {
    const auto v = d == 0 ? van_der_corput()
                          : directions_of(polynomials[static_cast<std::size_t>(d - 1)], rng);
    directions_.push_back(scrambled(v, rng));
    state_.push_back(static_cast<std::uint32_t>(rng.next()));  // the digital shift
  }
}

std::vector<double> Sobol::next() {
  std::vector<double> point(state_.size());
  for (std::size_t d = 0; d < state_.size(); ++d) point[d] = state_[d] * 0x1.0p-32;
  ++index_;  // Gray code order: point n + 1 differs from point n in the direction of n's lowest
             // zero bit
  const auto bit = static_cast<std::size_t>(std::countr_zero(index_)) % kBits;
  for (std::size_t d = 0; d < state_.size(); ++d) state_[d] ^= directions_[d][bit];
  return point;
}

}  // namespace atml::propose

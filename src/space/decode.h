// From a Configuration of the built-in vocabulary to a Network and its training settings.
#pragma once

#include <string>

#include "base/result.h"
#include "base/shape.h"
#include "network/network.h"
#include "space/configuration.h"
#include "space/space.h"

namespace atml::space {

/// The network of a configuration for an input shape and a number of outputs (logits or values).
/// Works on images (H x W x C), signals (T x 1 x C: kernels k x 1) and feature vectors (1 x 1 x N:
/// a dense net). Parameters that the configuration lacks take the defaults of spaces/*.toml. A
/// stride or pooling that a map is too small for (fewer than 2 x stride rows or columns) becomes 1,
/// so that every configuration gives a valid network. Fails (unsupported) where the space cannot
/// express the input: convolutions over a feature vector, or fewer than one output.
Result<network::Network> decode(const Configuration& configuration, const Shape& input,
                                int outputs);

/// Fails (invalid argument) on a word that decode() and training_choice() do not know, of a
/// parameter that they do: it would silently mean another one.
Status check_words(const Space& space);

struct TrainingChoice {
  double learning_rate = 3e-3;  // peak, AdamW
  double weight_decay = 1e-3;   // decoupled
  int batch_size = 64;
  double augmentation = 0.3;   // strength in [0, 1]; 0 = none
  double dropout = 0;          // before the last dense layer (already a layer of the network)
  double label_smoothing = 0;  // [0, 0.2]
  double mixup = 0;            // Beta parameter; 0 = none
  bool one_cycle = false;      // the word "schedule": "one-cycle", else cosine
  bool operator==(const TrainingChoice&) const = default;
};
TrainingChoice training_choice(const Configuration& configuration);

/// "image" for 2-D maps, "signal" for T x 1 x C with T > 1, "table" for 1 x 1 x N.
std::string default_space_name(const Shape& input);

}  // namespace atml::space

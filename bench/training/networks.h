// The networks of the training benchmark.
#pragma once

#include <string>
#include <vector>

#include "network/network.h"

namespace atml::bench {

struct Case {
  std::string name;
  network::Network network;
  int batch;
};

/// DS-CNN of MLPerf Tiny (49x10x1), a depthwise image network (28x28x1, 8-16-32 channels), a 1-D
/// network for 128x9 windows, ResNet-8 of MLPerf Tiny (32x32x3), and an MLP 64-32-16-10.
std::vector<Case> training_cases();

}  // namespace atml::bench

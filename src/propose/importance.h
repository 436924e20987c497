// Which parameters matter, by what the surrogates have learnt.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "propose/strategy.h"

namespace atml::propose {

/// Shares of variance over the whole space that involve a parameter, alone or with others: Sobol's
/// total indices of the surrogates' means, each in [0, 1] (interactions count for every member, so
/// their sum may pass 1). 0 where nothing was learnt or nothing varies.
struct Importance {
  std::string parameter;
  double objective = 0;
  std::map<std::string, double> constraints;  // by Problem::constraint_names
};

/// In the order of the space. Jansen's estimator (Saltelli et al., Computer Physics Communications
/// 181, 2010, table 2 (f)) on 512 pairs of Sobol points; inactive parameters change nothing.
std::vector<Importance> importances(const Problem& problem);

}  // namespace atml::propose

// The makers behind the table in strategy.cpp; a new strategy adds a file, a line here and a line there.
#pragma once

#include <memory>

#include "propose/strategy.h"

namespace atml::propose {

std::unique_ptr<Strategy> make_bayes();
std::unique_ptr<Strategy> make_random();

}  // namespace atml::propose

// The makers behind the table in strategy.cpp; a new strategy adds a file, a line here and a line
// there.
#pragma once

#include <memory>

#include "propose/strategy.h"

namespace atml::propose {

class ModelMemory;

std::unique_ptr<Strategy> make_agp();
std::unique_ptr<Strategy> make_bayes();
std::unique_ptr<Strategy> make_bayes_constant();
std::unique_ptr<Strategy> make_bayes_penalty();
std::unique_ptr<Strategy> make_evolution();
std::unique_ptr<Strategy> make_forest();
std::unique_ptr<Strategy> make_nsga2();
std::unique_ptr<Strategy> make_parego();
std::unique_ptr<Strategy> make_pareto();
std::unique_ptr<Strategy> make_random();
/// `memory` may be null; a borrowed one must outlive the strategy.
std::unique_ptr<Strategy> make_scbo(ModelMemory* memory);
std::unique_ptr<Strategy> make_scbo();
std::unique_ptr<Strategy> make_sobol();
std::unique_ptr<Strategy> make_svm_cbo();
std::unique_ptr<Strategy> make_svm_cbo_published();
std::unique_ptr<Strategy> make_tpe();

}  // namespace atml::propose

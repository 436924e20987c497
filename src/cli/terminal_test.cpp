#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace atml::cli {
namespace {

TEST(ProgressText, TellsBudgetBestShareAndTimeLeft) {
  Progress p;
  p.phase = "search";
  p.elapsed = 150;
  p.budget = 600;
  p.proposed = 17;
  p.running = 2;
  p.undeployable = 3;
  p.trained = 12;
  p.best = 0.90123;
  p.metric = "accuracy";
  EXPECT_EQ(progress_text(p, 200),
            "[=====>              ]  25 %  7 min 30 s left | 17 trials, 12 trained, 80 % feasible "
            "| best accuracy 0.9012");
  EXPECT_EQ(progress_text(p, 30).size(), 30u);
}

TEST(ProgressText, WorksWithoutABudget) {
  Progress p;
  p.phase = "finalists";
  p.trained = 3;
  p.trial_limit = 9;
  EXPECT_EQ(progress_text(p, 200), "[======>             ]  33 % | finalists 3 of 9");
}

}  // namespace
}  // namespace atml::cli

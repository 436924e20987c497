// Times of the stages of a study that no trial holds, and the course of the search; kept as notes.
#pragma once

#include <vector>

#include "study/store.h"

namespace atml::search {

struct CourseMark {
  double seconds = 0;  // of the study, all runs together
  int trial = 0;
  double best = 0;
};

struct StageTimes {
  double elapsed = 0;  // so far, over all runs
  double finalists = 0;
  double verify = 0;
  double total = 0;  // 0 until the study is complete
  std::vector<CourseMark> course;
};

Result<StageTimes> load_times(study::Store& store);
Status save_times(study::Store& store, const StageTimes& times);

}  // namespace atml::search

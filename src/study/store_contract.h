// The contract of Store as tests: every kind of store runs them (INSTANTIATE_TEST_SUITE_P with a
// StoreMaker). A new kind of store needs no tests of its own for what stands here.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "study/store.h"

namespace atml::study {

struct StoreMaker {
  std::string name;
  std::function<std::unique_ptr<Store>(const StudyInfo&)> create;
  /// Closes the store and opens it again; empty where it does not outlive its object.
  std::function<std::unique_ptr<Store>(std::unique_ptr<Store>)> reopen;
};

class StoreContract : public ::testing::TestWithParam<std::function<StoreMaker()>> {};

/// Values that are hard to keep: 64 bits with the top bit set, quotes, newlines, UTF-8.
StudyInfo awkward_info();
/// A trial in which every field is set, derived from `n` so that two differ in everything.
Trial full_trial(int n);
/// Field by field, NaN equal to NaN.
void expect_same(const Trial& a, const Trial& b);

}  // namespace atml::study

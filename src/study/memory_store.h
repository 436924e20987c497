// A Store that lives as long as its object: for tests, and for ask/tell users who keep no record.
#pragma once

#include <memory>

#include "study/store.h"

namespace atml::study {

std::unique_ptr<Store> make_memory_store(const StudyInfo& info);

}  // namespace atml::study

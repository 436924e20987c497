#include "study/memory_store.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <mutex>

#include "study/limits.h"

namespace atml::study {
namespace {

/// The one value that databases cannot keep: an objective that is NaN is no objective.
Trial storable(Trial trial) {
  if (trial.objective && std::isnan(*trial.objective)) trial.objective.reset();
  return trial;
}

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(StudyInfo info) : info_(std::move(info)) { info_.schema = kSchemaVersion; }

  Result<StudyInfo> info() override { return info_; }

  Result<int> add_trial(const Trial& trial) override {
    const std::lock_guard lock(mutex_);
    trials_.push_back(storable(trial));
    trials_.back().number = static_cast<int>(trials_.size()) - 1;
    return trials_.back().number;
  }

  Status update_trial(const Trial& trial) override {
    const std::lock_guard lock(mutex_);
    ATML_TRY_STATUS(expect_trial(trial.number));
    trials_[static_cast<std::size_t>(trial.number)] = storable(trial);
    return {};
  }

  Result<std::vector<Trial>> trials() override {
    const std::lock_guard lock(mutex_);
    return trials_;
  }

  Status put_blob(int trial, const std::string& kind, std::string_view bytes) override {
    ATML_TRY_STATUS(check_blob_size(kind, bytes.size()));
    const std::lock_guard lock(mutex_);
    ATML_TRY_STATUS(expect_trial(trial));
    blobs_[{trial, kind}] = bytes;
    return {};
  }

  Result<std::optional<std::string>> get_blob(int trial, const std::string& kind) override {
    const std::lock_guard lock(mutex_);
    const auto at = blobs_.find({trial, kind});
    return at == blobs_.end() ? std::nullopt : std::optional(at->second);
  }

  Status delete_blob(int trial, const std::string& kind) override {
    const std::lock_guard lock(mutex_);
    blobs_.erase({trial, kind});
    return {};
  }

  Status put_note(const std::string& key, const std::string& json) override {
    const std::lock_guard lock(mutex_);
    notes_[key] = json;
    return {};
  }

  Result<std::optional<std::string>> get_note(const std::string& key) override {
    const std::lock_guard lock(mutex_);
    const auto at = notes_.find(key);
    return at == notes_.end() ? std::nullopt : std::optional(at->second);
  }

 private:
  Status expect_trial(int number) const {
    if (number >= 0 && static_cast<std::size_t>(number) < trials_.size()) return {};
    return Error{Code::kNotFound, fmt::format("study ':memory:' has no trial {}", number)};
  }

  std::mutex mutex_;
  StudyInfo info_;
  std::vector<Trial> trials_;  // by number
  std::map<std::pair<int, std::string>, std::string> blobs_;
  std::map<std::string, std::string> notes_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store(const StudyInfo& info) {
  return std::make_unique<MemoryStore>(info);
}

}  // namespace atml::study

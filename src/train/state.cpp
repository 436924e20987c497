#include "train/state.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "base/random.h"

namespace atml::train {
namespace {

static_assert(std::endian::native == std::endian::little, "checkpoints are little-endian");

constexpr std::string_view kMagic = "ATMLTRN1";
constexpr std::uint64_t kVersion = 1;

template <class T>
void put(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void put(std::string& bytes, const std::vector<float>& values) {
  put(bytes, static_cast<std::uint64_t>(values.size()));
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  bool get(T& value) {
    if (bytes_.size() < sizeof(T)) return false;
    std::memcpy(&value, bytes_.data(), sizeof(T));
    bytes_.remove_prefix(sizeof(T));
    return true;
  }
  bool get(std::vector<float>& values, std::size_t expected) {
    std::uint64_t count = 0;
    if (!get(count) || count != expected || bytes_.size() / sizeof(float) < count) return false;
    values.resize(expected);
    if (expected > 0) std::memcpy(values.data(), bytes_.data(), expected * sizeof(float));
    bytes_.remove_prefix(expected * sizeof(float));
    return true;
  }
  bool done() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

}  // namespace

std::string to_bytes(const State& s, std::uint64_t owner) {
  std::string bytes(kMagic);
  put(bytes, kVersion);
  put(bytes, owner);
  put(bytes, s.epochs);
  put(bytes, s.steps);
  put(bytes, s.first_loss);
  put(bytes, s.smoothed_loss);
  for (const auto* v : {&s.values, &s.statistics, &s.moment1, &s.moment2, &s.average_values,
                        &s.average_statistics}) {
    put(bytes, *v);
  }
  put(bytes, fnv1a(bytes));
  return bytes;
}

Result<State> from_bytes(std::string_view bytes, std::uint64_t owner, const State& like) {
  if (bytes.size() < kMagic.size() + 5 * sizeof(std::uint64_t) || !bytes.starts_with(kMagic)) {
    return Error{Code::kParse, fmt::format("{} bytes are not a training checkpoint", bytes.size())};
  }
  Reader header(bytes.substr(kMagic.size()));
  std::uint64_t version = 0, found_owner = 0, checksum = 0;
  header.get(version);
  header.get(found_owner);
  if (version != kVersion) {
    return Error{
        Code::kUnsupported,
        fmt::format("training checkpoint of version {}, this program reads {}", version, kVersion)};
  }
  const std::string_view body = bytes.substr(0, bytes.size() - sizeof(checksum));
  std::memcpy(&checksum, bytes.data() + body.size(), sizeof(checksum));
  if (fnv1a(body) != checksum) {
    return Error{
        Code::kParse,
        "the training checkpoint is damaged (its checksum does not match); train from the start"};
  }
  if (found_owner != owner) {
    return Error{Code::kConflict,
                 "the training checkpoint belongs to another network, data set or settings"};
  }
  Reader reader(body.substr(kMagic.size() + 2 * sizeof(std::uint64_t)));
  State s;
  const bool whole =
      reader.get(s.epochs) && reader.get(s.steps) && reader.get(s.first_loss) &&
      reader.get(s.smoothed_loss) && reader.get(s.values, like.values.size()) &&
      reader.get(s.statistics, like.statistics.size()) &&
      reader.get(s.moment1, like.moment1.size()) && reader.get(s.moment2, like.moment2.size()) &&
      reader.get(s.average_values, like.average_values.size()) &&
      reader.get(s.average_statistics, like.average_statistics.size()) && reader.done();
  if (!whole) return Error{Code::kParse, "the training checkpoint has arrays of another size"};
  return s;
}

}  // namespace atml::train

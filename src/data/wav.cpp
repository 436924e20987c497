#include "data/wav.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/files.h"

namespace atml::data {
namespace {

constexpr int kPcm = 1;
constexpr int kFloat = 3;
constexpr int kExtensible = 0xFFFE;

struct Form {
  int code = 0;
  int channels = 0;
  int rate = 0;
  int bits = 0;
};

std::uint32_t number(std::string_view bytes, std::size_t at, int width) {
  std::uint32_t value = 0;
  for (int i = width - 1; i >= 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  return value;
}

Error bad(const std::string& name, const std::string& why) {
  return {Code::kParse, fmt::format("{}: {}", name, why)};
}

Result<Form> read_form(const std::string& name, std::string_view chunk) {
  if (chunk.size() < 16) return bad(name, "damaged WAV header: the format chunk is too short");
  Form form{static_cast<int>(number(chunk, 0, 2)), static_cast<int>(number(chunk, 2, 2)),
            static_cast<int>(number(chunk, 4, 4) & 0x7FFFFFFF),
            static_cast<int>(number(chunk, 14, 2))};
  if (form.code == kExtensible && chunk.size() >= 26)
    form.code = static_cast<int>(number(chunk, 24, 2));
  const bool pcm = form.code == kPcm &&
                   (form.bits == 8 || form.bits == 16 || form.bits == 24 || form.bits == 32);
  if (!pcm && !(form.code == kFloat && form.bits == 32)) {
    return Error{Code::kUnsupported,
                 fmt::format("{}: WAV format {} with {} bits; convert it to 16-bit PCM, as with "
                             "sox IN.wav -b 16 -e signed OUT.wav",
                             name, form.code, form.bits)};
  }
  if (form.channels < 1 || form.channels > 64 || form.rate < 1) {
    return bad(name,
               fmt::format("damaged WAV header: {} channels at {} Hz", form.channels, form.rate));
  }
  return form;
}

std::int16_t to_sample(std::string_view data, std::size_t at, const Form& form) {
  const std::uint32_t raw = number(data, at, form.bits / 8);
  if (form.code == kFloat) {
    float value;
    std::memcpy(&value, &raw, sizeof value);
    if (!(std::abs(value) <= 4)) value = 0;  // NaN and garbage
    return static_cast<std::int16_t>(std::clamp(std::lround(value * 32768.f), -32768l, 32767l));
  }
  if (form.bits == 8) return static_cast<std::int16_t>((static_cast<int>(raw) - 128) * 256);
  return static_cast<std::int16_t>(raw >> (form.bits - 16) & 0xFFFF);  // the upper 16 bits
}

std::vector<std::int16_t> to_samples(std::string_view data, const Form& form) {
  const std::size_t width = static_cast<std::size_t>(form.bits / 8);
  const std::size_t frame = width * static_cast<std::size_t>(form.channels);
  std::vector<std::int16_t> samples(data.size() / frame * static_cast<std::size_t>(form.channels));
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = to_sample(data, i * width, form);
  return samples;
}

}  // namespace

Result<Clip> read_wav(const std::filesystem::path& path) {
  ATML_TRY(const std::string bytes, read_file(path));
  const std::string name = path.string();
  const std::string_view text = bytes;
  if (text.size() < 12 || text.substr(0, 4) != "RIFF" || text.substr(8, 4) != "WAVE")
    return bad(name, "not a WAV file");
  std::optional<Form> form;
  for (std::size_t at = 12; at + 8 <= text.size();) {
    const std::string_view id = text.substr(at, 4);
    const std::size_t size = number(text, at + 4, 4);
    at += 8;
    if (id == "fmt ") {
      ATML_TRY(form, read_form(name, text.substr(at, size)));
    }
    if (id == "data") {
      if (!form) return bad(name, "damaged WAV file: data before its format");
      if (size > text.size() - at) {
        return bad(name, fmt::format("truncated: the header announces {} bytes of sound, found {}",
                                     size, text.size() - at));
      }
      Clip clip{form->rate, form->channels, to_samples(text.substr(at, size), *form)};
      if (clip.samples.empty()) return bad(name, "the recording is empty");
      return clip;
    }
    at = std::min(text.size(), at + size + size % 2);
  }
  return bad(name, "truncated: no sound in the file");
}

}  // namespace atml::data

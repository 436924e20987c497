#include "data/class_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <optional>

#include "data/assemble.h"
#include "data/image.h"
#include "data/wav.h"

namespace atml::data {
namespace fs = std::filesystem;
namespace {

enum class Media { kNone, kImage, kSound };

Media media_of(const fs::path& path) {
  std::string end = path.extension().string();
  std::ranges::transform(end, end.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (end == ".png" || end == ".jpg" || end == ".jpeg") return Media::kImage;
  return end == ".wav" ? Media::kSound : Media::kNone;
}

/// Sorted, so that the order of the directory does not matter.
std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) paths.push_back(entry.path());
  std::ranges::sort(paths);
  return paths;
}

std::vector<fs::path> media_files(const fs::path& folder) {
  std::vector<fs::path> paths = entries(folder);
  std::erase_if(paths, [](const fs::path& path) {
    return media_of(path) == Media::kNone || path.filename().string().starts_with('.');
  });
  return paths;
}

std::vector<fs::path> class_folders(const fs::path& folder) {
  std::vector<fs::path> paths = entries(folder);
  std::erase_if(paths, [](const fs::path& path) {
    const std::string name = path.filename().string();
    std::error_code ignored;
    return name.starts_with('.') || name.starts_with('_') || !fs::is_directory(path, ignored) ||
           media_files(path).empty();
  });
  return paths;
}

struct File {
  fs::path path;
  std::int32_t label;
};

Result<std::vector<File>> list_files(const fs::path& folder,
                                     const std::vector<std::string>& classes) {
  std::vector<File> files;
  for (const fs::path& path : class_folders(folder)) {
    const auto at = std::ranges::find(classes, path.filename().string());
    if (at == classes.end()) {
      return Error{Code::kInvalidArgument, fmt::format("'{}' is no class of train: {}",
                                                       path.string(), fmt::join(classes, ", "))};
    }
    for (const fs::path& file : media_files(path))
      files.push_back({file, static_cast<std::int32_t>(at - classes.begin())});
  }
  if (files.empty())
    return Error{Code::kInvalidArgument,
                 fmt::format("'{}' holds no class with files", folder.string())};
  return files;
}

// --- images ---

std::vector<std::byte> to_colour(const std::vector<std::byte>& grey) {
  std::vector<std::byte> colour;
  colour.reserve(3 * grey.size());
  for (const std::byte value : grey) colour.insert(colour.end(), 3, value);
  return colour;
}

void make_colour(Shape& shape, std::vector<std::byte>& pixels) {
  pixels = to_colour(pixels);
  shape.channels = 3;
}

Error other_size(const File& file, const Shape& shape, const std::string& first,
                 const Shape& expected) {
  return {Code::kInvalidArgument,
          fmt::format("{}: {} x {} pixels, {} has {} x {}; all images must have one size: scale "
                      "copies of them, as with "
                      "mogrify -resize {}x{}! *.png",
                      file.path.string(), shape.width, shape.height, first, expected.width,
                      expected.height, expected.width, expected.height)};
}

Result<Split> read_images(const std::vector<File>& files) {
  Split split;
  Shape shape;
  std::vector<std::byte> pixels;
  for (const File& file : files) {
    ATML_TRY(Image image, read_image(file.path));
    if (split.labels.empty()) shape = image.shape;
    if (image.shape.height != shape.height || image.shape.width != shape.width) {
      return other_size(file, image.shape, files[0].path.string(), shape);
    }
    if (image.shape.channels > shape.channels) make_colour(shape, pixels);
    if (image.shape.channels < shape.channels) make_colour(image.shape, image.pixels);
    pixels.insert(pixels.end(), image.pixels.begin(), image.pixels.end());
    split.labels.push_back(file.label);
  }
  split.x = Samples(shape, ElementType::kUint8, std::move(pixels));
  return split;
}

/// Grey splits beside coloured ones become colour.
void match_colours(std::vector<Split*> splits) {
  const bool colour =
      std::ranges::any_of(splits, [](const Split* s) { return s->x.shape().channels == 3; });
  for (Split* split : splits) {
    if (!colour || split->x.shape().channels == 3) continue;
    Shape shape = split->x.shape();
    std::vector<std::byte> pixels(split->x.bytes().begin(), split->x.bytes().end());
    make_colour(shape, pixels);
    split->x = Samples(shape, ElementType::kUint8, std::move(pixels));
  }
}

// --- recordings ---

struct SoundForm {
  int rate = 0;
  int channels = 0;
  std::size_t frames = 0;  // of every clip; 0: of the longest
};

Status check_sound(const File& file, const Clip& clip, const SoundForm& form) {
  if (clip.sample_rate == form.rate && clip.channels == form.channels) return {};
  return Error{Code::kInvalidArgument,
               fmt::format("{}: {} Hz, {} channels; the first recording has {} Hz, {} channels; "
                           "all must be alike: convert "
                           "copies of them, as with sox IN.wav -r {} -c {} OUT.wav",
                           file.path.string(), clip.sample_rate, clip.channels, form.rate,
                           form.channels, form.rate, form.channels)};
}

Result<Split> read_sounds(const std::vector<File>& files, SoundForm& form) {
  std::vector<std::vector<std::int16_t>> clips;
  Split split;
  for (const File& file : files) {
    ATML_TRY(Clip clip, read_wav(file.path));
    if (form.rate == 0) {
      form.rate = clip.sample_rate;
      form.channels = clip.channels;
    }
    ATML_TRY_STATUS(check_sound(file, clip, form));
    clips.push_back(std::move(clip.samples));
    split.labels.push_back(file.label);
  }
  if (form.frames == 0) {
    const auto longest = std::ranges::max_element(clips, {}, &std::vector<std::int16_t>::size);
    form.frames = longest->size() / static_cast<std::size_t>(form.channels);
  }
  const std::size_t values = form.frames * static_cast<std::size_t>(form.channels);
  std::vector<std::byte> bytes(clips.size() * values * 2);  // zeros: silence
  for (std::size_t i = 0; i < clips.size(); ++i) {
    std::memcpy(bytes.data() + i * values * 2, clips[i].data(),
                std::min(values, clips[i].size()) * 2);
  }
  split.x = Samples({static_cast<int>(form.frames), 1, form.channels}, ElementType::kInt16,
                    std::move(bytes), 1 / 32768.0);
  return split;
}

// --- both ---

Result<Media> one_media(const std::vector<File>& files) {
  const Media media = media_of(files[0].path);
  for (const File& file : files) {
    if (media_of(file.path) == media) continue;
    return Error{Code::kInvalidArgument,
                 fmt::format("'{}' and '{}': images and recordings in one data set",
                             files[0].path.string(), file.path.string())};
  }
  return media;
}

Result<Split> read_files(const fs::path& folder, const Dataset& head, SoundForm& form) {
  ATML_TRY(const std::vector<File> files, list_files(folder, head.classes));
  ATML_TRY(const Media media, one_media(files));
  return media == Media::kImage ? read_images(files) : read_sounds(files, form);
}

/// The classes' folders: FOLDER/train where there is one, else FOLDER.
fs::path train_folder(const fs::path& folder) {
  return class_folders(folder / "train").empty() ? folder : folder / "train";
}

Result<std::size_t> wanted_frames(const LoadOptions& options, int rate) {
  if (options.clip_seconds == 0) return std::size_t{0};
  const double frames = std::round(options.clip_seconds * rate);
  if (frames >= 1 && frames <= 1 << 24) return static_cast<std::size_t>(frames);
  return Error{Code::kInvalidArgument,
               fmt::format("clips of {} s at {} Hz have {} samples, expected 1 to 2^24",
                           options.clip_seconds, rate, frames)};
}

/// The rate of the first recording, which clip_seconds needs before anything is cut; 0 for images.
Result<SoundForm> find_sound_form(const fs::path& folder, const LoadOptions& options) {
  const fs::path file = media_files(class_folders(folder).at(0)).at(0);
  if (media_of(file) == Media::kImage) return SoundForm{};
  ATML_TRY(const Clip clip, read_wav(file));
  ATML_TRY(const std::size_t frames, wanted_frames(options, clip.sample_rate));
  return SoundForm{clip.sample_rate, clip.channels, frames};
}

}  // namespace

bool is_class_folder(const fs::path& folder) {
  return !class_folders(train_folder(folder)).empty();
}

Result<Dataset> load_class_folder(const fs::path& folder, const LoadOptions& options) {
  const fs::path named = folder.has_filename() ? folder : folder.parent_path();
  const fs::path train = train_folder(folder);
  Dataset head;
  head.name = named.filename().string();
  for (const fs::path& path : class_folders(train))
    head.classes.push_back(path.filename().string());
  ATML_TRY(SoundForm form, find_sound_form(train, options));
  Parts parts;
  parts.test_fraction = options.test_fraction;
  ATML_TRY(parts.train, read_files(train, head, form));
  std::vector<Split*> splits = {&parts.train};
  if (train != folder) {
    if (!class_folders(folder / "validation").empty()) {
      ATML_TRY(parts.validation, read_files(folder / "validation", head, form));
      splits.push_back(&*parts.validation);
    }
    ATML_TRY(parts.test, read_files(folder / "test", head, form));
    splits.push_back(&*parts.test);
  }
  if (form.rate == 0) match_colours(splits);
  head.sample_rate_hz = form.rate;
  if (parts.train.x.shape().channels == 3 && form.rate == 0)
    head.channels = {"red", "green", "blue"};
  auto dataset = assemble(std::move(head), std::move(parts), options);
  if (!dataset.ok()) return dataset.error().with_context(folder.string());
  return dataset;
}

}  // namespace atml::data

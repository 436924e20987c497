// Folders of images and recordings. The files are written by the libraries themselves, or by hand.
#include <gtest/gtest.h>
#include <png.h>

#include <cstdio>
#include <cstdlib>

// After cstdio, which it needs but does not include.
#include <jpeglib.h>

#include "base/random.h"
#include "data/image.h"
#include "data/load.h"
#include "data/test_files.h"
#include "data/wav.h"

namespace atml::data {
namespace {

std::string png(int width, int height, int channels, const std::string& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = channels == 1 ? PNG_FORMAT_GRAY : channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr);
  std::string bytes(size, '\0');
  png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr);
  bytes.resize(size);
  return bytes;
}

std::string jpeg(int width, int height, int channels, const std::string& pixels) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = channels;
  info.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    const auto at =
        static_cast<std::size_t>(info.next_scanline) * static_cast<std::size_t>(width * channels);
    JSAMPROW row = reinterpret_cast<JSAMPROW>(const_cast<char*>(pixels.data() + at));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string bytes(reinterpret_cast<char*>(buffer), size);
  std::free(buffer);
  return bytes;
}

std::string little(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i & 255);
  return text;
}

std::string wav(int code, int channels, int rate, int bits, const std::string& data,
                const std::string& before = "") {
  const int frame = channels * bits / 8;
  const std::string form = little(static_cast<std::uint32_t>(code), 2) +
                           little(static_cast<std::uint32_t>(channels), 2) +
                           little(static_cast<std::uint32_t>(rate), 4) +
                           little(static_cast<std::uint32_t>(rate * frame), 4) +
                           little(static_cast<std::uint32_t>(frame), 2) +
                           little(static_cast<std::uint32_t>(bits), 2);
  const std::string body = "WAVEfmt " + little(16, 4) + form + before + "data" +
                           little(static_cast<std::uint32_t>(data.size()), 4) + data;
  return "RIFF" + little(static_cast<std::uint32_t>(body.size()), 4) + body;
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class MediaFiles : public testing::Test {
 protected:
  std::string without_folder(std::string message) {
    for (std::size_t at; (at = message.find(folder_.path())) != std::string::npos;)
      message.erase(at, folder_.path().size());
    return message;
  }
  std::string error() {
    const auto dataset = load_dataset(folder_.path());
    return dataset.ok() ? "loaded" : without_folder(dataset.error().message);
  }
  Folder folder_;
};

std::string ramp(int n, int step = 5) {
  std::string pixels;
  for (int i = 0; i < n; ++i) pixels += static_cast<char>(i * step);
  return pixels;
}

TEST_F(MediaFiles, PngPixelsAreExact) {
  const auto grey = read_image(folder_.put("a.png", png(7, 5, 1, ramp(35))));
  ASSERT_TRUE(grey.ok()) << grey.error().message;
  EXPECT_EQ(grey->shape, (Shape{5, 7, 1}));
  EXPECT_EQ(text_of(grey->pixels), ramp(35));
  const auto colour = read_image(folder_.put("a.png", png(4, 3, 3, ramp(36, 7))));
  EXPECT_EQ(colour->shape, (Shape{3, 4, 3}));
  EXPECT_EQ(text_of(colour->pixels), ramp(36, 7));
  const auto alpha = read_image(folder_.put("a.png", png(1, 2, 4,
                                                         "abc\x80"
                                                         "def\xff")));
  EXPECT_EQ(alpha->shape, (Shape{2, 1, 3}));
  EXPECT_EQ(text_of(alpha->pixels), "abcdef");
}

TEST_F(MediaFiles, JpegPixelsAreNear) {
  std::string smooth;
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 24; ++x) smooth += static_cast<char>(40 + 5 * x + 3 * y);
  }
  const auto grey = read_image(folder_.put("a.jpg", jpeg(24, 16, 1, smooth)));
  ASSERT_TRUE(grey.ok()) << grey.error().message;
  ASSERT_EQ(grey->shape, (Shape{16, 24, 1}));
  for (std::size_t i = 0; i < smooth.size(); ++i) {
    ASSERT_NEAR(std::to_integer<int>(grey->pixels[i]), static_cast<unsigned char>(smooth[i]), 3)
        << i;
  }
  const auto colour = read_image(folder_.put("a.jpg", jpeg(8, 8, 3, std::string(192, '\x64'))));
  EXPECT_EQ(colour->shape, (Shape{8, 8, 3}));
  EXPECT_NEAR(std::to_integer<int>(colour->pixels[100]), 0x64, 1);
}

TEST_F(MediaFiles, DamagedImagesAreErrors) {
  const std::string good = png(30, 30, 1, ramp(900, 3));
  const auto message = [&](const std::string& bytes) {
    return without_folder(read_image(folder_.put("a.png", bytes)).error().message);
  };
  EXPECT_EQ(message(good.substr(0, good.size() / 2)), "a.png: damaged PNG file: truncated");
  EXPECT_EQ(message("hello"), "a.png: neither a PNG nor a JPEG file");
  std::string huge = good;
  huge.replace(
      16, 4,
      std::string("\x00\x00\x60\x00", 4));  // width 24576, with a checksum that is then wrong
  EXPECT_TRUE(message(huge).starts_with("a.png: damaged PNG file: ")) << message(huge);
  const std::string photo = jpeg(24, 16, 1, ramp(384));
  EXPECT_TRUE(message(photo.substr(0, photo.size() / 2)).starts_with("a.png: damaged JPEG file: "))
      << message(photo);
  EXPECT_EQ(message(png(5000, 1, 1, ramp(5000))),
            "a.png: damaged PNG file: 5000 x 1 pixels, at most 4096 x 4096 can be read");
}

TEST_F(MediaFiles, DamagedImagesNeverCrash) {
  const std::string seeds[] = {png(9, 8, 3, ramp(216, 11)), jpeg(24, 16, 3, ramp(1152, 3))};
  Rng rng(4);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = seeds[round % 2];
    for (int i = 0; i < 3; ++i) bytes[rng.below(bytes.size())] = static_cast<char>(rng.below(256));
    if (round % 5 == 0) bytes.resize(rng.below(bytes.size()));
    const auto image = read_image(folder_.put("a.png", bytes));
    refused += !image.ok();
    if (!image.ok()) continue;
    ASSERT_EQ(image->pixels.size(), static_cast<std::size_t>(image->shape.elements()));
  }
  EXPECT_GT(refused, 1000);
}

TEST_F(MediaFiles, WavOfEveryWidth) {
  const auto samples = [&](int code, int bits, const std::string& data) {
    const auto clip = read_wav(folder_.put("a.wav", wav(code, 1, 8000, bits, data)));
    return clip.ok() ? clip->samples : std::vector<std::int16_t>{};
  };
  EXPECT_EQ(samples(1, 8, std::string("\x80\x00\xff", 3)),
            (std::vector<std::int16_t>{0, -32768, 127 * 256}));
  EXPECT_EQ(samples(1, 16, little(0x8001, 2) + little(5, 2)),
            (std::vector<std::int16_t>{-32767, 5}));
  EXPECT_EQ(samples(1, 24, little(0x800100, 3) + little(0x0005FF, 3)),
            (std::vector<std::int16_t>{-32767, 5}));
  EXPECT_EQ(samples(1, 32, little(0x80010000, 4) + little(0x0005FFFF, 4)),
            (std::vector<std::int16_t>{-32767, 5}));
  EXPECT_EQ(samples(3, 32, raw_bytes(std::vector<float>{0.5f, -1.f, 2.f})),
            (std::vector<std::int16_t>{16384, -32768, 32767}));
  const auto stereo = read_wav(folder_.put(
      "a.wav", wav(1, 2, 16000, 16, little(1, 2) + little(2, 2), "LIST" + little(3, 4) + "abc ")));
  ASSERT_TRUE(stereo.ok()) << stereo.error().message;
  EXPECT_EQ(stereo->channels, 2);
  EXPECT_EQ(stereo->sample_rate, 16000);
  EXPECT_EQ(stereo->samples, (std::vector<std::int16_t>{1, 2}));
}

TEST_F(MediaFiles, DamagedWavIsAnError) {
  const std::string good = wav(1, 1, 8000, 16, std::string(100, 'a'));
  const auto message = [&](const std::string& bytes) {
    const auto clip = read_wav(folder_.put("a.wav", bytes));
    return clip.ok() ? "read" : without_folder(clip.error().message);
  };
  EXPECT_EQ(message(good.substr(0, 100)),
            "a.wav: truncated: the header announces 100 bytes of sound, found 56");
  EXPECT_EQ(message(good.substr(0, 36)), "a.wav: truncated: no sound in the file");
  EXPECT_EQ(message("RIFFxxxx"), "a.wav: not a WAV file");
  EXPECT_EQ(message(wav(6, 1, 8000, 8, "abc")),
            "a.wav: WAV format 6 with 8 bits; convert it to 16-bit PCM, as with sox IN.wav -b 16 "
            "-e signed OUT.wav");
  EXPECT_EQ(message(wav(1, 0, 8000, 16, "ab")), "a.wav: damaged WAV header: 0 channels at 8000 Hz");
  EXPECT_EQ(message(wav(1, 1, 8000, 16, "")), "a.wav: the recording is empty");
  Rng rng(9);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (int i = 0; i < 3; ++i) bytes[rng.below(60)] = static_cast<char>(rng.below(256));
    bytes.resize(rng.below(bytes.size() + 1));
    (void)read_wav(folder_.put("a.wav", bytes));
  }
}

TEST_F(MediaFiles, ImagesByClassLoad) {
  for (int i = 0; i < 10; ++i) {
    folder_.put(fmt::format("cat/{}.png", i), png(6, 4, 1, std::string(24, static_cast<char>(i))));
    folder_.put(fmt::format("dog/{}.PNG", i),
                png(6, 4, 1, std::string(24, static_cast<char>(100 + i))));
  }
  folder_.put("cat/readme.txt", "no image");
  folder_.put("_noise/0.png", "no class");
  auto dataset = load_dataset(folder_.path());
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->classes, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(dataset->shape, (Shape{4, 6, 1}));
  EXPECT_EQ(dataset->test.size(), 4u);
  EXPECT_EQ(dataset->train.size() + dataset->validation.size(), 16u);
  EXPECT_TRUE(dataset->normalisation.exact_pixels);
  for (std::size_t i = 0; i < dataset->train.size(); ++i) {
    std::vector<float> values(24);
    dataset->train.x.read(i, values);
    EXPECT_EQ(dataset->train.labels[i], values[0] >= 100 ? 1 : 0);
  }
  folder_.put("dog/colour.png", png(6, 4, 3, std::string(72, 'c')));
  dataset = load_dataset(folder_.path());
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->shape, (Shape{4, 6, 3}));
  folder_.put("dog/large.png", png(7, 4, 1, std::string(28, 'c')));
  EXPECT_EQ(error(),
            "dog/large.png: 7 x 4 pixels, cat/0.png has 6 x 4; all images must have one size: "
            "scale copies of them, as "
            "with mogrify -resize 6x4! *.png");
  std::filesystem::remove(folder_.path("dog/large.png"));
  folder_.put("dog/bark.wav", "x");
  EXPECT_EQ(error(), "'cat/0.png' and 'dog/bark.wav': images and recordings in one data set");
}

TEST_F(MediaFiles, RecordingsByClassLoadWithTheirOwnSplit) {
  for (const char* part : {"train", "test"}) {
    for (int i = 0; i < 8; ++i) {
      const std::string sound = raw_bytes(std::vector<std::int16_t>(
          static_cast<std::size_t>(10 + i), static_cast<std::int16_t>(i - 4)));
      folder_.put(fmt::format("{}/yes/{}.wav", part, i), wav(1, 1, 8000, 16, sound));
      folder_.put(fmt::format("{}/no/{}.wav", part, i), wav(1, 1, 8000, 16, sound));
    }
  }
  folder_.put("test/yes/long.wav", wav(1, 1, 8000, 16, std::string(100, 'x')));
  auto dataset = load_dataset(folder_.path());
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->shape, (Shape{17, 1, 1})) << "the longest of train";
  EXPECT_EQ(dataset->sample_rate_hz, 8000);
  EXPECT_EQ(dataset->train.size() + dataset->validation.size(), 16u);
  EXPECT_EQ(dataset->test.size(), 17u);
  std::vector<float> values(17);
  dataset->test.x.read(2, values);  // no/2.wav: 12 times -2, then silence
  EXPECT_EQ(values[11], -2 / 32768.f);
  EXPECT_EQ(values[12], 0);
  LoadOptions options;
  options.clip_seconds = 0.001;
  EXPECT_EQ(load_dataset(folder_.path(), options)->shape, (Shape{8, 1, 1}));
  folder_.put("test/yes/fast.wav", wav(1, 1, 16000, 16, "abcd"));
  EXPECT_EQ(error(),
            "test/yes/fast.wav: 16000 Hz, 1 channels; the first recording has 8000 Hz, 1 channels; "
            "all must be alike: "
            "convert copies of them, as with sox IN.wav -r 8000 -c 1 OUT.wav");
  std::filesystem::remove(folder_.path("test/yes/fast.wav"));
  folder_.put("test/maybe/0.wav", wav(1, 1, 8000, 16, "ab"));
  EXPECT_EQ(error(), "'test/maybe' is no class of train: no, yes");
}

}  // namespace
}  // namespace atml::data

#include "data/image.h"

#include <fmt/format.h>
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

// After cstdio, which it needs but does not include.
#include <jpeglib.h>

#include "base/files.h"

namespace atml::data {
namespace {

// Both libraries report errors by a long jump. The functions that call setjmp therefore hold no
// object with a destructor; what they fill belongs to their callers.

struct Source {
  const unsigned char* at = nullptr;
  std::size_t left = 0;
};

/// What the decoders fill: `shape` first, then `pixels` once the caller's vector has that size.
struct Output {
  Image* image = nullptr;
  char message[256] = {};
};

bool acceptable(unsigned width, unsigned height, Output& out) {
  if (width >= 1 && height >= 1 && width <= kLargestSide && height <= kLargestSide) return true;
  std::snprintf(out.message, sizeof out.message, "%u x %u pixels, at most %d x %d can be read",
                width, height, kLargestSide, kLargestSide);
  return false;
}

unsigned char* row_of(Image& image, int row) {
  const std::size_t stride = static_cast<std::size_t>(image.shape.width * image.shape.channels);
  return reinterpret_cast<unsigned char*>(image.pixels.data()) +
         stride * static_cast<std::size_t>(row);
}

// --- PNG ---

void png_take(png_structp png, png_bytep to, png_size_t count) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (count > source->left) png_error(png, "truncated");
  std::memcpy(to, source->at, count);
  source->at += count;
  source->left -= count;
}

[[noreturn]] void png_fail(png_structp png, png_const_charp message) {
  auto* out = static_cast<Output*>(png_get_error_ptr(png));
  if (out->message[0] == '\0') std::snprintf(out->message, sizeof out->message, "%s", message);
  png_longjmp(png, 1);
}

void png_ignore(png_structp, png_const_charp) {}

void png_convert(png_structp png, png_infop info) {
  png_set_expand(png);  // palette to colours, 1 to 4 bits to 8, transparency to alpha
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
}

bool decode_png(Source source, Output& out) {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &out, png_fail, png_ignore);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  if (info == nullptr || setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_read_struct(&png, &info, nullptr);
    return false;
  }
  png_set_user_limits(png, 1u << 20, 1u << 20);  // our own, smaller limit has the better message
  png_set_read_fn(png, &source, png_take);
  png_read_info(png, info);
  if (!acceptable(png_get_image_width(png, info), png_get_image_height(png, info), out))
    png_error(png, "size");
  png_convert(png, info);
  Image& image = *out.image;
  image.shape = {static_cast<int>(png_get_image_height(png, info)),
                 static_cast<int>(png_get_image_width(png, info)),
                 static_cast<int>(png_get_channels(png, info))};
  image.pixels.resize(static_cast<std::size_t>(image.shape.elements()));
  for (int pass = png_set_interlace_handling(png); pass > 0; --pass) {
    for (int row = 0; row < image.shape.height; ++row)
      png_read_row(png, row_of(image, row), nullptr);
  }
  png_destroy_read_struct(&png, &info, nullptr);
  return true;
}

// --- JPEG ---

struct JpegErrors {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
  Output* out;
};

[[noreturn]] void jpeg_fail(j_common_ptr jpeg) {
  auto* errors = reinterpret_cast<JpegErrors*>(jpeg->err);
  char text[JMSG_LENGTH_MAX];
  (*jpeg->err->format_message)(jpeg, text);
  if (errors->out->message[0] == '\0')
    std::snprintf(errors->out->message, sizeof errors->out->message, "%s", text);
  std::longjmp(errors->jump, 1);
}

/// A warning (truncated or damaged data) is an error here: libjpeg would fill up with grey.
void jpeg_warn(j_common_ptr jpeg, int level) {
  if (level < 0) jpeg_fail(jpeg);
}

bool decode_jpeg(Source source, Output& out) {
  jpeg_decompress_struct jpeg;
  JpegErrors errors;
  errors.out = &out;
  jpeg.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = jpeg_fail;
  errors.manager.emit_message = jpeg_warn;
  jpeg_create_decompress(&jpeg);
  if (setjmp(errors.jump) != 0) {
    jpeg_destroy_decompress(&jpeg);
    return false;
  }
  jpeg_mem_src(&jpeg, source.at, source.left);
  jpeg_read_header(&jpeg, TRUE);
  if (!acceptable(jpeg.image_width, jpeg.image_height, out)) {
    jpeg_destroy_decompress(&jpeg);
    return false;
  }
  jpeg.out_color_space = jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&jpeg);
  Image& image = *out.image;
  image.shape = {static_cast<int>(jpeg.output_height), static_cast<int>(jpeg.output_width),
                 jpeg.output_components};
  image.pixels.resize(static_cast<std::size_t>(image.shape.elements()));
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = row_of(image, static_cast<int>(jpeg.output_scanline));
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_decompress(&jpeg);
  jpeg_destroy_decompress(&jpeg);
  return true;
}

}  // namespace

Result<Image> read_image(const std::filesystem::path& path) {
  ATML_TRY(const std::string bytes, read_file(path));
  const Source source{reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()};
  Image image;
  Output out{&image};
  const bool png = bytes.starts_with("\x89PNG");
  if (!png && !bytes.starts_with("\xFF\xD8\xFF")) {
    return Error{Code::kParse, fmt::format("{}: neither a PNG nor a JPEG file", path.string())};
  }
  if (png ? decode_png(source, out) : decode_jpeg(source, out)) return image;
  return Error{Code::kParse, fmt::format("{}: damaged {} file: {}", path.string(),
                                         png ? "PNG" : "JPEG", out.message)};
}

}  // namespace atml::data

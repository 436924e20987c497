#include <gtest/gtest.h>

#include "data/byte_reader.h"
#include "data/idx.h"
#include "data/npy.h"
#include "data/test_files.h"

namespace atml::data {
namespace {

class Readers : public testing::Test {
 protected:
  std::string npy_error(const std::string& bytes) {
    const auto array = read_npy(folder_.put("x.npy", bytes));
    return array.ok() ? "read" : without_folder(array.error().message);
  }
  std::string idx_error(const std::string& bytes) {
    const auto array = read_idx(folder_.put("x.idx", bytes));
    return array.ok() ? "read" : without_folder(array.error().message);
  }
  std::string without_folder(std::string message) {
    const std::string prefix = folder_.path();
    for (std::size_t at; (at = message.find(prefix)) != std::string::npos;)
      message.erase(at, prefix.size());
    return message;
  }
  Folder folder_;
};

template <class T>
void expect_numbers(const Array& array, const std::vector<T>& values) {
  ASSERT_EQ(array.elements(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(array.number(i), static_cast<double>(values[i])) << i;
  }
}

TEST_F(Readers, NpyOfEveryNumberType) {
  const auto check = [&](const char* descr, auto sample, NumberType type) {
    using T = decltype(sample);
    const std::vector<T> values = {
        T(0), T(1), T(100), std::numeric_limits<T>::max(), std::numeric_limits<T>::lowest(), T(7)};
    const auto array = read_npy(folder_.put("x.npy", npy(descr, {2, 3}, values)));
    ASSERT_TRUE(array.ok()) << array.error().message;
    EXPECT_EQ(array->type, type);
    EXPECT_EQ(array->dims, (std::vector<std::size_t>{2, 3}));
    expect_numbers(*array, values);
  };
  check("|u1", std::uint8_t{}, NumberType::kUint8);
  check("|b1", std::uint8_t{}, NumberType::kUint8);
  check("|i1", std::int8_t{}, NumberType::kInt8);
  check("<u2", std::uint16_t{}, NumberType::kUint16);
  check("<i2", std::int16_t{}, NumberType::kInt16);
  check("<u4", std::uint32_t{}, NumberType::kUint32);
  check("<i4", std::int32_t{}, NumberType::kInt32);
  check("<u8", std::uint64_t{}, NumberType::kUint64);
  check("<i8", std::int64_t{}, NumberType::kInt64);
  check("<f4", float{}, NumberType::kFloat32);
  check("<f8", double{}, NumberType::kFloat64);
}

TEST_F(Readers, NpyVersionsAndGzipAreTheSame) {
  const std::string payload = raw_bytes(std::vector<float>{1, 2, 3});
  for (const int version : {1, 2, 3}) {
    const std::string bytes = npy_bytes("<f4", {3}, payload, false, version);
    const auto plain = read_npy(folder_.put("x.npy", bytes));
    const auto packed = read_npy(folder_.put("x.npy.gz", gzip(bytes)));
    ASSERT_TRUE(plain.ok() && packed.ok()) << version;
    EXPECT_EQ(plain->bytes, packed->bytes);
    expect_numbers<float>(*plain, {1, 2, 3});
  }
}

TEST_F(Readers, NpyInFortranOrderBecomesCOrder) {
  // Columns of [[1, 2, 3], [4, 5, 6]], one after the other.
  const std::string payload = raw_bytes(std::vector<std::int16_t>{1, 4, 2, 5, 3, 6});
  const auto array = read_npy(folder_.put("x.npy", npy_bytes("<i2", {2, 3}, payload, true)));
  ASSERT_TRUE(array.ok());
  EXPECT_EQ(array->dims, (std::vector<std::size_t>{2, 3}));
  expect_numbers<int>(*array, {1, 2, 3, 4, 5, 6});
}

TEST_F(Readers, NpyThatIsNone) {
  EXPECT_EQ(npy_error("hello world, no numbers"),
            "x.npy: not a NumPy file: it does not start with \\x93NUMPY; write it with numpy.save");
  EXPECT_EQ(npy_error(""),
            "x.npy: truncated: the .npy magic needs 8 bytes at offset 0, found 0; copy or write "
            "the file again");
  EXPECT_EQ(npy_error(npy_bytes(">f4", {1}, "abcd")),
            "x.npy: numbers of type '>f4' cannot be read; save x.astype('<f4') or another "
            "little-endian integer "
            "or float type");
  EXPECT_EQ(npy_error(npy_bytes("|O", {1}, "abcd")),
            "x.npy: numbers of type '|O' cannot be read; save x.astype('<f4') or another "
            "little-endian integer "
            "or float type");
  EXPECT_EQ(npy_error(npy_bytes("<f4", {0, 3}, "")),
            "x.npy: the array is empty, shape (0, 3) float32");
  std::string version9 = npy_bytes("<f4", {1}, "abcd");
  version9[6] = 9;
  EXPECT_EQ(npy_error(version9), "x.npy: .npy format version 9; 1 to 3 can be read");
}

TEST_F(Readers, NpyThatIsCutSaysWhatWasExpectedAndFound) {
  const std::string whole = npy("<f4", {2, 5}, std::vector<float>(10, 1));
  EXPECT_EQ(npy_error(whole.substr(0, whole.size() - 4)),
            "x.npy: truncated: the header announces (2, 5) float32 = 40 bytes, the file can hold "
            "36 at most; copy "
            "or write the file again");
  EXPECT_EQ(npy_error(whole + "x"),
            "x.npy: expected 168 bytes, found more; the header does not fit the data");
  EXPECT_EQ(npy_error(whole.substr(0, 50)),
            "x.npy: truncated: the .npy header needs 118 bytes at offset 10, found 40; copy or "
            "write the file again");
}

TEST_F(Readers, AHugeHeaderDoesNotAllocate) {
  EXPECT_EQ(npy_error(npy_bytes("<f8", {1000000000000}, "abcd")),
            "x.npy: truncated: the header announces (1000000000000) float64 = 8000000000000 bytes, "
            "the file can "
            "hold 4 at most; copy or write the file again");
  EXPECT_EQ(
      npy_error(npy_bytes("<f8", {1ull << 40, 1ull << 40}, "abcd")),
      "x.npy: the shape (1099511627776, 1099511627776) float64 is impossible; the file is damaged");
  const std::string packed = gzip(npy_bytes("<f8", {1000000000000}, "abcd"));
  EXPECT_NE(npy_error(packed).find("truncated"), std::string::npos);
}

TEST_F(Readers, GzipThatIsCutOrDamaged) {
  std::vector<float> noise(5000);
  for (std::size_t i = 0; i < noise.size(); ++i)
    noise[i] = static_cast<float>(i * 7919 % 10007) / 3;
  const std::string whole = gzip(npy("<f4", {5000}, noise));
  const std::string cut = npy_error(whole.substr(0, whole.size() / 2));
  EXPECT_TRUE(cut.starts_with(
      "x.npy: truncated: the array of shape (5000) needs 20000 bytes at offset 128, found "))
      << cut;
  // Without its trailer (checksum and length) all numbers are there, but unproven.
  EXPECT_NE(npy_error(whole.substr(0, whole.size() - 6)), "read");
  std::string damaged = whole;
  damaged[damaged.size() - 7] ^= 1;  // in the checksum
  EXPECT_NE(npy_error(damaged).find("damaged gzip data"), std::string::npos) << npy_error(damaged);
}

TEST_F(Readers, IdxOfSeveralTypes) {
  const auto pixels = read_idx(folder_.put(
      "x.idx", idx_bytes(0x08, {2, 2, 2}, std::string("\x01\x02\xff\x00\x05\x06\x07\x08", 8))));
  ASSERT_TRUE(pixels.ok());
  EXPECT_EQ(pixels->dims, (std::vector<std::size_t>{2, 2, 2}));
  expect_numbers<int>(*pixels, {1, 2, 255, 0, 5, 6, 7, 8});
  const auto shorts = read_idx(
      folder_.put("x.idx.gz", gzip(idx_bytes(0x0B, {2}, std::string("\x01\x02\xff\xfe", 4)))));
  ASSERT_TRUE(shorts.ok());
  expect_numbers<int>(*shorts, {258, -2});
  const auto floats =
      read_idx(folder_.put("x.idx", idx_bytes(0x0D, {1}, std::string("\x3f\xc0\x00\x00", 4))));
  ASSERT_TRUE(floats.ok());
  expect_numbers<double>(*floats, {1.5});
}

TEST_F(Readers, IdxThatIsNone) {
  EXPECT_EQ(
      idx_error("GIF89a.."),
      "x.idx: not an IDX file: it starts with 47 49 46 38, expected 00 00, a type and 1 to 4 axes");
  EXPECT_EQ(idx_error(idx_bytes(0x0A, {1}, "a")),
            "x.idx: damaged IDX header: number type 0x0a is unknown");
  EXPECT_EQ(idx_error(idx_bytes(0x08, {3, 28, 28}, std::string(2000, 'x'))),
            "x.idx: truncated: the header announces (3, 28, 28) uint8 = 2352 bytes, the file can "
            "hold 2000 at most; "
            "copy or write the file again");
  EXPECT_EQ(idx_error(idx_bytes(0x08, {2}, "abc")),
            "x.idx: expected 10 bytes, found more; the header does not fit the data");
}

TEST_F(Readers, FilesThatAreMissingOrNoFiles) {
  const auto missing = read_npy(folder_.path("none.npy"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_EQ(without_folder(missing.error().message), "cannot read 'none.npy': no such file");
  EXPECT_EQ(without_folder(read_npy(folder_.path("")).error().message),
            "cannot read '': not a regular file");
}

TEST(Arrays, PermuteAxes) {
  // x[i][j][k] = 100 i + 10 j + k, turned into y[k][i][j].
  Array x{"x", NumberType::kInt16, {2, 3, 4}, {}};
  x.bytes.resize(2 * 3 * 4 * 2);
  const auto value = [](std::size_t i, std::size_t j, std::size_t k) {
    return 100 * i + 10 * j + k;
  };
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 4; ++k) {
        const auto v = static_cast<std::int16_t>(value(i, j, k));
        std::memcpy(x.bytes.data() + 2 * ((i * 3 + j) * 4 + k), &v, 2);
      }
    }
  }
  const std::size_t order[] = {2, 0, 1};
  const Array y = x.permuted(order);
  EXPECT_EQ(y.dims, (std::vector<std::size_t>{4, 2, 3}));
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        EXPECT_EQ(y.integer((k * 2 + i) * 3 + j), static_cast<std::int64_t>(value(i, j, k)));
      }
    }
  }
}

}  // namespace
}  // namespace atml::data

#include "ziplora/io/image_file.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <limits>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/base/rng.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/io/image_codecs.h"
#include "ziplora/io/image_formats.h"

// JPEG, WebP and the variants of PNG are compared with Pillow's pixels in tests/parity/test_image_file.py.

namespace ziplora {
namespace {

at::Tensor random_image(int64_t height, int64_t width) {
  return (at::rand({3, height, width}, make_generator(1)) * 255).round() / 255;
}

std::string problem_of(const std::filesystem::path& path) {
  try {
    read_image(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_FALSE(error.hint().empty());
    return error.problem();
  }
  return "";
}

/// Expects `words` of a file with these bytes; of a format that this build leaves out, that it does.
void expect_refused(const std::filesystem::path& path, const std::string& bytes, const std::string& words) {
  write_text_file(path, bytes);
  const ImageFormat* format = image_format_of(path, std::string_view(bytes).substr(0, kImageHeadBytes));
  const bool left_out = format != nullptr && format->decode == nullptr && can_be_read(*format);
  const std::string problem = problem_of(path);
  EXPECT_NE(problem.find(left_out ? "which ziplora was built without" : words), std::string::npos) << problem;
}

TEST(ImageFile, PngKeepsEveryPixel) {
  TemporaryFolder folder;
  const at::Tensor image = random_image(5, 7);
  write_png(folder / "a.png", image);
  EXPECT_LT((read_image(folder / "a.png") - image).abs().max().item<float>(), 1e-6f);
}

TEST(ImageFile, WriteClampsAndRefusesNan) {
  TemporaryFolder folder;
  at::Tensor image = at::full({3, 2, 2}, 7.0);
  image[0][0][0] = -1.0;
  write_png(folder / "a.png", image);
  EXPECT_EQ(read_image(folder / "a.png").sum().item<float>(), 11.0f);
  image[0][0][0] = std::numeric_limits<float>::quiet_NaN();
  try {
    write_png(folder / "b.png", image);
    FAIL() << "NaN was written";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNonFinite);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "b.png"));
}

TEST(ImageFile, TextComesBack) {
  TemporaryFolder folder;
  const StringMap text = {{"parameters", R"({"prompt": "a cat"})"},
                          {"Title", "naïve 猫 \U0001F408"},
                          {"long", std::string(10'000, 'x')},
                          {"long text", std::string(5'000, 'x') + "ü"},
                          {"empty", ""}};
  write_png(folder / "a.png", random_image(3, 3), text);
  EXPECT_EQ(read_png_text(folder / "a.png"), text);
  EXPECT_LT(std::filesystem::file_size(folder / "a.png"), 2'000u);  // long texts are compressed
}

TEST(ImageFile, RefusesKeywordsThatPngForbids) {
  TemporaryFolder folder;
  for (const std::string& key :
       {std::string(), std::string(80, 'k'), std::string(" a"), std::string("a\n"), std::string("ü")})
    EXPECT_THROW(write_png(folder / "a.png", random_image(3, 3), {{key, "text"}}), Error) << key;
  EXPECT_THROW(write_png(folder / "a.png", random_image(3, 3), {{"a", std::string("\0", 1)}}), Error);
}

TEST(ImageFile, EveryCutPngIsRefused) {
  TemporaryFolder folder;
  write_png(folder / "a.png", random_image(9, 9));
  const std::string bytes = read_file(folder / "a.png");
  for (size_t size = 0; size < bytes.size(); size += 3) {
    write_text_file(folder / "b.png", bytes.substr(0, size));
    EXPECT_NE(problem_of(folder / "b.png"), "") << size << " of " << bytes.size() << " bytes";
  }
}

TEST(ImageFile, ChangedPngIsRefused) {
  TemporaryFolder folder;
  write_png(folder / "a.png", random_image(9, 9));
  std::string bytes = read_file(folder / "a.png");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);  // the checksum tells
  write_text_file(folder / "b.png", bytes);
  EXPECT_NE(problem_of(folder / "b.png").find("the PNG is damaged"), std::string::npos);
}

TEST(ImageFile, RefusesGiganticImagesBeforeAllocating) {
  TemporaryFolder folder;
  EXPECT_THROW(check_image_size(1'000'000, 1'000'000, "test"), Error);
  EXPECT_THROW(check_image_size(0, 10, "test"), Error);
  EXPECT_NO_THROW(check_image_size(8000, 8000, "test"));
  EXPECT_THROW(check_image_size(8001, 8000, "test"), Error);
  EXPECT_NO_THROW(check_image_size(3200, 100, "test"));
  EXPECT_THROW(check_image_size(3201, 100, "test"), Error);
  EXPECT_THROW(check_image_size(1, 100'000, "test"), Error);
}

TEST(ImageFile, RefusesPipesAndDevicesWithoutWaiting) {
  TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "a.png").c_str(), 0600), 0);
  EXPECT_EQ(problem_of(folder / "a.png"), "this is a pipe or a device, a file is expected");
  EXPECT_EQ(problem_of("/dev/zero"), "this is a pipe or a device, a file is expected");
}

TEST(ImageFile, ChecksWithoutKeepingPixels) {
  TemporaryFolder folder;
  write_png(folder / "a.png", random_image(5, 7));
  const ImageSize size = check_image(folder / "a.png");
  EXPECT_EQ(size.height, 5);
  EXPECT_EQ(size.width, 7);
  write_text_file(folder / "b.png", read_file(folder / "a.png").substr(0, 60));
  EXPECT_THROW(check_image(folder / "b.png"), Error);
}

TEST(ImageFile, NamesWhatIsNoImage) {
  TemporaryFolder folder;
  write_text_file(folder / "a.png", "hello");
  EXPECT_EQ(problem_of(folder / "a.png"), "this is not an image");
  write_text_file(folder / "a.png", "");
  EXPECT_EQ(problem_of(folder / "a.png"), "the file is empty");
  expect_refused(folder / "a.png", "GIF89a....", "the GIF is damaged");
  expect_refused(folder / "a.png", std::string("\0\0\0\x20", 4) + "ftypavif....", "the HEIC or AVIF is");
  expect_refused(folder / "a.png", std::string("BM....\0\0\0\0....\x28\0", 16), "the BMP is damaged");
  expect_refused(folder / "a.png", std::string("II*\0\x08\0\0\0", 8), "the TIFF is damaged");
  write_text_file(folder / "a.png", "<svg ");
  EXPECT_EQ(problem_of(folder / "a.png"), "this is an image of type SVG");
  write_text_file(folder / "a.dng", std::string("II*\0\x08\0\0\0", 8));
  EXPECT_EQ(problem_of(folder / "a.dng"), "this is an image of type camera raw");
  expect_refused(folder / "a.jpg", "\xFF\xD8\xFF\xE0 nonsense", "JPEG");
  expect_refused(folder / "a.webp", std::string("RIFF\x10\0\0\0WEBPVP8 ", 16), "WebP");
  EXPECT_EQ(problem_of(folder / "none.png"), "there is no such file");
}

TEST(ImageFile, ListsByContentInNameOrder) {
  TemporaryFolder folder;
  for (const char* name : {"b.png", "a.png", "without_extension", "._a.png"})
    write_png(folder / name, random_image(2, 2));
  write_text_file(folder / "damaged.JPG", "not a JPEG");  // listed, so that reading it is an error
  write_text_file(folder / "a.txt", "a caption");
  std::filesystem::create_directory(folder / "c.png");
  std::vector<std::string> names;
  for (const auto& path : list_images(folder.path())) names.push_back(path.filename());
  EXPECT_EQ(names, (std::vector<std::string>{"a.png", "b.png", "damaged.JPG", "without_extension"}));
  EXPECT_EQ(list_images(folder / "a.png"), (std::vector<std::filesystem::path>{folder / "a.png"}));
}

TEST(ImageFile, EmptyAndMissingFoldersAreErrors) {
  TemporaryFolder folder;
  EXPECT_THROW(list_images(folder.path()), Error);
  EXPECT_THROW(list_images(folder / "none"), Error);
}

TEST(Exif, OrientationInBothByteOrders) {
  const std::string little("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0", 22);
  const std::string big("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0", 22);
  EXPECT_EQ(exif_orientation(little), 6);
  EXPECT_EQ(exif_orientation(big), 6);
  for (size_t size = 0; size < little.size(); ++size) {
    EXPECT_EQ(exif_orientation(little.substr(0, size)), 1) << size;
    EXPECT_EQ(exif_orientation(big.substr(0, size)), 1) << size;
  }
}

}  // namespace
}  // namespace ziplora

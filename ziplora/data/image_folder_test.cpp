#include "ziplora/data/image_folder.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/io/image_file.h"

namespace ziplora {
namespace {

class ImageFolder : public testing::Test {
 protected:
  ImageFolder() {
    for (const char* name : {"a.png", "b.png"}) write_png(folder_ / name, at::zeros({3, 2, 2}));
  }
  std::vector<CaptionedImage> list() { return list_captioned_images({folder_.path()}); }
  std::string problem() {
    try {
      list();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
      return error.problem();
    }
    return "";
  }
  TemporaryFolder folder_;
};

TEST_F(ImageFolder, CaptionsAreOptional) {
  write_text_file(folder_ / "b.txt", "  a dog\r\n");
  const auto items = list();
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].path, folder_ / "a.png");
  EXPECT_EQ(items[0].caption, std::nullopt);
  EXPECT_EQ(items[1].caption, "a dog");
}

TEST_F(ImageFolder, ReadsMetadataLines) {
  write_text_file(folder_ / "metadata.jsonl",
                  "{\"file_name\": \"b.png\", \"text\": \"naïve\", \"x\": 1}\n\n{\"file_name\": \"a.png\", "
                  "\"text\": \"a\"}");
  const auto items = list();
  EXPECT_EQ(items[0].caption, "a");
  EXPECT_EQ(items[1].caption, "naïve");
}

TEST_F(ImageFolder, SingleFilesKeepTheirOrderAndCaption) {
  write_text_file(folder_ / "a.txt", "a");
  const auto items = list_captioned_images({folder_ / "b.png", folder_ / "a.png"});
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].path, folder_ / "b.png");
  EXPECT_EQ(items[1].caption, "a");
}

TEST_F(ImageFolder, RefusesAmbiguousAndBrokenCaptions) {
  write_text_file(folder_ / "metadata.jsonl", R"({"file_name": "a.png", "text": "a"})");
  write_text_file(folder_ / "a.txt", "another");
  EXPECT_NE(problem().find("two captions, one in a.txt and one in metadata.jsonl"), std::string::npos);
  write_text_file(folder_ / "metadata.jsonl", "{\"file_name\": \"b.png\", \"text\": \"b\"}\nnonsense");
  EXPECT_EQ(problem(), "line 2: not a JSON object");
  write_text_file(folder_ / "metadata.jsonl", R"({"file_name": "b.png"})");
  EXPECT_EQ(problem(), "line 1: the field \"text\" is missing or not a string");
  write_text_file(folder_ / "metadata.jsonl", R"({"file_name": "c.png", "text": "c"})");
  EXPECT_EQ(problem(), "line 1: there is no image \"c.png\" in the folder");
  write_text_file(folder_ / "metadata.jsonl",
                  "{\"file_name\": \"b.png\", \"text\": \"b\"}\n{\"file_name\": \"b.png\", \"text\": \"b\"}");
  EXPECT_EQ(problem(), "line 2: \"b.png\" is named twice");
}

TEST(ImageFolders, NothingToReadIsAnError) {
  TemporaryFolder folder;
  EXPECT_THROW(list_captioned_images({}), Error);
  EXPECT_THROW(list_captioned_images({folder.path()}), Error);
  EXPECT_THROW(list_captioned_images({folder / "none"}), Error);
}

}  // namespace
}  // namespace ziplora

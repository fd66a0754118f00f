#include "ziplora/evaluate/image_features.h"

#include <gtest/gtest.h>

#include <set>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/evaluate/text_features.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

class ImageEncoderFolder : public ::testing::Test {
 protected:
  ImageEncoderFolder() { fs::create_directories(folder_); }
  ~ImageEncoderFolder() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) { write_text_file(folder_ / name, text); }

  /// "kind: problem" of the error that opening gives.
  template <class Encoder>
  std::string refusal() {
    try {
      if constexpr (std::is_same_v<Encoder, ImageEncoder>)
        open_image_encoder(folder_);
      else
        Encoder encoder(folder_);
    } catch (const Error& error) {
      return std::to_string(static_cast<int>(error.kind())) + ": " + error.problem();
    }
    return "";
  }

  fs::path folder_ = fs::path(::testing::TempDir()) / "image_encoder_folder";
};

TEST_F(ImageEncoderFolder, OfAnotherKindIsNamedBesideWhatIsKnown) {
  write("config.json", R"({"model_type": "siglip"})");
  EXPECT_NE(
      refusal<ImageEncoder>().find("4: config.json says model_type \"siglip\"; known are clip (openai/"),
      std::string::npos)
      << refusal<ImageEncoder>();
  EXPECT_NE(refusal<TextEncoder>().find("4: config.json says model_type \"siglip\""), std::string::npos);
  write("config.json", R"({"_class_name": "UNet2DConditionModel"})");
  EXPECT_NE(refusal<ImageEncoder>().find("_class_name \"UNet2DConditionModel\""), std::string::npos);
  write("config.json", "[]");
  EXPECT_NE(refusal<ImageEncoder>().find("no JSON object"), std::string::npos);
}

TEST_F(ImageEncoderFolder, ThatIsNoneSaysWhatItIs) {
  EXPECT_NE(refusal<ImageEncoder>().find("no config.json"), std::string::npos);
  write("model_index.json", "{}");
  EXPECT_NE(refusal<ImageEncoder>().find("diffusers folder"), std::string::npos);
  fs::remove_all(folder_);
  EXPECT_NE(refusal<ImageEncoder>().find("no such folder"), std::string::npos);
}

TEST_F(ImageEncoderFolder, WithPicklesOnlyIsRefused) {
  write("config.json", R"({"model_type": "csd_clip"})");
  write("checkpoint.pth", "");
  EXPECT_NE(refusal<ImageEncoder>().find("can run code when it is read"), std::string::npos)
      << refusal<ImageEncoder>();
}

TEST(ImageEncoderKinds, AreEachTheOnlyOneOfItsType) {
  std::set<std::string> types;
  for (const ImageEncoderKind& kind : image_encoder_kinds()) {
    EXPECT_TRUE(types.insert(kind.model_type).second) << kind.model_type;
    EXPECT_EQ(&find_image_encoder({{"model_type", kind.model_type}}, "x"), &kind);
  }
}

TEST(VitName, IsTheFieldsOwn) {
  EXPECT_EQ(vit_name(768, 32), "ViT-B/32");
  EXPECT_EQ(vit_name(384, 16), "ViT-S/16");
  EXPECT_EQ(vit_name(1536, 14), "ViT-g/14");
  EXPECT_EQ(vit_name(128, 8), "ViT-128/8");
}

}  // namespace
}  // namespace ziplora

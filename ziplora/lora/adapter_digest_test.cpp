#include "ziplora/lora/adapter_digest.h"

#include <gtest/gtest.h>

#include <functional>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/io/sha256.h"

namespace ziplora {
namespace {

class AdapterDigest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& bytes) {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    write_text_file(folder_.path() / name, bytes);
  }
  std::string digest(const std::string& name = "") const { return sha256_of_adapter(folder_.path() / name); }

  TemporaryFolder folder_;
};

TEST_F(AdapterDigest, OfAFileItIsTheFilesOwn) {
  write("cat.safetensors", "weights");
  EXPECT_EQ(digest("cat.safetensors"), sha256_of_bytes("weights"));
}

TEST_F(AdapterDigest, OfPeftsFileTheConfigBesideItCounts) {
  write("adapter_model.safetensors", "weights");
  const std::string alone = digest("adapter_model.safetensors");
  write("adapter_config.json", "{}");
  const std::string with_config = digest("adapter_model.safetensors");
  EXPECT_NE(with_config, alone);
  EXPECT_EQ(with_config, digest());  // the folder is the same adapter
  write("adapter_config.json", "{ }");
  EXPECT_NE(digest(), with_config);
}

TEST_F(AdapterDigest, OfAFolderWhatIsReadCountsAndWhere) {
  write("unet/adapter_config.json", "{}");
  write("unet/adapter_model.safetensors", "weights");
  const std::string in_unet = digest();
  write("checkpoint-10/adapter_model.safetensors", "a trainer's");
  EXPECT_EQ(digest(), in_unet);
  std::filesystem::rename(folder_.path() / "unet", folder_.path() / "text_encoder");
  EXPECT_NE(digest(), in_unet);
}

TEST_F(AdapterDigest, SeveralAreThoseOfTheBytesThatWereRead) {
  const auto digest_after = [&](const std::function<void()>& change) {
    write("cat.safetensors", "weights");
    write("unet/adapter_model.safetensors", "others");
    write("unet/adapter_config.json", "{}");
    AdapterDigests digests({folder_.path() / "cat.safetensors", folder_.path() / "unet"});
    change();
    digests.start();
    return digests.get();
  };
  const std::vector<std::string> unchanged = digest_after([] {});
  EXPECT_EQ(unchanged, (std::vector{sha256_of_bytes("weights"), digest("unet")}));
  const auto refusal = [&](const std::function<void()>& change) -> std::string {
    try {
      digest_after(change);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
      return error.where();
    }
    return "none";
  };
  EXPECT_NE(refusal([&] { write("cat.safetensors", "WEIGHTS"); }).find("cat.safetensors"), std::string::npos);
  EXPECT_NE(refusal([&] { write("unet/adapter_config.json", "{ }"); }).find("config"), std::string::npos);
  EXPECT_EQ(refusal([&] { write("dog.safetensors", "x"); }), "none");
}

TEST_F(AdapterDigest, AMissingFileIsAnError) { EXPECT_THROW(digest("none.safetensors"), Error); }

}  // namespace
}  // namespace ziplora

#include "ziplora/io/sha256.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora {
namespace {

// FIPS 180-2, appendix B.
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kMillionA = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

// FIPS 180-4's published examples, and a length that ends in the padding block.
TEST(Sha256, PublishedExamplesInOnePieceAndByteByByte) {
  const auto hex = [](const std::string& text) {
    Sha256 hash;
    for (char c : text) hash.update(&c, 1);
    Sha256 whole;
    whole.update(text.data(), text.size());
    EXPECT_EQ(hash.hex(), whole.hex());
    return whole.hex();
  };
  EXPECT_EQ(hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, PublishedValues) {
  EXPECT_EQ(sha256_of_bytes("abc"), kAbc);
  EXPECT_EQ(sha256_of_bytes(std::string(1'000'000, 'a')), kMillionA);
}

TEST(Sha256, OfFiles) {
  TemporaryFolder folder;
  write_text_file(folder / "abc", "abc");
  EXPECT_EQ(sha256_of_file(folder / "abc"), kAbc);
  const std::string blocks(3'000'001, 'b');  // more than one block
  write_text_file(folder / "blocks", blocks);
  EXPECT_EQ(sha256_of_file(folder / "blocks"), sha256_of_bytes(blocks));
  EXPECT_THROW(sha256_of_file(folder / "none"), Error);
  EXPECT_THROW(sha256_of_file(folder.path()), Error);
}

TEST(Sha256, OfTensorsIgnoresMetadata) {
  TemporaryFolder folder;
  const NamedTensors tensors = {{"a", at::full({3}, 'a', at::kByte)}};
  write_safetensors(folder / "1", tensors, {{"x", "1"}});
  write_safetensors(folder / "2", tensors);
  EXPECT_EQ(sha256_of_tensors(SafetensorsFile(folder / "1")), sha256_of_bytes("aaa"));
  EXPECT_EQ(sha256_of_tensors(SafetensorsFile(folder / "2")), sha256_of_bytes("aaa"));
  EXPECT_NE(sha256_of_file(folder / "1"), sha256_of_file(folder / "2"));
}

}  // namespace
}  // namespace ziplora

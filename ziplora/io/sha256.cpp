#include "ziplora/io/sha256.h"

#include <openssl/evp.h>

#include <memory>
#include <vector>

#include "ziplora/base/error.h"
#include "ziplora/base/open_input.h"

namespace ziplora {
namespace {
void check(bool done) {
  if (!done)
    throw Error(ErrorKind::kFailed, "sha256", "OpenSSL could not compute the digest",
                "check the installation of libssl");
}
}  // namespace

struct Sha256::Context {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> evp{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  check(context_->evp != nullptr && EVP_DigestInit_ex(context_->evp.get(), EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;

void Sha256::update(const void* bytes, size_t size_bytes) {
  check(EVP_DigestUpdate(context_->evp.get(), bytes, size_bytes) == 1);
}

std::string Sha256::hex() const {
  Context copy;  // the digest stays open for more
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  check(copy.evp != nullptr && EVP_MD_CTX_copy_ex(copy.evp.get(), context_->evp.get()) == 1 &&
        EVP_DigestFinal_ex(copy.evp.get(), digest, &size) == 1);
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

std::string sha256_of_bytes(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes.data(), bytes.size());
  return digest.hex();
}

std::string sha256_of_file(const std::filesystem::path& path, const std::stop_token& stop) {
  const InputFile file = open_input(path);
  Sha256 digest;
  std::vector<char> block(1 << 20);
  for (;;) {
    if (stop.stop_requested()) return "";
    const size_t got = file.read(block.data(), block.size());
    if (got == 0) return digest.hex();
    digest.update(block.data(), got);
  }
}

std::string sha256_of_tensors(const SafetensorsFile& file) {
  Sha256 digest;
  digest.update(file.data(), file.data_size_bytes());
  return digest.hex();
}

}  // namespace ziplora

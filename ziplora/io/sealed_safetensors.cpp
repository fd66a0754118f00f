#include "ziplora/io/sealed_safetensors.h"

#include <fmt/format.h>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/io/sha256.h"
#include "ziplora/io/utf8_text.h"

namespace ziplora {
namespace {

constexpr const char* kSealKey = "ziplora.seal_sha256";
/// Stands in the header while the digest is computed.
const std::string kNoDigest(64, '0');

}  // namespace

void write_sealed_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                              StringMap metadata) {
  const SafetensorsEncoding encoding(tensors, "write " + path.string());
  AtomicFile file(path);
  Sha256 digest;
  const auto take = [&](const void* bytes, size_t size_bytes) {
    digest.update(bytes, size_bytes);
    file.write(bytes, size_bytes);
  };
  metadata = utf8_text(std::move(metadata));
  metadata[kSealKey] = kNoDigest;
  const std::string draft = encoding.header(metadata);
  take(draft.data(), draft.size());
  encoding.data(take);
  metadata[kSealKey] = digest.hex();
  file.rewrite_start(encoding.header(metadata));
  file.commit();
}

void require_seal(const SafetensorsFile& file, const std::string& where, const std::string& hint) {
  const auto found = file.metadata().find(kSealKey);
  if (found == file.metadata().end())
    throw Error(ErrorKind::kInput, where,
                "the file holds no digest of itself: an early version of ziplora wrote it, or it is damaged",
                hint);
  const uint64_t header_size = file.file_size_bytes() - file.data_size_bytes();
  std::string header(reinterpret_cast<const char*>(file.data()) - header_size, header_size);
  const size_t key = header.find(fmt::format("\"{}\":\"{}\"", kSealKey, found->second));
  Sha256 digest;
  if (key != std::string::npos && found->second.size() == kNoDigest.size()) {
    header.replace(header.find(found->second, key), kNoDigest.size(), kNoDigest);
    digest.update(header.data(), header.size());
    digest.update(file.data(), file.data_size_bytes());
    if (digest.hex() == found->second) return;
  }
  throw Error(ErrorKind::kInput, where, "the file is damaged: its bytes are not those that were written",
              hint);
}

}  // namespace ziplora

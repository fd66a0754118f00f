#include "ziplora/io/hashed_safetensors.h"

#include <exception>
#include <stop_token>
#include <thread>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/io/sha256.h"

namespace ziplora {
namespace {

/// @param stop  asked between tensors; the result then means nothing
std::string sha256_of(const SafetensorsEncoding& encoding, const std::stop_token& stop) {
  Sha256 digest;
  encoding.data([&](const void* bytes, size_t size) {
    if (!stop.stop_requested()) digest.update(bytes, size);
  });
  return digest.hex();
}

}  // namespace

void write_hashed_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                              const std::function<StringMap(const std::string& data_sha256)>& metadata_of) {
  const std::string where = "write " + path.string();
  const SafetensorsEncoding encoding(tensors, where);
  AtomicFile file(path);
  std::string digest;
  std::exception_ptr failure;
  std::jthread hashing([&](const std::stop_token& stop) {  // an error in what follows stops it
    try {
      digest = sha256_of(encoding, stop);
    } catch (...) {
      failure = std::current_exception();
    }
  });
  const std::string draft = encoding.header(metadata_of(std::string(64, '0')));
  file.write(draft.data(), draft.size());
  encoding.data([&](const void* bytes, size_t size) { file.write(bytes, size); });
  hashing.join();
  if (failure) std::rethrow_exception(failure);
  const std::string header = encoding.header(metadata_of(digest));
  if (header.size() != draft.size())
    throw Error(ErrorKind::kInternal, where, "the metadata's size depends on the digest");
  file.rewrite_start(header);
  file.commit();
}

}  // namespace ziplora

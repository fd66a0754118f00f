#include "ziplora/io/hashed_safetensors.h"

#include <exception>
#include <thread>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/io/sha256.h"

namespace ziplora {
namespace {

/// The encoder hands over the header's length, the header, and then data.
constexpr int kHeaderPieces = 2;

std::string header_of(const NamedTensors& tensors, const StringMap& metadata, const std::string& where) {
  std::string header;
  int pieces = 0;
  const auto take = [&](const void* bytes, size_t size) {
    if (pieces++ < kHeaderPieces) header.append(static_cast<const char*>(bytes), size);
  };
  encode_safetensors(tensors, metadata, take, where);
  return header;
}

}  // namespace

std::string sha256_of_data(const NamedTensors& tensors, const std::stop_token& stop) {
  Sha256 digest;
  int pieces = 0;
  encode_safetensors(tensors, {}, [&](const void* bytes, size_t size) {
    if (pieces++ >= kHeaderPieces && !stop.stop_requested()) digest.update(bytes, size);
  });
  return digest.hex();
}

void write_hashed_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                              const std::function<StringMap(const std::string& data_sha256)>& metadata_of) {
  const std::string where = "write " + path.string();
  AtomicFile file(path);
  std::string digest;
  std::exception_ptr failure;
  std::jthread hashing([&](const std::stop_token& stop) {  // an error in what follows stops it
    try {
      digest = sha256_of_data(tensors, stop);
    } catch (...) {
      failure = std::current_exception();
    }
  });
  size_t header_size = 0;
  int pieces = 0;
  const auto write = [&](const void* bytes, size_t size) {
    if (pieces++ < kHeaderPieces) header_size += size;
    file.write(bytes, size);
  };
  encode_safetensors(tensors, metadata_of(std::string(64, '0')), write, where);
  hashing.join();
  if (failure) std::rethrow_exception(failure);
  const std::string header = header_of(tensors, metadata_of(digest), where);
  if (header.size() != header_size)
    throw Error(ErrorKind::kInternal, where, "the metadata's size depends on the digest");
  file.rewrite_start(header);
  file.commit();
}

}  // namespace ziplora

#include "ziplora/lora/adapter_digest.h"

#include <vector>

#include "ziplora/io/sha256.h"

namespace ziplora {

std::string sha256_of_adapter(const std::filesystem::path& path, const std::stop_token& stop) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(path)) return sha256_of_file(path, stop);
  // What an adapter is read from (adapter_pieces.h), not what else lies there: a trainer's checkpoints, say.
  std::string digests;
  for (const char* folder : {"", "text_encoder", "text_encoder_2", "unet"})
    for (const char* name :
         {"adapter_config.json", "adapter_model.safetensors", "pytorch_lora_weights.safetensors"})
      if (const fs::path file = path / folder / name; fs::is_regular_file(file))
        digests += sha256_of_file(file, stop);
  return sha256_of_bytes(digests);
}

AdapterDigests::AdapterDigests(std::vector<std::filesystem::path> paths)
    : digests_(std::async(std::launch::async, [paths = std::move(paths), stop = stop_.get_token()] {
        std::vector<std::string> digests;
        for (const std::filesystem::path& path : paths) digests.push_back(sha256_of_adapter(path, stop));
        return digests;
      })) {}

AdapterDigests::~AdapterDigests() { stop_.request_stop(); }

}  // namespace ziplora

// Reads bytes as a safetensors file. If they are accepted, the tensors account for every byte of the file,
// and the header says the same after it is written and read again.
#include "fuzz_target.h"
#include "memory_file.h"
#include "ziplora/base/error.h"
#include "ziplora/io/safetensors.h"
#include "ziplora/io/safetensors_dtype.h"
#include "ziplora/io/safetensors_header.h"

namespace ziplora {
namespace {

bool operator==(const TensorInfo& a, const TensorInfo& b) {
  return a.dtype == b.dtype && a.shape == b.shape && a.begin == b.begin && a.end == b.end;
}

void check_tensors(const SafetensorsFile& file) {
  uint64_t bytes = 0;
  for (const auto& [name, info] : file.tensors()) {
    require(info.begin <= info.end && info.end <= file.data_size_bytes(), "a tensor lies outside the file");
    bytes += info.end - info.begin;
    if (!find_safetensors_dtype(info.dtype)->type) continue;  // of 4 or 6 bits: torch has no such dtype
    const at::Tensor tensor = file.tensor(name);
    require(tensor.nbytes() == info.end - info.begin, "a tensor's size is not that of its bytes");
    require(tensor.clone().sizes() == at::IntArrayRef(info.shape), "a tensor's shape is not the header's");
  }
  require(bytes == file.data_size_bytes(), "bytes of the file belong to no tensor");
}

void check_header_again(const SafetensorsFile& file) {
  const std::vector<std::pair<std::string, TensorInfo>> infos(file.tensors().begin(), file.tensors().end());
  const std::string json = build_safetensors_header(infos, file.metadata(), "fuzz");
  const SafetensorsHeader again = parse_safetensors_header(json, file.data_size_bytes(), "fuzz");
  require(again.metadata == file.metadata(), "metadata changes when it is written");
  require(again.tensors.size() == infos.size(), "tensors are lost when the header is written");
  for (const auto& [name, info] : infos)
    require(again.tensors.at(name) == info, "a tensor changes when it is written");
}

}  // namespace

void fuzz_safetensors(std::string_view bytes) {
  const MemoryFile bytes_as_file(bytes);
  try {
    const SafetensorsFile file(bytes_as_file.path());
    check_tensors(file);
    check_header_again(file);
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::kInput && !error.hint().empty(), "an error of the wrong kind");
  }
  // Once more on a copy that ends with the header, where AddressSanitizer reports a read past the end.
  const std::string header(bytes.substr(std::min<size_t>(bytes.size(), 8)));
  try {
    parse_safetensors_header(header, 0, "fuzz");
  } catch (const Error&) {
  }
}

}  // namespace ziplora

#include "ziplora/io/safetensors_writer.h"

#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/base/free_space.h"
#include "ziplora/io/safetensors_dtype.h"
#include "ziplora/io/safetensors_header.h"

namespace ziplora {
namespace fs = std::filesystem;

uint64_t PlannedTensor::size_bytes() const {
  const SafetensorsDtype* known = find_safetensors_dtype(dtype);
  if (known == nullptr)
    throw Error(ErrorKind::kInternal, "write safetensors", fmt::format("{} has dtype '{}'", name, dtype));
  uint64_t elements = 1;
  for (const int64_t size : shape) elements *= static_cast<uint64_t>(size);
  return elements * static_cast<uint64_t>(known->bits) / 8;
}

SafetensorsWriter::SafetensorsWriter(const fs::path& path, const std::vector<PlannedTensor>& tensors,
                                     const StringMap& metadata)
    : where_("write " + path.string()), file_(path) {
  std::vector<std::pair<std::string, TensorInfo>> infos;
  uint64_t end = 0;
  for (const PlannedTensor& tensor : tensors) {
    const uint64_t begin = end;
    end += tensor.size_bytes();
    infos.push_back({tensor.name, {tensor.dtype, tensor.shape, begin, end}});
    ends_.push_back({tensor.name, tensor.dtype, end});
  }
  const std::string header = build_safetensors_header(infos, metadata, where_);
  const uint64_t header_size = header.size();
  require_space_for(path, sizeof(header_size) + header_size + end);
  file_.write(&header_size, sizeof(header_size));
  file_.write(header);
  skip_finished();
}

void SafetensorsWriter::skip_finished() {
  while (due_ < ends_.size() && ends_[due_].offset <= written_) ++due_;
}

void SafetensorsWriter::append(const void* bytes, size_t size_bytes) {
  file_.write(bytes, size_bytes);
  written_ += size_bytes;
  skip_finished();
}

void SafetensorsWriter::append(const at::Tensor& values) {
  const at::Tensor dense = values.detach().cpu().contiguous();
  const SafetensorsDtype* dtype = find_safetensors_dtype(dense.scalar_type());
  if (dense.numel() == 0) return;
  if (due_ == ends_.size() || dtype == nullptr || dtype->name != ends_[due_].dtype ||
      written_ + dense.nbytes() > ends_[due_].offset)
    throw Error(ErrorKind::kInternal, where_,
                fmt::format("{} bytes of {} do not fit where {} is due", dense.nbytes(),
                            toString(dense.scalar_type()),
                            due_ == ends_.size() ? "the end" : ends_[due_].name + " " + ends_[due_].dtype));
  append(dense.const_data_ptr(), dense.nbytes());
}

void SafetensorsWriter::commit() {
  const uint64_t planned = ends_.empty() ? 0 : ends_.back().offset;
  if (written_ != planned)
    throw Error(ErrorKind::kInternal, where_,
                fmt::format("{} of {} bytes of data were written", written_, planned));
  file_.commit();
}

}  // namespace ziplora

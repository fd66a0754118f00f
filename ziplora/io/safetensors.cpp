#include "ziplora/io/safetensors.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/mapped_input.h"
#include "ziplora/io/file_signs.h"
#include "ziplora/io/mapped_pages.h"
#include "ziplora/io/safetensors_dtype.h"
#include "ziplora/io/safetensors_header.h"

static_assert(std::endian::native == std::endian::little,
              "safetensors data is little-endian and used in place");

namespace ziplora {
namespace {

constexpr uint64_t kLengthBytes = 8;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& problem,
                         std::string_view head) {
  const std::string likely(looks_like(head));
  throw Error(ErrorKind::kInput, "read " + path.string(), problem,
              likely.empty() ? "check that this is a safetensors file and that its download is complete"
                             : "it looks like " + likely);
}

/// Lets the whole pages between two addresses of a map leave memory.
void drop_pages(const unsigned char* begin, const unsigned char* end) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t first = (reinterpret_cast<uintptr_t>(begin) + page - 1) / page * page;
  const uintptr_t last = reinterpret_cast<uintptr_t>(end) / page * page;
  if (last > first) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

/// The deleter of every view. Its address tells views from other memory, whose pages must not be dropped.
void release_map(void* owner) { delete static_cast<std::shared_ptr<void>*>(owner); }

}  // namespace

struct SafetensorsFile::Map : MappedInput {
  uint64_t data_begin = 0;
  explicit Map(const std::filesystem::path& path) : MappedInput(path, "a safetensors file") {}
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : path_(path), map_(std::make_shared<Map>(path)) {
  const std::string_view file(reinterpret_cast<const char*>(map_->bytes()), map_->size_bytes());
  if (file.size() < kLengthBytes)
    refuse(path, fmt::format("the file has {} bytes; even an empty safetensors file has 10", file.size()),
           file);
  uint64_t header_size = 0;
  std::memcpy(&header_size, file.data(), kLengthBytes);
  if (header_size == 0) refuse(path, "the header is empty: its length is 0", file);
  if (header_size > kSafetensorsHeaderLimitBytes)
    refuse(
        path,
        fmt::format("this is not a safetensors file: the header would take {} bytes, at most {} are allowed",
                    header_size, kSafetensorsHeaderLimitBytes),
        file);
  if (header_size > file.size() - kLengthBytes)
    refuse(path,
           fmt::format("the file ends inside its header: the header takes {} bytes, {} are there",
                       header_size, file.size() - kLengthBytes),
           file);
  map_->data_begin = kLengthBytes + header_size;
  SafetensorsHeader header = parse_safetensors_header(
      file.substr(kLengthBytes, header_size), file.size() - map_->data_begin, "read " + path.string());
  tensors_ = std::move(header.tensors);
  metadata_ = std::move(header.metadata);
}

const TensorInfo& SafetensorsFile::info(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end())
    throw Error(ErrorKind::kInput, "read " + path_.string(),
                fmt::format("there is no tensor \"{}\" among its {}", name, tensors_.size()),
                "run 'ziplora inspect " + path_.string() + "' to see what it holds");
  return found->second;
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const TensorInfo& about = info(name);
  const SafetensorsDtype* dtype = find_safetensors_dtype(about.dtype);
  if (!dtype->type)
    throw Error(ErrorKind::kInput, "read " + path_.string(),
                fmt::format("tensor \"{}\" is {}, which cannot be computed with", name, about.dtype),
                "use a version of the file in F16, BF16 or F32");
  unsigned char* bytes = map_->bytes() + map_->data_begin + about.begin;
  const auto options = at::TensorOptions().dtype(*dtype->type);
  if (reinterpret_cast<uintptr_t>(bytes) % (static_cast<size_t>(dtype->bits) / 8) != 0) {
    at::Tensor copy = at::empty(about.shape, options);
    if (copy.numel() > 0) std::memcpy(copy.data_ptr(), bytes, about.end - about.begin);
    return copy;
  }
  return at::for_blob(bytes, about.shape)
      .context(new std::shared_ptr<void>(map_), release_map)
      .options(options)
      .make_tensor();
}

void SafetensorsFile::release_pages(const std::string& name) const {
  const TensorInfo& about = info(name);
  drop_pages(data() + about.begin, data() + about.end);
}

void release_mapped_pages(const at::Tensor& tensor) {
  if (!tensor.defined() || !tensor.has_storage()) return;
  const c10::DataPtr& memory = tensor.storage().data_ptr();
  if (memory.get_deleter() != release_map) return;
  const auto* begin = static_cast<const unsigned char*>(memory.get());
  drop_pages(begin, begin + tensor.storage().nbytes());
}

uint64_t SafetensorsFile::file_size_bytes() const { return map_->size_bytes(); }
const unsigned char* SafetensorsFile::data() const { return map_->bytes() + map_->data_begin; }
uint64_t SafetensorsFile::data_size_bytes() const { return map_->size_bytes() - map_->data_begin; }

SafetensorsEncoding::SafetensorsEncoding(const NamedTensors& tensors, std::string where)
    : where_(std::move(where)) {
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined())
      throw Error(ErrorKind::kInternal, where_, fmt::format("tensor \"{}\" is undefined", name));
    const SafetensorsDtype* dtype = find_safetensors_dtype(tensor.scalar_type());
    if (dtype == nullptr || tensor.layout() != at::kStrided)
      throw Error(
          ErrorKind::kInternal, where_,
          fmt::format("tensor \"{}\" is {}{}, which the format cannot hold", name,
                      tensor.layout() == at::kStrided ? "" : "sparse ", toString(tensor.scalar_type())));
    items_.push_back({&name, &tensor, dtype});
  }
  // NamedTensors is in name order already.
  std::stable_sort(items_.begin(), items_.end(),
                   [](const Item& a, const Item& b) { return a.dtype->write_rank > b.dtype->write_rank; });
}

std::string SafetensorsEncoding::header(const StringMap& metadata) const {
  std::vector<std::pair<std::string, TensorInfo>> infos;
  uint64_t end = 0;
  for (const Item& item : items_) {
    const uint64_t begin = end;
    end += static_cast<uint64_t>(item.tensor->numel()) * item.tensor->element_size();
    infos.push_back({*item.name, {std::string(item.dtype->name), item.tensor->sizes().vec(), begin, end}});
  }
  const std::string json = build_safetensors_header(infos, metadata, where_);
  const uint64_t size = json.size();
  return std::string(reinterpret_cast<const char*>(&size), kLengthBytes) + json;
}

void SafetensorsEncoding::data(const std::function<void(const void* bytes, size_t size_bytes)>& sink) const {
  for (const Item& item : items_) {
    const at::Tensor dense = item.tensor->detach().cpu().resolve_conj().resolve_neg().contiguous();
    sink(dense.const_data_ptr(), dense.nbytes());
  }
}

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const StringMap& metadata) {
  AtomicFile file(path);
  const SafetensorsEncoding encoding(tensors, "write " + path.string());
  const std::string header = encoding.header(metadata);
  file.write(header.data(), header.size());
  encoding.data([&](const void* bytes, size_t size_bytes) { file.write(bytes, size_bytes); });
  file.commit();
}

}  // namespace ziplora

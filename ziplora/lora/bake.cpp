#include "ziplora/lora/bake.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/ones.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "ziplora/base/error.h"
#include "ziplora/io/safetensors_dtype.h"

namespace ziplora {
namespace {

constexpr int64_t kBlockBytes = int64_t{8} << 20;
constexpr const char* kWhere = "bake";
constexpr const char* kArchitectureHint = "use a base of the architecture that the adapter was trained on";

bool can_be_added_to(const std::string& dtype) {
  return dtype == "F16" || dtype == "BF16" || dtype == "F32" || dtype == "F64";
}

int64_t rows_of(const TensorInfo& info) { return info.shape.empty() ? 1 : info.shape.front(); }
int64_t columns_of(const TensorInfo& info) {
  return std::accumulate(info.shape.begin() + (info.shape.empty() ? 0 : 1), info.shape.end(), int64_t{1},
                         std::multiplies<>());
}

/// The file's tensors in the order of their data.
std::vector<std::string> in_order_of_data(const SafetensorsFile& file) {
  std::vector<std::string> names;
  for (const auto& [name, info] : file.tensors()) names.push_back(name);
  std::stable_sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return file.info(a).begin < file.info(b).begin;
  });
  return names;
}

void append_copy(const SafetensorsFile& file, const std::string& tensor, SafetensorsWriter& writer,
                 const CancelToken& cancel) {
  const TensorInfo& info = file.info(tensor);
  for (uint64_t at = info.begin; at < info.end; at += kBlockBytes) {
    cancel.throw_if_cancelled(kWhere);
    writer.append(file.data() + at, std::min<uint64_t>(kBlockBytes, info.end - at));
    file.release_pages(tensor);
  }
}

}  // namespace

Baker::Baker(const BaseFiles& base, std::vector<ScaledAdapter> adapters, std::optional<at::ScalarType> dtype)
    : base_(base), dtype_(dtype) {
  std::map<std::string, std::pair<std::vector<at::Tensor>, std::vector<at::Tensor>>> factors;
  const auto require = [&](const std::string& parameter, const Adapter& adapter) {
    if (base.contains(parameter)) return;
    throw Error(ErrorKind::kIncompatible, kWhere,
                fmt::format("{} changes {}, which {} lacks", adapter.source.string(), parameter,
                            base.path().string()),
                kArchitectureHint);
  };
  for (const auto& [adapter, strength] : adapters) {
    for (const auto& [target, layer] : adapter->layers) {
      const std::string weight = target + ".weight";
      require(weight, *adapter);
      auto& [ups, downs] = factors[weight];
      ups.push_back(layer.up.to(at::kFloat).flatten(1) * (strength * layer.scale()));
      downs.push_back(layer.down.to(at::kFloat).flatten(1));
    }
    for (const auto& [parameter, delta] : adapter->vector_deltas) {
      require(parameter, *adapter);
      auto& [ups, downs] = factors[parameter];
      ups.push_back(delta.to(at::kFloat).view({-1, 1}) * strength);
      downs.push_back(at::ones({1, 1}));
    }
  }
  for (const auto& [weight, parts] : factors) {
    if (!can_be_added_to(base.dtypes().at(weight)))
      throw Error(ErrorKind::kInput, kWhere,
                  fmt::format("{} is {} in {}: too coarse a dtype for small changes", weight,
                              base.dtypes().at(weight), base.path().string()),
                  "use a version of the base in F16, BF16 or F32");
    updates_[weight] = {at::cat(parts.first, 1), at::cat(parts.second, 0)};
  }
  for (const BaseFile& file : base.files())
    for (const auto& [tensor, info] : file.tensors->tensors())
      for (const RowUpdate& update : updates_of(file, tensor))
        if (update.first_row + update.up.size(0) > rows_of(info) || update.down.size(1) != columns_of(info))
          throw Error(ErrorKind::kIncompatible, kWhere,
                      fmt::format("{} is [{}] in {}, the adapter's layer makes {} × {}", tensor,
                                  fmt::join(info.shape, ", "), file.path.string(), update.up.size(0),
                                  update.down.size(1)),
                      kArchitectureHint);
}

std::vector<Baker::RowUpdate> Baker::updates_of(const BaseFile& file, const std::string& tensor) const {
  std::vector<RowUpdate> updates;
  for (const TranslatedTensor& model : base_.models_of(file, tensor)) {
    const auto found = updates_.find(model.name);
    if (found == updates_.end()) continue;
    const auto& [up, down] = found->second;
    if (model.view == TranslatedTensor::View::kTransposed)
      updates.push_back({0, down.t(), up.t()});
    else
      updates.push_back({model.third * up.size(0), up, down});
  }
  return updates;
}

std::string Baker::output_dtype(const BaseFile& file, const std::string& tensor) const {
  const std::string& own = file.tensors->info(tensor).dtype;
  if (!dtype_ || !can_be_added_to(own) || base_.models_of(file, tensor).empty()) return own;
  return std::string(find_safetensors_dtype(*dtype_)->name);
}

void Baker::append_sum(const BaseFile& file, const std::string& tensor, const std::vector<RowUpdate>& updates,
                       SafetensorsWriter& writer, const CancelToken& cancel) const {
  const TensorInfo& info = file.tensors->info(tensor);
  const int64_t rows = rows_of(info), columns = columns_of(info);
  const at::ScalarType dtype = *find_safetensors_dtype(output_dtype(file, tensor))->type;
  const at::ScalarType sum_dtype = info.dtype == "F64" ? at::kDouble : at::kFloat;
  const int64_t most_rows =
      std::max<int64_t>(1, kBlockBytes / (sizeof(float) * std::max<int64_t>(columns, 1)));
  for (int64_t begin = 0; begin < rows; begin += most_rows) {
    cancel.throw_if_cancelled(kWhere);
    const int64_t end = std::min(rows, begin + most_rows);
    at::Tensor sum = file.tensors->tensor(tensor)
                         .reshape({rows, columns})
                         .narrow(0, begin, end - begin)
                         .to(sum_dtype, /*non_blocking=*/false, /*copy=*/true);
    for (const RowUpdate& update : updates) {
      const int64_t from = std::max(begin, update.first_row),
                    to = std::min(end, update.first_row + update.up.size(0));
      if (from < to)
        sum.narrow(0, from - begin, to - from)
            .addmm_(update.up.narrow(0, from - update.first_row, to - from).to(sum_dtype),
                    update.down.to(sum_dtype));
    }
    const at::Tensor stored = sum.to(dtype);
    if (!at::isfinite(stored).all().item<bool>())
      throw Error(ErrorKind::kNonFinite, kWhere,
                  fmt::format("{} gets values that {} cannot hold", tensor, toString(dtype)),
                  "lower the strengths, or write float32");
    writer.append(stored);
    file.tensors->release_pages(tensor);
  }
}

void Baker::write(const BaseFile& file, const std::filesystem::path& output, const StringMap& metadata,
                  Stage& stage, const CancelToken& cancel) const {
  const std::vector<std::string> names = in_order_of_data(*file.tensors);
  std::vector<PlannedTensor> plan;
  for (const std::string& name : names)
    plan.push_back({name, output_dtype(file, name), file.tensors->info(name).shape});
  SafetensorsWriter writer(output, plan, metadata);
  for (const PlannedTensor& tensor : plan) {
    const std::vector<RowUpdate> updates = updates_of(file, tensor.name);
    if (updates.empty() && tensor.dtype == file.tensors->info(tensor.name).dtype)
      append_copy(*file.tensors, tensor.name, writer, cancel);
    else
      append_sum(file, tensor.name, updates, writer, cancel);
    stage.step();
  }
  writer.commit();
}

}  // namespace ziplora

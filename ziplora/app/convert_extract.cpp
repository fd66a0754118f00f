#include "ziplora/app/convert_extract.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <c10/util/accumulate.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "ziplora/app/base_targets.h"
#include "ziplora/app/convert.h"
#include "ziplora/base/dtype_name.h"
#include "ziplora/base/error.h"
#include "ziplora/base/peak_memory.h"
#include "ziplora/io/json_file.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/factorize.h"
#include "ziplora/lora/key_dialects.h"
#include "ziplora/models/base_files.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kArchitectureHint =
    "a LoRA is extracted from two checkpoints of one architecture: a model and what it was tuned from";

Error unlike(const std::string& problem) {
  return Error(ErrorKind::kIncompatible, "extract", problem, kArchitectureHint);
}

bool is_buffer(const std::string& name) { return name.ends_with("position_ids"); }

/// Names in both, less buffers.
std::vector<std::string> common_names(const BaseFiles& tuned, const BaseFiles& base) {
  for (const auto& [a, b] : {std::pair{&tuned, &base}, std::pair{&base, &tuned}})
    for (const auto& [name, dtype] : a->dtypes())
      if (!b->contains(name) && !is_buffer(name))
        throw unlike(fmt::format("{} has the tensor {}, which {} lacks", a->path().string(), name,
                                 b->path().string()));
  std::vector<std::string> names;
  for (const auto& [name, dtype] : base.dtypes())
    if (!is_buffer(name)) names.push_back(name);
  return names;
}

/// Linear layers of some files are 1 × 1 convolutions in others.
std::pair<at::Tensor, at::Tensor> matching(const BaseFiles& tuned, const BaseFiles& base,
                                           const std::string& name) {
  const at::Tensor a = tuned.tensor(name), b = base.tensor(name);
  if (a.numel() == b.numel() && (a.dim() == 0 || a.size(0) == b.size(0))) return {a.reshape(b.sizes()), b};
  throw unlike(fmt::format("{} is [{}] in {} and [{}] in {}", name, fmt::join(a.sizes(), ", "),
                           tuned.path().string(), fmt::join(b.sizes(), ", "), base.path().string()));
}

struct Extraction {
  Adapter adapter;
  json per_layer = json::array(), left_out = json::array();
  int64_t unchanged_layers = 0;
  double squared_norm = 0, squared_dropped = 0;
};

void extract_tensor(const std::string& name, const at::Tensor& tuned, const at::Tensor& base,
                    const TargetNames& names, const ExtractRequest& request, Extraction& found) {
  const size_t leaf = name.rfind('.');
  const TargetName* module = names.find(name.substr(0, leaf));  // a layer, a norm, or neither
  const bool is_weight = name.substr(leaf) == ".weight";
  const TargetName* target = module && is_weight && !module->is_norm() ? module : nullptr;
  if (tuned.scalar_type() == base.scalar_type() && at::equal(tuned, base)) {
    found.unchanged_layers += target != nullptr;
    return;
  }
  at::Tensor delta = tuned.to(at::kDouble) - base.to(at::kDouble);
  const double norm = delta.norm().item<double>();
  if (norm == 0) {
    found.unchanged_layers += target != nullptr;
  } else if (target == nullptr && module != nullptr && request.vectors) {
    found.adapter.vector_deltas[name] = delta.to(at::kFloat);
  } else if (target == nullptr) {
    const double of_base = base.to(at::kDouble).norm().item<double>();
    found.left_out.push_back({{"tensor", name}, {"relative_change", of_base > 0 ? norm / of_base : 1.0}});
  } else {
    if (delta.numel() != c10::multiply_integers(target->weight_shape) ||
        delta.size(0) != target->weight_shape[0])
      throw unlike(fmt::format("{} is [{}] in both, the architecture of their config.json needs [{}]", name,
                               fmt::join(delta.sizes(), ", "), fmt::join(target->weight_shape, ", ")));
    CompressedLayer layer = factorize(delta.reshape(target->weight_shape), request.rank_rule);
    found.squared_norm += layer.norm * layer.norm;
    found.squared_dropped += layer.dropped_norm * layer.dropped_norm;
    found.per_layer.push_back(layer_report(target->canonical, layer));
    found.adapter.layers[target->canonical] = std::move(layer.layer);
  }
}

void warn_of_rounding(const BaseFiles& tuned, const BaseFiles& base, ProgressSink& progress) {
  for (const auto& [name, dtype] : base.dtypes())
    if (tuned.contains(name) && tuned.dtypes().at(name) != dtype) {
      progress.warning(fmt::format(
          "the checkpoints have other dtypes ({} is {} and {}): rounding is a part of the difference", name,
          tuned.dtypes().at(name), dtype));
      return;
    }
}

void check(const ExtractRequest& request) {
  request.rank_rule.check("convert");
  if (request.vectors && !find_writable_dialect(request.format, "--format").takes_vectors)
    throw Error(ErrorKind::kUsage, "convert: --vectors",
                "the format '" + request.format + "' has no place for biases and norms",
                "write it with --format kohya");
  refuse_output_among(request.output, {request.tuned, request.base});
  require_writable(request.output, request.format);
}

}  // namespace

json run_extract(const ExtractRequest& request, ProgressSink& progress, const CancelToken& cancel) {
  check(request);
  const TargetNames names = base_targets(request.base);
  const BaseFiles base(request.base, names.unet, names.text_encoder_2);
  const BaseFiles tuned(request.tuned, names.unet, names.text_encoder_2);
  const std::vector<std::string> tensors = common_names(tuned, base);
  warn_of_rounding(tuned, base, progress);

  Extraction found;
  double seconds = 0;
  {
    Stage stage(progress, "extract", static_cast<int64_t>(tensors.size()));
    for (const std::string& name : tensors) {
      cancel.throw_if_cancelled("extract");
      const auto [a, b] = matching(tuned, base, name);
      extract_tensor(name, a, b, names, request, found);
      tuned.release(name);
      base.release(name);
      stage.step();
    }
    seconds = stage.seconds();
  }
  if (found.adapter.layers.empty() && found.adapter.vector_deltas.empty())
    throw Error(ErrorKind::kIncompatible, "extract",
                found.left_out.empty()
                    ? "the two checkpoints have the same weights"
                    : "they differ in biases, norms or embeddings only, which have no factors",
                found.left_out.empty() ? "name the tuned model, and with --from what it was tuned from"
                                       : "add --vectors");
  if (!found.left_out.empty())
    progress.warning(
        fmt::format("left out: {} biases, norms or embeddings that differ too, {} the first{}; "
                    "--json lists them",
                    found.left_out.size(), found.left_out[0]["tensor"].get<std::string>(),
                    request.vectors ? "" : " (--vectors keeps biases and norms)"));

  const double error = found.squared_norm > 0 ? std::sqrt(found.squared_dropped / found.squared_norm) : 0.0;
  int64_t rank = 0;
  for (const auto& [target, layer] : found.adapter.layers) rank = std::max(rank, layer.rank());
  json recipe{{"method", "extract"},
              {"tuned", request.tuned.filename().string()},
              {"base", request.base.filename().string()},
              {"rule", json_of(request.rank_rule)},
              {"result", {{"relative_error", error}}}};
  found.adapter.metadata["ziplora.recipe"] = json_line(recipe);
  write_adapter(request.output, found.adapter, names, {.format = request.format, .dtype = request.dtype});
  return {{"output", request.output.string()},
          {"format", request.format},
          {"dtype", dtype_name(request.dtype)},
          {"layers", found.adapter.layers.size()},
          {"vectors", found.adapter.vector_deltas.size()},
          {"unchanged_layers", found.unchanged_layers},
          {"rank", rank},
          {"relative_error", error},
          {"size_bytes", size_on_disk(request.output)},
          {"seconds", seconds},
          {"peak_memory_bytes", peak_memory_bytes()},
          {"per_layer", std::move(found.per_layer)},
          {"left_out", std::move(found.left_out)}};
}

}  // namespace ziplora

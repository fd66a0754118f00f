#include "ziplora/app/convert_extract.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <c10/util/accumulate.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "ziplora/app/base_targets.h"
#include "ziplora/app/output_guard.h"
#include "ziplora/base/dtype_name.h"
#include "ziplora/base/error.h"
#include "ziplora/base/peak_memory.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/size_on_disk.h"
#include "ziplora/lora/factorize.h"
#include "ziplora/lora/fitting_write.h"
#include "ziplora/lora/key_dialects.h"
#include "ziplora/models/base_files.h"

namespace ziplora {
namespace {

using nlohmann::json;

Error unlike(const std::string& problem) {
  return Error(ErrorKind::kIncompatible, "extract", problem,
               "a LoRA is extracted from two bases of one architecture: a model and what it was tuned from");
}

bool is_buffer(const std::string& name) { return name.ends_with("position_ids"); }

/// The names of both, without buffers.
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

/// A linear layer of one file may be a 1 × 1 convolution in the other.
std::pair<at::Tensor, at::Tensor> matching(const BaseFiles& tuned, const BaseFiles& base,
                                           const std::string& name) {
  const at::Tensor a = tuned.tensor(name), b = base.tensor(name);
  if (a.numel() == b.numel() && (a.dim() == 0 || a.size(0) == b.size(0))) return {a.reshape(b.sizes()), b};
  throw unlike(fmt::format("{} is [{}] in {} and [{}] in {}", name, fmt::join(a.sizes(), ", "),
                           tuned.path().string(), fmt::join(b.sizes(), ", "), base.path().string()));
}

struct Extraction {
  Adapter adapter;
  Approximation approximation;
  std::vector<LeftOutTensor> left_out;
  int64_t unchanged_layers = 0;
  double seconds = 0;
};

void extract_layer(const TargetName& target, const std::string& name, const at::Tensor& delta,
                   const RankRule& rule, Extraction& found) {
  if (delta.numel() != c10::multiply_integers(target.weight_shape) || delta.size(0) != target.weight_shape[0])
    throw unlike(fmt::format("{} is [{}] in both, the architecture of their config.json needs [{}]", name,
                             fmt::join(delta.sizes(), ", "), fmt::join(target.weight_shape, ", ")));
  CompressedLayer layer = factorize(delta.reshape(target.weight_shape), rule);
  found.approximation.add(target.canonical, layer);
  found.adapter.layers[target.canonical] = std::move(layer.layer);
}

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
  const at::Tensor delta = tuned.to(at::kDouble) - base.to(at::kDouble);
  const double norm = delta.norm().item<double>();
  if (norm == 0) {
    found.unchanged_layers += target != nullptr;
  } else if (target != nullptr) {
    extract_layer(*target, name, delta, request.rank_rule, found);
  } else if (module != nullptr && request.vectors) {
    found.adapter.vector_deltas[name] = delta.to(at::kFloat);
  } else {
    const double of_base = base.to(at::kDouble).norm().item<double>();
    found.left_out.push_back({name, of_base > 0 ? norm / of_base : 1.0});
  }
}

void warn_of_rounding(const BaseFiles& tuned, const BaseFiles& base, ProgressSink& progress) {
  for (const auto& [name, dtype] : base.dtypes())
    if (tuned.contains(name) && tuned.dtypes().at(name) != dtype) {
      progress.warning(
          fmt::format("the dtypes differ ({} is {} and {}): rounding is a part of the difference", name,
                      tuned.dtypes().at(name), dtype));
      return;
    }
}

void check(const ExtractRequest& request) {
  request.rank_rule.check("convert");
  if (request.vectors && !find_writable_dialect(request.write.format, "--format").takes_vectors)
    throw Error(ErrorKind::kUsage, "convert: --vectors",
                "the format '" + request.write.format + "' has no place for biases and norms",
                "write it with --format kohya");
  refuse_output_among("convert: -o " + request.output.string(), request.output,
                      {request.tuned, request.base});
  require_writable(request.output, request.write.format);
}

Extraction extract_all(const BaseFiles& tuned, const BaseFiles& base, const TargetNames& names,
                       const ExtractRequest& request, ProgressSink& progress, const CancelToken& cancel) {
  const std::vector<std::string> tensors = common_names(tuned, base);
  warn_of_rounding(tuned, base, progress);
  Extraction found;
  Stage stage(progress, "extract", static_cast<int64_t>(tensors.size()));
  for (const std::string& name : tensors) {
    cancel.throw_if_cancelled("extract");
    const auto [a, b] = matching(tuned, base, name);
    extract_tensor(name, a, b, names, request, found);
    tuned.release(name);
    base.release(name);
    stage.step();
  }
  found.seconds = stage.seconds();
  return found;
}

void refuse_no_difference(const Extraction& found) {
  if (!found.adapter.layers.empty() || !found.adapter.vector_deltas.empty()) return;
  const bool equal = found.left_out.empty();
  throw Error(ErrorKind::kIncompatible, "extract",
              equal ? "the two bases have the same weights"
                    : "they differ in biases, norms or embeddings only, which have no factors",
              equal ? "name the tuned model, and with --from what it was tuned from" : "add --vectors");
}

void warn_of_left_out(const Extraction& found, bool vectors_kept, ProgressSink& progress) {
  if (found.left_out.empty()) return;
  progress.warning(
      fmt::format("left out: {} biases, norms or embeddings that differ too, {} the first{}; "
                  "--json lists them",
                  found.left_out.size(), found.left_out.front().tensor,
                  vectors_kept ? "" : " (--vectors keeps biases and norms)"));
}

json recipe_of(const ExtractRequest& request, const Approximation& approximation) {
  return {{"method", "extract"},
          {"tuned", request.tuned.filename().string()},
          {"base", request.base.filename().string()},
          {"rule", to_json(request.rank_rule)},
          {"result", {{"relative_error", approximation.relative_error()}}}};
}

}  // namespace

json ExtractResult::to_json() const {
  json report{{"output", output.string()},
              {"format", write.format},
              {"dtype", dtype_name(write.dtype)},
              {"layers", layers},
              {"vectors", vectors},
              {"unchanged_layers", unchanged_layers},
              {"rank", rank},
              {"relative_error", approximation.relative_error()},
              {"size_bytes", size_bytes},
              {"seconds", seconds},
              {"peak_memory_bytes", peak_memory_bytes},
              {"per_layer", ziplora::to_json(approximation.per_layer())},
              {"left_out", json::array()}};
  for (const LeftOutTensor& tensor : left_out)
    report["left_out"].push_back({{"tensor", tensor.tensor}, {"relative_change", tensor.relative_change}});
  return report;
}

ExtractResult run_extract(const ExtractRequest& request, ProgressSink& progress, const CancelToken& cancel) {
  check(request);
  const TargetNames names = base_targets(request.base);
  const BaseFiles base(request.base, names.unet, names.text_encoder_2);
  const BaseFiles tuned(request.tuned, names.unet, names.text_encoder_2);
  Extraction found = extract_all(tuned, base, names, request, progress, cancel);
  refuse_no_difference(found);
  warn_of_left_out(found, request.vectors, progress);
  found.adapter.metadata["ziplora.recipe"] = json_line(recipe_of(request, found.approximation));
  WriteOptions write = request.write;
  write.dtype = write_in_fitting_dtype(request.output, found.adapter, names, write, progress);

  ExtractResult result{.output = request.output,
                       .write = write,
                       .layers = found.adapter.layers.size(),
                       .vectors = found.adapter.vector_deltas.size(),
                       .unchanged_layers = found.unchanged_layers,
                       .approximation = std::move(found.approximation),
                       .left_out = std::move(found.left_out),
                       .size_bytes = size_on_disk(request.output),
                       .seconds = found.seconds,
                       .peak_memory_bytes = peak_memory_bytes()};
  for (const auto& [target, layer] : found.adapter.layers) result.rank = std::max(result.rank, layer.rank());
  return result;
}

}  // namespace ziplora

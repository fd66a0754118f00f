#include "ziplora/lora/adapter_survey.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "ziplora/base/printable.h"
#include "ziplora/io/mapped_pages.h"
#include "ziplora/lora/adapter_pieces.h"
#include "ziplora/lora/all_finite.h"
#include "ziplora/lora/delta_kind.h"
#include "ziplora/lora/foreign_files.h"
#include "ziplora/lora/key_dialects.h"
#include "ziplora/lora/layer_errors.h"
#include "ziplora/lora/placeless_keys.h"
#include "ziplora/lora/tensor_form.h"
#include "ziplora/lora/vector_deltas.h"
#include "ziplora/lora/weight_decomposition.h"

namespace ziplora {
namespace {

/// OneTrainer's and A1111's textual inversions: "bundle_emb.NAME.string_to_param.*", "bundle_emb.NAME.clip_l"
/// → NAME.
std::optional<std::string> bundled_embedding(const std::string& key) {
  std::string name = key;
  if (!strip_prefix(name, "bundle_emb.")) return std::nullopt;
  const size_t param = name.find(".string_to_param");
  return name.substr(0, param != std::string::npos ? param : name.rfind('.'));
}

/// One layer as it is collected key by key.
struct Module {
  const TargetName* target = nullptr;
  DeltaParts parts;
  std::optional<double> alpha;
  std::vector<std::string> keys;
  std::string dialect, dtype;
  bool broken = false;  ///< a defect was found; the layer is left out of the adapter
};

class Surveyor {
 public:
  Surveyor(const std::filesystem::path& path, const TargetNames& names) : names_(names) {
    survey_.adapter.source = path;
  }

  void add(const AdapterPiece& piece) {
    survey_.files.push_back(piece.file.path());
    for (const auto& [key, value] : piece.file.metadata()) survey_.adapter.metadata.emplace(key, value);
    for (const auto& [key, info] : piece.file.tensors()) {
      survey_.tensors.emplace(key, info);
      add_key(piece, key, info);
    }
  }

  AdapterSurvey finish(const std::vector<AdapterPiece>& pieces) {
    const bool any_module = !modules_.empty();
    report_unsupported();
    for (Defect& defect : in_tensors_) survey_.defects.push_back(std::move(defect));
    if (any_module || placeless_.has_layers()) report_placeless(pieces, any_module);
    if (!any_module) report_no_lora();
    for (auto& [canonical, module] : modules_)
      if (!module.broken) finish_layer(pieces, canonical, module);
    say_what_lacks_alpha();
    say_what_is_bundled();
    say_what_is_wrapped();
    std::set<std::string> dialects;
    for (const auto& [canonical, module] : modules_)
      if (!module.broken) dialects.insert(module.dialect);
    if (dialects.size() > 1) dialects.erase("kohya");
    survey_.adapter.dialect = fmt::format("{}", fmt::join(dialects, "+"));
    return std::move(survey_);
  }

 private:
  void add_key(const AdapterPiece& piece, const std::string& key, const TensorInfo& info) {
    if (const auto name = bundled_embedding(key)) {
      embeddings_.insert(printable(*name));
      return;
    }
    if (const auto kind = unsupported_kind(key)) return unsupported_[*kind].push_back(key);
    const auto parsed = parse_key(piece, key, names_);
    if (!parsed) return placeless_.add_stray(key);
    if (parsed->target == nullptr) return placeless_.add_layer(key, piece.file.tensor(key));
    if (parsed->wrapped && survey_.wrapped_keys++ == 0) first_wrapped_ = key;
    Module& module = modules_[parsed->target->canonical];
    module.target = parsed->target;
    module.dialect = parsed->dialect;
    module.keys.push_back(key);
    const std::string problem_of_header = problem_of_form(parsed->part, *parsed->target, info);
    if (!problem_of_header.empty()) {
      module.broken = true;
      in_tensors_.push_back({DefectKind::kMalformed,
                             ErrorKind::kInput,
                             fmt::format("{} {}", key, problem_of_header),
                             kAnotherCopy,
                             {key}});
    } else if (const auto problem = take_tensor(module, parsed->part, piece.file.tensor(key), key)) {
      module.broken = true;
      in_tensors_.push_back(*problem);
    } else if (parsed->part != kAlphaPart) {
      module.dtype = info.dtype;
    }
  }

  static std::optional<Defect> take_tensor(Module& module, const std::string& part, const at::Tensor& tensor,
                                           const std::string& key) {
    const bool computable = at::isFloatingType(tensor.scalar_type()) && tensor.element_size() >= 2;
    const at::Tensor value = computable ? tensor : tensor.to(at::kFloat);
    const bool finite = all_finite(value);
    release_mapped_pages(tensor);  // looked at once; who works with it reads it again
    if (!finite)
      return Defect{DefectKind::kNonFinite,
                    ErrorKind::kInput,
                    fmt::format("{} holds NaN or Inf; {} is broken", key, module.target->canonical),
                    "get another copy: the training that made it diverged, or the file is damaged",
                    {key}};
    if (part == kAlphaPart ? module.alpha.has_value() : module.parts.count(part) != 0)
      return Defect{DefectKind::kDuplicate,
                    ErrorKind::kInput,
                    key + (part == kAlphaPart ? " gives an alpha" : " gives a factor") +
                        " that another key has given already",
                    "save the LoRA again with the tool that made it: the file spells one layer in two ways",
                    {key}};
    if (part == kAlphaPart)
      module.alpha = value.item<double>();
    else
      module.parts[part] = value;
    return std::nullopt;
  }

  void report_unsupported() {
    for (const auto& [kind, keys] : unsupported_)
      survey_.defects.push_back(
          {DefectKind::kUnsupported, ErrorKind::kIncompatible,
           fmt::format("{} of {} keys are of the kind {} (first: {}), which cannot be read", keys.size(),
                       survey_.tensors.size(), kind, keys.front()),
           "extract a plain LoRA from it with the tool that made it", keys});
  }

  void report_placeless(const std::vector<AdapterPiece>& pieces, bool any_module) {
    const auto is_of_sdxl = [&](const std::string& key) {
      return !names_.has_sdxl_sizes() && std::ranges::any_of(pieces, [&](const AdapterPiece& piece) {
        const auto parsed = parse_key(piece, key, TargetNames::sdxl());
        return parsed && parsed->target != nullptr;
      });
    };
    auto [defects, notes] = placeless_.report(survey_.tensors, any_module, is_of_sdxl);
    std::ranges::move(defects, std::back_inserter(survey_.defects));
    std::ranges::move(notes, std::back_inserter(survey_.warnings));
  }

  void report_no_lora() {
    if (!unsupported_.empty() || placeless_.has_layers()) return;  // it is one, of another kind or base
    const auto& tensors = survey_.tensors;
    const std::string architecture = guess_architecture(tensors);
    std::string model = guess_model(tensors);
    if (model.empty() && !architecture.empty()) model = "a checkpoint of " + architecture;
    // A checkpoint has the block names of its architecture too; a LoRA has factors.
    const bool has_factors = std::any_of(tensors.begin(), tensors.end(), [](const auto& entry) {
      return entry.first.find("lora") != std::string::npos;
    });
    if (has_factors && !architecture.empty() && architecture != kSdxlFamily)
      return survey_.defects.push_back({DefectKind::kUnknownLayer, ErrorKind::kIncompatible,
                                        "the file looks like a LoRA for " + architecture + ", not for SDXL",
                                        "use a LoRA that was made for SDXL", placeless_.strays()});
    survey_.defects.push_back(
        {DefectKind::kNotALora, ErrorKind::kInput,
         tensors.empty()
             ? "the file holds no tensors"
             : fmt::format("not a LoRA: none of its {} keys is a LoRA factor, first: {}{}", tensors.size(),
                           tensors.begin()->first, model.empty() ? "" : ". It looks like " + model),
         "a LoRA holds keys such as lora_unet_….lora_down.weight or unet.….lora_A.weight",
         placeless_.strays()});
  }

  /// Works on whole modules, because a single key does not tell the kind.
  void finish_layer(const std::vector<AdapterPiece>& pieces, const std::string& canonical, Module& module) {
    try {
      take_vector_deltas(module.parts, *module.target, survey_.adapter.vector_deltas);
      if (module.parts.empty() && !module.alpha) return;
      if (module.target->is_norm()) throw does_not_fit("is a norm, which has no matrix to change");
      const std::optional<Magnitude> magnitude = take_magnitude(module.parts);
      const DeltaKind& kind = find_delta_kind(module.parts);
      const std::vector<std::string> missing = kind.missing(module.parts);
      if (!missing.empty())
        return survey_.defects.push_back(
            {DefectKind::kOrphan, ErrorKind::kInput,
             fmt::format("{} lacks its {} {} (found {})", canonical, fmt::join(missing, " and "),
                         missing.size() == 1 ? "factor" : "factors", module.keys.front()),
             "get another copy: the file is incomplete", module.keys});
      if (kind.bind != nullptr)
        bind_layer(canonical, module, kind, magnitude);
      else
        add_factors(canonical, module, kind, magnitude, alpha_of(pieces, module));
    } catch (const Error& error) {
      const bool misfit = error.kind() == ErrorKind::kIncompatible;
      const std::string looks = misfit ? guess_architecture(survey_.tensors) : "";
      survey_.defects.push_back({misfit ? DefectKind::kMisfit : DefectKind::kMalformed, error.kind(),
                                 canonical + " " + error.problem() +
                                     (looks.empty() ? "" : ". The file looks like a LoRA for " + looks),
                                 error.hint(), module.keys});
    }
  }

  static int64_t rank_in_file(const DeltaKind& kind, const DeltaParts& parts) {
    for (const char* part : kind.rank_parts)
      if (const auto found = parts.find(part); found != parts.end()) return found->second.size(0);
    return 0;
  }

  static std::optional<double> alpha_of(const std::vector<AdapterPiece>& pieces, const Module& module) {
    const auto down = module.parts.find("down");
    if (module.alpha || down == module.parts.end()) return module.alpha;
    for (const AdapterPiece& piece : pieces)
      if (const auto config = piece.configs.find(module.target->component); config != piece.configs.end())
        return config->second.lora_alpha(module.target->diffusers_path, down->second.size(0));
    return std::nullopt;
  }

  void add_factors(const std::string& canonical, const Module& module, const DeltaKind& kind,
                   const std::optional<Magnitude>& magnitude, std::optional<double> alpha) {
    LoraLayer layer = kind.to_factors(module.parts, alpha, *module.target);
    if (const double own = layer.lora_alpha.value_or(0); std::abs(own) > std::numeric_limits<float>::max())
      throw malformed(fmt::format("has the alpha {:.3g}, which is beyond float32", own));
    if (const auto bias = module.parts.find("up_bias"); bias != module.parts.end()) {
      DeltaParts scaled{{"diff_b", bias->second.to(at::kFloat) * layer.scale()}};
      take_vector_deltas(scaled, *module.target, survey_.adapter.vector_deltas);
    }
    layers_without_alpha_ += !layer.lora_alpha;
    survey_.origins[canonical] = {magnitude ? "DoRA" : kind.name,   module.dialect, module.dtype,
                                  rank_in_file(kind, module.parts), alpha,          module.alpha};
    if (magnitude)
      survey_.base_bound[canonical] = decompose(std::move(layer), *magnitude, *module.target);
    else
      survey_.adapter.layers[canonical] = std::move(layer);
  }

  void bind_layer(const std::string& canonical, const Module& module, const DeltaKind& kind,
                  const std::optional<Magnitude>& magnitude) {
    if (magnitude)
      throw Error(ErrorKind::kIncompatible, "read adapter",
                  fmt::format("is {} with a DoRA magnitude, which no trainer writes", kind.name),
                  "save the adapter again with the tool that made it");
    BaseBoundLayer layer = kind.bind(module.parts, module.alpha, *module.target);
    survey_.origins[canonical] = {layer.kind, module.dialect, module.dtype, layer.rank,
                                  {},         module.alpha};  // OFT's is a constraint
    survey_.base_bound[canonical] = std::move(layer);
  }

  void say_what_lacks_alpha() {
    if (layers_without_alpha_ > 0)
      survey_.warnings.push_back(fmt::format("no alpha for {} of {} layers: scale 1 is assumed there",
                                             layers_without_alpha_, survey_.origins.size()));
  }

  void say_what_is_bundled() {
    constexpr size_t kNamed = 5;
    if (embeddings_.empty()) return;
    std::vector<std::string> named(embeddings_.begin(), embeddings_.end());
    if (named.size() > kNamed) {
      named.resize(kNamed);
      named.push_back("…");
    }
    survey_.warnings.push_back(
        fmt::format("{} bundled textual inversions ({}) are left out: they are no part of the LoRA",
                    embeddings_.size(), fmt::join(named, ", ")));
  }

  void say_what_is_wrapped() {
    if (survey_.wrapped_keys > 0)
      survey_.warnings.push_back(fmt::format(
          "{} of {} names hold what a wrapper of the model left in them (first: {}): they are read "
          "without it, by other programs perhaps not at all",
          survey_.wrapped_keys, survey_.tensors.size(), first_wrapped_));
  }

  const TargetNames& names_;
  AdapterSurvey survey_;
  std::map<std::string, Module> modules_;                        // by canonical target
  std::map<std::string, std::vector<std::string>> unsupported_;  // kind → keys
  PlacelessKeys placeless_;
  std::string first_wrapped_;  ///< key
  std::vector<Defect> in_tensors_;
  int64_t layers_without_alpha_ = 0;
  std::set<std::string> embeddings_;
};

}  // namespace

const char* name_of(DefectKind kind) {
  switch (kind) {
    case DefectKind::kUnsupported:
      return "unsupported";
    case DefectKind::kNonFinite:
      return "non-finite";
    case DefectKind::kDuplicate:
      return "duplicate";
    case DefectKind::kMalformed:
      return "malformed";
    case DefectKind::kOrphan:
      return "orphan";
    case DefectKind::kUnknownLayer:
      return "unknown-layer";
    case DefectKind::kMisfit:
      return "misfit";
    case DefectKind::kUnknownKey:
      return "unknown-key";
    case DefectKind::kNotALora:
      return "not-a-lora";
  }
  return "";
}

AdapterSurvey survey_adapter(const std::filesystem::path& path, const TargetNames& names) {
  const std::vector<AdapterPiece> pieces = open_adapter_pieces(path, names);
  Surveyor surveyor(path, names);
  for (const AdapterPiece& piece : pieces) surveyor.add(piece);
  return surveyor.finish(pieces);
}

}  // namespace ziplora

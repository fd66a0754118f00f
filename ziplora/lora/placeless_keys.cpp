#include "ziplora/lora/placeless_keys.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include <optional>
#include <string_view>

#include "ziplora/io/mapped_pages.h"
#include "ziplora/lora/delta_kind.h"
#include "ziplora/lora/foreign_files.h"
#include "ziplora/lora/layer_errors.h"

namespace ziplora {
namespace {

/// A file can claim any size. Embeddings of 49,408 × 1,280 are below this.
constexpr int64_t kMostToLookAt = int64_t{1} << 27;

/// What a part of a model is that no adapter here changes. Embeddings change images; the others have no use in
/// SDXL: its first encoder's pooled output is dropped, CLIP's logit_scale serves its training, positions are a
/// buffer.
struct KnownPart {
  std::string_view fragment;  ///< of the key
  const char* what;
  bool harmless;
};
constexpr const char* kEmbeddings = "the text encoders' embeddings";
constexpr const char* kFirstProjection = "the first encoder's text_projection, which SDXL does not use";
constexpr KnownPart kKnownParts[] = {
    {"clip_l.transformer.text_projection", kFirstProjection, true},
    {"clip_l.text_projection", kFirstProjection, true},
    {"lora_te1_text_projection", kFirstProjection, true},
    {"text_encoder.text_projection", kFirstProjection, true},
    {"logit_scale", "CLIP's logit_scale, which SDXL does not use", true},
    {"position_ids", "the positions of tokens, which are constants", true},
    {"position_embedding", kEmbeddings, false},
    {"positional_embedding", kEmbeddings, false},
    {"token_embedding", kEmbeddings, false},
};

const KnownPart* known_part(const std::string& key) {
  for (const KnownPart& part : kKnownParts)
    if (key.find(part.fragment) != std::string::npos) return &part;
  return nullptr;
}

bool is_zero(const at::Tensor& tensor) {
  if (tensor.numel() > kMostToLookAt) return false;
  const bool zero = !tensor.to(at::kFloat).ne(0).any().item<bool>();
  release_mapped_pages(tensor);
  return zero;
}

std::string note_of(const char* what, const std::vector<std::string>& keys) {
  return fmt::format("{} {} left out: {} (first: {})", keys.size(), keys.size() == 1 ? "key is" : "keys are",
                     what, keys.front());
}

Defect changes_embeddings(const std::vector<std::string>& keys, size_t of) {
  return {DefectKind::kUnsupported,
          ErrorKind::kIncompatible,
          fmt::format("{} of {} keys change {}, which no adapter can change here, first: {}", keys.size(), of,
                      kEmbeddings, keys.front()),
          "extract or train the LoRA without the embeddings",
          keys,
          /*can_be_left_out=*/true};
}

Defect layers_of_another_base(const std::vector<std::string>& keys, size_t of, const std::string& looks) {
  return {DefectKind::kUnknownLayer, ErrorKind::kIncompatible,
          fmt::format("{} of {} keys name layers that this SDXL architecture lacks, first: {}{}", keys.size(),
                      of, keys.front(), looks.empty() ? "" : ". The file looks like a LoRA for " + looks),
          kAnotherBase, keys};
}

Defect unknown_names(const std::vector<std::string>& keys, size_t of, const std::string& looks) {
  return {
      DefectKind::kUnknownLayer,
      ErrorKind::kIncompatible,
      fmt::format("{} of {} keys {} not known here, first: {}. {}", keys.size(), of,
                  looks.empty() ? "name layers that this SDXL architecture lacks or has under names that are"
                                : "have names that are",
                  keys.front(),
                  looks.empty() ? "Nothing in the file shows which architecture it is for"
                                : "By its widths the file is for " + looks),
      "save the LoRA again in kohya's or diffusers' names",
      keys,
      /*can_be_left_out=*/true};
}

}  // namespace

void PlacelessKeys::add_layer(const std::string& key, const at::Tensor& tensor) {
  const auto split = split_part(key);
  Layer& layer = layers_[split ? split->first : key];
  layer.keys.push_back(key);
  layer.parts.emplace_back(split ? split->second : "", tensor);
}

bool PlacelessKeys::Layer::changes_nothing() const {
  bool has_factors = false, has_zero_factor = false;
  for (const auto& [part, tensor] : parts) {
    if (part == kAlphaPart || part == "mid") continue;
    if (part == "up" || part == "down") {
      has_factors = true;
      has_zero_factor = has_zero_factor || is_zero(tensor);
    } else {
      const bool adds = part == "diff" || part == "diff_b" || part == "w_norm" || part == "b_norm";
      if (!adds || !is_zero(tensor)) return false;
    }
  }
  return !has_factors || has_zero_factor;
}

PlacelessKeys::Report PlacelessKeys::report(
    const std::map<std::string, TensorInfo>& tensors, bool any_known,
    const std::function<bool(const std::string& key)>& is_of_sdxl) const {
  std::map<std::string, std::vector<std::string>> harmless;  // what → keys
  std::vector<std::string> embeddings, of_another_base, unknown, strays;
  for (const auto& [module, layer] : layers_) {
    const KnownPart* known = any_known ? known_part(layer.keys.front()) : nullptr;
    std::vector<std::string>* keys = &unknown;
    if (known && known->harmless)
      keys = &harmless[known->what];
    else if (any_known && layer.changes_nothing())
      keys = &harmless["their change is zero"];
    else if (known)
      keys = &embeddings;
    else if (is_of_sdxl(layer.keys.front()))
      keys = &of_another_base;
    keys->insert(keys->end(), layer.keys.begin(), layer.keys.end());
  }
  for (const std::string& key : strays_) {
    const KnownPart* known = known_part(key);
    (known && known->harmless ? harmless[known->what] : strays).push_back(key);
  }
  Report report;
  const std::string looks = guess_architecture(tensors);
  const bool foreign = !looks.empty() && looks != kSdxlFamily;
  if (foreign) of_another_base.insert(of_another_base.end(), unknown.begin(), unknown.end());
  if (!embeddings.empty()) report.defects.push_back(changes_embeddings(embeddings, tensors.size()));
  if (!of_another_base.empty())
    report.defects.push_back(layers_of_another_base(of_another_base, tensors.size(), looks));
  if (!foreign && !unknown.empty()) report.defects.push_back(unknown_names(unknown, tensors.size(), looks));
  if (!strays.empty())
    report.defects.push_back({DefectKind::kUnknownKey, ErrorKind::kInput,
                              fmt::format("{} of {} keys are of no known kind, first: {}", strays.size(),
                                          tensors.size(), strays.front()),
                              "the file mixes a LoRA with something else; save the LoRA alone", strays,
                              /*can_be_left_out=*/true});
  for (const auto& [what, keys] : harmless) report.notes.push_back(note_of(what.c_str(), keys));
  return report;
}

}  // namespace ziplora

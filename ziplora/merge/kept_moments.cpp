#include "ziplora/merge/kept_moments.h"

#include <fmt/format.h>

#include <utility>

#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/sealed_safetensors.h"

namespace ziplora {
namespace {

constexpr const char *kFormatKey = "ziplora.format", *kFormat = "ziplora.context_moments.1";
/// An array of {"settings": …, "layers": {target: [tensor, tokens, one an image]}}
constexpr const char* kContentKey = "ziplora.contexts";

/// Layers that share a tensor share it in the file.
class Writer {
 public:
  void add(const std::string& settings, const ContextMoments& moments) {
    nlohmann::json layers = nlohmann::json::object();
    for (const auto& [target, layer] : moments)
      layers[target] = {name_of(layer.mean), layer.tokens, layer.one_an_image};
    content_.push_back({{"settings", settings}, {"layers", std::move(layers)}});
  }
  void write(const std::filesystem::path& path) const {
    write_sealed_safetensors(path, tensors_, {{kFormatKey, kFormat}, {kContentKey, json_line(content_)}});
  }

 private:
  std::string name_of(const at::Tensor& tensor) {
    const auto [found, is_new] =
        names_.try_emplace(tensor.unsafeGetTensorImpl(), fmt::format("moments.{}", names_.size()));
    if (is_new) tensors_[found->second] = tensor.contiguous();
    return found->second;
  }

  NamedTensors tensors_;
  std::map<const c10::TensorImpl*, std::string> names_;
  nlohmann::json content_ = nlohmann::json::array();
};

/// What a sealed file says of itself is as this program wrote it.
std::map<std::string, ContextMoments> content_of(const SafetensorsFile& file) {
  NamedTensors tensors;
  for (const auto& [name, info] : file.tensors()) tensors[name] = file.tensor(name);
  std::map<std::string, ContextMoments> content;
  for (const nlohmann::json& context : parse_json(file.metadata_text(kContentKey)).value_or(nullptr))
    for (const auto& [target, layer] : context.at("layers").items())
      content[context.at("settings")][target] = {tensors.at(layer.at(0)), layer.at(1), layer.at(2)};
  return content;
}

}  // namespace

KeptMoments::KeptMoments(std::filesystem::path path) : path_(std::move(path)) {
  if (!std::filesystem::exists(path_)) return;
  const SafetensorsFile file(path_);
  const std::string where = "merge: " + path_.string();
  if (file.metadata_text(kFormatKey) != kFormat)
    throw Error(ErrorKind::kInput, where, "the file does not hold what contexts of a merge recorded",
                "name another file; it is written if it is not there");
  require_seal(file, where, "remove the file; the contexts are recorded anew");
  by_settings_ = content_of(file);
}

std::optional<ContextMoments> KeptMoments::find(const nlohmann::json& settings) {
  const auto found = by_settings_.find(json_line(settings));
  if (found == by_settings_.end()) return std::nullopt;
  used_.insert(found->first);
  return found->second;
}

void KeptMoments::put(const nlohmann::json& settings, const ContextMoments& moments) {
  const std::string key = json_line(settings);
  by_settings_[key] = moments;
  used_.insert(key);
  changed_ = true;
}

void KeptMoments::write(ProgressSink& progress) const {
  if (!changed_) return;
  Writer writer;
  for (const std::string& key : used_) writer.add(key, by_settings_.at(key));
  try {
    writer.write(path_);
  } catch (const Error& error) {
    progress.warning(fmt::format("what the contexts recorded could not be kept ({}: {}); the merge goes on",
                                 error.where(), error.problem()));
  }
}

}  // namespace ziplora

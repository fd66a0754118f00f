#include "ziplora/models/base_files.h"

#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/models/diffusers_folder.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

struct FolderComponent {
  const char *name, *stem;
};
constexpr FolderComponent kFolderComponents[] = {
    {"unet", "diffusion_pytorch_model"}, {"text_encoder", "model"}, {"text_encoder_2", "model"}};

}  // namespace

BaseFiles::BaseFiles(const fs::path& base, const UNet2DConditionConfig& unet,
                     const ClipTextConfig& text_encoder_2)
    : path_(base) {
  if (!fs::exists(base))
    throw Error(ErrorKind::kInput, "read " + base.string(), "there is no such folder or file",
                "a base is a diffusers folder (with model_index.json) or one .safetensors file");
  if (fs::is_directory(base)) {
    for (const auto& [component, stem] : kFolderComponents)
      for (const fs::path& file : weight_files(find_component_weights(base / component, stem, at::kFloat)))
        files_.push_back({file, component, std::make_shared<const SafetensorsFile>(file)});
  } else {
    SingleFileBase{base}.refuse_strangers();
    files_.push_back({base, "", std::make_shared<const SafetensorsFile>(base)});
    single_file_names_.emplace(unet, text_encoder_2);
  }
  for (size_t i = 0; i < files_.size(); ++i)
    for (const auto& [tensor, info] : files_[i].tensors->tensors())
      for (TranslatedTensor& model : models_of(files_[i], tensor)) {
        const std::string name = model.name;
        places_.insert_or_assign(name, Place{i, tensor, std::move(model)});
        dtypes_[name] = info.dtype;
      }
}

std::vector<TranslatedTensor> BaseFiles::models_of(const BaseFile& file, const std::string& tensor) const {
  if (single_file_names_) return single_file_names_->translate(tensor);
  return {{file.component + "." + (file.component == "unet" ? tensor : with_text_model_level(tensor))}};
}

const BaseFiles::Place& BaseFiles::place(const std::string& name) const {
  const auto found = places_.find(name);
  if (found == places_.end())
    throw Error(ErrorKind::kInput, "read " + path_.string(), fmt::format("there is no tensor {}", name),
                "the base is incomplete; download it again");
  return found->second;
}

at::Tensor BaseFiles::tensor(const std::string& name) const {
  const Place& at = place(name);
  return at.translated.apply(files_[at.file].tensors->tensor(at.tensor));
}

void BaseFiles::release(const std::string& name) const {
  const Place& at = place(name);
  files_[at.file].tensors->release_pages(at.tensor);
}

}  // namespace ziplora

#pragma once
/// The safetensors files of an SDXL base and what each of their tensors is in the models that adapters can
/// change: for work on the weights as they lie on disk, without a model in memory. Headers are read, weights
/// only when asked for.
///
///     BaseFiles base("sdxl.safetensors", unet_config, text_config_2);       // or a diffusers folder
///     base.tensor("unet.mid_block.attentions.0.proj_in.weight");           // a view of the mapped file
///     for (const BaseFile& file : base.files())
///       for (const auto& [name, info] : file.tensors->tensors()) base.models_of(file, name);
///
/// Leaves out the autoencoder, which no adapter changes. Loading models: sdxl.h.

#include <c10/core/ScalarType.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/io/safetensors.h"
#include "ziplora/models/single_file.h"

namespace ziplora {

struct BaseFile {
  std::filesystem::path path;
  std::string component;  ///< "unet", …; empty in a single-file checkpoint, which holds them all
  std::shared_ptr<const SafetensorsFile> tensors;
};

class BaseFiles {
 public:
  /// @param base  diffusers folder, or single-file checkpoint; of a folder's plain and `.fp16.` weights the
  ///              plain ones are taken
  /// @throws Error(kInput) for what is missing or malformed, Error(kIncompatible) if it is no SDXL base
  BaseFiles(const std::filesystem::path& base, const UNet2DConditionConfig& unet,
            const ClipTextConfig& text_encoder_2);

  const std::filesystem::path& path() const { return path_; }
  bool is_folder() const { return !single_file_names_; }
  const std::vector<BaseFile>& files() const { return files_; }

  /// The models' tensors that the file's tensor holds, under names like "unet.conv_in.weight".
  std::vector<TranslatedTensor> models_of(const BaseFile& file, const std::string& tensor) const;

  /// The models' tensors: name → its dtype in the file.
  const std::map<std::string, std::string>& dtypes() const { return dtypes_; }
  bool contains(const std::string& name) const { return places_.count(name) != 0; }
  /// A view of the mapped file. @throws Error(kInput) if there is no such tensor
  at::Tensor tensor(const std::string& name) const;
  /// The tensor's pages may leave memory.
  void release(const std::string& name) const;

 private:
  struct Place {
    size_t file;
    std::string tensor;
    TranslatedTensor translated;
  };
  const Place& place(const std::string& name) const;

  std::filesystem::path path_;
  std::optional<SingleFileNames> single_file_names_;
  std::vector<BaseFile> files_;
  std::map<std::string, Place> places_;
  std::map<std::string, std::string> dtypes_;
};

}  // namespace ziplora

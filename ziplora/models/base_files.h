#pragma once
/// The safetensors files of an SDXL base, and which tensor of the models that adapters can change each of
/// their tensors is: for work on weights as they lie on disk, without a model in memory. Reads headers at
/// once, weights only when asked for.
///
///     BaseFiles base("sdxl.safetensors", unet_config, text_config_2);   // or a diffusers folder
///     base.tensor("unet.mid_block.attentions.0.proj_in.weight");   // a view of the mapped file
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
  std::string component;  ///< "unet", …; empty for a single file, which holds them all
  std::shared_ptr<const SafetensorsFile> tensors;
};

class BaseFiles {
 public:
  /// @param base  a diffusers folder or a single file; a folder's plain weights are preferred to `.fp16.` ones
  /// @throws Error(kInput) for what is missing or malformed, Error(kIncompatible) if it is not an SDXL base
  BaseFiles(const std::filesystem::path& base, const UNet2DConditionConfig& unet,
            const ClipTextConfig& text_encoder_2);

  const std::filesystem::path& path() const { return path_; }
  bool is_folder() const { return !single_file_names_; }
  const std::vector<BaseFile>& files() const { return files_; }

  /// The models' tensors that one tensor of the file holds, under names like "unet.conv_in.weight".
  std::vector<TranslatedTensor> models_of(const BaseFile& file, const std::string& tensor) const;

  /// The models' tensors: name → dtype in the file.
  const std::map<std::string, std::string>& dtypes() const { return dtypes_; }
  bool contains(const std::string& name) const { return places_.count(name) != 0; }
  /// A view of the mapped file. @throws Error(kInput) if there is no such tensor
  at::Tensor tensor(const std::string& name) const;
  /// Lets the tensor's pages leave memory.
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

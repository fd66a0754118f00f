#pragma once
/// The base of a comparison: loaded when something first needs it, and once; with the digests that say what was made from
/// what.
///
///     SharedBase base(resolve_base(request.base), request.policy, progress);
///     base.sha256();            // reads the files
///     base.sdxl();              // loads it
///     base.sha256_of(file);     // of a LoRA

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "ziplora/base/progress.h"
#include "ziplora/models/sdxl.h"

namespace ziplora {

class SharedBase {
 public:
  SharedBase(std::filesystem::path path, DevicePolicy policy, ProgressSink& progress);
  const std::filesystem::path& path() const { return path_; }
  const std::string& sha256();
  const std::shared_ptr<Sdxl>& sdxl();
  /// Of an adapter's file or folder, read once.
  const std::string& sha256_of(const std::filesystem::path& adapter);

 private:
  std::filesystem::path path_;
  DevicePolicy policy_;
  ProgressSink& progress_;
  std::string sha256_;
  std::shared_ptr<Sdxl> sdxl_;
  std::map<std::filesystem::path, std::string> adapters_;
};

}  // namespace ziplora

#include "ziplora/app/shared_base.h"

#include "ziplora/app/evidence_folder.h"
#include "ziplora/lora/adapter_digest.h"

namespace ziplora {

SharedBase::SharedBase(std::filesystem::path path, DevicePolicy policy, ProgressSink& progress)
    : path_(std::move(path)), policy_(policy), progress_(progress) {}

const std::string& SharedBase::sha256() {
  if (sha256_.empty()) sha256_ = sha256_of_base(path_);
  return sha256_;
}

const std::shared_ptr<Sdxl>& SharedBase::sdxl() {
  if (!sdxl_) sdxl_ = load_sdxl(path_, policy_, progress_);
  return sdxl_;
}

const std::string& SharedBase::sha256_of(const std::filesystem::path& adapter) {
  std::string& digest = adapters_[adapter];
  if (digest.empty()) digest = sha256_of_adapter(adapter);
  return digest;
}

}  // namespace ziplora

#pragma once
/// A probe runs one piece of the library on tensors that a Python test wrote, and gives tensors back.
/// To add one: probe_<name>.cpp, a declaration here, a line in probes.cpp.

#include <nlohmann/json.hpp>

#include "ziplora/io/safetensors.h"

namespace ziplora::probe {

struct Request {
  nlohmann::json arguments;
  NamedTensors inputs;  ///< on `device`

  /// Where the probe works: arguments.device, by default the CPU. Probes that never read it work on the CPU alone.
  at::Device device() const { return at::Device(arguments.value("device", "cpu")); }
};

struct Response {
  nlohmann::json values = nlohmann::json::object();
  NamedTensors outputs;
};

struct Probe {
  const char* name;
  Response (*run)(const Request& request);
};

const std::vector<Probe>& probes();

Response run_adam(const Request& request);
Response run_autoencoder(const Request& request);
Response run_safetensors_verdicts(const Request& request);
Response run_read_image(const Request& request);
Response run_resize_image(const Request& request);
Response run_image_encoder(const Request& request);
Response run_text_encoder(const Request& request);
Response run_vision_model(const Request& request);
Response run_image_features(const Request& request);
Response run_image_preprocessing(const Request& request);
Response run_text_features(const Request& request);
Response run_pillow_resize(const Request& request);
Response run_sdxl(const Request& request);
Response run_safetensors_copy(const Request& request);
Response run_write_png(const Request& request);
Response run_lora_files(const Request& request);
Response run_deltas(const Request& request);
Response run_scheduler(const Request& request);
Response run_dreambooth(const Request& request);
Response run_dreambooth_iteration(const Request& request);
Response run_tokenizer(const Request& request);
Response run_unet(const Request& request);
Response run_ssr(const Request& request);
Response run_strategy(const Request& request);
Response run_zip(const Request& request);
Response run_zip_iteration(const Request& request);
Response run_unet_iteration(const Request& request);
Response run_unet_call(const Request& request);

}  // namespace ziplora::probe

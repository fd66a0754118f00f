// File formats: what Python's libraries wrote is read here, and the other way round.
#include "tests/parity/probe/probes.h"
#include "ziplora/base/error.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/image_resize.h"
#include "ziplora/io/sha256.h"

namespace ziplora::probe {

/// from → to, tensors and metadata
Response run_safetensors_copy(const Request& request) {
  const SafetensorsFile file(request.arguments.at("from").get<std::string>());
  NamedTensors tensors;
  for (const auto& [name, info] : file.tensors()) tensors[name] = file.tensor(name);
  write_safetensors(request.arguments.at("to").get<std::string>(), tensors, file.metadata());
  Response response;
  response.values["metadata"] = file.metadata();
  response.values["sha256_of_tensors"] = sha256_of_tensors(file);
  return response;
}

/// Each file of a folder: its tensors (dtype, shape, sha256 of their bytes) and metadata, or null if it is refused.
Response run_safetensors_verdicts(const Request& request) {
  Response response;
  const std::filesystem::path folder = request.arguments.at("folder").get<std::string>();
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    nlohmann::json verdict;
    try {
      const SafetensorsFile file(entry.path());
      verdict = {{"metadata", file.metadata()}, {"tensors", nlohmann::json::object()}};
      for (const auto& [name, info] : file.tensors()) {
        const std::string_view bytes(reinterpret_cast<const char*>(file.data()) + info.begin,
                                     info.end - info.begin);
        verdict["tensors"][name] = {info.dtype, info.shape, sha256_of_bytes(bytes)};
      }
    } catch (const Error& error) {
      verdict = nullptr;
    }
    response.values[entry.path().filename()] = verdict;
  }
  return response;
}

Response run_read_image(const Request& request) {
  Response response;
  const std::string path = request.arguments.at("path");
  response.outputs["image"] = read_image(path);
  if (request.arguments.value("text", false)) response.values["text"] = read_png_text(path);
  return response;
}

Response run_write_png(const Request& request) {
  write_png(request.arguments.at("path").get<std::string>(), request.inputs.at("image"),
            request.arguments.at("text").get<StringMap>());
  return {};
}

Response run_resize_image(const Request& request) {
  Response response;
  response.outputs["image"] =
      resize_image(request.inputs.at("image"), request.arguments.at("height").get<int64_t>(),
                   request.arguments.at("width").get<int64_t>());
  return response;
}

}  // namespace ziplora::probe

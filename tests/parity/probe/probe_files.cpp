// File formats: what Python's libraries wrote is read here, and the other way round.
#include "tests/parity/probe/probes.h"
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

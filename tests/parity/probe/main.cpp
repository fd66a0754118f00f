// ziplora_probe NAME REQUEST_DIR: reads arguments.json and (if there) inputs.safetensors, writes values.json
// and outputs.safetensors beside them.
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>

#include "tests/parity/probe/probes.h"
#include "ziplora/base/atomic_file.h"

namespace {

int run(int argc, char** argv) {
  using namespace ziplora;
  if (argc != 3) {
    std::cerr << "usage: ziplora_probe NAME REQUEST_DIR\n";
    return 2;
  }
  const std::string name = argv[1];
  const std::filesystem::path folder = argv[2];
  try {
    probe::Request request;
    request.arguments = nlohmann::json::parse(std::ifstream(folder / "arguments.json"));
    if (std::filesystem::exists(folder / "inputs.safetensors")) {
      SafetensorsFile file(folder / "inputs.safetensors");
      for (const auto& [key, info] : file.tensors())
        request.inputs[key] = file.tensor(key).to(request.device(), /*non_blocking=*/false, /*copy=*/true);
    }
    for (const probe::Probe& candidate : probe::probes()) {
      if (candidate.name != name) continue;
      probe::Response response = candidate.run(request);
      write_text_file(folder / "values.json", response.values.dump());
      write_safetensors(folder / "outputs.safetensors", response.outputs);
      return 0;
    }
    std::cerr << "no probe '" << name << "'\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int code = run(argc, argv);
  std::cerr.flush();
  std::_Exit(code);  // LibTorch's static destructors would take as long as many a probe
}

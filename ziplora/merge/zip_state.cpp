#include "ziplora/merge/zip_state.h"

#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace {

constexpr const char* kSettingsKey = "ziplora.zip_state";
constexpr const char* kGroups[] = {"coefficients.", "optimizer.", "latents"};

}  // namespace

std::string how_to_resume(const std::filesystem::path& path) {
  return fmt::format("the merge state is in {}; run the same command with --resume to go on", path.string());
}

void write_zip_state(const std::filesystem::path& path, const ZipState& state) {
  NamedTensors tensors;
  for (const auto& [name, tensor] : state.coefficients) tensors["coefficients." + name] = tensor;
  for (const auto& [name, tensor] : state.optimizer) tensors["optimizer." + name] = tensor;
  for (const auto& [name, tensor] : state.latents) tensors[name] = tensor;  // "latents.<k>"
  write_safetensors(path, tensors, {{kSettingsKey, json_line(state.settings)}});
}

ZipState read_zip_state(const std::filesystem::path& path, const nlohmann::json& settings) {
  const std::string where = "merge: --resume " + path.string();
  if (!std::filesystem::exists(path))
    throw Error(ErrorKind::kInput, where, "there is no interrupted merge to resume",
                "run the command without --resume");
  const SafetensorsFile file(path);
  const auto found = file.metadata().find(kSettingsKey);
  if (found == file.metadata().end())
    throw Error(ErrorKind::kInput, where, "the file is not a merge state",
                "remove it and run the command without --resume");
  const nlohmann::json saved = parse_json(found->second).value_or(nullptr);
  for (const auto& [name, value] : settings.items()) {
    const std::string before = saved.is_object() ? json_line(saved.value(name, nlohmann::json())) : "unknown";
    if (before == json_line(value)) continue;  // compared as text: in the file all of it is UTF-8
    throw Error(ErrorKind::kIncompatible, where,
                fmt::format("the interrupted merge had other settings: {} was {}, now it is {}", name, before,
                            json_line(value)),
                "give the same command, or run it without --resume to start over");
  }
  ZipState state{.settings = settings};
  for (const auto& [name, info] : file.tensors()) {
    const at::Tensor tensor = file.tensor(name).clone();
    if (name.starts_with(kGroups[0]))
      state.coefficients[name.substr(std::string(kGroups[0]).size())] = tensor;
    if (name.starts_with(kGroups[1])) state.optimizer[name.substr(std::string(kGroups[1]).size())] = tensor;
    if (name.starts_with(kGroups[2])) state.latents[name] = tensor;
  }
  return state;
}

}  // namespace ziplora

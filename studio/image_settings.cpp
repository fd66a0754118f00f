#include "studio/image_settings.h"

#include "studio/refusal.h"
#include "ziplora/base/parse_number.h"
#include "ziplora/base/read_file.h"
#include "ziplora/io/json_file.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr int kSecondsForSettings = 60;

/// "dog.safetensors:0.8" as the library's adapter; null, and a word in `missing`, if it has none.
json adapter_of(Library& library, const std::string& choice, json& missing) {
  const size_t colon = choice.rfind(':');
  const auto strength =
      colon == std::string::npos ? std::nullopt : parse_number<double>(choice.substr(colon + 1));
  const std::string path = strength ? choice.substr(0, colon) : choice;
  auto id = library.find(path);
  if (!id) id = library.find_by_name(fs::path(path).stem().string());
  if (id) return {{"adapter", *id}, {"strength", strength.value_or(1.0)}};
  missing.push_back(path);
  return nullptr;
}

json known_adapters(Library& library, const json& choices, json& missing) {
  json known = json::array();
  for (const json& choice : choices)
    if (json adapter = adapter_of(library, choice, missing); !adapter.is_null())
      known.push_back(std::move(adapter));
  return known;
}

}  // namespace

json image_settings(const Program& program, Library& library, const fs::path& image) {
  const Answer answer =
      program.ask({"generate", "--like", image.string(), "--print-config"}, "/", kSecondsForSettings);
  json options = answer.exit_code == 0 ? parse_json(answer.out).value_or(nullptr) : json();
  if (!options.is_object()) return nullptr;
  json missing = json::array();
  const json given = options;
  for (const auto& [name, value] : given.items()) {
    const bool is_nothing = value.is_null() || (value.is_array() && value.empty());
    const bool is_file = name == "output" || name == "save_latents" || name == "initial_noise" ||
                         name == "column" || name == "image_column" || name == "grid";
    if (is_nothing || is_file)
      options.erase(name);
    else if (name == "adapter")
      options[name] = known_adapters(library, value, missing);
    else if (name == "subject" || name == "style")
      options[name] = adapter_of(library, value, missing);
  }
  const std::string bytes = read_file(image);
  const bool is_ours = bytes.find("Xtziplora") != std::string::npos;  // its chunk, of any kind of text
  return {{"source", is_ours ? "ziplora" : "a1111"},
          {"options", options},
          {"missing", missing},
          {"text", nullptr}};
}

}  // namespace ziplora::studio

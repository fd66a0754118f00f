#pragma once
/// Reads a published config.json strictly. A setting that is unknown, or has a value that is not implemented
/// here, is an error that names it: to ignore it would give wrong images without a word.
///
///     ConfigReader reader(config, "vae/config.json");
///     options.layers_per_block = reader.get<int64_t>("layers_per_block", 1);
///     reader.expect("act_fn", "silu");   // absent, or exactly this
///     reader.finish();                   // throws if there is a field that was never asked for

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace ziplora {

/// A config is a few bytes and can ask for any number of layers. SDXL's widest is 49,408 (words), its deepest 32.
inline constexpr int64_t kLargestSize = int64_t{1} << 24, kMostLayers = 1000;

/// What errors advise, by what is wrong with a config.
struct ConfigHints {
  const char *malformed, *unsupported, *unknown_settings;
};
inline constexpr ConfigHints kBaseHints{
    .malformed = "take the file of the base model as it was published",
    .unsupported = "use a base model of SDXL's architecture",
    .unknown_settings = "this config belongs to another kind of model, or to a newer version of diffusers"};
inline constexpr ConfigHints kEncoderHints{
    .malformed = "download the image encoder's folder again, as it was published",
    .unsupported = "use an image encoder that is known here: CLIP, DINO, DINOv2 or CSD",
    .unknown_settings = "use an image encoder that is known here: CLIP, DINO, DINOv2 or CSD"};

class ConfigReader {
 public:
  /// @param config  must outlive the reader
  /// @param where   for messages: which config
  /// @throws Error(kInput) if it is not a JSON object
  ConfigReader(const nlohmann::json& config, std::string where, const ConfigHints& hints = kBaseHints);

  /// @throws Error(kInput) if the field is absent or of another type
  template <class T>
  T get(const std::string& field);
  /// As `get`, with a value for a field that is absent.
  template <class T>
  T get(const std::string& field, T absent);
  /// A size or count.
  /// @throws Error(kInput) if the field is absent or not a whole number from 1 to kLargestSize
  int64_t positive(const std::string& field);
  /// A number of layers.
  /// @throws as positive; Error(kIncompatible) if it is above kMostLayers
  int64_t layers(const std::string& field);
  /// A list with one entry per block. A single number stands for every block, as in diffusers.
  std::vector<int64_t> per_block(const std::string& field, size_t blocks, int64_t absent);

  /// The field must be absent, null or this value.
  /// @throws Error(kIncompatible) with the found and the supported value
  void expect(const std::string& field, const nlohmann::json& supported);
  /// Whether the field is there and not null. It then counts as asked for.
  bool has(const std::string& field);
  /// Accepts fields that have no meaning here, whatever their value.
  void skip(const std::vector<std::string>& fields);
  /// @throws Error(kIncompatible) if there is a field that nobody asked for; names beginning with "_" are
  ///         diffusers' own and do not count
  void finish() const;

  [[noreturn]] void unsupported(const std::string& field, const std::string& supported) const;

 private:
  const nlohmann::json* find(const std::string& field);
  [[noreturn]] void wrong_type(const std::string& field, const char* problem) const;

  const nlohmann::json& config_;
  std::string where_;
  ConfigHints hints_;
  std::set<std::string> asked_;
};

template <class T>
T ConfigReader::get(const std::string& field) {
  const nlohmann::json* value = find(field);
  if (!value) wrong_type(field, "is missing");
  try {
    return value->get<T>();
  } catch (const nlohmann::json::exception& error) {
    wrong_type(field, error.what());
  }
}

template <class T>
T ConfigReader::get(const std::string& field, T absent) {
  return has(field) ? get<T>(field) : std::move(absent);
}

}  // namespace ziplora

#pragma once
/// How LoRA files spell a layer. A dialect is one file (keys_<name>.cpp) and one line in key_dialects.cpp;
/// the reader, the writer, the help and the round-trip tests iterate over the table. Keys are recognised one
/// by one, so a file may mix dialects. What the tensors of a layer mean is defined in delta_kind.h.
///
///     for (const KeyDialect& dialect : key_dialects())
///       if (auto parsed = dialect.parse(key, names)) …

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ziplora/lora/adapter.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

struct ParsedKey {
  /// nullptr: the spelling is this dialect's, but the architecture has no such layer.
  const TargetName* target;
  std::string part;      ///< of a delta kind: "down", "up", …; or "alpha"
  std::string dialect;   ///< more exact than KeyDialect::name: "kohya-sgm"
  bool wrapped = false;  ///< read without what a wrapper left in the name (wrapped_names.h)
};

struct KeyDialect {
  const char* name;     ///< as people choose it: "kohya"
  const char* summary;  ///< one line, with an example key
  std::optional<ParsedKey> (*parse)(const std::string& key, const TargetNames& names);
  /// nullptr: the dialect can only be read. Factors are stored as `dtype`.
  void (*write)(const std::filesystem::path& path, const Adapter& adapter, const TargetNames& names,
                at::ScalarType dtype);
  bool takes_vectors = false;  ///< has a place for biases and norms (Adapter::vector_deltas)
};

const std::vector<KeyDialect>& key_dialects();
/// @param where  opens the error message
/// @throws Error(kUsage) listing the dialects that can be written
const KeyDialect& find_writable_dialect(const std::string& name, const std::string& where);

/// Removes `prefix` if `text` starts with it.
/// @return whether it did
bool strip_prefix(std::string& text, std::string_view prefix);

// One file each; kohya's two share one, because one parser reads both.
extern const KeyDialect kKohyaDialect, kKohyaDiffusersDialect, kDiffusersDialect, kPeftDialect, kComfyDialect,
    kSgmDialect, kOmiDialect;

}  // namespace ziplora

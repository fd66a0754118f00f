#include "ziplora/lora/key_dialects.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/base/error.h"

namespace ziplora {

const std::vector<KeyDialect>& key_dialects() {
  static const std::vector<KeyDialect> table{kKohyaDialect, kComfyDialect, kPeftDialect, kDiffusersDialect};
  return table;
}

const KeyDialect& find_writable_dialect(const std::string& name) {
  std::vector<std::string> writable;
  for (const KeyDialect& dialect : key_dialects()) {
    if (dialect.write == nullptr) continue;
    if (dialect.name == name) return dialect;
    writable.push_back(dialect.name);
  }
  throw Error(ErrorKind::kUsage, "--format",
              fmt::format("'{}' is not a LoRA format that can be written", name),
              fmt::format("choose one of: {}", fmt::join(writable, ", ")));
}

std::optional<std::pair<std::string, Factor>> split_suffix(const std::string& key,
                                                           const std::vector<FactorSuffix>& suffixes) {
  for (const FactorSuffix& suffix : suffixes)
    if (key.ends_with(suffix.suffix))
      return std::pair{key.substr(0, key.size() - suffix.suffix.size()), suffix.factor};
  return std::nullopt;
}

bool strip_prefix(std::string& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.erase(0, prefix.size());
  return true;
}

}  // namespace ziplora

#include "ziplora/lora/key_dialects.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/base/error.h"

namespace ziplora {

const std::vector<KeyDialect>& key_dialects() {
  // diffusers' comes last: it takes every key that ends as a LoRA's.
  static const std::vector<KeyDialect> table{
      kKohyaDialect, kKohyaDiffusersDialect, kComfyDialect,    kSgmDialect,
      kOmiDialect,   kPeftDialect,           kDiffusersDialect};
  return table;
}

const KeyDialect& find_writable_dialect(const std::string& name, const std::string& where) {
  std::vector<std::string> writable;
  for (const KeyDialect& dialect : key_dialects()) {
    if (dialect.write == nullptr) continue;
    if (dialect.name == name) return dialect;
    writable.push_back(dialect.name);
  }
  throw Error(ErrorKind::kUsage, where, fmt::format("'{}' is not a LoRA format that can be written", name),
              fmt::format("choose one of: {}", fmt::join(writable, ", ")));
}

bool strip_prefix(std::string& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.erase(0, prefix.size());
  return true;
}

}  // namespace ziplora

#pragma once
/// Names of files and prompts may have any encoding; metadata and JSON are UTF-8.
///
///     metadata["modelspec.title"] = utf8_text(path.stem().string());   // "caf\xE9" → "caf\uFFFD"

#include <string>

#include "ziplora/io/safetensors.h"

namespace ziplora {

/// Bytes that are not UTF-8 become U+FFFD.
std::string utf8_text(const std::string& text);

/// The same for all values.
StringMap utf8_text(StringMap metadata);

}  // namespace ziplora

#pragma once
/// JSON holds UTF-8 alone; names of files and prompts may hold any bytes. A state that is resumed from must give
/// them back exactly.
///
///     const std::string text = json_line(spell_bytes(settings));    // "caf\xE9" → {"bytes": "636166e9"}
///     settings = restore_bytes(parse_json(text).value());

#include <nlohmann/json.hpp>

namespace ziplora {

/// Every text that is not UTF-8 becomes an object with its bytes in hexadecimal digits; the rest stays.
nlohmann::json spell_bytes(const nlohmann::json& json);

/// The reverse. What only looks like such an object stays as it is; one that is an object of its own, {"bytes": "6162"},
/// would come back as text. No setting has that shape.
nlohmann::json restore_bytes(const nlohmann::json& json);

}  // namespace ziplora

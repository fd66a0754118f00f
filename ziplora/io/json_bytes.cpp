#include "ziplora/io/json_bytes.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string>

#include "ziplora/base/utf8.h"

namespace ziplora {
namespace {

constexpr const char* kBytes = "bytes";

std::string hexadecimal(const std::string& text) {
  std::string digits;
  for (const char byte : text) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return digits;
}

std::optional<std::string> bytes_of(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    unsigned char byte = 0;
    const char *begin = digits.data() + i, *end = begin + 2;
    if (i + 2 > digits.size() || std::from_chars(begin, end, byte, 16).ptr != end) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

}  // namespace

nlohmann::json spell_bytes(const nlohmann::json& json) {
  if (json.is_string() && !is_utf8(json.get_ref<const std::string&>()))
    return {{kBytes, hexadecimal(json.get_ref<const std::string&>())}};
  if (!json.is_structured()) return json;
  nlohmann::json spelled = json;
  for (auto& value : spelled) value = spell_bytes(value);
  return spelled;
}

nlohmann::json restore_bytes(const nlohmann::json& json) {
  if (json.is_object() && json.size() == 1 && json.contains(kBytes) && json[kBytes].is_string())
    if (const auto bytes = bytes_of(json[kBytes].get_ref<const std::string&>())) return *bytes;
  if (!json.is_structured()) return json;
  nlohmann::json restored = json;
  for (auto& value : restored) value = restore_bytes(value);
  return restored;
}

}  // namespace ziplora

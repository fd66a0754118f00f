#include "ziplora/io/utf8_text.h"

#include "ziplora/io/json_file.h"

namespace ziplora {

std::string utf8_text(const std::string& text) {
  return nlohmann::json::parse(json_line(text)).get<std::string>();
}

StringMap utf8_text(StringMap metadata) {
  for (auto& [key, value] : metadata) value = utf8_text(value);
  return metadata;
}

}  // namespace ziplora

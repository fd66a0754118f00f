#include "ziplora/io/json_file.h"

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"

namespace ziplora {
namespace {

/// nlohmann::json parses any depth, but copying and printing recurse and would overflow the stack.
constexpr int kDepthLimit = 200;

/// Counts brackets outside strings, which bounds the depth whether or not the text is JSON.
bool nests_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') in_string = !in_string;
    if (in_string)
      i += c == '\\';
    else if (c == '[' || c == '{')
      ++depth;
    else if (c == ']' || c == '}')
      --depth;
    if (depth > kDepthLimit) return true;
  }
  return false;
}

template <class Json>
Json read(const std::filesystem::path& path, size_t limit_bytes) {
  const std::string text = read_file(path, limit_bytes);
  if (nests_too_deep(text))
    throw Error(ErrorKind::kInput, "read " + path.string(),
                "the JSON nests deeper than " + std::to_string(kDepthLimit) + " levels",
                "correct the file, or fetch it again");
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 2, column 9: …": people need what follows "] ".
    std::string problem = error.what();
    if (const size_t bracket = problem.find("] "); bracket != std::string::npos)
      problem = problem.substr(bracket + 2);
    throw Error(ErrorKind::kInput, "read " + path.string(),
                text.empty() ? "the file is empty" : "not JSON: " + problem,
                "correct the file there, or fetch it again");
  }
}

template <class Json>
std::optional<Json> parse(std::string_view text) {
  if (text.size() > kJsonLimitBytes || nests_too_deep(text)) return std::nullopt;
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

}  // namespace

nlohmann::json read_json_file(const std::filesystem::path& path, size_t limit_bytes) {
  return read<nlohmann::json>(path, limit_bytes);
}

nlohmann::ordered_json read_ordered_json_file(const std::filesystem::path& path) {
  return read<nlohmann::ordered_json>(path, kJsonLimitBytes);
}

std::optional<nlohmann::json> parse_json(std::string_view text) { return parse<nlohmann::json>(text); }

std::optional<nlohmann::ordered_json> parse_ordered_json(std::string_view text) {
  return parse<nlohmann::ordered_json>(text);
}

std::string json_line(const nlohmann::json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
}

void write_json_file(const std::filesystem::path& path, const nlohmann::json& json) {
  write_text_file(path, json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace ziplora

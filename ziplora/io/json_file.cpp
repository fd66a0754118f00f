#include "ziplora/io/json_file.h"

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"

namespace ziplora {

nlohmann::json read_json_file(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    // "[json.exception.parse_error.101] parse error at line 2, column 9: …": people need what follows the
    // bracket.
    std::string problem = error.what();
    if (const size_t bracket = problem.find("] "); bracket != std::string::npos)
      problem = problem.substr(bracket + 2);
    throw Error(ErrorKind::kInput, "read " + path.string(),
                text.empty() ? "the file is empty" : "not JSON: " + problem,
                "correct the file there, or fetch it again");
  }
}

void write_json_file(const std::filesystem::path& path, const nlohmann::json& json) {
  std::string text;
  try {
    text = json.dump(2) + "\n";
  } catch (const nlohmann::json::type_error& error) {
    throw Error(ErrorKind::kInternal, "write " + path.string(), error.what());
  }
  write_text_file(path, text);
}

}  // namespace ziplora

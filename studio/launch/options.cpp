#include "studio/launch/options.h"

#include <cstdlib>

#include "ziplora/base/error.h"

namespace ziplora::studio {
namespace fs = std::filesystem;

nlohmann::json to_json(const StudioOptions& options) {
  return {{"program", options.program.string()},
          {"data", options.data.string()},
          {"listen", options.listen},
          {"port", options.port},
          {"token", options.token},
          {"base", options.base},
          {"largest_upload_bytes", options.largest_upload_bytes},
          {"open_browser", options.open_browser},
          {"json", options.json}};
}

StudioOptions options_from_json(const nlohmann::json& json) {
  StudioOptions options;
  options.program = json.at("program").get<std::string>();
  options.data = json.at("data").get<std::string>();
  json.at("listen").get_to(options.listen);
  json.at("port").get_to(options.port);
  json.at("token").get_to(options.token);
  json.at("base").get_to(options.base);
  json.at("largest_upload_bytes").get_to(options.largest_upload_bytes);
  json.at("open_browser").get_to(options.open_browser);
  json.at("json").get_to(options.json);
  return options;
}

fs::path default_data_folder() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data == '/')
    return fs::path(data) / "ziplora" / "studio";
  const char* home = std::getenv("HOME");
  if (!home || !*home)
    throw Error(ErrorKind::kUsage, "studio", "neither XDG_DATA_HOME nor HOME says where data belongs",
                "name a folder for the studio's data");
  return fs::path(home) / ".local" / "share" / "ziplora" / "studio";
}

}  // namespace ziplora::studio

#include <algorithm>
#include <thread>

#include "studio/call.h"
#include "studio/event_streams.h"
#include "studio/handlers.h"
#include "studio/refusal.h"
#include "studio/studio.h"
#include "studio/upload_limits.h"

namespace ziplora::studio {
namespace {

using nlohmann::json;

const char* kind_of_base(const std::string& base) {
  if (base.empty()) return "miniature";
  return std::filesystem::is_directory(base) ? "folder" : "single file";
}

/// "context_steps" of "context-steps": as the flag's name is spelled in options.
json as_option(json option) {
  std::string name = option.at("name");
  std::ranges::replace(name, '-', '_');
  option["name"] = name;
  return option;
}

}  // namespace

void show_about(Studio& studio, Call& call) {
  const std::string& base = studio.options.base;
  const nlohmann::ordered_json& flags = studio.program.flags();
  call.answer({{"version", flags.at("version")},
               {"torch", flags.at("torch")},
               {"device", "cpu"},
               {"threads", std::thread::hardware_concurrency()},
               {"base", {{"path", base.empty() ? json() : json(base)}, {"kind", kind_of_base(base)}}},
               {"data", studio.options.data.string()},
               {"limits",
                {{"adapter_bytes", studio.options.largest_upload_bytes},
                 {"image_bytes", kLargestImage},
                 {"json_bytes", kLargestJsonBody},
                 {"streams", kMostStreams}}}});
}

void show_verb(Studio& studio, Call& call) {
  if (call.parameter == "studio") throw no_such("verb", call.parameter);
  call.answer(json(studio.program.verb(call.parameter)));
}

void list_methods(Studio& studio, Call& call) {
  json methods = json::array();
  for (const auto& row : studio.program.verb("merge").at("rows")) {
    json method = row;
    for (json& option : method.at("options")) option = as_option(option);
    methods.push_back(std::move(method));
  }
  call.answer({{"methods", std::move(methods)}});
}

}  // namespace ziplora::studio

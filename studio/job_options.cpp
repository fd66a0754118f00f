#include "studio/job_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "studio/file_name.h"
#include "studio/refusal.h"
#include "ziplora/base/nearest_name.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

Refusal refused(const std::string& name, const std::string& problem, const std::string& hint) {
  return Refusal(400, "usage", "option " + name, problem, hint);
}

const ordered_json& flag_of(const ordered_json& verb, const std::string& name) {
  std::vector<std::string> known;
  for (const ordered_json& flag : verb.at("flags")) {
    if (flag.at("name") == name) return flag;
    known.push_back(flag.at("name"));
  }
  const auto near = nearest_name(name, known);
  throw refused(name, verb.at("name").get<std::string>() + " has no such option",
                near ? "did you mean '" + *near + "'?" : "ask for the verb's flags");
}

bool names_files(const ordered_json& flag) {
  const std::string what = flag.at("value_name");
  return std::ranges::any_of(std::initializer_list<const char*>{"FILE", "PATH", "FOLDER", "ADAPTERS"},
                             [&](const char* word) { return what.find(word) != std::string::npos; });
}

int64_t id_of(const std::string& name, const json& value) {
  if (value.is_number_integer()) return value.get<int64_t>();
  throw refused(name, "an id is a whole number", "take it from the list");
}

/// Resolves the values of one request.
class Resolver {
 public:
  Resolver(const JobThings& things, const ordered_json& verb, fs::path folder)
      : things_(things), verb_(verb), folder_(std::move(folder)) {}

  JobOptions resolve(const json& given) {
    if (!given.is_object())
      throw refused("options", "the options are no object", "send {\"prompt\": \"a dog\"}");
    options_.config = json::object();
    for (const auto& [name, value] : given.items()) {
      if (value.is_null()) continue;
      options_.config[name] = resolve(name, flag_of(verb_, name), value);
    }
    return std::move(options_);
  }

 private:
  json resolve(const std::string& name, const ordered_json& flag, const json& value) {
    if (name == "output") return output(value);
    if (name == "base") return base(value);
    if (!names_files(flag)) return plain(name, flag, value);
    if (!value.is_array()) return thing(name, value);
    json all = json::array();
    for (const json& one : value) all.push_back(thing(name, one));
    return all;
  }

  /// A name; the folder is the job's.
  json output(const json& value) const {
    if (!value.is_string())
      throw refused("output", "the output's name is no text", "for example \"dog-in-ink\"");
    const bool is_image = verb_.at("name") == "generate";
    const std::string ending = is_image ? ".png" : ".safetensors";
    std::string name = safe_name(value.get<std::string>(), is_image ? "image" : "lora");
    if (extension_of(name) == ending) name.resize(name.size() - ending.size());
    return (folder_ / "out" / (safe_name(name, is_image ? "image" : "lora") + ending)).string();
  }

  json base(const json& value) const {
    if (!value.is_string() || value.get<std::string>().starts_with('-'))
      throw refused("base", "the base is no path", "give the whole path of a folder or a file");
    const std::string path = value.get<std::string>();
    if (path.empty()) return nullptr;
    if (!path.starts_with('/')) throw refused("base", "the path is not whole", "give one that begins with /");
    return path;
  }

  static json plain(const std::string& name, const ordered_json& flag, const json& value) {
    const auto is_plain = [](const json& one) {
      return one.is_string() || one.is_number() || one.is_boolean();
    };
    const bool fits = value.is_array()
                          ? flag.at("repeats").get<bool>() && std::ranges::all_of(value, is_plain)
                          : is_plain(value);
    if (!fits) throw refused(name, "the value has another shape", "ask for the verb's flags");
    return value;
  }

  json thing(const std::string& name, const json& value) {
    if (value.is_object() && value.contains("adapter")) return adapter(name, value);
    if (value.is_object() && value.contains("image"))
      return image_folder(name, json::array({value.at("image")}));
    if (value.is_object() && value.contains("images") && value.at("images").is_array())
      return image_folder(name, value.at("images"));
    throw refused(name, "files are named by their ids, never by a path",
                  "send {\"adapter\": id} or {\"images\": [ids]}");
  }

  json adapter(const std::string& name, const json& value) const {
    const json strength = value.value("strength", json(1.0));
    if (!strength.is_number() || !std::isfinite(strength.get<double>()))
      throw refused(name, "the strength is no number", "for example {\"adapter\": 1, \"strength\": 0.8}");
    const fs::path file = things_.library.file(id_of(name, value.at("adapter")));
    return fmt::format("{}:{}", file.string(), strength.get<double>());
  }

  json image_folder(const std::string& name, const json& ids) {
    const fs::path folder = folder_ / fmt::format("images-{}", options_.image_folders.size());
    std::vector<int64_t>& images = options_.image_folders[folder];
    for (const json& id : ids) {
      images.push_back(id_of(name, id));
      things_.gallery.file(images.back());  // is there
    }
    if (images.empty()) throw refused(name, "there are no images", "choose at least one");
    return folder.string();
  }

  const JobThings& things_;
  const ordered_json& verb_;
  fs::path folder_;
  JobOptions options_;
};

/// As a shell takes it.
std::string quoted(const std::string& word) {
  const bool is_plain = !word.empty() && std::ranges::all_of(word, [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("-_./:=+,%@").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (is_plain) return word;
  std::string text = "'";
  for (const char character : word)
    text += character == '\'' ? std::string("'\\''") : std::string(1, character);
  return text + "'";
}

std::string word_of(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

}  // namespace

JobOptions resolve_options(const JobThings& things, const ordered_json& verb, const json& given,
                           const fs::path& folder) {
  JobOptions options = Resolver(things, verb, folder).resolve(given);
  if (!things.base.empty() && !options.config.contains("base")) options.config["base"] = things.base;
  return options;
}

std::string command_text(const ordered_json& verb, const json& config) {
  std::string text = "ziplora " + verb.at("name").get<std::string>(), positional;
  for (const ordered_json& flag : verb.at("flags")) {
    const auto given = config.find(flag.at("name").get<std::string>());
    if (given == config.end() || given->is_null()) continue;
    for (const json& value : given->is_array() ? *given : json::array({*given})) {
      if (flag.at("flag").is_null())
        positional += " " + quoted(word_of(value));
      else if (flag.at("type") != "boolean")
        text += fmt::format(" {} {}", flag.at("flag").get<std::string>(), quoted(word_of(value)));
      else if (value == true)
        text += " " + flag.at("flag").get<std::string>();
      else if (!flag.at("off_flag").is_null())
        text += " " + flag.at("off_flag").get<std::string>();
    }
  }
  return text + positional;
}

}  // namespace ziplora::studio

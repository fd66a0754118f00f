#include "inspect_table.h"

#include "cli/frame/size_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace ziplora::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kColumns = 100, kLabel = 12;
constexpr size_t kMostMetadata = 12;

/// Characters, not bytes: names and prompts may hold any script.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string cut_to(const std::string& text, size_t columns) {
  if (width_of(text) <= columns) return text;
  size_t bytes = 0, characters = 0;
  while (characters < columns) {
    ++bytes;
    while (bytes < text.size() && (text[bytes] & 0xC0) == 0x80) ++bytes;
    ++characters;
    if (characters == columns - 1) break;
  }
  return text.substr(0, bytes) + "…";
}

/// Control characters would let a file's metadata write to the terminal.
std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return text;
}

/// `label` in its column, then `text` broken at spaces, later lines indented below it.
std::string labelled(const std::string& label, const std::string& text) {
  std::string out = "  " + label + std::string(kLabel > width_of(label) ? kLabel - width_of(label) : 1, ' ');
  const size_t indent = std::max(kLabel + 2, width_of(label) + 3), room = kColumns - indent;
  size_t used = 0, begin = 0;
  const std::string line = one_line(text);
  while (begin <= line.size()) {
    const size_t end = std::min(line.find(' ', begin), line.size());
    const std::string word = cut_to(line.substr(begin, end - begin), room);
    if (used > 0 && used + 1 + width_of(word) > room) out += "\n" + std::string(indent, ' '), used = 0;
    out += (used > 0 ? " " : "") + word;
    used += width_of(word) + (used > 0);
    begin = end + 1;
  }
  return out + "\n";
}

/// {"8": 560, "16": 4} → "8 (560 layers), 16 (4)"; a single value needs no count.
std::string counts_text(const Json& counts) {
  if (counts.size() == 1) return counts.begin().key();
  std::string text;
  for (const auto& [value, count] : counts.items())
    text += fmt::format("{}{} ({}{})", text.empty() ? "" : ", ", value, count.get<int64_t>(),
                        text.empty() ? " layers" : "");
  return text;
}

std::string keys_text(const Json& counts) {
  std::string text;
  for (const auto& [value, count] : counts.items()) text += (text.empty() ? "" : ", ") + value;
  return text;
}

/// "SDXL base 1.0", "a base as assets/mini".
std::string named_base(const std::string& architecture) {
  return (architecture.starts_with("as ") ? "a base " : "") + architecture;
}

std::string summary_lines(const Json& file) {
  std::string text = fmt::format("{}\n", file["file"].get<std::string>());
  text += labelled("what", fmt::format("{} for {}, {} names", keys_text(file["kinds"]),
                                       named_base(file["architecture"]), file["dialect"].get<std::string>()));
  text +=
      labelled("size", fmt::format("{}, {} layers in {} tensors, {}",
                                   size_text(file["size_bytes"].get<double>()), file["layers"].get<int64_t>(),
                                   file["tensors"].get<int64_t>(), keys_text(file["dtypes"])));
  text += labelled("ranks", counts_text(file["ranks"]));
  std::string alphas;
  for (const auto& [component, counts] : file["alphas"].items())
    alphas += fmt::format("{}{} {}", alphas.empty() ? "" : "; ", component, counts_text(counts));
  text += labelled("alphas", alphas);
  std::string strength = fmt::format("‖ΔW‖ {:.4g}, stable rank {:.1f}", file["norm"].get<double>(),
                                     file["stable_rank"].get<double>());
  if (file["first_half_energy"].is_number())
    strength +=
        fmt::format(", half of the ranks hold {:.1f} %", 100 * file["first_half_energy"].get<double>());
  text += labelled("strength", strength);
  if (const int64_t bound = file["base_bound"].get<int64_t>(); bound > 0)
    text += labelled("needs base", fmt::format("{} of the layers: what they change depends on the base's "
                                               "weights",
                                               bound));
  if (const int64_t vectors = file["vectors"].get<int64_t>(); vectors > 0)
    text += labelled("vectors", fmt::format("{} biases and norms are changed", vectors));
  std::string words;
  for (const auto& word : file["trigger_words"])
    words += (words.empty() ? "\"" : ", \"") + word.get<std::string>() + "\"";
  text += labelled("words", words.empty() ? "none in the metadata" : words);
  if (!file.contains("hashes")) return text;
  const Json& hashes = file["hashes"];
  return text +
         labelled("AutoV2, V3",
                  hashes["autov2"].get<std::string>() + ", " + hashes["autov3"].get<std::string>()) +
         labelled("sha256", hashes["sha256"].get<std::string>());
}

std::string percent(const Json& share) {
  return share.is_number() ? fmt::format("{:.0f} %", 100 * share.get<double>()) : "–";
}

std::string coverage_lines(const Json& file) {
  std::string text = fmt::format("\n  {:<34}{:>8}{:>8}{:>12}\n", "layers", "here", "of", "‖ΔW‖");
  const auto line = [&](const std::string& name, const Json& group) {
    text += fmt::format("  {:<34}{:>8}{:>8}{:>12.4g}\n", name, group["layers"].get<int64_t>(),
                        group["of"].get<int64_t>(), group["norm"].get<double>());
  };
  for (const Json& group : file["coverage"])
    line(group["component"].get<std::string>() + " " + group["kind"].get<std::string>(), group);
  if (file["blocks"].size() > 1) {
    text += "\n";
    for (const Json& group : file["blocks"]) line(group["block"].get<std::string>(), group);
  }
  if (file["largest"].size() < 2) return text;
  text += fmt::format("\n  {:<68}{:>8}{:>10}{:>10}\n", "largest layers", "‖ΔW‖", "stable", "half");
  for (const Json& layer : file["largest"])
    text += fmt::format("  {:<68}{:>8.3g}{:>10.1f}{:>10}\n", layer["layer"].get<std::string>(),
                        layer["norm"].get<double>(), layer["stable_rank"].get<double>(),
                        percent(layer["first_half_energy"]));
  return text;
}

/// A recipe comes from a file's metadata, so no field of it can be relied on.
std::string text_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return "?";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::string number_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? fmt::format("{:.4g}", found->get<double>()) : "?";
}

/// Files of earlier versions have one "prompt".
std::string quoted_prompts(const Json& input) {
  const auto several = input.find("prompts");
  if (several == input.end() || !several->is_array()) return "\"" + text_at(input, "prompt") + "\"";
  std::string text;
  for (const Json& prompt : *several)
    text += (text.empty() ? "\"" : ", \"") +
            (prompt.is_string() ? prompt.get<std::string>() : prompt.dump()) + "\"";
  return text.empty() ? "no prompt" : text;
}

std::string recipe_lines(const Json& recipe) {
  std::string text = "\n" + labelled("merged", fmt::format("by {}, seed {}", text_at(recipe, "method"),
                                                           text_at(recipe, "seed")));
  const Json inputs = recipe.value("inputs", Json::array());
  for (const Json& input : inputs)
    if (input.is_object())
      text += labelled(text_at(input, "role"), fmt::format("{} × {}, {}, sha256 {}", text_at(input, "file"),
                                                           number_at(input, "weight"), quoted_prompts(input),
                                                           text_at(input, "sha256")));
  const Json result = recipe.value("result", Json::object());
  if (!result.is_object()) return text;
  if (const auto overlap = result.find("overlap"); overlap != result.end() && overlap->is_object())
    text += labelled(
        "overlap", fmt::format("{} → {}; coefficients moved by {} on average", number_at(*overlap, "before"),
                               number_at(*overlap, "after"), number_at(result, "mean_movement")));
  return text;
}

std::string program_lines(const Json& file) {
  std::string text = "\n";
  for (const Json& program : file["programs"]) {
    std::string verdict = program["verdict"];
    for (const Json& reason : program["reasons"])
      verdict += (&reason == &program["reasons"].front() ? ": " : "; ") + reason.get<std::string>();
    text += labelled(fmt::format("{:<21}", program["program"].get<std::string>()), verdict);
  }
  return text;
}

std::string metadata_lines(const Json& file) {
  const Json& metadata = file["metadata"];
  if (metadata.empty()) return "\n" + labelled("metadata", "none");
  std::string text = "\n";
  size_t shown = 0, skipped = 0;
  for (const auto& [key, value] : metadata.items()) {
    if (key == "ziplora.recipe" || key == "ss_tag_frequency") {  // shown in words above
      ++skipped;
      continue;
    }
    if (shown == kMostMetadata) break;
    ++shown;
    const std::string name = cut_to(one_line(key), 36);
    text += "  " + name + std::string(38 - width_of(name), ' ') +
            cut_to(one_line(value.get<std::string>()), kColumns - 40) + "\n";
  }
  if (skipped + shown < metadata.size())
    text += fmt::format("  … {} entries in all; --json shows them\n", metadata.size());
  return text;
}

std::string defect_lines(const Json& file) {
  std::string text = "\n";
  for (const Json& warning : file["warnings"]) text += labelled("note", warning.get<std::string>());
  if (file["defects"].empty()) return text + labelled("defects", "none");
  for (const Json& defect : file["defects"])
    text += labelled("defect",
                     fmt::format("{}: {} — {}", defect["kind"].get<std::string>(),
                                 defect["problem"].get<std::string>(), defect["hint"].get<std::string>()));
  return text;
}

}  // namespace

std::string inspect_table(const Json& file) {
  if (file.contains("error"))
    return file["file"].get<std::string>() + "\n" +
           labelled("error", one_line(file["error"]["problem"].get<std::string>())) +
           labelled("hint", one_line(file["error"]["hint"].get<std::string>()));
  std::string text = summary_lines(file) + coverage_lines(file);
  if (file.contains("recipe")) text += recipe_lines(file["recipe"]);
  return text + program_lines(file) + metadata_lines(file) + defect_lines(file);
}

}  // namespace ziplora::cli

#include "cli/inspect_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/frame/size_text.h"
#include "ziplora/base/printable.h"
#include "ziplora/base/utf8.h"

namespace ziplora::cli {
namespace {

constexpr size_t kColumns = 100, kLabel = 12, kMostMetadata = 12;

std::string cut_to(const std::string& text, size_t columns) {
  if (count_characters(text) <= columns) return text;
  size_t bytes = 0, characters = 0;
  while (characters < columns) {
    ++bytes;
    while (bytes < text.size() && continues_character(text[bytes])) ++bytes;
    ++characters;
    if (characters == columns - 1) break;
  }
  return text.substr(0, bytes) + "…";
}

/// Metadata may hold line feeds; and what takes more columns when it is printed must do so when it is measured.
std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return visible(text);
}

/// `name` in its column, then `text` broken at spaces, later lines indented below it.
std::string labelled(const std::string& name, const std::string& text) {
  const std::string label = one_line(name);
  std::string out = "  " + label +
                    std::string(kLabel > count_characters(label) ? kLabel - count_characters(label) : 1, ' ');
  const size_t indent = std::max(kLabel + 2, count_characters(label) + 3), room = kColumns - indent;
  size_t used = 0, begin = 0;
  const std::string line = one_line(text);
  while (begin <= line.size()) {
    const size_t end = std::min(line.find(' ', begin), line.size());
    const std::string word = cut_to(line.substr(begin, end - begin), room);
    if (used > 0 && used + 1 + count_characters(word) > room)
      out += "\n" + std::string(indent, ' '), used = 0;
    out += (used > 0 ? " " : "") + word;
    used += count_characters(word) + (used > 0);
    begin = end + 1;
  }
  return out + "\n";
}

/// {{"8", 560}, {"16", 4}} → "8 (560 layers), 16 (4)"; a single value needs no count.
std::string counts_text(const LayerCounts& counts) {
  if (counts.size() == 1) return counts.front().first;
  std::string text;
  for (const auto& [value, count] : counts)
    text += fmt::format("{}{} ({}{})", text.empty() ? "" : ", ", value, count, text.empty() ? " layers" : "");
  return text;
}

std::string values_text(const LayerCounts& counts) {
  std::string text;
  for (const auto& [value, count] : counts) text += (text.empty() ? "" : ", ") + value;
  return text;
}

/// "SDXL base 1.0", "a base as assets/mini".
std::string named_base(const std::string& architecture) {
  return (architecture.starts_with("as ") ? "a base " : "") + architecture;
}

/// "cat", "a cat".
std::string quoted(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "\"" : ", \"") + word + "\"";
  return text;
}

std::string alphas_text(const AdapterReport& report) {
  std::string text;
  for (const auto& [component, counts] : report.alphas)
    text += fmt::format("{}{} {}", text.empty() ? "" : "; ", component, counts_text(counts));
  return text;
}

std::string strength_text(const AdapterReport& report) {
  std::string text = fmt::format("‖ΔW‖ {:.4g}, stable rank {:.1f}", report.norm, report.stable_rank);
  if (report.first_half_energy)
    text += fmt::format(", half of the ranks hold {:.1f} %", 100 * *report.first_half_energy);
  return text;
}

std::string summary_lines(const InspectedAdapter& adapter) {
  const AdapterReport& report = adapter.report;
  std::string text = labelled("what", fmt::format("{} for {}, {} names", values_text(report.kinds),
                                                  named_base(adapter.architecture), report.dialect));
  text += labelled("size", fmt::format("{}, {} layers in {} tensors, {}",
                                       size_text(static_cast<double>(adapter.size_bytes)), report.layers,
                                       report.tensors, values_text(report.dtypes)));
  text += labelled("ranks", counts_text(report.ranks));
  text += labelled("alphas", alphas_text(report));
  text += labelled("strength", strength_text(report));
  if (report.base_bound > 0)
    text += labelled("needs base", fmt::format("{} of the layers: what they change depends on the base's "
                                               "weights",
                                               report.base_bound));
  if (report.vectors > 0)
    text += labelled("vectors", fmt::format("{} biases and norms are changed", report.vectors));
  const std::string words = quoted(report.trigger_words);
  text += labelled("words", words.empty() ? "none in the metadata" : words);
  if (!adapter.hashes) return text;
  return text + labelled("AutoV2, V3", adapter.hashes->autov2 + ", " + adapter.hashes->autov3) +
         labelled("sha256", adapter.hashes->sha256);
}

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.0f} %", 100 * *share) : "–";
}

std::string group_line(const std::string& name, const LayerGroup& group) {
  return fmt::format("  {:<34}{:>8}{:>8}{:>12.4g}\n", name, group.layers, group.of, group.norm);
}

std::string coverage_lines(const AdapterReport& report) {
  std::string text = fmt::format("\n  {:<34}{:>8}{:>8}{:>12}\n", "layers", "here", "of", "‖ΔW‖");
  for (const KindGroup& group : report.coverage)
    text += group_line(group.component + " " + name_of(group.kind), group);
  if (report.blocks.size() > 1) {
    text += "\n";
    for (const BlockGroup& group : report.blocks) text += group_line(group.block, group);
  }
  if (report.largest.size() < 2) return text;
  text += fmt::format("\n  {:<68}{:>8}{:>10}{:>10}\n", "largest layers", "‖ΔW‖", "stable", "half");
  for (const auto& [target, spectrum] : report.largest)
    text += fmt::format("  {:<68}{:>8.3g}{:>10.1f}{:>10}\n", target, spectrum.norm, spectrum.stable_rank,
                        percent(spectrum.first_half_energy));
  return text;
}

std::string or_unknown(const std::optional<std::string>& text) { return text.value_or("?"); }

std::string or_unknown(const std::optional<double>& number) {
  return number ? fmt::format("{:.4g}", *number) : "?";
}

std::string prompts_text(const MergeRecipe::Input& input) {
  if (!input.prompts) return "\"?\"";
  return input.prompts->empty() ? "no prompt" : quoted(*input.prompts);
}

std::string recipe_lines(const MergeRecipe& recipe) {
  std::string text = "\n" + labelled("merged", fmt::format("by {}, seed {}", or_unknown(recipe.method),
                                                           or_unknown(recipe.seed)));
  for (const MergeRecipe::Input& input : recipe.inputs)
    text += labelled(or_unknown(input.role),
                     fmt::format("{} × {}, {}, sha256 {}", or_unknown(input.file), or_unknown(input.strength),
                                 prompts_text(input), or_unknown(input.sha256)));
  if (recipe.joint_prompts) text += labelled("joint", quoted(*recipe.joint_prompts));
  if (recipe.overlap)
    text +=
        labelled("overlap", fmt::format("{} → {}; coefficients moved by {} on average",
                                        or_unknown(recipe.overlap->before), or_unknown(recipe.overlap->after),
                                        or_unknown(recipe.overlap->mean_movement)));
  return text;
}

std::string program_lines(const std::vector<ProgramSupport>& programs) {
  std::string text = "\n";
  for (const ProgramSupport& program : programs) {
    std::string verdict = name_of(program.verdict);
    for (const std::string& reason : program.reasons)
      verdict += (&reason == &program.reasons.front() ? ": " : "; ") + reason;
    text += labelled(fmt::format("{:<21}", program.program), verdict);
  }
  return text;
}

std::string metadata_lines(const StringMap& metadata) {
  if (metadata.empty()) return "\n" + labelled("metadata", "none");
  std::string text = "\n";
  size_t shown = 0, skipped = 0;
  for (const auto& [key, value] : metadata) {
    if (key == "ziplora.recipe" || key == "ss_tag_frequency") {  // shown in words above
      ++skipped;
      continue;
    }
    if (shown == kMostMetadata) break;
    ++shown;
    const std::string name = cut_to(one_line(key), 36);
    text += "  " + name + std::string(38 - count_characters(name), ' ') +
            cut_to(one_line(value), kColumns - 40) + "\n";
  }
  if (skipped + shown < metadata.size())
    text += fmt::format("  … {} entries in all; --json shows them\n", metadata.size());
  return text;
}

std::string defect_lines(const AdapterReport& report) {
  std::string text = "\n";
  for (const std::string& warning : report.warnings) text += labelled("note", warning);
  if (report.defects.empty()) return text + labelled("defects", "none");
  for (const ReportedDefect& defect : report.defects)
    text += labelled("defect", fmt::format("{}: {} — {}", defect.kind, defect.problem, defect.hint));
  return text;
}

}  // namespace

std::string inspect_table(const InspectedFile& file) {
  const std::string path = file.path.string() + "\n";
  if (const Error* error = file.error())
    return path + labelled("error", error->problem()) + labelled("hint", error->hint());
  const InspectedAdapter& adapter = *file.adapter();
  const AdapterReport& report = adapter.report;
  std::string text = path + summary_lines(adapter) + coverage_lines(report);
  if (report.recipe) text += recipe_lines(*report.recipe);
  return text + program_lines(report.programs) + metadata_lines(report.metadata) + defect_lines(report);
}

}  // namespace ziplora::cli

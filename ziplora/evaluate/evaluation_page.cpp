#include "ziplora/evaluate/evaluation_page.h"

#include <algorithm>
#include <map>

#include "ziplora/base/assets.h"
#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/evaluate/image_preprocessing.h"
#include "ziplora/io/base64.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/pillow_resize.h"

namespace ziplora {
namespace {

/// Leaves room for the libraries below 3 MB.
constexpr size_t kMostImageBytes = 1'900'000;
constexpr int64_t kLongestSide = 128;

std::string asset(const std::string& name) {
  const std::filesystem::path file = std::filesystem::path("report") / name;
  const auto found = find_asset(file);
  if (!found)
    throw Error(ErrorKind::kInput, "write the report", file.string() + " is not among the program's assets",
                "run the program from its clone, or install it again");
  return read_file(*found);
}

/// Small enough for a page, without the settings in its text.
std::string thumbnail(const std::filesystem::path& file) {
  const at::Tensor image = image_bytes(read_image(file).unsqueeze(0))[0];
  const int64_t height = image.size(1), width = image.size(2), longest = std::max(height, width);
  const int64_t side = std::min(longest, kLongestSide);
  const at::Tensor small =
      resize_as_pillow(image, std::max<int64_t>(1, height * side / longest),
                       std::max<int64_t>(1, width * side / longest), PillowFilter::kLanczos);
  return base64(png_bytes(small.to(at::kFloat).div(255)));
}

/// The first image of each contender and pair, of a joint prompt.
std::map<size_t, std::vector<const EvaluatedImage*>> first_images(const Evaluation& evaluation) {
  std::map<size_t, std::vector<const EvaluatedImage*>> by_pair;
  for (const EvaluatedImage& image : evaluation.images) {
    if (!image.alone.empty()) continue;
    std::vector<const EvaluatedImage*>& images = by_pair[image.pair];
    const auto is_there = [&](const EvaluatedImage* other) { return other->contender == image.contender; };
    if (std::ranges::none_of(images, is_there)) images.push_back(&image);
  }
  return by_pair;
}

/// Pairs in the order in which a page of any length shows them: the middles of ever finer parts of each group, the groups in
/// turn.
std::vector<size_t> pairs_to_show(const Evaluation& evaluation) {
  std::map<std::string, std::vector<size_t>> groups;
  for (const auto& [pair, images] : first_images(evaluation))
    groups[evaluation.manifest.pairs[pair].group].push_back(pair);
  std::vector<size_t> order;
  const auto add = [&](size_t pair) {
    if (std::ranges::find(order, pair) == order.end()) order.push_back(pair);
  };
  for (size_t parts = 1; parts <= 16; parts *= 2)
    for (size_t part = 0; part < parts; ++part)
      for (const auto& [name, pairs] : groups) add(pairs[(2 * part + 1) * pairs.size() / (2 * parts)]);
  return order;
}

nlohmann::json shown_image(const Evaluation& evaluation, size_t pair, size_t prompt, const std::string& by,
                           const std::filesystem::path& file) {
  const Manifest::Pair& of = evaluation.manifest.pairs[pair];
  return {{"contender", by},
          {"group", of.group},
          {"subject", evaluation.manifest.subjects[of.subject].name},
          {"style", evaluation.manifest.styles[of.style].name},
          {"prompt", evaluation.manifest.prompt_of(of, prompt)},
          {"png", thumbnail(file)}};
}

nlohmann::json shown_images(const Evaluation& evaluation) {
  nlohmann::json shown = nlohmann::json::array();
  const auto images = first_images(evaluation);
  size_t bytes = 0;
  for (const size_t pair : pairs_to_show(evaluation)) {
    const EvaluatedImage& first = *images.at(pair).front();
    std::vector<nlohmann::json> column;
    const Manifest::Pair& of = evaluation.manifest.pairs[pair];
    if (!of.truths.empty())
      column.push_back(shown_image(evaluation, pair, first.prompt, "true image", of.truths[first.prompt]));
    for (const EvaluatedImage* image : images.at(pair))
      column.push_back(shown_image(evaluation, pair, image->prompt,
                                   evaluation.contenders[image->contender].name, image->file));
    for (const nlohmann::json& entry : column) bytes += json_line(entry).size();
    if (bytes > kMostImageBytes && !shown.empty()) break;
    for (nlohmann::json& entry : column) shown.push_back(std::move(entry));
  }
  return shown;
}

/// JSON inside a script: nothing in it can look like markup.
std::string inside_script(std::string json) {
  for (size_t at = 0; (at = json.find('<', at)) != std::string::npos;) json.replace(at, 1, "\\u003c");
  return json;
}

}  // namespace

std::string evaluation_page(const nlohmann::json& figures, const Evaluation& evaluation) {
  nlohmann::json data = figures;
  data["shown_images"] = shown_images(evaluation);
  const std::string frame = asset("page.html");
  std::string page;
  size_t at = 0;
  for (size_t mark; (mark = frame.find("{{", at)) != std::string::npos;) {
    const size_t end = frame.find("}}", mark);
    const std::string name = frame.substr(mark + 2, end - mark - 2);
    page += frame.substr(at, mark - at);
    page += name == "data" ? inside_script(json_line(data)) : asset(name);
    at = end + 2;
  }
  return page + frame.substr(at);
}

}  // namespace ziplora

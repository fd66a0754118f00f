#include "ziplora/evaluate/contender.h"

#include <gtest/gtest.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

using nlohmann::json;
using Way = Contender::Way;

std::string refusal_of(const json& methods) {
  try {
    read_contenders(methods, "m.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(error.hint(), "");
    return error.where() + " | " + error.problem();
  }
  return "not refused";
}

TEST(Contenders, AreNamedByWhatTellsThemApart) {
  const auto found = read_contenders(json::parse(R"([
      {"method": "direct"},
      {"method": "direct", "strengths": [0.7, 1]},
      {"method": "ties", "options": {"density": 0.3, "on": "delta"}},
      {"name": "ours", "method": "ssr", "options": {"joint-weight": 4}},
      {"strategy": "k-lora"},
      {"name": "trained together", "file": "joint"}])"),
                                     "m.json");
  std::vector<std::string> names;
  for (const Contender& contender : found) names.push_back(contender.name);
  EXPECT_EQ(names, (std::vector<std::string>{"direct", "direct 0.7, 1", "ties (density 0.3, on delta)",
                                             "ours", "k-lora", "trained together"}));
  EXPECT_EQ(found[1].strengths, (std::array<double, 2>{0.7, 1}));
  EXPECT_EQ(found[3].by, "ssr");
  EXPECT_EQ(found[3].options, json({{"joint-weight", 4}}));
  EXPECT_EQ(found[3].way, Way::kMerge);
  EXPECT_EQ(found[4].way, Way::kStrategy);
  EXPECT_FALSE(found[4].is_bound());
  EXPECT_EQ(found[5].way, Way::kFile);
  EXPECT_EQ(to_json(found[5]), json({{"name", "trained together"}, {"file", "joint"}}));
}

TEST(Contenders, TakeARowForEachStyleStrength) {
  const auto found = read_contenders({{{"method", "zip"}, {"style_strengths", {0.5, 1, 2}}}}, "m.json");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].name, "zip, style × 0.5");
  EXPECT_EQ(found[1].name, "zip");
  EXPECT_EQ(found[2].style_strength, 2);
}

TEST(Contenders, AreRefusedByThePlaceThatIsWrong) {
  EXPECT_EQ(refusal_of(json::array()), "m.json: methods | expected a list of at least one entry");
  EXPECT_EQ(refusal_of({"zip"}), "m.json: methods[0] | found string, expected an object");
  EXPECT_EQ(
      refusal_of({{{"method", "zip"}, {"strategy", "switch"}}}),
      "m.json: methods[0] | expected a \"method\" of merging, a \"strategy\" of drawing, or a \"file\" of "
      "the pairs");
  EXPECT_EQ(refusal_of({{{"file", "joint"}, {"strengths", {1, 1}}}}),
            "m.json: methods[0].strengths | a ready file is drawn as it is");
  EXPECT_NE(refusal_of({{{"method", "zip"}, {"strenghts", {1, 1}}}}).find("strenghts"), std::string::npos);
  EXPECT_EQ(refusal_of({{{"method", ""}}}), "m.json: methods[0].method | found \"\", expected a name");
  EXPECT_EQ(
      refusal_of({{{"method", "zip"}, {"strengths", {1}}}}),
      "m.json: methods[0].strengths | found 1 numbers, expected the subject's strength and the style's");
  EXPECT_EQ(refusal_of({{{"method", "zip"}, {"style_strengths", {"x"}}}}),
            "m.json: methods[0].style_strengths | found [\"x\"], expected a list of numbers");
  EXPECT_EQ(refusal_of({{{"method", "zip"}}, {{"method", "zip"}}}),
            "m.json: methods[1] | 'zip' is given twice");
  EXPECT_EQ(refusal_of({{{"method", "zip"}, {"name", "base alone"}}}),
            "m.json: methods[0] | 'base alone' is given twice");
}

}  // namespace
}  // namespace ziplora

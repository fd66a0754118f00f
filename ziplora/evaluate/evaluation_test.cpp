#include "ziplora/evaluate/evaluation.h"

#include <gtest/gtest.h>

#include "ziplora/evaluate/evaluation_text.h"

namespace ziplora {
namespace {

/// Two groups of pairs; a pair's images say what the contender's level and the pair's number make.
class AnEvaluation : public testing::Test {
 protected:
  AnEvaluation() {
    Manifest& manifest = evaluation_.manifest;
    manifest.subjects = {{.name = "cat", .lora = "c", .prompt = "cat"}, {.name = "owl", .prompt = "owl"}};
    manifest.styles = {{.name = "ink", .lora = "i", .prompt = "ink"}};
    manifest.prompts = {"{subject} {style}"};
    manifest.seeds = {1, 2};
    for (size_t i = 0; i < 6; ++i) manifest.pairs.push_back({0, 0, {}, i < 4 ? "A" : "B"});
    manifest.pairs.push_back({1, 0, {"owl.png"}, "A"});  // lends its true image alone
    evaluation_.judges = {"pixels"};
  }

  /// @param likeness  by pair; the two seeds lie above and below
  void add(const Contender& contender, const std::vector<double>& likeness, double subject = 0.5,
           double style = 0.5) {
    const size_t index = evaluation_.contenders.size();
    evaluation_.contenders.push_back(contender);
    for (size_t pair = 0; pair < likeness.size(); ++pair)
      for (const double side : {-0.01, 0.01})
        evaluation_.images.push_back({.contender = index,
                                      .pair = pair,
                                      .prompt = 0,
                                      .seed = side < 0 ? 1U : 2U,
                                      .file = "a,b.png",
                                      .scores = {{{Metric::kLikeness, likeness[pair] + side},
                                                  {Metric::kSubjectTold, subject},
                                                  {Metric::kStyleTold, style}}}});
  }

  static Contender by(const std::string& method, const std::string& name) {
    return {.name = name, .by = method};
  }

  Evaluation evaluation_;
};

TEST_F(AnEvaluation, HasATableOfAllPairsAndOneOfEachGroup) {
  add(by("direct", "direct"), {0.1, 0.2, 0.3, 0.4, 0.8, 0.9});
  const std::vector<Table> tables = tables_of(evaluation_, 1);
  ASSERT_EQ(tables.size(), 3U);
  EXPECT_EQ(tables[0].pairs, 6U);
  EXPECT_NEAR(tables[0].rows[0].means.at(Metric::kLikeness).value, 2.7 / 6, 1e-12);
  EXPECT_EQ(tables[1].group, "A");
  EXPECT_NEAR(tables[1].rows[0].means.at(Metric::kLikeness).value, 0.25, 1e-12);
  EXPECT_EQ(tables[2].group, "B");
  EXPECT_NEAR(tables[2].rows[0].means.at(Metric::kLikeness).value, 0.85, 1e-12);
}

TEST_F(AnEvaluation, OneGroupIsAllPairs) {
  for (Manifest::Pair& pair : evaluation_.manifest.pairs) pair.group = "A";
  add(by("direct", "direct"), {1, 1, 1, 1, 1, 1});
  EXPECT_EQ(tables_of(evaluation_, 1).size(), 1U);
}

TEST_F(AnEvaluation, TheHarmonicMeanIsOfTheTwoMeans) {
  add(by("direct", "direct"), {1, 1, 1, 1, 1, 1}, 0.25, 0.75);
  EXPECT_NEAR(tables_of(evaluation_, 1)[0].rows[0].harmonic->value, 0.375, 1e-12);
}

/// The bounds draw no frontier, however far out they lie.
TEST_F(AnEvaluation, SaysHowFarARowLiesBehindTheFrontier) {
  add(bounds()[1], {0, 0, 0, 0, 0, 0}, 1, 0.9);
  add(by("direct", "direct"), {0, 0, 0, 0, 0, 0}, 0.5, 0.75);
  add(by("zip", "zip"), {0, 0, 0, 0, 0, 0}, 0.25, 0.625);
  add(by("ssr", "ssr"), {0, 0, 0, 0, 0, 0}, 0.75, 0.5);
  const std::vector<Table> tables = tables_of(evaluation_, 1);
  const std::vector<TableRow>& rows = tables[0].rows;
  EXPECT_FALSE(rows[0].behind);
  EXPECT_EQ(rows[1].behind->by, 0);
  EXPECT_EQ(rows[2].behind->by, 0.125);
  EXPECT_EQ(rows[2].behind->leads, 1U);
  EXPECT_EQ(rows[3].behind->by, 0);
  const nlohmann::json json = to_json(evaluation_, tables)["tables"][0]["rows"];
  EXPECT_EQ(json[1]["behind_frontier"], 0);
  EXPECT_FALSE(json[1].contains("led_by"));
  EXPECT_EQ(json[2]["led_by"], "direct");
}

/// Against the better of two sums and against the first zip; bounds are compared with nothing.
TEST_F(AnEvaluation, ComparesWithTheBestSumAndWithZip) {
  add(bounds()[0], {9, 9, 9, 9, 9, 9});
  add(by("direct", "direct"), {0.1, 0.2, 0.3, 0.4, 0.5, 0.6});
  add(by("direct", "direct 0.7, 1"), {0.3, 0.4, 0.5, 0.6, 0.7, 0.8});
  add(by("zip", "zip"), {0, 0, 0, 0, 0, 0}, 0.2, 0.2);
  add(by("ssr", "ssr"), {0.4, 0.5, 0.6, 0.7, 0.8, 0.9}, 0.8, 0.8);
  const Table table = tables_of(evaluation_, 1)[0];
  std::vector<std::string> found;
  for (const Comparison& comparison : table.comparisons)
    found.push_back(evaluation_.contenders[comparison.first].name + " − " +
                    evaluation_.contenders[comparison.second].name + ": " + comparison.of);
  EXPECT_EQ(found,
            (std::vector<std::string>{
                "direct − direct 0.7, 1: likeness", "direct − direct 0.7, 1: harmonic mean",
                "zip − direct 0.7, 1: likeness", "zip − direct 0.7, 1: harmonic mean",
                "ssr − direct 0.7, 1: likeness", "ssr − direct 0.7, 1: harmonic mean",
                "direct − zip: likeness", "direct − zip: harmonic mean", "direct 0.7, 1 − zip: likeness",
                "direct 0.7, 1 − zip: harmonic mean", "ssr − zip: likeness", "ssr − zip: harmonic mean"}));
  const Comparison& ours = table.comparisons[4];
  EXPECT_NEAR(ours.difference.difference.value, 0.1, 1e-12);
  EXPECT_NEAR(ours.difference.difference.low, 0.1, 1e-12);
  EXPECT_EQ(ours.difference.p, 2.0 / 64);  // all six pairs agree: two of 2⁶ exchanges are as far
  EXPECT_GE(ours.adjusted_p, 12 * 2.0 / 64);
  EXPECT_NEAR(table.comparisons[5].difference.difference.value, 0.3, 1e-12);
}

TEST_F(AnEvaluation, AMissingScoreLeavesTheColumnEmpty) {
  add(by("direct", "direct"), {1, 1, 1, 1, 1, 1});
  for (EvaluatedImage& image : evaluation_.images)
    if (image.pair == 5) image.scores[0].erase(Metric::kLikeness);
  const std::vector<Table> tables = tables_of(evaluation_, 1);
  EXPECT_FALSE(tables[0].rows[0].means.contains(Metric::kLikeness));
  EXPECT_TRUE(tables[1].rows[0].means.contains(Metric::kLikeness));
}

TEST_F(AnEvaluation, IsWrittenAsCsv) {
  add(by("direct", "direct \"0.7\", 1"), {0.5});
  const std::string csv = images_csv(evaluation_, ".");
  EXPECT_EQ(
      csv,
      "contender,group,subject,style,prompt,seed,judge,likeness,subject_told,style_told,reciprocal_rank,"
      "leak,subject_similarity,style_similarity,text_similarity,subject_kept,style_kept,file\r\n"
      "\"direct \"\"0.7\"\", 1\",A,cat,ink,cat ink,1,pixels,0.49,0.5,0.5,,,,,,,,\"a,b.png\"\r\n"
      "\"direct \"\"0.7\"\", 1\",A,cat,ink,cat ink,2,pixels,0.51,0.5,0.5,,,,,,,,\"a,b.png\"\r\n");
}

TEST_F(AnEvaluation, IsWrittenAsJson) {
  add(by("zip", "zip"), {0.5, 0.5, 0.5, 0.5, 0.5, 0.5});
  evaluation_.merges = {{0, 0, 2, 0.25}, {0, 1, 4, 0.75}};
  const nlohmann::json json = to_json(evaluation_, tables_of(evaluation_, 1));
  EXPECT_EQ(json["contenders"][0]["merge_seconds"], 3);
  EXPECT_EQ(json["contenders"][0]["mean_movement"], 0.5);
  EXPECT_EQ(json["tables"][0]["rows"][0]["likeness"]["mean"], 0.5);
  EXPECT_EQ(json["images"], 12);
}

}  // namespace
}  // namespace ziplora

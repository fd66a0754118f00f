#include "ziplora/models/config_reader.h"

#include <gtest/gtest.h>

#include <functional>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

using nlohmann::json;

struct Refusal {
  ErrorKind kind;
  std::string problem;
  bool operator==(const Refusal&) const = default;
};

Refusal refusal(const json& config, const std::function<void(ConfigReader&)>& read) {
  try {
    ConfigReader reader(config, "vae config");
    read(reader);
  } catch (const Error& error) {
    EXPECT_EQ(error.where(), "vae config");
    EXPECT_FALSE(error.hint().empty());
    return {error.kind(), error.problem()};
  }
  return {ErrorKind::kInternal, "nothing was thrown"};
}

TEST(ConfigReader, ReadsFieldsAndDefaults) {
  const json config{{"layers", 2}, {"eps", 1e-5}, {"absent", nullptr}, {"_class_name", "AutoencoderKL"}};
  ConfigReader reader(config, "vae config");
  EXPECT_EQ(reader.get<int64_t>("layers"), 2);
  EXPECT_EQ(reader.get<double>("eps", 1.0), 1e-5);
  EXPECT_EQ(reader.get<int64_t>("absent", 7), 7);
  EXPECT_EQ(reader.get<int64_t>("not there", 8), 8);
  EXPECT_NO_THROW(reader.finish());
}

TEST(ConfigReader, ANumberStandsForEveryBlock) {
  const json config{{"one", 3}, {"each", {1, 2}}};
  ConfigReader reader(config, "vae config");
  EXPECT_EQ(reader.per_block("one", 2, 9), (std::vector<int64_t>{3, 3}));
  EXPECT_EQ(reader.per_block("each", 2, 9), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(reader.per_block("absent", 2, 9), (std::vector<int64_t>{9, 9}));
  EXPECT_EQ(refusal(config, [](ConfigReader& reader) { reader.per_block("each", 3, 9); }),
            (Refusal{ErrorKind::kInput, "each: has 2 entries, the model has 3 blocks"}));
}

TEST(ConfigReader, RefusesWhatIsMissingOrOfAnotherType) {
  EXPECT_EQ(refusal(json::array(), [](ConfigReader&) {}),
            (Refusal{ErrorKind::kInput, "expected a JSON object, found array"}));
  EXPECT_EQ(refusal(json::object(), [](ConfigReader& reader) { reader.get<int64_t>("layers"); }),
            (Refusal{ErrorKind::kInput, "layers: is missing"}));
  const Refusal wrong =
      refusal({{"layers", "two"}}, [](ConfigReader& reader) { reader.get<int64_t>("layers"); });
  EXPECT_EQ(wrong.kind, ErrorKind::kInput);
  EXPECT_TRUE(wrong.problem.starts_with("layers: ")) << wrong.problem;
}

TEST(ConfigReader, SizesAreWholeNumbersAboveZero) {
  for (const json& value : {json(0), json(-1), json(1.5), json("1")})
    EXPECT_EQ(refusal({{"size", value}}, [](ConfigReader& reader) { reader.positive("size"); }),
              (Refusal{ErrorKind::kInput, "size: is " + value.dump() + ", expected a whole number above 0"}));
}

TEST(ConfigReader, RefusesSettingsThatAreNotImplemented) {
  const auto expect_silu = [](ConfigReader& reader) {
    reader.expect("act_fn", "silu");
    reader.finish();
  };
  const Refusal nothing{ErrorKind::kInternal, "nothing was thrown"};
  for (const json& config : {json::object(), json{{"act_fn", "silu"}}, json{{"act_fn", nullptr}}})
    EXPECT_EQ(refusal(config, expect_silu), nothing);
  EXPECT_EQ(refusal({{"act_fn", "gelu"}}, expect_silu),
            (Refusal{ErrorKind::kIncompatible, "act_fn is \"gelu\", supported: \"silu\""}));
}

TEST(ConfigReader, RefusesFieldsThatNobodyAskedFor) {
  const auto ask = [](ConfigReader& reader) {
    reader.skip({"dropout"});
    reader.finish();
  };
  EXPECT_EQ(refusal({{"dropout", 0.5}, {"_name", "x"}, {"shift", 1}}, ask),
            (Refusal{ErrorKind::kIncompatible, "unknown settings: shift = 1"}));
}

}  // namespace
}  // namespace ziplora

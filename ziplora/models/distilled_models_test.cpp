#include "ziplora/models/distilled_models.h"

#include <gtest/gtest.h>

namespace ziplora {
namespace {

std::string named(std::initializer_list<std::pair<const char*, int>> depths, bool middle,
                  int64_t context = 2048) {
  std::map<std::string, TensorInfo> tensors;
  const std::string unet = "model.diffusion_model.";
  for (const auto& [block, depth] : depths)
    for (int n = 0; n < depth; ++n)
      tensors[unet + block + ".1.transformer_blocks." + std::to_string(n) + ".attn2.to_k.weight"] = {
          .dtype = "F16", .shape = {8, context}, .begin = 0, .end = 0};
  if (middle)
    tensors[unet + "middle_block.1.proj_in.weight"] = {.dtype = "F16", .shape = {8, 8}, .begin = 0, .end = 0};
  return distilled_model(tensors);
}

TEST(DistilledModels, AreKnownByTheirDepths) {
  EXPECT_EQ(named({{"input_blocks.4", 2}, {"input_blocks.7", 10}}, true), "");  // SDXL
  EXPECT_EQ(named({{"input_blocks.4", 2}, {"input_blocks.7", 4}}, false), "SSD-1B");
  EXPECT_EQ(named({{"input_blocks.4", 1}, {"input_blocks.7", 2}}, false), "Segmind-Vega");
  EXPECT_EQ(named({{"input_blocks.3", 2}, {"input_blocks.5", 5}}, false), "KOALA-700M");
  EXPECT_EQ(named({{"input_blocks.3", 2}, {"input_blocks.5", 6}}, true), "KOALA-1B");
  EXPECT_EQ(named({{"input_blocks.3", 2}, {"input_blocks.5", 6}}, true, /*context=*/32),
            "");  // a small relative
  EXPECT_EQ(distilled_model(std::map<std::string, TensorInfo>()), "");
}

TEST(DistilledModels, AreKnownByTheirConfig) {
  using nlohmann::json;
  EXPECT_EQ(distilled_model(json{{"cross_attention_dim", 2048}, {"layers_per_block", 2}}), "");
  EXPECT_NE(distilled_model(json{{"cross_attention_dim", 2048}, {"mid_block_type", nullptr}}), "");
  EXPECT_NE(distilled_model(json{{"cross_attention_dim", 2048}, {"layers_per_block", 1}}).find("KOALA"),
            std::string::npos);
  for (const json& hostile :
       {json(), json("x"), json{{"cross_attention_dim", "x"}},
        json{{"cross_attention_dim", 2048}, {"layers_per_block", {1}}, {"mid_block_type", 7}}})
    EXPECT_NO_THROW(distilled_model(hostile));
}

}  // namespace
}  // namespace ziplora

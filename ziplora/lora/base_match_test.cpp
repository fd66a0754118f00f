#include "ziplora/lora/base_match.h"

#include "ziplora/lora/adapter_file_fixture.h"
#include "ziplora/lora/key_dialects.h"

namespace ziplora {
namespace {

/// The same topology with other widths.
TargetNames wider_names() {
  UNet2DConditionConfig unet = small_unet();
  unet.block_out_channels = {40, 80, 120};
  unet.cross_attention_dim = 100;
  return TargetNames(unet, small_text(48, 2), small_text(56, 2, 24));
}

TEST_F(AdapterFileTest, MatchesItsOwnBaseInEveryDialectAndNoWiderOne) {
  const Adapter adapter = mixed_adapter();
  for (const KeyDialect& dialect : key_dialects()) {
    if (!dialect.write) continue;
    const std::filesystem::path path = folder / dialect.name;
    write_adapter(path, adapter, names, {.format = dialect.name, .dtype = at::kFloat});
    const BaseMatch own = match_base(path, names);
    EXPECT_GT(own.matching, 80u) << dialect.name;
    EXPECT_EQ(own.share(), 1.0) << dialect.name;
    EXPECT_LT(match_base(path, wider_names()).share(), 0.2) << dialect.name;
    EXPECT_LT(match_base(path, TargetNames::sdxl()).share(), 0.2) << dialect.name;
  }
}

/// LoKr's tensors are small; the products of their sides are the layer's widths.
TEST_F(AdapterFileTest, MatchesByProductsOfDimensions) {
  const TargetName& target = *names.find("unet.down_blocks.1.attentions.0.proj_in");
  ASSERT_EQ(target.weight_shape, (std::vector<int64_t>{16, 16}));
  write_safetensors(folder / "lokr.safetensors", {{target.flattened_sgm() + ".lokr_w1", at::randn({2, 2})},
                                                  {target.flattened_sgm() + ".lokr_w2", at::randn({8, 8})}});
  EXPECT_EQ(match_base(folder / "lokr.safetensors", names).matching, 1u);
  EXPECT_EQ(match_base(folder / "lokr.safetensors", wider_names()).matching, 0u);
}

TEST_F(AdapterFileTest, LayersThatTheBaseLacksCountAgainstIt) {
  Adapter adapter = mixed_adapter();
  write_adapter(folder / "a.safetensors", adapter, names, {.format = "diffusers", .dtype = at::kFloat});
  UNet2DConditionConfig shallow = small_unet();
  shallow.transformer_layers_per_block = {1, 1, 1};
  const BaseMatch match =
      match_base(folder / "a.safetensors", TargetNames(shallow, names.text_encoder, names.text_encoder_2));
  EXPECT_LT(match.share(), 1.0);
  EXPECT_GT(match.share(), 0.3);
}

}  // namespace
}  // namespace ziplora

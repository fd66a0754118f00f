// In every format and dtype, what is written is read back bit for bit and has no defect: once a file has
// rounded an adapter to its dtype, reading and writing it changes nothing more.
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "ziplora/base/rng.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/adapter_survey.h"
#include "ziplora/lora/factor_shapes.h"
#include "ziplora/lora/key_dialects.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

TargetNames small_names() {
  UNet2DConditionConfig unet;
  unet.block_out_channels = {8, 16, 24};
  unet.transformer_layers_per_block = {1, 1, 2};
  unet.num_attention_heads = {1, 2, 3};
  unet.cross_attention_dim = 20;
  unet.norm_num_groups = 4;
  ClipTextConfig text, text_2;
  text.hidden_size = 12;
  text_2.hidden_size = 28;
  text_2.projection_dim = 14;
  text.num_hidden_layers = text_2.num_hidden_layers = 2;
  text.intermediate_size = text_2.intermediate_size = 30;
  return TargetNames(unet, text, text_2);
}

struct RoundTripTest : ::testing::Test {
  RoundTripTest() : folder(fs::temp_directory_path() / ("round_trip_test_" + std::to_string(::getpid()))) {
    fs::create_directories(folder);
  }
  ~RoundTripTest() override { fs::remove_all(folder); }

  Adapter random_adapter() {
    Adapter adapter;
    int64_t n = 0;
    for (const TargetName& target : names.targets()) {
      const int64_t rank = 1 + ++n % 4;
      const FactorShapes shapes = factor_shapes(target.weight_shape, rank);
      adapter.layers[target.canonical] = {
          at::randn(shapes.down, generator), at::randn(shapes.up, generator) * 1e-3,
          n % 2 ? std::optional<double>(0.5 * static_cast<double>(n % 7 + 1)) : std::nullopt};
    }
    return adapter;
  }
  Adapter read(const fs::path& path) {
    std::vector<std::string> warnings;
    Adapter adapter = read_adapter(path, names, warnings);
    EXPECT_TRUE(warnings.empty()) << path << ": " << warnings.front();
    return adapter;
  }
  static void expect_same_bits(const Adapter& found, const Adapter& wanted) {
    ASSERT_EQ(found.layers.size(), wanted.layers.size());
    for (const auto& [target, layer] : wanted.layers) {
      const LoraLayer& other = found.layers.at(target);
      EXPECT_TRUE(other.down.equal(layer.down) && other.up.equal(layer.up)) << target;
      EXPECT_EQ(other.lora_alpha, layer.lora_alpha) << target;
    }
    ASSERT_EQ(found.vector_deltas.size(), wanted.vector_deltas.size());
    for (const auto& [parameter, delta] : wanted.vector_deltas)
      EXPECT_TRUE(found.vector_deltas.at(parameter).equal(delta)) << parameter;
  }

  at::Generator generator = make_generator(17);
  TargetNames names = small_names();
  fs::path folder;
};

TEST_F(RoundTripTest, EveryFormatAndDtypeIsReadBackBitForBitAndIsClean) {
  const Adapter adapter = random_adapter();
  for (const KeyDialect& dialect : key_dialects()) {
    if (dialect.write == nullptr) continue;
    for (const at::ScalarType dtype : {at::kFloat, at::kHalf, at::kBFloat16}) {
      const WriteOptions options{.format = dialect.name, .dtype = dtype};
      write_adapter(folder / "once.safetensors", adapter, names, options);
      const Adapter once = read(folder / "once.safetensors");
      EXPECT_EQ(once.layers.size(), adapter.layers.size());
      EXPECT_EQ(once.layers.begin()->second.down.scalar_type(), dtype);
      write_adapter(folder / "twice.safetensors", once, names, options);
      expect_same_bits(read(folder / "twice.safetensors"), once);
      EXPECT_TRUE(survey_adapter(folder / "twice.safetensors", names).defects.empty()) << dialect.name;
      fs::remove_all(folder / "once.safetensors");
      fs::remove_all(folder / "twice.safetensors");
    }
  }
}

TEST_F(RoundTripTest, BiasesAndNormsAreKeptWhereTheFormatHasAPlace) {
  Adapter adapter = random_adapter();
  for (const TargetName& norm : names.norms())
    for (const char* parameter : {".weight", ".bias"})
      adapter.vector_deltas[norm.canonical + parameter] = at::randn(norm.weight_shape, generator);
  for (const TargetName& target : names.targets())
    if (target.has_bias)
      adapter.vector_deltas[target.canonical + ".bias"] = at::randn({target.weight_shape[0]}, generator);
  ASSERT_GT(adapter.vector_deltas.size(), 200u);
  for (const KeyDialect& dialect : key_dialects()) {
    if (dialect.write == nullptr) continue;
    const fs::path path = folder / (std::string(dialect.name) + ".safetensors");
    const std::string_view name = dialect.name;
    EXPECT_EQ(dialect.takes_vectors, name.starts_with("kohya") || name == "comfy") << name;
    if (!dialect.takes_vectors) {
      EXPECT_THROW(write_adapter(path, adapter, names, {.format = dialect.name}), Error) << dialect.name;
      EXPECT_FALSE(fs::exists(path));
      continue;
    }
    write_adapter(path, adapter, names, {.format = dialect.name, .dtype = at::kFloat});
    const Adapter found = read(path);
    ASSERT_EQ(found.vector_deltas.size(), adapter.vector_deltas.size());
    for (const auto& [parameter, delta] : adapter.vector_deltas)
      EXPECT_TRUE(found.vector_deltas.at(parameter).equal(delta)) << parameter;
  }
}

}  // namespace
}  // namespace ziplora

#pragma once
/// For tests of adapter files: a small architecture of SDXL's form, and a folder to write to.
///
///     TEST_F(AdapterFileTest, …) { read_adapter(save(good_pair()), names, warnings); }

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/factor_shapes.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

inline UNet2DConditionConfig small_unet() {
  UNet2DConditionConfig config;
  config.block_out_channels = {8, 16, 24};
  config.transformer_layers_per_block = {1, 1, 2};
  config.num_attention_heads = {1, 2, 3};
  config.cross_attention_dim = 20;
  config.norm_num_groups = 4;
  return config;
}
inline ClipTextConfig small_text(int64_t hidden, int64_t layers, int64_t projection = 0) {
  ClipTextConfig config;
  config.hidden_size = hidden;
  config.intermediate_size = 2 * hidden;
  config.num_hidden_layers = layers;
  config.projection_dim = projection;
  return config;
}

struct AdapterFileTest : ::testing::Test {
  AdapterFileTest()
      : folder(std::filesystem::temp_directory_path() / ("adapter_file_test_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder);
  }
  ~AdapterFileTest() override { std::filesystem::remove_all(folder); }

  LoraLayer layer(const std::string& target, int64_t rank, std::optional<double> alpha) {
    const TargetName& name = *names.find(target);
    const FactorShapes shapes = factor_shapes(name.weight_shape, rank);
    return {at::randn(shapes.down, generator), at::randn(shapes.up, generator), alpha};
  }
  /// Every third layer, ranks 1…4, alphas of all kinds: absent, 0, fractional.
  Adapter mixed_adapter() {
    Adapter adapter;
    int64_t n = 0;
    for (const TargetName& target : names.targets()) {
      if (++n % 3) continue;
      std::optional<double> alpha;
      if (n % 2) alpha = n % 5 ? 0.5 * static_cast<double>(n % 7) : 0.0;
      adapter.layers[target.canonical] = layer(target.canonical, 1 + n % 4, alpha);
    }
    return adapter;
  }
  static at::Tensor delta(const LoraLayer& layer) {
    return layer.up.to(at::kFloat).flatten(1).matmul(layer.down.to(at::kFloat).flatten(1)) * layer.scale();
  }
  static void expect_same_deltas(const Adapter& found, const Adapter& expected, double tolerance) {
    for (const auto& [target, layer] : expected.layers) {
      const at::Tensor wanted = delta(layer);
      const bool has_effect = wanted.any().item<bool>();  // what has none may be left out
      ASSERT_TRUE(found.layers.count(target) || !has_effect) << target;
      if (!has_effect) continue;
      EXPECT_LE((delta(found.layers.at(target)) - wanted).norm().item<double>(),
                tolerance * wanted.norm().item<double>())
          << target;
    }
    for (const auto& [target, layer] : found.layers)  // zeros may be added for narrow loaders
      if (!expected.layers.count(target) || !delta(expected.layers.at(target)).any().item<bool>()) {
        EXPECT_EQ(delta(layer).abs().max().item<double>(), 0) << target;
      }
  }
  std::filesystem::path save(const NamedTensors& tensors, const StringMap& metadata = {}) {
    const auto path = folder / "file.safetensors";
    write_safetensors(path, tensors, metadata);
    return path;
  }
  Error error_of_reading(const NamedTensors& tensors) {
    const auto path = save(tensors);
    try {
      read_adapter(path, names, warnings);
    } catch (const Error& error) {
      return error;
    }
    throw std::logic_error("no error was thrown");
  }
  NamedTensors good_pair() {
    return {{"lora_unet_middle_block_1_proj_in.lora_down.weight", at::randn({2, 24}, generator)},
            {"lora_unet_middle_block_1_proj_in.lora_up.weight", at::randn({24, 2}, generator)},
            {"lora_unet_middle_block_1_proj_in.alpha", at::full({}, 1.0)}};
  }

  at::Generator generator = make_generator(3);
  TargetNames names{small_unet(), small_text(12, 2), small_text(28, 3, 14)};
  std::filesystem::path folder;
  std::vector<std::string> warnings;
};

}  // namespace ziplora

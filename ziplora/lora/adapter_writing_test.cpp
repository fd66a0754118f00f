// What every format's writer guarantees to readers: the dtype loses nothing, nothing is superfluous, and the
// metadata are true.
#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>

#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/base/rng.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/fitting_write.h"
#include "ziplora/lora/key_dialects.h"
#include "ziplora/lora/target_names.h"
#include "ziplora/lora/universal_form.h"

namespace ziplora {
namespace {

const std::string kBlock = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.";
constexpr int64_t kWidth = 640;  // of that block
constexpr const char* kFileFormats[] = {"kohya", "kohya-diffusers", "diffusers", "comfy"};

struct AdapterWriting : ::testing::Test {
  LoraLayer layer(int64_t rank, double strength = 1) {
    return {at::randn({rank, kWidth}, generator) * strength, at::randn({kWidth, rank}, generator), 1.0};
  }
  Adapter two_layers() {
    Adapter adapter;
    adapter.layers[kBlock + "to_q"] = layer(2);
    adapter.layers[kBlock + "to_k"] = layer(4);
    return adapter;
  }
  SafetensorsFile written(const Adapter& adapter, const WriteOptions& options = {}) {
    write_adapter(folder / "out.safetensors", adapter, names, options);
    return SafetensorsFile(folder / "out.safetensors");
  }

  at::Generator generator = make_generator(11);
  const TargetNames& names = TargetNames::sdxl();
  TemporaryFolder folder;
};

TEST_F(AdapterWriting, LayersWithoutEffectAreLeftOut) {
  Adapter adapter = two_layers();
  LoraLayer& dead = adapter.layers[kBlock + "to_v"] = layer(8);
  dead.up.zero_();
  LoraLayer& split = adapter.layers[kBlock + "to_out.0"] =
      layer(2);  // neither factor is zero, the product is
  split.up.select(1, 0).zero_();
  split.down[1].zero_();
  for (const char* format : kFileFormats) {
    const SafetensorsFile file = written(adapter, {.format = format});
    for (const auto& [key, info] : file.tensors()) {
      EXPECT_EQ(key.find("to_v"), std::string::npos) << key;
      EXPECT_EQ(key.find("to_out"), std::string::npos) << key;
    }
  }
}

TEST_F(AdapterWriting, AnAdapterWithoutEffectIsStillALora) {
  Adapter adapter = two_layers();
  for (auto& [target, own] : adapter.layers) own.up.zero_();
  for (const char* format : kFileFormats) {
    written(adapter, {.format = format});
    std::vector<std::string> warnings;
    const Adapter read = read_adapter(folder / "out.safetensors", names, warnings);
    ASSERT_FALSE(read.layers.empty()) << format;
    for (const auto& [target, own] : read.layers)
      EXPECT_EQ(own.down.abs().max().item<double>() + own.up.abs().max().item<double>(), 0) << target;
  }
}

TEST_F(AdapterWriting, ValuesBelowHalfPrecisionAreAnError) {
  Adapter adapter;
  adapter.layers[kBlock + "to_q"] = layer(2, 1e-14);  // 1e-7 a factor when balanced; half's steps are 6e-8
  try {
    written(adapter);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNonFinite);
    EXPECT_NE(error.problem().find("rounding changes them by"), std::string::npos) << error.problem();
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  written(adapter, {.dtype = at::kBFloat16});
  adapter.layers[kBlock + "to_q"] = layer(2, 1e-7);  // 3e-4 a factor: fine
  written(adapter);
}

struct Warnings : NullProgress {
  std::vector<std::string> texts;
  void warning(const std::string& text) override { texts.push_back(text); }
};

TEST_F(AdapterWriting, FiniteValuesAreAlwaysWrittenInTheNarrowestDtypeThatHoldsThem) {
  const auto path = folder / "out.safetensors";
  Warnings sink;
  std::vector<std::string>& warnings = sink.texts;
  const auto dtype_of = [&](const LoraLayer& own) {
    Adapter adapter;
    adapter.layers[kBlock + "to_q"] = own;
    const at::ScalarType dtype = write_in_fitting_dtype(path, adapter, names, {}, sink);
    const LoraLayer read = read_adapter(path, names, warnings).layers.at(kBlock + "to_q");
    EXPECT_EQ(read.down.scalar_type(), dtype);
    const auto delta = [](const LoraLayer& l) {
      return l.up.to(at::kDouble).matmul(l.down.to(at::kDouble)) * (*l.lora_alpha / l.rank());
    };
    EXPECT_LT((delta(read) - delta(own)).norm().item<double>(), 2e-3 * delta(own).norm().item<double>());
    return dtype;
  };
  LoraLayer balanced = layer(2, 1e-7);
  balanced.up *= 1e-2;
  EXPECT_EQ(dtype_of(balanced), at::kHalf);  // flushed to zero as it is; a power of two helps
  EXPECT_TRUE(warnings.empty());
  for (const double strength : {1e-14, 1e-30, 1e12}) {
    warnings.clear();
    EXPECT_EQ(dtype_of(layer(2, strength)), at::kFloat) << strength;
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("to_q"), std::string::npos) << warnings[0];
    EXPECT_NE(warnings[0].find("written in float32"), std::string::npos) << warnings[0];
  }
}

TEST_F(AdapterWriting, NanIsWrittenInNoDtype) {
  Adapter adapter;
  adapter.layers[kBlock + "to_q"] = layer(2);
  adapter.layers[kBlock + "to_q"].up[0][0] = std::nan("");
  Warnings sink;
  try {
    write_in_fitting_dtype(folder / "out.safetensors", adapter, names, {}, sink);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNonFinite);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()) && sink.texts.empty());
}

TEST_F(AdapterWriting, ComfyNamesAreThoseOfTheCheckpoint) {
  Adapter adapter = two_layers();
  const std::string text = "text_model.encoder.layers.3.mlp.fc1";
  adapter.layers["text_encoder_2." + text] = {at::randn({2, 1280}, generator),
                                              at::randn({5120, 2}, generator), 2.0};
  const SafetensorsFile file = written(adapter, {.format = "comfy"});
  const std::string block = "diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.";
  for (const std::string& module :
       {block + "to_q", block + "to_k", "text_encoders.clip_g.transformer." + text})
    for (const char* part : {".lora_A.weight", ".lora_B.weight", ".alpha"})
      EXPECT_TRUE(file.contains(module + part)) << module << part;
}

TEST_F(AdapterWriting, KohyaNamesAreWrittenInTheSpellingThatIsAskedFor) {
  Adapter adapter = two_layers();
  adapter.layers["unet.down_blocks.0.downsamplers.0.conv"] = {at::randn({2, 320, 3, 3}, generator),
                                                              at::randn({320, 2, 1, 1}, generator), 2.0};
  adapter.vector_deltas["unet.mid_block.resnets.1.norm2.weight"] = at::randn({1280}, generator);
  struct Spelling {
    const char *format, *block, *sampler, *norm, *dialect;
  };
  for (const Spelling& spelling :
       {Spelling{"kohya", "input_blocks_4_1_", "input_blocks_3_0_op", "middle_block_2_out_layers_0",
                 "kohya-sgm"},
        Spelling{"kohya-diffusers", "down_blocks_1_attentions_0_", "down_blocks_0_downsamplers_0_conv",
                 "mid_block_resnets_1_norm2", "kohya-diffusers"}}) {
    const SafetensorsFile file = written(adapter, {.format = spelling.format});
    const std::string unet = "lora_unet_", attention = unet + spelling.block + "transformer_blocks_0_attn1_";
    // to_q, to_k, the sampler, and the cross-attention of zeros that the universal form adds
    EXPECT_EQ(file.tensors().size(), 4 * 3 + 1u) << spelling.format;
    for (const std::string& module : {attention + "to_q", attention + "to_k", unet + spelling.sampler})
      for (const char* part : {".lora_down.weight", ".lora_up.weight", ".alpha"})
        EXPECT_TRUE(file.contains(module + part)) << module << part;
    EXPECT_TRUE(file.contains(unet + spelling.norm + ".w_norm")) << spelling.format;
    std::vector<std::string> warnings;
    EXPECT_EQ(read_adapter(folder / "out.safetensors", names, warnings).dialect, spelling.dialect);
  }
}

TEST_F(AdapterWriting, EqualAdaptersGiveEqualBytes) {
  for (const char* format : kFileFormats) {
    std::string first;
    for (int repeat = 0; repeat < 2; ++repeat) {
      generator = make_generator(11);
      written(two_layers(), {.format = format});
      const std::string bytes = read_file(folder / "out.safetensors");
      if (repeat) {
        EXPECT_EQ(bytes, first) << format;
      }
      first = bytes;
    }
  }
}

TEST_F(AdapterWriting, WritingAgainChangesNothing) {
  for (const char* format : kFileFormats) {
    const WriteOptions options{.format = format, .dtype = at::kFloat};
    written(two_layers(), options);
    const std::string first = read_file(folder / "out.safetensors");
    std::vector<std::string> warnings;
    written(read_adapter(folder / "out.safetensors", names, warnings), options);
    EXPECT_EQ(read_file(folder / "out.safetensors"), first) << format;
  }
}

TEST_F(AdapterWriting, TheBaseIsTheOneThatTheShapesBearOut) {
  const auto version = [&](const std::string& carried) {
    Adapter adapter = two_layers();
    if (!carried.empty()) adapter.metadata["ss_base_model_version"] = carried;
    return written(adapter).metadata().at("ss_base_model_version");
  };
  EXPECT_EQ(version(""), "sdxl_base_v1-0");
  EXPECT_EQ(version("sd_v1"), "sdxl_base_v1-0");
  EXPECT_EQ(version("sdxl_base_v0-9"), "sdxl_base_v0-9");

  UNet2DConditionConfig narrow = UNet2DConditionConfig::sdxl();
  narrow.cross_attention_dim = 512;
  const TargetNames miniature(narrow, ClipTextConfig{}, ClipTextConfig{});
  Adapter adapter = two_layers();
  adapter.metadata["ss_base_model_version"] = "sdxl_base_v1-0";
  write_adapter(folder / "mini.safetensors", adapter, miniature);
  const StringMap metadata = SafetensorsFile(folder / "mini.safetensors").metadata();
  EXPECT_EQ(metadata.at("ss_base_model_version"), "sdxl_custom");
  EXPECT_EQ(metadata.at("modelspec.architecture"), "stable-diffusion-xl-custom/lora");
}

TEST_F(AdapterWriting, NumbersThatTheWriterChangesAreNotCarriedOver) {
  Adapter adapter = two_layers();
  adapter.metadata = {{"ss_network_dim", "128"}, {"ss_network_alpha", "64"}, {"ss_tag_frequency", "{}"}};
  const StringMap kohya = written(adapter).metadata();
  EXPECT_EQ(kohya.at("ss_network_dim"), "Dynamic");
  EXPECT_EQ(kohya.at("ss_network_alpha"), "1");
  EXPECT_EQ(kohya.at("ss_tag_frequency"), "{}");
  const StringMap diffusers = written(adapter, {.format = "diffusers"}).metadata();
  EXPECT_EQ(diffusers.at("ss_network_dim"), "Dynamic");
  EXPECT_EQ(diffusers.at("ss_network_alpha"), "Dynamic");  // each layer's is its rank
}

}  // namespace
}  // namespace ziplora

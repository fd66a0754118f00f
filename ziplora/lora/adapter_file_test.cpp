// What is written is read back: every dialect, alpha, dtype and hash.
#include "ziplora/lora/adapter_file.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include "ziplora/io/sha256.h"
#include "ziplora/lora/adapter_file_fixture.h"
#include "ziplora/lora/key_dialects.h"
#include "ziplora/lora/universal_form.h"

namespace ziplora {
namespace {

TEST_F(AdapterFileTest, EveryWritableDialectKeepsEveryDelta) {
  const Adapter adapter = mixed_adapter();
  for (const KeyDialect& dialect : key_dialects()) {
    if (dialect.write == nullptr) continue;
    const auto path = folder / dialect.name;
    write_adapter(path, adapter, names, {.format = dialect.name, .dtype = at::kFloat});
    warnings.clear();
    const Adapter found = read_adapter(path, names, warnings);
    EXPECT_TRUE(warnings.empty()) << dialect.name << ": " << warnings.front();
    expect_same_deltas(found, adapter, 1e-6);
    write_adapter(folder / "half", adapter, names, {.format = dialect.name});
    expect_same_deltas(read_adapter(folder / "half", names, warnings), adapter, 1e-3);
    std::filesystem::remove_all(folder / "half");
  }
}

TEST_F(AdapterFileTest, KohyaFileHasOneAlphaAComponentAndCompleteLayersOfTheSecondEncoder) {
  Adapter adapter = mixed_adapter();
  const std::string attention = "text_encoder_2.text_model.encoder.layers.1.self_attn.";
  adapter.layers[attention + "q_proj"] = layer(attention + "q_proj", 3, 2.0);
  write_adapter(folder / "k.safetensors", adapter, names);
  const SafetensorsFile file(folder / "k.safetensors");
  std::map<std::string, std::set<double>> alphas;
  for (const auto& [key, info] : file.tensors()) {
    EXPECT_TRUE(key.ends_with(".lora_down.weight") || key.ends_with(".lora_up.weight") ||
                key.ends_with(".alpha"));
    EXPECT_EQ(info.dtype, key.ends_with(".alpha") ? "F32" : "F16");
    if (key.ends_with(".alpha")) alphas[key.substr(0, 8)].insert(file.tensor(key).item<double>());
  }
  ASSERT_EQ(alphas.size(), 3u);
  for (const auto& [component, values] : alphas) EXPECT_EQ(values.size(), 1u) << component;
  for (const char* leaf : {"q_proj", "k_proj", "v_proj", "out_proj"})
    EXPECT_TRUE(
        file.contains(std::string("lora_te2_text_model_encoder_layers_1_self_attn_") + leaf + ".alpha"));
  EXPECT_EQ(file.metadata().at("ss_network_dim"), "Dynamic");
}

TEST_F(AdapterFileTest, HashesInTheMetadataAreThoseOfTheFile) {
  Adapter adapter = mixed_adapter();
  adapter.metadata = {
      {"ss_tag_frequency", "{}"}, {"sshs_model_hash", "e3b0c442"}, {"ss_base_model_version", "sd_v1"}};
  write_adapter(folder / "a.safetensors", adapter, names);
  const SafetensorsFile file(folder / "a.safetensors");
  Sha256 hash;
  hash.update(file.data(), file.data_size_bytes());
  EXPECT_EQ(file.metadata().at("sshs_model_hash"), hash.hex());
  EXPECT_EQ(file.metadata().at("modelspec.hash_sha256"), "0x" + hash.hex());
  EXPECT_EQ(file.metadata().at("ss_base_model_version"), "sdxl_custom");
  EXPECT_EQ(file.metadata().at("ss_tag_frequency"), "{}");
  EXPECT_EQ(file.metadata().at("modelspec.title"), "a");
  const std::string first = sha256_of_file(folder / "a.safetensors");
  write_adapter(folder / "a.safetensors", adapter, names);
  EXPECT_EQ(sha256_of_file(folder / "a.safetensors"), first);
}

TEST_F(AdapterFileTest, BalancingSavesHalfPrecisionFromOverflowAndFlush) {
  const std::string target = "unet.mid_block.attentions.0.proj_in";
  for (const double exponent : {-7.0, 7.0}) {
    LoraLayer extreme = layer(target, 2, 2.0);
    extreme.up = extreme.up * std::pow(10.0, exponent);
    extreme.down = extreme.down * std::pow(10.0, -exponent);
    Adapter adapter;
    adapter.layers[target] = extreme;
    write_adapter(folder / "x.safetensors", adapter, names);
    expect_same_deltas(read_adapter(folder / "x.safetensors", names, warnings), adapter, 2e-3);
  }
}

TEST_F(AdapterFileTest, WhatOverflowsEvenWhenBalancedIsAnError) {
  const std::string target = "unet.mid_block.attentions.0.proj_in";
  Adapter adapter;
  adapter.layers[target] = layer(target, 2, 2.0);
  adapter.layers[target].up =
      adapter.layers[target].up * 1e12;  // 1e6 a factor when balanced, half ends at 65504
  for (const char* format : {"kohya", "diffusers", "peft"}) {
    const auto path = folder / (std::string("overflow-") + format);
    try {
      write_adapter(path, adapter, names, {.format = format});
      ADD_FAILURE() << format << ": no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kNonFinite);
      EXPECT_NE(error.problem().find(target.substr(5)), std::string::npos) << error.what();
      EXPECT_NE(error.hint().find("the file's dtype"), std::string::npos) << error.hint();
    }
    EXPECT_FALSE(std::filesystem::exists(path)) << format;
    write_adapter(path, adapter, names, {.format = format, .dtype = at::kBFloat16});
    expect_same_deltas(read_adapter(path, names, warnings), adapter, 1e-2);
  }
}

TEST_F(AdapterFileTest, AZeroUpLeavesDownAlone) {
  LoraLayer fresh = layer("unet.mid_block.attentions.0.proj_in", 2, 1.0);
  fresh.up.zero_();
  EXPECT_TRUE(with_alpha(fresh, 1.0).down.equal(fresh.down));
}

}  // namespace
}  // namespace ziplora

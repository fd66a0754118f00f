// Translates unet/config.json. Only this file knows the published names that mislead.
#include <fmt/format.h>
#include <algorithm>

#include "ziplora/base/error.h"
#include "ziplora/models/config_reader.h"
#include "ziplora/models/distilled_models.h"
#include "ziplora/models/unet_2d_condition.h"

namespace ziplora {
namespace {

void check_block_types(const ConfigReader& reader, const std::string& field,
                       const std::vector<std::string>& types, size_t blocks, const std::string& plain,
                       const std::string& attending) {
  bool known = types.size() == blocks;
  for (const std::string& type : types) known = known && (type == plain || type == attending);
  if (!known) reader.unsupported(field, fmt::format("{} entries of {} or {}", blocks, plain, attending));
}

/// Settings of diffusers' constructor that have one value in SDXL.
void expect_sdxl(ConfigReader& reader) {
  // First, because it tells SDXL's UNet from those of other models.
  if (!reader.has("addition_embed_type")) reader.unsupported("addition_embed_type", "text_time");
  reader.expect("addition_embed_type", "text_time");
  reader.skip({"addition_embed_type_num_heads"});  // of another addition_embed_type
  for (const char* field :
       {"class_embed_type", "cross_attention_norm", "encoder_hid_dim", "encoder_hid_dim_type",
        "num_attention_heads", "num_class_embeds", "reverse_transformer_layers_per_block",
        "time_cond_proj_dim", "time_embedding_act_fn", "time_embedding_dim", "timestep_post_act"}) {
    reader.expect(field, nullptr);
  }
  for (const char* field : {"center_input_sample", "class_embeddings_concat", "dual_cross_attention",
                            "mid_block_only_cross_attention", "only_cross_attention", "resnet_skip_time_act",
                            "upcast_attention"}) {
    reader.expect(field, false);
  }
  reader.expect("act_fn", "silu");
  reader.expect("attention_type", "default");
  reader.expect("conv_in_kernel", 3);
  reader.expect("conv_out_kernel", 3);
  reader.expect("dropout", 0.0);
  reader.expect("mid_block_scale_factor", 1);
  reader.expect("mid_block_type", "UNetMidBlock2DCrossAttn");
  reader.expect("resnet_out_scale_factor", 1.0);
  reader.expect("resnet_time_scale_shift", "default");
  reader.expect("time_embedding_type", "positional");
}

void check_numbers(const UNet2DConditionConfig& config, const ConfigReader& reader) {
  if (config.block_out_channels.empty()) reader.unsupported("block_out_channels", "at least one block");
  for (size_t i = 0; i < config.block_out_channels.size(); ++i) {
    const int64_t channels = config.block_out_channels[i], heads = config.num_attention_heads[i];
    if (config.norm_num_groups < 1 || channels < 1 || channels % config.norm_num_groups) {
      reader.unsupported("block_out_channels",
                         fmt::format("multiples of norm_num_groups {}", config.norm_num_groups));
    }
    if (heads < 1 || channels % heads) {
      reader.unsupported("attention_head_dim",
                         fmt::format("counts of heads, each dividing its block's channels ({})", channels));
    }
    if (channels > kLargestSize)
      reader.unsupported("block_out_channels", fmt::format("at most {}", kLargestSize));
    if (config.layers_per_block[i] < 1 || config.layers_per_block[i] > kMostLayers)
      reader.unsupported("layers_per_block", fmt::format("1 or more, at most {}", kMostLayers));
    if (config.transformer_layers_per_block[i] < 0 || config.transformer_layers_per_block[i] > kMostLayers)
      reader.unsupported("transformer_layers_per_block", fmt::format("0 or more, at most {}", kMostLayers));
  }
  if (!(config.norm_eps > 0)) reader.unsupported("norm_eps", "a number above 0");
  if (config.block_out_channels[0] % 2) reader.unsupported("block_out_channels", "an even first entry");
  if (config.addition_time_embed_dim < 2 || config.addition_time_embed_dim % 2) {
    reader.unsupported("addition_time_embed_dim", "an even number");
  }
  if (config.downsample_padding != 0 && config.downsample_padding != 1) {
    reader.unsupported("downsample_padding", "0 or 1");
  }
}

}  // namespace

UNet2DConditionConfig UNet2DConditionConfig::from_json(const nlohmann::json& json) {
  ConfigReader reader(json, "unet config");
  if (const std::string name = distilled_model(json); !name.empty())
    throw Error(ErrorKind::kIncompatible, "unet config",
                "this looks like " + name + ", which was distilled from SDXL and lacks some of its layers",
                "use a base model of SDXL's architecture");
  expect_sdxl(reader);
  UNet2DConditionConfig config;
  // Values for absent fields are diffusers' own, which are not SDXL's.
  config.in_channels = reader.get<int64_t>("in_channels", 4);
  config.out_channels = reader.get<int64_t>("out_channels", 4);
  config.sample_size = reader.get<int64_t>("sample_size", 128);
  config.down_block_types = reader.get<std::vector<std::string>>("down_block_types");
  config.up_block_types = reader.get<std::vector<std::string>>("up_block_types");
  config.block_out_channels = reader.get<std::vector<int64_t>>("block_out_channels");
  const size_t blocks = config.block_out_channels.size();
  check_block_types(reader, "down_block_types", config.down_block_types, blocks, "DownBlock2D",
                    "CrossAttnDownBlock2D");
  check_block_types(reader, "up_block_types", config.up_block_types, blocks, "UpBlock2D",
                    "CrossAttnUpBlock2D");
  config.layers_per_block = reader.per_block("layers_per_block", blocks, 2);
  config.transformer_layers_per_block = reader.per_block("transformer_layers_per_block", blocks, 1);
  config.num_attention_heads = reader.per_block("attention_head_dim", blocks, 8);  // holds head counts
  config.cross_attention_dim = reader.get<int64_t>("cross_attention_dim", 1280);
  config.norm_num_groups = reader.get<int64_t>("norm_num_groups", 32);
  config.norm_eps = reader.get<double>("norm_eps", 1e-5);
  config.addition_time_embed_dim = reader.get<int64_t>("addition_time_embed_dim");
  config.projection_class_embeddings_input_dim = reader.get<int64_t>("projection_class_embeddings_input_dim");
  config.use_linear_projection = reader.get<bool>("use_linear_projection", false);
  config.flip_sin_to_cos = reader.get<bool>("flip_sin_to_cos", true);
  config.freq_shift = reader.get<double>("freq_shift", 0);
  config.downsample_padding = reader.get<int64_t>("downsample_padding", 1);
  reader.finish();
  check_numbers(config, reader);
  return config;
}

namespace {
/// diffusers takes a list, but its conversion of kohya's LoRA names needs a number to calculate with.
nlohmann::json one_or_list(const std::vector<int64_t>& values) {
  const bool all_equal =
      std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == values.front(); });
  if (all_equal) return values.front();
  return values;
}
}  // namespace

nlohmann::json UNet2DConditionConfig::to_json() const {
  return {{"_class_name", "UNet2DConditionModel"},
          {"act_fn", "silu"},
          {"addition_embed_type", "text_time"},
          {"addition_time_embed_dim", addition_time_embed_dim},
          {"attention_head_dim", num_attention_heads},
          {"block_out_channels", block_out_channels},
          {"cross_attention_dim", cross_attention_dim},
          {"down_block_types", down_block_types},
          {"downsample_padding", downsample_padding},
          {"flip_sin_to_cos", flip_sin_to_cos},
          {"freq_shift", freq_shift},
          {"in_channels", in_channels},
          {"layers_per_block", one_or_list(layers_per_block)},
          {"mid_block_type", "UNetMidBlock2DCrossAttn"},
          {"norm_eps", norm_eps},
          {"norm_num_groups", norm_num_groups},
          {"out_channels", out_channels},
          {"projection_class_embeddings_input_dim", projection_class_embeddings_input_dim},
          {"sample_size", sample_size},
          {"transformer_layers_per_block", transformer_layers_per_block},
          {"up_block_types", up_block_types},
          {"use_linear_projection", use_linear_projection}};
}

}  // namespace ziplora

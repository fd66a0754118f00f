"""UNet configurations that the benchmarks share: the miniature's (ziplora/pretrain/mini_config.cpp) and SDXL's own."""

BLOCKS = dict(
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    layers_per_block=2, use_linear_projection=True, addition_embed_type="text_time")

MINI = BLOCKS | dict(
    sample_size=16, block_out_channels=(64, 128, 192), transformer_layers_per_block=(1, 1, 1),
    attention_head_dim=(2, 4, 6), cross_attention_dim=320, norm_num_groups=16, addition_time_embed_dim=32,
    projection_class_embeddings_input_dim=6 * 32 + 128)

SDXL = BLOCKS | dict(
    sample_size=128, block_out_channels=(320, 640, 1280), transformer_layers_per_block=(1, 2, 10),
    attention_head_dim=(5, 10, 20), cross_attention_dim=2048, norm_num_groups=32, addition_time_embed_dim=256,
    projection_class_embeddings_input_dim=2816)

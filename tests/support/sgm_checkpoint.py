"""Writes a diffusers folder's weights as one file under the names of Stability's sgm and OpenCLIP: what people download
as "SDXL checkpoint". The map is written from the layouts' description, in the direction opposite to the program's.

    weights = sgm_checkpoint(pipeline)        # name -> tensor
    save_file(weights, tmp_path / "sdxl.safetensors")
"""

import torch

RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
          "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
UNET_TOP = {"conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0",
            "time_embedding.linear_2": "time_embed.2", "add_embedding.linear_1": "label_emb.0.0",
            "add_embedding.linear_2": "label_emb.0.2", "conv_norm_out": "out.0", "conv_out": "out.2",
            "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1",
            "mid_block.resnets.1": "middle_block.2"}
CLIP_LAYER = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "self_attn.out_proj": "attn.out_proj", "mlp.fc1": "mlp.c_fc",
              "mlp.fc2": "mlp.c_proj"}
VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def unet_name(name: str, layers: int) -> str:
    """`layers`: resnets per down block (SDXL: 2), so that a level takes layers + 1 numbers on the way down and up."""
    parts = name.split(".")
    if parts[0] not in ("down_blocks", "up_blocks"):
        module = next(m for m in UNET_TOP if name.startswith(m + "."))
        module, rest = UNET_TOP[module], name[len(module) + 1:]
        is_resnet = name.startswith("mid_block.resnets")
    else:
        i, kind, j = int(parts[1]), parts[2], int(parts[3])
        rest, is_resnet = ".".join(parts[4:]), kind == "resnets"
        number = (layers + 1) * i + j + (1 if parts[0] == "down_blocks" else 0)
        side = "input_blocks" if parts[0] == "down_blocks" else "output_blocks"
        if kind == "downsamplers":
            return f"input_blocks.{(layers + 1) * (i + 1)}.0.op.{parts[-1]}"
        if kind == "upsamplers":
            return f"output_blocks.{(layers + 1) * i + layers}.2.conv.{parts[-1]}"
        module = f"{side}.{number}.{0 if is_resnet else 1}"
    if is_resnet:
        inner, _, tail = rest.rpartition(".")
        rest = f"{RESNET[inner]}.{tail}"
    return f"{module}.{rest}"


def vae_tensor(name: str, value: torch.Tensor, blocks: int) -> tuple[str, torch.Tensor]:
    parts = name.split(".")
    if "attentions" in parts:  # 1×1 convolutions there, linear layers here
        inner, tail = ".".join(parts[4:-1]), parts[-1]
        is_matrix = tail == "weight" and inner != "group_norm"
        return f"{parts[0]}.mid.attn_1.{VAE_ATTENTION[inner]}.{tail}", value[:, :, None, None] if is_matrix else value
    if parts[1:3] == ["mid_block", "resnets"]:
        return f"{parts[0]}.mid.block_{int(parts[3]) + 1}." + ".".join(parts[4:]), value
    if len(parts) > 2 and parts[1] in ("down_blocks", "up_blocks"):
        half = parts[0]
        level = int(parts[2]) if half == "encoder" else blocks - 1 - int(parts[2])
        way = "down" if half == "encoder" else "up"
        if parts[3] == "resnets":
            rest = ".".join(parts[5:]).replace("conv_shortcut", "nin_shortcut")
            return f"{half}.{way}.{level}.block.{parts[4]}.{rest}", value
        return f"{half}.{way}.{level}.{way}sample.conv.{parts[-1]}", value
    return name.replace("conv_norm_out", "norm_out"), value


def open_clip(state: dict[str, torch.Tensor], layers: int) -> dict[str, torch.Tensor]:
    result = {
        "token_embedding.weight": state["text_model.embeddings.token_embedding.weight"],
        "positional_embedding": state["text_model.embeddings.position_embedding.weight"],
        "ln_final.weight": state["text_model.final_layer_norm.weight"],
        "ln_final.bias": state["text_model.final_layer_norm.bias"],
        "text_projection": state["text_projection.weight"].T.contiguous(),
        "logit_scale": torch.tensor(4.6),
    }
    for n in range(layers):
        theirs, ours = f"transformer.resblocks.{n}", f"text_model.encoder.layers.{n}"
        for tail in ("weight", "bias"):
            result[f"{theirs}.attn.in_proj_{tail}"] = torch.cat(
                [state[f"{ours}.self_attn.{part}_proj.{tail}"] for part in "qkv"])
            for inner, name in CLIP_LAYER.items():
                result[f"{theirs}.{name}.{tail}"] = state[f"{ours}.{inner}.{tail}"]
    return result


def sgm_checkpoint(pipeline) -> dict[str, torch.Tensor]:
    """Of a StableDiffusionXLPipeline, with the buffers that published files carry and no program needs."""
    result = {"denoiser.sigmas": torch.ones(1000),
              "conditioner.embedders.0.transformer.text_model.embeddings.position_ids": torch.arange(77)[None]}
    layers = pipeline.unet.config.layers_per_block
    for name, value in pipeline.unet.state_dict().items():
        result["model.diffusion_model." + unet_name(name, layers)] = value
    blocks = len(pipeline.vae.config.block_out_channels)
    for name, value in pipeline.vae.state_dict().items():
        sgm, value = vae_tensor(name, value, blocks)
        result["first_stage_model." + sgm] = value
    for name, value in pipeline.text_encoder.state_dict().items():
        level = "" if name.startswith("text_model.") else "text_model."  # transformers 5.6 dropped it from modules
        result["conditioner.embedders.0.transformer." + level + name] = value
    state = pipeline.text_encoder_2.state_dict()
    for name, value in open_clip(state, pipeline.text_encoder_2.config.num_hidden_layers).items():
        result["conditioner.embedders.1.model." + name] = value
    return {name: value.detach().contiguous() for name, value in result.items()}

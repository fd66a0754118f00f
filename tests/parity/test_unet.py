"""UNet2DConditionModel against diffusers: same folder, same inputs, equal outputs and equal gradients."""

import json

import pytest
import torch
from diffusers import UNet2DConditionModel
from embedded_base import draw_demo_rows, open_part
from probe_runner import relative_error, run_probe, worst_gradient_error

COMMON = dict(addition_embed_type="text_time", sample_size=16)
# Unequal heads, depths and channels; one and two layers; every kind of block on the way down and up; both projections.
CONFIGS = {
    "sdxl-like": dict(
        block_out_channels=(16, 24, 48), layers_per_block=2, transformer_layers_per_block=(1, 2, 3),
        attention_head_dim=(2, 3, 6), cross_attention_dim=20, norm_num_groups=8, use_linear_projection=True,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        addition_time_embed_dim=8, projection_class_embeddings_input_dim=6 * 8 + 14),
    "one-layer-convolutions": dict(
        block_out_channels=(12, 20), layers_per_block=1, transformer_layers_per_block=2, attention_head_dim=(3, 5),
        cross_attention_dim=10, norm_num_groups=4, use_linear_projection=False, norm_eps=1e-6,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        addition_time_embed_dim=6, projection_class_embeddings_input_dim=6 * 6 + 5, flip_sin_to_cos=False,
        freq_shift=1, in_channels=6, out_channels=3),
    "unequal-layers": dict(
        block_out_channels=(8, 16, 16, 32), layers_per_block=(1, 3, 2, 1), transformer_layers_per_block=(1, 1, 2, 1),
        attention_head_dim=(1, 4, 2, 8), cross_attention_dim=12, norm_num_groups=4, use_linear_projection=True,
        downsample_padding=0,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        addition_time_embed_dim=4, projection_class_embeddings_input_dim=6 * 4 + 9),
}
# The second one where noise is predicted, which has as many channels as the latents.
CONFIGS["one-layer"] = CONFIGS["one-layer-convolutions"] | dict(in_channels=4, out_channels=4)
# Latent height and width. Odd ones where the way up must restore them (diffusers itself cannot with padding 0).
SIZES = {"sdxl-like": (13, 18), "one-layer-convolutions": (7, 9), "unequal-layers": (16, 24), "mini": (16, 16)}


def make_unet(name, folder):
    torch.manual_seed(1)
    unet = UNet2DConditionModel(**COMMON, **CONFIGS[name])
    for parameter in unet.parameters():  # biases and norms away from 0 and 1, so that a swapped one shows
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    unet.save_pretrained(folder)
    return unet


def open_unet(name, folder):
    """The UNet and its folder: the miniature's own for "mini", else a random one written to `folder`."""
    torch.manual_seed(1)
    return open_part(UNet2DConditionModel, "unet") if name == "mini" else (make_unet(name, folder), folder)


def draw_rows(name, unet, count):
    """What the UNet of open_unet learns from, by row: the demo's images for "mini", else random numbers."""
    if name == "mini":
        return draw_demo_rows(count)
    config = unet.config
    pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
    # The innermost block sees 2 × 2: of one token alone the gradients of queries and keys are mere rounding.
    side = 2 ** len(config.block_out_channels)
    return {"latents": torch.randn(count, config.in_channels, side, side),
            "prompt_embeds": torch.randn(count, 7, config.cross_attention_dim),
            "pooled_embeds": torch.randn(count, pooled),
            "time_ids": torch.tensor([[64.0, 64, 0, 0, 64, 64]] * count)}


def make_inputs(unet, name):
    config, batch = unet.config, 3
    height, width = SIZES[name]
    pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
    return {
        "sample": torch.randn(batch, config.in_channels, height, width, requires_grad=True),
        "timestep": torch.tensor([999.0, 400.5, 1.0]),
        "encoder_hidden_states": torch.randn(batch, 7, config.cross_attention_dim, requires_grad=True),
        "text_embeds": torch.randn(batch, pooled, requires_grad=True),
        "time_ids": torch.tensor([[128.0, 96, 0, 3, 128, 128]] * batch) * torch.tensor([[1.0], [2], [3]]),
        "cotangent": torch.randn(batch, config.out_channels, height, width),
    }


def run_diffusers(unet, inputs):
    out = unet(inputs["sample"], inputs["timestep"], inputs["encoder_hidden_states"],
               added_cond_kwargs={"text_embeds": inputs["text_embeds"], "time_ids": inputs["time_ids"]}).sample
    (out * inputs["cotangent"]).sum().backward()
    return out


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("name", SIZES)
def test_output_and_gradients_equal_diffusers(name, checkpointing, tmp_path):
    unet, folder = open_unet(name, tmp_path)
    inputs = make_inputs(unet, name)
    theirs = run_diffusers(unet, inputs)

    ours, values = run_probe("unet", inputs, folder=str(folder), checkpointing=checkpointing)

    error = relative_error(ours["noise_pred"], theirs)
    assert error < 1e-4
    gradients = {key: p.grad for key, p in unet.named_parameters()}
    gradients |= {key: inputs[key].grad for key in ("sample", "encoder_hidden_states", "text_embeds")}
    gradient_error, where = worst_gradient_error(ours, gradients)
    assert gradient_error < 1e-3, where
    print(f"{name}: forward {error:.1e}, gradients {gradient_error:.1e} ({where})")

    # Our config.json opens in diffusers as the same model.
    assert UNet2DConditionModel.from_config(values["config"]).state_dict().keys() == unet.state_dict().keys()


def add_reference_adapters(unet, paths, row_gate):
    """The equation of nn/adapter_slot.h by hand, as forward hooks. Returns the factors by probe input name."""
    factors = {}
    for path in paths:
        layer = unet.get_submodule(path)
        rank = row_gate.shape[1]
        if isinstance(layer, torch.nn.Linear):
            down, up = torch.randn(rank, layer.in_features), torch.randn(layer.out_features, rank)
        else:
            down = torch.randn(rank, layer.in_channels, *layer.kernel_size)
            up = torch.randn(layer.out_channels, rank, 1, 1)
        factors[f"down.{path}"] = down = (0.3 * down).requires_grad_(True)
        factors[f"up.{path}"] = up = (0.3 * up).requires_grad_(True)

        def add_update(module, args, output, down=down, up=up):
            if isinstance(module, torch.nn.Linear):
                gate = row_gate if args[0].dim() == 2 else row_gate[:, None, :]
                return output + (args[0] @ down.T * gate) @ up.T
            low = torch.nn.functional.conv2d(args[0], down, None, module.stride, module.padding)
            return output + torch.nn.functional.conv2d(low * row_gate[:, :, None, None], up)

        layer.register_forward_hook(add_update)
    return factors


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("name", ["sdxl-like", "one-layer-convolutions"])
def test_adapters_train_alone(name, checkpointing, tmp_path):
    """Frozen base and inputs, trained factors and row gates: what LoRA training and zip merging do."""
    unet = make_unet(name, tmp_path)
    unet.requires_grad_(False)
    inputs = make_inputs(unet, name)
    for tensor in inputs.values():
        tensor.requires_grad_(False)
    endings = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "conv1", "conv_shortcut",
               "time_emb_proj", "downsamplers.0.conv", "conv_in", "time_embedding.linear_1")
    paths = [key for key, _ in unet.named_modules() if key.endswith(endings)]
    row_gate = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1], [1, 0.5, -1, 2]], requires_grad=True)
    factors = add_reference_adapters(unet, paths, row_gate)
    theirs = run_diffusers(unet, inputs)

    ours, _ = run_probe("unet", {**inputs, **factors, "row_gate": row_gate}, folder=str(tmp_path),
                        checkpointing=checkpointing, train_base=False, train_inputs=False)

    assert relative_error(ours["noise_pred"], theirs) < 1e-4
    gradient_error, where = worst_gradient_error(
        ours, {key: f.grad for key, f in factors.items()} | {"row_gate": row_gate.grad})
    assert gradient_error < 1e-3, where
    assert set(ours) == {"noise_pred", "gradient.row_gate", *(f"gradient.{key}" for key in factors)}


@pytest.mark.parametrize("change, words", [
    ({"addition_embed_type": None}, "addition_embed_type.*text_time"),
    ({"addition_embed_type": "text_image"}, "addition_embed_type.*text_time"),
    ({"down_block_types": ["AttnDownBlock2D", "DownBlock2D"]}, "down_block_types"),
    ({"up_block_types": ["UpBlock2D"]}, "up_block_types"),
    ({"attention_head_dim": [3, 7]}, "attention_head_dim"),
    ({"attention_head_dim": [3, 5, 5]}, "attention_head_dim.*3 entries.*2 blocks"),
    ({"resnet_time_scale_shift": "scale_shift"}, "resnet_time_scale_shift"),
    ({"only_cross_attention": True}, "only_cross_attention"),
    ({"cross_attention_dim": [10, 10]}, "cross_attention_dim"),
    ({"invented": 1}, "invented"),
])
def test_an_unsupported_config_is_an_error_that_names_the_setting(change, words, tmp_path):
    unet = make_unet("one-layer-convolutions", tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(AssertionError, match=words):
        run_probe("unet", make_inputs(unet, "one-layer-convolutions"), folder=str(tmp_path))


def test_weights_of_another_config_are_an_error_that_names_them(tmp_path):
    unet = make_unet("one-layer-convolutions", tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"cross_attention_dim": 11, "layers_per_block": 2}))
    with pytest.raises(AssertionError) as failure:
        run_probe("unet", make_inputs(unet, "one-layer-convolutions"), folder=str(tmp_path))
    message = str(failure.value)
    assert " missing (" in message and "down_blocks.0.attentions.1" in message
    assert "attn2.to_k.weight is [12, 10], expected [12, 11]" in message

"""AutoencoderKL against diffusers: same folder, same inputs, equal outputs and equal gradients."""

import json

import pytest
import torch
from diffusers import AutoencoderKL
from embedded_base import open_part
from probe_runner import relative_error, run_probe, worst_gradient_error

# Unequal channels and groups, one and two layers, with and without the optional parts.
CONFIGS = {
    "three-blocks": dict(block_out_channels=(16, 24, 40), layers_per_block=2, norm_num_groups=8, sample_size=32),
    "one-layer": dict(block_out_channels=(12, 32), layers_per_block=1, norm_num_groups=4, sample_size=16,
                      latent_channels=6),
    "bare": dict(block_out_channels=(8, 8, 16, 16), layers_per_block=1, norm_num_groups=2, sample_size=64,
                 use_quant_conv=False, use_post_quant_conv=False, mid_block_add_attention=False),
}
# Latent height and width; odd ones too. The tile is smaller, so that blending has seams in both directions.
SIZES = {"three-blocks": (11, 18), "one-layer": (5, 7), "bare": (9, 6), "mini": (16, 16)}
TILE = {"three-blocks": 8, "one-layer": 4, "bare": 4, "mini": 8}


def open_vae(name, folder):
    """The autoencoder and its folder: the miniature's own for "mini", else a random one written to `folder`."""
    torch.manual_seed(0)
    if name == "mini":
        return open_part(AutoencoderKL, "vae")
    config = CONFIGS[name]
    blocks = len(config["block_out_channels"])
    vae = AutoencoderKL(down_block_types=("DownEncoderBlock2D",) * blocks,
                        up_block_types=("UpDecoderBlock2D",) * blocks, scaling_factor=0.13025, **config)
    for parameter in vae.parameters():  # biases and norms away from 0 and 1, so that a swapped one shows
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    vae.save_pretrained(folder)
    return vae, folder


@pytest.mark.parametrize("name", SIZES)
def test_outputs_and_gradients_equal_diffusers(name, tmp_path):
    vae, folder = open_vae(name, tmp_path)
    height, width = SIZES[name]
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    image = torch.randn(2, 3, height * factor, width * factor, requires_grad=True)
    latents = torch.randn(2, vae.config.latent_channels, height, width, requires_grad=True)

    posterior = vae.encode(image).latent_dist
    decoded = vae.decode(latents).sample
    cotangents = {"mean_cotangent": torch.randn_like(posterior.mean),
                  "logvar_cotangent": torch.randn_like(posterior.logvar),
                  "decoded_cotangent": torch.randn_like(decoded)}
    ((posterior.mean * cotangents["mean_cotangent"]).sum() + (posterior.logvar * cotangents["logvar_cotangent"]).sum()
     + (decoded * cotangents["decoded_cotangent"]).sum()).backward()

    ours, values = run_probe("autoencoder", {"image": image, "latents": latents, **cotangents},
                             folder=str(folder), tile=TILE[name])

    forward = {"mean": posterior.mean, "logvar": posterior.logvar, "decoded": decoded}
    errors = {key: relative_error(ours[key], value) for key, value in forward.items()}
    assert max(errors.values()) < 1e-4, errors
    gradients = {key: p.grad for key, p in vae.named_parameters()} | {"image": image.grad, "latents": latents.grad}
    gradient_error, where = worst_gradient_error(ours, gradients)
    assert gradient_error < 1e-3, where
    print(f"{name}: forward {max(errors.values()):.1e}, gradients {gradient_error:.1e} ({where})")

    vae.enable_tiling()
    vae.tile_latent_min_size, vae.tile_sample_min_size = TILE[name], TILE[name] * factor
    with torch.no_grad():
        posterior_of_tiles = vae.encode(image).latent_dist
        tiled = {"tiled": vae.decode(latents).sample, "tiled_mean": posterior_of_tiles.mean,
                 "tiled_logvar": posterior_of_tiles.logvar}
    for (key, value), whole in zip(tiled.items(), (decoded, posterior.mean, posterior.logvar)):
        assert relative_error(ours[key], value) < 1e-4, key
        assert relative_error(value, whole) > 1e-3, f"{key}: tiles must differ from the whole, or this test shows nothing"

    # Our config.json opens in diffusers as the same model.
    assert AutoencoderKL.from_config(values["config"]).state_dict().keys() == vae.state_dict().keys()
    assert values["config"]["scaling_factor"] == vae.config.scaling_factor


@pytest.mark.parametrize("change, words", [
    ({"act_fn": "relu"}, "act_fn"),
    ({"down_block_types": ["DownEncoderBlock2D", "AttnDownEncoderBlock2D"]}, "down_block_types"),
    ({"latents_mean": [0.0, 0.0, 0.0, 0.0]}, "latents_mean"),
    ({"invented": 1}, "invented"),
    ({"block_out_channels": [10, 32]}, "block_out_channels"),
    ({"layers_per_block": "two"}, "layers_per_block"),
])
def test_an_unsupported_config_is_an_error_that_names_the_setting(change, words, tmp_path):
    vae = AutoencoderKL(down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
                        **CONFIGS["one-layer"])
    vae.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(AssertionError, match=words):
        run_probe("autoencoder", folder=str(tmp_path))

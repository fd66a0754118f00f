"""CLIP's text and image encoders against transformers: same folder, same inputs, equal outputs and gradients."""

import json

import pytest
import torch
from embedded_base import MINI, demo_pictures, open_part
from probe_runner import relative_error, run_probe, worst_gradient_error
from safetensors.torch import save_file
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

# EOS is the highest id, as in CLIP's vocabulary. The legacy config says 2 and means "the highest id of the row".
VOCABULARY = dict(vocab_size=51, bos_token_id=49, eos_token_id=50, max_position_embeddings=13)
LEGACY = VOCABULARY | dict(eos_token_id=2, bos_token_id=0, pad_token_id=1)
TEXT_CONFIGS = {
    "sdxl-first": (False, dict(hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=3,
                               hidden_act="quick_gelu", pad_token_id=50, **VOCABULARY)),
    "sdxl-second": (True, dict(hidden_size=20, intermediate_size=36, num_hidden_layers=4, num_attention_heads=5,
                               hidden_act="gelu", projection_dim=14, pad_token_id=0, layer_norm_eps=1e-3,
                               **VOCABULARY)),
    "one-layer": (True, dict(hidden_size=16, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
                             hidden_act="gelu", projection_dim=16, **VOCABULARY)),
    "legacy-eos": (False, dict(hidden_size=24, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
                               hidden_act="quick_gelu", **LEGACY)),
    "legacy-eos-projected": (True, dict(hidden_size=12, intermediate_size=48, num_hidden_layers=2,
                                        num_attention_heads=4, hidden_act="gelu", projection_dim=6, **LEGACY)),
}
# BOS, words, EOS, then each kind of padding; EOS in the last place; two EOS; a 2, which is EOS only in a legacy config.
TOKEN_IDS = torch.tensor([
    [49, 7, 13, 2, 31, 50, 0, 0, 0, 0, 0, 0, 0],
    [49, 5, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50],
    [49, *range(20, 31), 50],
    [49, 2, 2, 50, 9, 9, 50, 1, 1, 1, 1, 1, 1],
])
MINI_CLASSES = {"mini-first": (CLIPTextModel, ""), "mini-second": (CLIPTextModelWithProjection, "_2")}
PICTURE_CONFIGS = {
    "quick-gelu": dict(hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=3, image_size=24,
                       patch_size=8, projection_dim=10, hidden_act="quick_gelu"),
    "gelu": dict(hidden_size=16, intermediate_size=20, num_hidden_layers=1, num_attention_heads=4, image_size=15,
                 patch_size=5, projection_dim=16, hidden_act="gelu", layer_norm_eps=1e-3),
}


def name_prefix(model):
    return "text_model." if type(model) is CLIPTextModel else ""


def save(model, folder):
    """Away from the initial zeros and ones, so that a swapped bias or norm shows; under the names of published files,
    which transformers 5 no longer writes for every class."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    weights = {name_prefix(model) + name: value.contiguous() for name, value in model.state_dict().items()
               if not name.endswith("position_ids")}
    save_file(weights, folder / "model.safetensors")


def open_text_encoder(name, folder):
    """The model, its folder and token ids: the miniature's own and the demo's captions, one of them too long, or a
    random model written to `folder`."""
    torch.manual_seed(3)
    if name in MINI_CLASSES:
        cls, number = MINI_CLASSES[name]
        captions = [*(caption for _, caption in demo_pictures()), "two red apples and " * 20]
        token_ids = CLIPTokenizer.from_pretrained(MINI / f"tokenizer{number}")(
            captions, padding="max_length", truncation=True, return_tensors="pt").input_ids
        return *open_part(cls, f"text_encoder{number}"), token_ids
    with_projection, config = TEXT_CONFIGS[name]
    model = (CLIPTextModelWithProjection if with_projection else CLIPTextModel)(CLIPTextConfig(**config))
    save(model, folder)
    return model, folder, TOKEN_IDS


@pytest.mark.parametrize("name", [*TEXT_CONFIGS, *MINI_CLASSES])
def test_text_outputs_and_gradients_equal_transformers(name, tmp_path):
    model, folder, token_ids = open_text_encoder(name, tmp_path)
    with_projection = type(model) is CLIPTextModelWithProjection
    out = model(token_ids, output_hidden_states=True)
    theirs = {"penultimate": out.hidden_states[-2], "last_hidden_state": out.last_hidden_state,
              "pooled": out.text_embeds if with_projection else out.pooler_output}
    cotangents = {f"{key}_cotangent": torch.randn_like(value) for key, value in theirs.items()}
    sum((value * cotangents[f"{key}_cotangent"]).sum() for key, value in theirs.items()).backward()

    ours, values = run_probe("text_encoder", {"token_ids": token_ids, **cotangents}, folder=str(folder),
                             with_projection=with_projection)

    errors = {key: relative_error(ours[key], value) for key, value in theirs.items()}
    assert max(errors.values()) < 1e-4, errors
    gradients = {name_prefix(model) + key: parameter.grad for key, parameter in model.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
    gradient_error, where = worst_gradient_error(ours, gradients)
    assert gradient_error < 1e-3, where
    print(f"{name}: forward {max(errors.values()):.1e}, gradients {gradient_error:.1e} ({where})")

    again = CLIPTextConfig(**values["config"])  # our config.json is the same model to transformers
    for key in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "hidden_act",
                "vocab_size", "max_position_embeddings", "layer_norm_eps", "eos_token_id"):
        assert getattr(again, key) == getattr(model.config, key), key


def test_pooling_positions_differ_between_the_two_readings_of_eos():
    """Else the legacy cases above would show nothing."""
    first_2, highest = (TOKEN_IDS == 2).int().argmax(-1), TOKEN_IDS.argmax(-1)
    assert (first_2 != highest).any()


@pytest.mark.parametrize("name", PICTURE_CONFIGS)
def test_picture_outputs_and_gradients_equal_transformers(name, tmp_path):
    torch.manual_seed(4)
    model = CLIPVisionModelWithProjection(CLIPVisionConfig(**PICTURE_CONFIGS[name]))
    save(model, tmp_path)
    side = model.config.image_size
    pixel_values = torch.randn(2, 3, side, side, requires_grad=True)
    embeds = model(pixel_values).image_embeds
    cotangent = torch.randn_like(embeds)
    (embeds * cotangent).sum().backward()

    ours, values = run_probe("image_encoder", {"pixel_values": pixel_values, "embeds_cotangent": cotangent},
                             folder=str(tmp_path))

    error = relative_error(ours["embeds"], embeds)
    assert error < 1e-4
    gradients = {key: parameter.grad for key, parameter in model.named_parameters()}
    gradient_error, where = worst_gradient_error(ours, gradients | {"pixel_values": pixel_values.grad})
    assert gradient_error < 1e-3, where
    print(f"{name}: forward {error:.1e}, gradients {gradient_error:.1e} ({where})")

    again = CLIPVisionConfig(**values["config"])
    for key in PICTURE_CONFIGS[name]:
        assert getattr(again, key) == getattr(model.config, key), key


@pytest.mark.parametrize("change, words", [
    ({"hidden_act": "relu"}, "hidden_act"),
    ({"num_attention_heads": 7}, "num_attention_heads"),
    ({"hidden_size": "wide"}, "hidden_size"),
    ({"num_hidden_layers": None}, "num_hidden_layers"),
    ({"intermediate_size": 0}, "intermediate_size"),
    ({"eos_token_id": "end"}, "eos_token_id"),
])
def test_an_unsupported_config_is_an_error_that_names_the_setting(change, words, tmp_path):
    with_projection, config = TEXT_CONFIGS["sdxl-first"]
    save(CLIPTextModel(CLIPTextConfig(**config)), tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(AssertionError, match=words):
        run_probe("text_encoder", folder=str(tmp_path), with_projection=with_projection)


@pytest.mark.parametrize("change, words", [
    ({"hidden_act": "relu"}, "hidden_act"),
    ({"num_attention_heads": 7}, "num_attention_heads"),
    ({"patch_size": None}, "patch_size"),
])
def test_an_unsupported_picture_config_is_an_error_that_names_the_setting(change, words, tmp_path):
    save(CLIPVisionModelWithProjection(CLIPVisionConfig(**PICTURE_CONFIGS["gelu"])), tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(AssertionError, match=words):
        run_probe("image_encoder", folder=str(tmp_path))

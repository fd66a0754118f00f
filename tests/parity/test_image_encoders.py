"""CLIP, DINO, DINOv2 and CSD against transformers (CSD: against OpenAI's architecture): same folder, same pixels, equal
features and gradients; then whole images through the folder's own processor."""

import json
import shutil

import numpy
import pytest
import torch
from embedded_base import ROOT
from image_encoder_folders import PREPROCESSORS, published_gradients, save_csd, save_encoder
from PIL import Image
from probe_runner import relative_error, run_probe, worst_gradient_error
from safetensors.torch import load_file, save_file
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPProcessor,
    CLIPTokenizer,
    Dinov2Config,
    Dinov2Model,
    ViTConfig,
    ViTModel,
)
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

TOWER = dict(hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3)
VIT = dict(TOWER, image_size=24, patch_size=8)
DINOV2 = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, image_size=70, patch_size=14)
CSD = dict(image_size=24, patch_size=8, width=128, layers=2, heads=2, dimension=20)


def clip_config(vision=None, text=None, **more):
    return CLIPConfig(vision_config=dict(VIT, **(vision or {})), text_config=dict(TOWER, **(text or {})), projection_dim=10,
                      **more)


def vit(folder, **config):
    return save_encoder(ViTModel, ViTConfig(**config), folder, add_pooling_layer=False)


def vit_output(model, pixel_values):
    return model(pixel_values, interpolate_pos_encoding=True).last_hidden_state


def dinov2(folder, **config):
    return save_encoder(Dinov2Model, Dinov2Config(**config), folder)


def last_hidden_state(model, pixel_values):
    return model(pixel_values).last_hidden_state


def clip(folder, **config):
    return save_encoder(CLIPModel, clip_config(**config), folder)


def clip_output(model, pixel_values):
    return model.visual_projection(model.vision_model(pixel_values).pooler_output)


# name → the probe's model, how it is saved, the referee's output, and the size of the images
CASES = {
    "dino": ("vit", lambda f: vit(f, **VIT), vit_output, (24, 24)),
    "dino-resized-positions": ("vit", lambda f: vit(f, **VIT, qkv_bias=False), vit_output, (40, 27)),
    "dinov2": ("dinov2", lambda f: dinov2(f, **DINOV2), last_hidden_state, (70, 70)),
    "dinov2-resized-positions": ("dinov2", lambda f: dinov2(f, **DINOV2), last_hidden_state, (42, 56)),
    "dinov2-giant": ("dinov2", lambda f: dinov2(f, **DINOV2, use_swiglu_ffn=True), last_hidden_state, (28, 28)),
    "clip": ("clip", clip, clip_output, (24, 24)),
    "clip-gelu": ("clip", lambda f: clip(f, vision=dict(hidden_act="gelu")), clip_output, (24, 24)),
}


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_equal_transformers(name, tmp_path):
    kind, save, output, size = CASES[name]
    model = save(tmp_path)
    torch.manual_seed(5)
    pixel_values = torch.randn(2, 3, *size, requires_grad=True)
    theirs = output(model, pixel_values)
    cotangent = torch.randn_like(theirs)
    (theirs * cotangent).sum().backward()

    ours, _ = run_probe("vision_model", {"pixel_values": pixel_values, "cotangent": cotangent}, folder=str(tmp_path),
                        model=kind)

    assert relative_error(ours["output"], theirs) < 1e-5
    # A key's bias adds the same to all scores of a query, which softmax ignores: both sides hold rounding noise.
    gradients = {name: gradient for name, gradient in published_gradients(model, tmp_path).items()
                 if not name.endswith(("key.bias", "k_proj.bias"))}
    error, where = worst_gradient_error(ours, gradients | {"pixel_values": pixel_values.grad})
    assert error < 1e-5, where
    print(f"{name}: forward {relative_error(ours['output'], theirs):.1e}, gradients {error:.1e} ({where})")


@pytest.mark.parametrize("head", ["style", "content"])
@pytest.mark.parametrize("prefix", ["module.", ""])
def test_csd_equals_its_architecture(head, prefix, tmp_path):
    model = save_csd(tmp_path, prefix, **CSD)
    torch.manual_seed(6)
    pixel_values = torch.randn(2, 3, 24, 24, requires_grad=True)
    theirs = model(pixel_values)[head]
    cotangent = torch.randn_like(theirs)
    (theirs * cotangent).sum().backward()
    ours, _ = run_probe("vision_model", {"pixel_values": pixel_values, "cotangent": cotangent}, folder=str(tmp_path),
                        model=f"csd_{head}")
    assert relative_error(ours["output"], theirs) < 1e-5
    backbone = model.backbone
    block, ours_block = backbone.transformer["resblocks"][1], "vision_model.encoder.layers.1"
    stacked = torch.cat([ours[f"gradient.{ours_block}.self_attn.{part}_proj.weight"] for part in "qkv"])
    pairs = [  # one of each form; the rest follow from pixel_values
        (ours["gradient.pixel_values"], pixel_values.grad),
        (stacked, block.attn.in_proj_weight.grad),
        (ours["gradient.vision_model.embeddings.patch_embedding.weight"], backbone.conv1.weight.grad),
        (ours["gradient.visual_projection.weight"], getattr(model, f"last_layer_{head}").grad.T),
    ]
    assert max(relative_error(mine, other) for mine, other in pairs) < 1e-4


TRUE_SHAPES = {
    "dino-vits16": ("vit", lambda f: vit(f, hidden_size=384, intermediate_size=1536, num_attention_heads=6,
                                         image_size=224, patch_size=16), vit_output),
    "dinov2-small": ("dinov2", lambda f: dinov2(f, hidden_size=384, num_attention_heads=6, image_size=518),
                     last_hidden_state),
    "clip-vit-base-patch32": ("clip", lambda f: save_encoder(CLIPModel, CLIPConfig(text_config=dict(TOWER, vocab_size=9)), f),
                              clip_output),
}


@pytest.mark.parametrize("name", TRUE_SHAPES)
def test_true_shapes(name, tmp_path):
    kind, save, output = TRUE_SHAPES[name]
    model = save(tmp_path)
    torch.manual_seed(7)
    pixel_values = torch.randn(1, 3, 224, 224, requires_grad=True)
    theirs = output(model.requires_grad_(False), pixel_values)
    cotangent = torch.randn_like(theirs)
    (theirs * cotangent).sum().backward()
    ours, _ = run_probe("vision_model", {"pixel_values": pixel_values, "cotangent": cotangent}, folder=str(tmp_path),
                        model=kind, all_gradients=False)
    errors = [relative_error(ours["output"], theirs), relative_error(ours["gradient.pixel_values"], pixel_values.grad)]
    assert max(errors) < 1e-5, errors
    print(f"{name}: forward {errors[0]:.1e}, gradients {errors[1]:.1e}")


def test_csd_at_its_true_shape(tmp_path):
    """CLIP ViT-L/14, but two layers of its 24, in halves on disk, and forward only: all of it takes 20 s."""
    model = save_csd(tmp_path, dtype=torch.float16, image_size=224, patch_size=14, width=1024, layers=2, heads=16,
                     dimension=768)
    torch.manual_seed(8)
    pixel_values = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        theirs = model(pixel_values)["style"]
    ours, _ = run_probe("vision_model", {"pixel_values": pixel_values, "cotangent": torch.zeros_like(theirs)},
                        folder=str(tmp_path), model="csd_style", all_gradients=False)
    assert relative_error(ours["output"], theirs) < 1e-5


# Real images, of sizes that no filter divides: enlarged, shrunk, upright, wide.
def real_images():
    sheet = Image.open(ROOT / "docs/demo.png").convert("RGB")
    return {
        "0": Image.open(ROOT / "assets/demo/subject/1.png").convert("RGB"),
        "1": sheet,
        "2": sheet.crop((211, 97, 211 + 333, 97 + 517)),
        "3": sheet.crop((1003, 401, 1003 + 641, 401 + 227)),
        "4": Image.open(ROOT / "mini/docs/base-seen.png").convert("RGB"),
    }


def as_bytes(image):
    return torch.tensor(numpy.array(image)).permute(2, 0, 1)


PROCESSORS = {"clip-old": CLIPImageProcessorPil, "clip": CLIPImageProcessorPil, "dino": ViTImageProcessorPil,
              "vit": ViTImageProcessorPil, "dinov2": BitImageProcessorPil}


def processed(name, folder, image):
    """By the class that preprocessor_config.json of the folder names."""
    return PROCESSORS[name].from_pretrained(folder)(image, return_tensors="pt").pixel_values


@pytest.mark.parametrize("name, text", [
    ("clip-old", "224 px, bicubic"), ("clip", "224 px, bicubic"), ("dino", "224 px, bicubic"),
    ("vit", "224 px, bilinear"), ("dinov2", "224 of 256 px, bicubic"),
])
def test_pixel_values_equal_the_processors(name, text, tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PREPROCESSORS[name]))
    ours, values = run_probe("image_preprocessing", {key: as_bytes(image) for key, image in real_images().items()},
                             config=PREPROCESSORS[name])
    assert values["text"] == text
    for key, image in real_images().items():
        theirs = processed(name, tmp_path, image)[0]
        assert ours[key].shape == theirs.shape
        assert float((ours[key] - theirs).abs().max()) < 1e-6  # one level of a byte is 0.014 or more


@pytest.mark.parametrize("size", [(64, 64), (17, 31), (200, 150), (100, 40), (1, 1), (96, 50), (61, 120)])
@pytest.mark.parametrize("resample", [Image.LANCZOS, Image.BILINEAR, Image.BICUBIC])
def test_resizing_is_pillows_to_the_bit(size, resample):
    noise = numpy.random.default_rng(0).integers(0, 256, (120, 96, 3), dtype=numpy.uint8)
    noise[30:60, 20:70] = 255 * (noise[30:60, 20:70] > 127)  # edges that overshoot
    ours, _ = run_probe("pillow_resize", {"image": as_bytes(noise)}, height=size[1], width=size[0], resample=resample)
    assert torch.equal(ours["image"], as_bytes(Image.fromarray(noise).resize(size, resample)))


def class_token(output):
    return lambda model, pixel_values: output(model, pixel_values)[:, 0]


FEATURES = {
    "clip": (lambda f: save_encoder(CLIPModel, clip_config(vision=dict(image_size=224, patch_size=32)), f,
                                    PREPROCESSORS["clip"]), clip_output, "CLIP ViT-24/32, 224 px, bicubic"),
    "dino": (lambda f: save_encoder(ViTModel, ViTConfig(**dict(VIT, image_size=224, patch_size=16)), f,
                                    PREPROCESSORS["dino"]), class_token(vit_output),
             "ViT-24/16 (dino-vits16), 224 px, bicubic"),  # with the pooler that DINO lacks
    "dinov2": (lambda f: save_encoder(Dinov2Model, Dinov2Config(**dict(DINOV2, image_size=518)), f,
                                      PREPROCESSORS["dinov2"]), class_token(last_hidden_state),
               "DINOv2 ViT-24/14, 224 of 256 px, bicubic"),
}


@pytest.mark.parametrize("name", FEATURES)
def test_features_of_images_equal_processor_and_model(name, tmp_path):
    save, output, text = FEATURES[name]
    folder = tmp_path / "dino-vits16"
    folder.mkdir()
    model = save(folder)
    ours, values = run_probe("image_features", {key: as_bytes(image) for key, image in real_images().items()},
                             folder=str(folder))
    assert values["name"] == text
    with torch.no_grad():
        theirs = torch.cat([output(model, processed(name, folder, image)) for image in real_images().values()])
    theirs = torch.nn.functional.normalize(theirs)
    error = max(relative_error(mine, other) for mine, other in zip(ours["embeds"], theirs))
    between = (theirs[0] - theirs[1:]).norm(dim=1).min()
    assert error < 1e-5 and between > 0.05  # else the images would not matter
    print(f"{name}: {error:.1e} relative, different images {float(between):.2f} apart")


def test_the_processor_that_transformers_saves_beside_clip_counts(tmp_path):
    """CLIPProcessor of transformers 5 has it in processor_config.json. Bilinear, so that CLIP's own way would show."""
    save_encoder(CLIPModel, clip_config(), tmp_path)
    config = dict(PREPROCESSORS["clip"], size=dict(shortest_edge=30), crop_size=dict(height=24, width=24), resample=2)
    CLIPProcessor(CLIPImageProcessorPil(**config), CLIPTokenizer.from_pretrained(ROOT / "assets/clip/tokenizer")
                  ).save_pretrained(tmp_path)
    assert not (tmp_path / "preprocessor_config.json").exists()
    _, values = run_probe("image_features", {"0": torch.zeros(3, 9, 9, dtype=torch.uint8)}, folder=str(tmp_path))
    assert values["name"] == "CLIP ViT-24/8, 24 of 30 px, bilinear"


def test_csd_features_are_of_the_style_head_and_clips_preprocessing(tmp_path):
    sizes = dict(CSD, image_size=224, patch_size=32)
    model = save_csd(tmp_path, **sizes)
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip/preprocessor_config.json").write_text(json.dumps(PREPROCESSORS["clip"]))
    ours, values = run_probe("image_features", {key: as_bytes(image) for key, image in real_images().items()},
                             folder=str(tmp_path))
    assert values["name"] == "CSD ViT-128/32 style, 224 px, bicubic"
    with torch.no_grad():
        theirs = torch.cat([model(processed("clip", tmp_path / "clip", image))["style"]
                            for image in real_images().values()])
    assert relative_error(ours["embeds"], torch.nn.functional.normalize(theirs)) < 1e-5


@pytest.mark.parametrize("text", [dict(), dict(eos_token_id=2, bos_token_id=0, pad_token_id=1)])
def test_text_features_equal_transformers(text, tmp_path):
    model = save_encoder(CLIPModel, clip_config(text=text), tmp_path)
    for file in (ROOT / "assets/clip/tokenizer").iterdir():
        shutil.copy(file, tmp_path)
    prompts = ["a sks dog, in szn style", "", "Two red apples, " * 30]
    ours, values = run_probe("text_features", folder=str(tmp_path), prompts=prompts)
    tokens = CLIPTokenizer.from_pretrained(tmp_path)(prompts, padding="max_length", truncation=True, return_tensors="pt")
    with torch.no_grad():
        theirs = model.get_text_features(**tokens).pooler_output
    assert relative_error(ours["embeds"], torch.nn.functional.normalize(theirs)) < 1e-5
    assert values["logit_factor"] == pytest.approx(model.logit_scale.exp().item(), rel=1e-6)


def test_the_config_dicts_of_old_clip_folders_count_as_in_transformers(tmp_path):
    """openai/clip-vit-large-patch14 has both; where they differ, the one named dict counts, and the other says nothing."""
    config = dict(model_type="clip", projection_dim=10, vision_config=dict(TOWER, hidden_act="gelu", patch_size=4),
                  vision_config_dict=dict(VIT), text_config=TOWER, text_config_dict=None)
    model = save_encoder(CLIPModel, CLIPConfig(**{k: v for k, v in config.items() if k != "model_type"}), tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config))
    pixel_values = torch.randn(2, 3, 24, 24)
    theirs = clip_output(model, pixel_values)
    ours, _ = run_probe("vision_model", {"pixel_values": pixel_values, "cotangent": torch.ones_like(theirs)},
                        folder=str(tmp_path), model="clip")
    assert relative_error(ours["output"], theirs) < 1e-5


def test_weights_that_do_not_belong_to_the_config_are_named(tmp_path):
    save_encoder(CLIPModel, clip_config(vision=dict(image_size=224)), tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights["vision_model.extra"] = weights.pop("visual_projection.weight")
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(AssertionError, match=r"1 missing \(visual_projection.weight\); 1 unexpected \(vision_model.extra\)"):
        run_probe("image_features", {"0": torch.zeros(3, 9, 9, dtype=torch.uint8)}, folder=str(tmp_path))


@pytest.mark.parametrize("name, shape", [("conv1.weight", (128, 3, 0, 0)), ("conv1.weight", (100, 3, 8, 8)),
                                         ("positional_embedding", (0, 128))])
def test_csd_of_impossible_sizes_is_refused(name, shape, tmp_path):
    save_csd(tmp_path, **CSD)
    weights = load_file(tmp_path / "model.safetensors")
    weights["module.backbone." + name] = torch.zeros(shape)
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(AssertionError, match="make no image encoder of CLIP's form"):
        run_probe("image_features", {"0": torch.zeros(3, 9, 9, dtype=torch.uint8)}, folder=str(tmp_path))


def test_a_processor_of_another_size_than_clips_is_refused(tmp_path):
    save_encoder(CLIPModel, clip_config(), tmp_path, PREPROCESSORS["clip"])
    with pytest.raises(AssertionError, match="takes images of 24 × 24 pixels, preprocessor_config.json makes them 224"):
        run_probe("image_features", {"0": torch.zeros(3, 9, 9, dtype=torch.uint8)}, folder=str(tmp_path))


def test_dino_without_its_processor_is_refused(tmp_path):
    vit(tmp_path, **VIT)
    with pytest.raises(AssertionError, match="preprocessor_config.json is missing"):
        run_probe("image_features", {"0": torch.zeros(3, 9, 9, dtype=torch.uint8)}, folder=str(tmp_path))

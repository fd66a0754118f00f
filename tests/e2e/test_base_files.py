"""What base files say of themselves beside their weights: the kind of prediction in every spelling, left-overs that no
model uses, models distilled from SDXL, configs with hostile values."""

import json
import shutil

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from error_words import assert_says
from PIL import Image
from program import run_ziplora, texts_of, ziplora, ziplora_fails
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sgm_checkpoint import sgm_checkpoint
from tiny_sdxl import make_tiny_sdxl

V_PRED, ZTSNR = {"v_pred": torch.tensor([])}, {"ztsnr": torch.tensor([])}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("bases") / "base")


@pytest.fixture(scope="module")
def weights(base):
    return sgm_checkpoint(StableDiffusionXLPipeline.from_pretrained(base))


@pytest.fixture(scope="module")
def draw(base, weights, tmp_path_factory):
    """→ (latents, notes) of a single file with these additions; a `yaml` lies beside it."""
    folder = tmp_path_factory.mktemp("single")
    file = folder / "tiny.safetensors"
    shutil.copytree(base, folder / "tiny", ignore=shutil.ignore_patterns("*.safetensors"))
    shutil.rmtree(folder / "tiny" / "scheduler")

    def draw(tensors=(), metadata=None, yaml=None, fails=None):
        save_file(weights | dict(tensors), file, metadata)
        (folder / "tiny.yaml").unlink(missing_ok=True)
        if yaml:
            (folder / "tiny.yaml").write_text(yaml)
        command = ["generate", "a dog", "--base", file, "--steps", "2", "--seed", "1",
                   "--save-latents", folder / "latents.safetensors", "-o", folder / "a.png"]
        if fails:
            return ziplora_fails(fails, *command)
        result = ziplora(*command)
        notes = texts_of(result, "note")
        return load_file(folder / "latents.safetensors")["latents"], notes

    return draw


@pytest.fixture(scope="module")
def latents(draw):
    """Of each kind, as the tensors that every program knows choose it."""
    return {"epsilon": draw()[0], "v": draw(V_PRED)[0], "v, ztsnr": draw(V_PRED | ZTSNR)[0]}


SPELLINGS = {
    "modelspec of sd-scripts": ("v", {"metadata": {"modelspec.prediction_type": "v"}}),
    "modelspec of others": ("v", {"metadata": {"modelspec.prediction_type": "v_prediction"}}),
    "ComfyUI": ("v", {"metadata": {"modelspec.predict_key": "v"}}),
    "naifu": ("v", {"metadata": {"prediction_type": "V-Prediction"}}),
    "kohya's argument": ("v", {"metadata": {"ss_v_parameterization": "True"}}),
    "a yaml of the webui": ("v", {"yaml": 'model:\n  params:\n    parameterization: "v"  # as trained\n'}),
    "a yaml of sgm": ("v", {"yaml": "  target: sgm.modules.diffusionmodules.denoiser_scaling.VScaling\n"}),
    "kohya's zero terminal SNR": ("v, ztsnr", {"metadata": {"modelspec.prediction_type": "v", "ss_zero_terminal_snr": "True"}}),
    "a tensor against the metadata": ("v", {"tensors": V_PRED, "metadata": {"modelspec.prediction_type": "epsilon"}}),
    "modelspec: epsilon": ("epsilon", {"metadata": {"modelspec.prediction_type": "epsilon"}}),
    "nothing": ("epsilon", {"metadata": {"modelspec.prediction_type": "None", "ss_v_parameterization": "False"}}),
    "a yaml of another kind": ("epsilon", {"yaml": 'parameterization: "eps"\n# parameterization: "v"\n'}),
}


def test_the_kinds_draw_other_images(latents):
    assert len({bytes(value.numpy()) for value in latents.values()}) == 3


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_the_prediction_type_counts(spelling, draw, latents):
    kind, said = SPELLINGS[spelling]
    found, notes = draw(**said)
    assert torch.equal(found, latents[kind])
    told = [note for note in notes if "predict" in note or "taken for" in note]
    assert bool(told) == (kind != "epsilon"), notes


def test_a_contradiction_is_said(draw):
    _, notes = draw(V_PRED, {"modelspec.prediction_type": "epsilon"})
    assert any("the tensor v_pred says v-prediction, but modelspec.prediction_type says epsilon" in note for note in notes)


def test_a_kind_that_cannot_be_sampled_is_refused(draw):
    error = draw(metadata={"modelspec.prediction_type": "sample"}, fails=4)
    assert_says(error, 'modelspec.prediction_type is "sample"', "metadata")


def test_training_predicts_what_the_file_says(base, weights, tmp_path):
    """The LoRA's own metadata tells which."""
    file = tmp_path / "tiny.safetensors"
    shutil.copytree(base, tmp_path / "tiny", ignore=shutil.ignore_patterns("*.safetensors"))
    shutil.rmtree(tmp_path / "tiny" / "scheduler")
    save_file(weights, file, {"modelspec.prediction_type": "v"})
    (tmp_path / "images").mkdir()
    Image.new("RGB", (32, 32), "red").save(tmp_path / "images" / "a.png")
    ziplora("train", tmp_path / "images", "--prompt", "a dog", "--base", file, "--rank", 1, "--iterations", 1,
            "--file-dtype", "float32", "-o", tmp_path / "lora.safetensors")
    with safe_open(tmp_path / "lora.safetensors", "pt") as opened:
        assert opened.metadata()["modelspec.prediction_type"] == "v"


LEFT_OVERS = {
    "conditioner.embedders.0.transformer.text_projection.weight": torch.eye(12),
    "conditioner.embedders.0.transformer.logit_scale": torch.tensor(4.6),
    "conditioner.embedders.0.logit_scale": torch.tensor(4.6),
    "conditioner.embedders.1.model.logit_scale": torch.tensor(4.6),
    "conditioner.embedders.1.model.position_ids": torch.arange(77),
    "sqrt_alphas_cumprod": torch.ones(1000),
}


@pytest.mark.parametrize("name", LEFT_OVERS)
def test_a_left_over_is_skipped_aloud(name, draw, latents):
    found, notes = draw({name: LEFT_OVERS[name]})
    assert torch.equal(found, latents["epsilon"])
    said = [note for note in notes if "left out, which SDXL does not use" in note]
    in_every_file = "embedders.1" in name
    assert said == [] if in_every_file else name in said[0], notes


def test_without_left_overs_nothing_is_said(draw):
    assert draw()[1] == []


def test_other_tensors_are_refused_as_before(draw):
    assert_says(draw({"unknown.weight": torch.ones(1)}, fails=3), "unknown.weight", "SDXL")


def test_left_overs_in_a_folder_are_skipped_aloud(base, tmp_path):
    copy = shutil.copytree(base, tmp_path / "base")
    first = copy / "text_encoder" / "model.safetensors"
    save_file(load_file(first) | {"text_projection.weight": torch.eye(12), "logit_scale": torch.tensor(4.6)}, first)
    draw = ["generate", "a", "--steps", "1", "--save-latents", tmp_path / "latents.safetensors", "-o", tmp_path / "a.png"]
    ziplora(*draw, "--base", base)
    wanted = load_file(tmp_path / "latents.safetensors")["latents"]
    notes = texts_of(ziplora(*draw, "--base", copy), "note")
    assert torch.equal(load_file(tmp_path / "latents.safetensors")["latents"], wanted)
    assert any("2 tensors of the base are left out" in note and "text_projection.weight" in note for note in notes), notes


UNET = "model.diffusion_model."


def blocks(depths, middle):
    """The UNet of a distilled model: block → transformer blocks."""
    keys = {UNET + "input_blocks.0.0.weight": (320, 4, 3, 3), "conditioner.embedders.1.model.ln_final.bias": (8,),
            "first_stage_model.quant_conv.bias": (8,)}
    for block, depth in depths.items():
        for n in range(depth):
            keys[f"{UNET}{block}.1.transformer_blocks.{n}.attn2.to_k.weight"] = (8, 2048)
    if middle:
        keys[UNET + "middle_block.1.proj_in.weight"] = (8, 8)
    return {key: torch.zeros(shape) for key, shape in keys.items()}


# etri-vilab/koala-700m, -1b, segmind/SSD-1B, segmind/Segmind-Vega; depths as Comfy-Org/ComfyUI model_detection.py has them
DISTILLED = {
    "SSD-1B": ({"input_blocks.4": 2, "input_blocks.7": 4}, False),
    "Segmind-Vega": ({"input_blocks.4": 1, "input_blocks.7": 2}, False),
    "KOALA-700M": ({"input_blocks.3": 2, "input_blocks.5": 5}, False),
    "KOALA-1B": ({"input_blocks.3": 2, "input_blocks.5": 6}, True),
}


@pytest.mark.parametrize("name", DISTILLED)
def test_a_distilled_model_is_named(name, tmp_path):
    save_file(blocks(*DISTILLED[name]), tmp_path / "distilled.safetensors")
    error = ziplora_fails(4, "generate", "a", "--base", tmp_path / "distilled.safetensors", "-o", tmp_path / "a.png")
    assert_says(error, f"this looks like {name}, which was distilled from SDXL", "an SDXL base is needed")


@pytest.mark.parametrize("name, fields", [
    ("SSD-1B, Segmind-Vega", {"cross_attention_dim": 2048, "mid_block_type": "UNetMidBlock2D"}),
    ("KOALA", {"cross_attention_dim": 2048, "mid_block_type": None, "layers_per_block": 1})])
def test_a_distilled_folder_is_named(name, fields, base, tmp_path):
    copy = shutil.copytree(base, tmp_path / "base")
    config = copy / "unet" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | fields))
    error = ziplora_fails(4, "generate", "a", "--base", copy, "-o", tmp_path / "a.png")
    assert_says(error, f"this looks like {name}", "SDXL's architecture")


HOSTILE = [
    ("model_index.json", "_class_name", [[1]]),
    ("model_index.json", "_class_name", None),
    ("model_index.json", "force_zeros_for_empty_prompt", 2**63),
    ("model_index.json", "force_zeros_for_empty_prompt", None),
    ("scheduler/scheduler_config.json", "use_karras_sigmas", []),
    ("scheduler/scheduler_config.json", "_class_name", {"a": 1}),
    ("scheduler/scheduler_config.json", "num_train_timesteps", 10**12),
    ("scheduler/scheduler_config.json", "beta_end", 10**12),
    ("scheduler/scheduler_config.json", "beta_start", -1),
    ("text_encoder/config.json", "num_hidden_layers", 10**9),
    ("text_encoder/config.json", "hidden_size", 10**12),
    ("text_encoder/config.json", "layer_norm_eps", -1),
    ("text_encoder/config.json", "architectures", 7),
    ("unet/config.json", "transformer_layers_per_block", 10**9),
    ("unet/config.json", "layers_per_block", 10**9),
    ("unet/config.json", "block_out_channels", [4 * 10**15] * 3),
    ("unet/config.json", "norm_eps", -1),
    ("vae/config.json", "layers_per_block", 10**9),
    ("vae/config.json", "layers_per_block", -1),
    ("vae/config.json", "block_out_channels", [4 * 10**15] * 2),
    ("tokenizer/tokenizer_config.json", "added_tokens_decoder", {"1": {"content": "a", "lstrip": "x"}}),
    ("tokenizer/tokenizer_config.json", "added_tokens_decoder", {"1": 7}),
    ("tokenizer/tokenizer_config.json", "added_tokens_decoder", [1]),
]


@pytest.mark.parametrize("file, field, value", HOSTILE, ids=lambda value: str(value)[:40])
def test_a_hostile_config_is_bad_input_and_no_bug_of_ours(file, field, value, base, tmp_path):
    copy = shutil.copytree(base, tmp_path / "base")
    path = copy / file
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    done = run_ziplora("generate", "a", "--base", copy, "--steps", "1", "-o", tmp_path / "a.png", timeout=30)
    harmless = field == "_class_name" and value is None or field == "architectures" or value is None
    assert done.returncode in ((0, 3, 4) if harmless else (3, 4)), done.stderr

"""A whole base in every layout, against diffusers: UNet, text encoders and autoencoder give the same outputs. What is
missing, left over, misshapen or not an SDXL at all is an error that says so."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from probe_runner import relative_error, run_probe
from program import run_ziplora
from safetensors.torch import load_file, save_file
from sgm_checkpoint import sgm_checkpoint
from tiny_sdxl import make_tiny_sdxl

ROOT = Path(__file__).resolve().parents[2]

PROMPTS = ["a ghost at night", "ein Igel"]
UNET_FILE = "diffusion_pytorch_model.safetensors"
AUTOENCODER = ("decoded", "encoded")  # its outputs


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("tiny") / "base")


@pytest.fixture(scope="module")
def pipeline(base):
    return StableDiffusionXLPipeline.from_pretrained(base)


@pytest.fixture(scope="module")
def inputs():
    torch.manual_seed(5)
    return {"sample": torch.randn(2, 4, 16, 16), "timestep": torch.tensor([801.0, 30.0]),
            "time_ids": torch.tensor([[32.0, 32, 0, 0, 32, 32], [64.0, 48, 3, 1, 32, 32]]),
            "image": torch.rand(2, 3, 32, 32) * 2 - 1}


@pytest.fixture
def copy(base, tmp_path):
    return shutil.copytree(base, tmp_path / "copy")


@torch.no_grad()
def outputs_of(pipeline, inputs):
    embeds, _, pooled, _ = pipeline.encode_prompt(PROMPTS, do_classifier_free_guidance=False)
    noise_pred = pipeline.unet(inputs["sample"], inputs["timestep"], embeds,
                               added_cond_kwargs={"text_embeds": pooled, "time_ids": inputs["time_ids"]}).sample
    return {"prompt_embeds": embeds, "pooled_prompt_embeds": pooled, "noise_pred": noise_pred,
            "decoded": pipeline.vae.decode(inputs["sample"]).sample,
            "encoded": pipeline.vae.encode(inputs["image"]).latent_dist.mean}


def assert_same_outputs(path, theirs, inputs, tolerance=1e-4, **arguments):
    ours, values = run_probe("sdxl", inputs, path=str(path), prompts=PROMPTS, **arguments)
    errors = {key: relative_error(ours[key], value) for key, value in theirs.items()}
    assert max(errors.values()) < tolerance, errors
    print(f"worst {max(errors.values()):.1e}")
    return values


def assert_refused(path, *words, **arguments):
    with pytest.raises(AssertionError) as failure:
        run_probe("sdxl", path=str(path), load_only=True, **arguments)
    for word in words:
        assert word in str(failure.value), str(failure.value)


def rewrite(file, change):
    weights = load_file(file)
    change(weights)
    save_file(weights, file)


# Layouts

def test_a_folder(base, pipeline, inputs):
    values = assert_same_outputs(base, outputs_of(pipeline, inputs), inputs)
    assert values["default_image_size"] == 32


def test_half_precision_variant(base, pipeline, inputs, tmp_path):
    """A folder with only `.fp16.` files is read as it is. Computing in float32 from the halves equals diffusers."""
    folder = tmp_path / "half"
    half = StableDiffusionXLPipeline.from_pretrained(base, torch_dtype=torch.float16)
    half.save_pretrained(folder, variant="fp16")
    shutil.copytree(base / "tokenizer", folder / "tokenizer", dirs_exist_ok=True)
    assert (folder / "unet/diffusion_pytorch_model.fp16.safetensors").exists()
    assert not (folder / "unet" / UNET_FILE).exists()
    theirs = outputs_of(half.to(torch.float32), inputs)
    assert relative_error(theirs["noise_pred"], outputs_of(pipeline, inputs)["noise_pred"]) > 1e-5
    assert_same_outputs(folder, theirs, inputs)


def test_each_dtype_takes_its_own_files_where_both_are_there(copy, pipeline, inputs):
    halves = {name: torch.zeros_like(value, dtype=torch.float16) for name, value in load_file(copy / "unet" / UNET_FILE).items()}
    save_file(halves, copy / "unet/diffusion_pytorch_model.fp16.safetensors")
    assert_same_outputs(copy, outputs_of(pipeline, inputs), inputs)  # not the zeros
    ours, _ = run_probe("sdxl", inputs, path=str(copy), prompts=PROMPTS, dtype="float16")
    assert ours["noise_pred"].abs().max() == 0


@pytest.mark.parametrize("dtype, tolerance", [("bfloat16", 0.1), ("float16", 0.02)])
def test_lower_precisions_compute(dtype, tolerance, base, pipeline, inputs):
    """All but the autoencoder, which stays in float32 since this base says force_upcast."""
    theirs = outputs_of(pipeline, inputs)
    assert_same_outputs(base, theirs, inputs, tolerance, dtype=dtype)
    assert_same_outputs(base, {key: theirs[key] for key in AUTOENCODER}, inputs, dtype=dtype)


def test_without_force_upcast_the_autoencoders_weights_are_rounded(copy, pipeline, inputs):
    """Only they: the referee's are rounded too, and compute in float32 like ours."""
    path = copy / "vae/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"force_upcast": False}))
    rounded = StableDiffusionXLPipeline.from_pretrained(copy)
    rounded.vae.to(torch.bfloat16).to(torch.float32)
    upcast, theirs = outputs_of(pipeline, inputs), outputs_of(rounded, inputs)
    for key in AUTOENCODER:
        assert relative_error(theirs[key], upcast[key]) > 5e-4, key
    assert_same_outputs(copy, {key: theirs[key] for key in AUTOENCODER}, inputs, dtype="bfloat16")


def test_a_sharded_unet(base, pipeline, inputs, copy):
    (copy / "unet" / UNET_FILE).unlink()
    pipeline.unet.save_pretrained(copy / "unet", max_shard_size="300KB")
    assert len(list((copy / "unet").glob("*-of-*.safetensors"))) > 2
    assert_same_outputs(copy, outputs_of(pipeline, inputs), inputs)


def test_shards_in_half_precision(base, pipeline, inputs, copy):
    half = StableDiffusionXLPipeline.from_pretrained(base, torch_dtype=torch.float16)
    (copy / "unet" / UNET_FILE).unlink()
    half.unet.save_pretrained(copy / "unet", variant="fp16", max_shard_size="150KB")
    assert len(list((copy / "unet").glob("*.fp16-*-of-*.safetensors"))) > 2
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    pipeline.unet = half.unet.to(torch.float32)
    assert_same_outputs(copy, outputs_of(pipeline, inputs), inputs)


def companion(base, file):
    """What a single file lacks: configs and tokenizers, in the folder of its name."""
    for part in base.rglob("*"):
        if part.is_file() and part.suffix != ".safetensors" and part.name != "model_index.json":
            target = file.with_suffix("") / part.relative_to(base)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(part, target)


@pytest.fixture
def single_file(base, pipeline, tmp_path):
    file = tmp_path / "tiny.v1.safetensors"
    save_file(sgm_checkpoint(pipeline), file)
    companion(base, file)
    return file


def test_a_single_file(single_file, pipeline, inputs):
    assert_same_outputs(single_file, outputs_of(pipeline, inputs), inputs)


def test_diffusers_reads_the_same_tensors_from_our_single_file(single_file, base, pipeline):
    """tests/support/sgm_checkpoint.py wrote every single file here, and its map is right only if somebody else's program
    agrees. The companion folder has no weights, so every tensor is the file's."""
    folder = single_file.with_suffix("")
    shutil.copy(base / "model_index.json", folder)
    read = StableDiffusionXLPipeline.from_single_file(single_file, config=str(folder), local_files_only=True)
    for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
        theirs, wanted = getattr(read, part).state_dict(), getattr(pipeline, part).state_dict()
        assert theirs.keys() == wanted.keys(), part
        assert not [name for name in wanted if not torch.equal(theirs[name], wanted[name])], part


def test_a_single_file_without_tokenizers_has_clips_own(tmp_path, inputs):
    """Published bases are often one file and nothing else; the small sizes here still need their configs."""
    vocabulary = dict(vocab_size=49408, bos_token_id=49406, eos_token_id=49407)
    base = make_tiny_sdxl(tmp_path / "base", text_encoder=vocabulary | {"pad_token_id": 49407},
                          text_encoder_2=vocabulary | {"pad_token_id": 0})
    for tokenizer in ("tokenizer", "tokenizer_2"):
        shutil.rmtree(base / tokenizer)
        shutil.copytree(ROOT / "assets" / "clip" / tokenizer, base / tokenizer)
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    file = tmp_path / "tiny.safetensors"
    save_file(sgm_checkpoint(pipeline), file)
    companion(base, file)
    for tokenizer in ("tokenizer", "tokenizer_2"):
        shutil.rmtree(file.with_suffix("") / tokenizer)
    assert_same_outputs(file, outputs_of(pipeline, inputs), inputs)
    (file.with_suffix("") / "tokenizer").mkdir()  # one of two was forgotten
    done = run_ziplora("generate", "x", "--base", file, "-o", tmp_path / "x.png")
    assert done.returncode == 3 and "tokenizer_2 is missing" in done.stderr


def test_the_fused_and_transposed_tensors_of_a_single_file_matter(single_file, pipeline, inputs):
    """A projection that is not transposed has the same shape, so only the output tells."""
    square = torch.randn(14, 14)
    assert not torch.equal(square, square.T)
    rewrite(single_file, lambda w: w.update({"conditioner.embedders.1.model.text_projection":
                                             w["conditioner.embedders.1.model.text_projection"] * 2}))
    ours, _ = run_probe("sdxl", inputs, path=str(single_file), prompts=PROMPTS)
    theirs = outputs_of(pipeline, inputs)
    assert relative_error(ours["pooled_prompt_embeds"], 2 * theirs["pooled_prompt_embeds"]) < 1e-4


def test_a_square_text_projection_is_transposed(tmp_path, inputs):
    base = make_tiny_sdxl(tmp_path / "base", seed=1, text_encoder_2={"projection_dim": 20},
                          unet={"projection_class_embeddings_input_dim": 20 + 6 * 8})
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    weight = pipeline.text_encoder_2.text_projection.weight
    assert weight.shape == (20, 20) and not torch.allclose(weight, weight.T)
    file = tmp_path / "square.safetensors"
    save_file(sgm_checkpoint(pipeline), file)
    companion(base, file)
    assert_same_outputs(file, outputs_of(pipeline, inputs), inputs)


@pytest.mark.parametrize("markers, expected", [
    ({}, {"prediction_type": "epsilon", "timestep_spacing": "leading", "rescale_betas_zero_snr": False}),
    ({"v_pred": torch.tensor([]), "ztsnr": torch.tensor([])},
     {"prediction_type": "v_prediction", "timestep_spacing": "trailing", "rescale_betas_zero_snr": True}),
])
def test_markers_of_a_single_file_choose_the_schedule(markers, expected, single_file):
    shutil.rmtree(single_file.with_suffix("") / "scheduler")
    rewrite(single_file, lambda weights: weights.update(markers))
    _, values = run_probe("sdxl", path=str(single_file), load_only=True)
    config = values["scheduler_config"]
    assert {key: config[key] for key in expected} == expected
    assert config["clip_sample"] is False and config["set_alpha_to_one"] is False  # as SDXL's own file says


def test_old_attention_names_of_an_autoencoder(copy, pipeline, inputs):
    renames = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}

    def old_names(weights):
        for name in [n for n in weights if ".attentions.0." in n]:
            old = name
            for new_part, old_part in renames.items():
                old = old.replace(f".{new_part}.", f".{old_part}.")
            weights[old] = weights.pop(name)

    rewrite(copy / "vae" / UNET_FILE, old_names)
    assert_same_outputs(copy, outputs_of(pipeline, inputs), inputs)


# Memory

@pytest.mark.parametrize("stored, dtype, size", [
    (torch.float32, "float32", 4), (torch.float16, "float32", 4), (torch.float32, "bfloat16", 2),
    (torch.float32, "float16", 2),
])
@pytest.mark.parametrize("layout", ["folder", "single file"])
def test_loading_needs_little_more_memory_than_the_weights(layout, stored, dtype, size, base, tmp_path):
    """28 wide layers in the second text encoder: 460 MB in float32, of which the largest tensor is 2 %, as in SDXL."""
    width = 320
    copy = shutil.copytree(base, tmp_path / "base")
    config = json.loads((copy / "text_encoder_2/config.json").read_text())
    config |= {"hidden_size": width, "num_attention_heads": 4, "intermediate_size": 6400, "num_hidden_layers": 28}
    (copy / "text_encoder_2/config.json").write_text(json.dumps(config))
    unet = json.loads((copy / "unet/config.json").read_text()) | {"cross_attention_dim": 12 + width}
    (copy / "unet/config.json").write_text(json.dumps(unet))
    pipeline = _resized(copy, stored)
    if layout == "folder":
        path = copy
        pipeline.save_pretrained(copy)
        for name in ("tokenizer", "tokenizer_2"):
            shutil.rmtree(copy / name)
            shutil.copytree(base / name, copy / name)
    else:
        path = tmp_path / "wide.safetensors"
        save_file(sgm_checkpoint(pipeline), path)
        companion(copy, path)
    models = (pipeline.text_encoder, pipeline.text_encoder_2, pipeline.unet, pipeline.vae)
    weights = sum(p.numel() for m in models for p in m.parameters()) * size
    assert weights > 200e6
    _, values = run_probe("sdxl", path=str(path), load_only=True, dtype=dtype)
    used = values["peak_bytes"] - values["before_bytes"]
    print(f"{layout}, {stored} -> {dtype}: {used / weights:.2f} × weights")
    assert used < 1.2 * weights


def _resized(folder, dtype):
    """The folder's pipeline with random weights where its configs no longer fit the files."""
    from diffusers import AutoencoderKL, EulerDiscreteScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer
    with torch.device("cpu"):
        encoder = CLIPTextModelWithProjection(CLIPTextConfig.from_pretrained(folder / "text_encoder_2"))
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(folder / "unet"))
    return StableDiffusionXLPipeline(
        vae=AutoencoderKL.from_pretrained(folder / "vae"), unet=unet, text_encoder_2=encoder,
        text_encoder=CLIPTextModel.from_pretrained(folder / "text_encoder"),
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        tokenizer_2=CLIPTokenizer.from_pretrained(folder / "tokenizer_2"),
        scheduler=EulerDiscreteScheduler.from_pretrained(folder / "scheduler")).to(dtype)


# What is wrong is named

def test_missing_unexpected_and_misshapen_tensors_are_named(copy):
    def spoil(weights):
        del weights["mid_block.resnets.0.conv1.weight"]
        weights["mid_block.invented.weight"] = torch.zeros(3)
        weights["conv_in.weight"] = torch.zeros(8, 5, 3, 3)

    rewrite(copy / "unet" / UNET_FILE, spoil)
    assert_refused(copy, "1 missing (mid_block.resnets.0.conv1.weight)", "1 unexpected (mid_block.invented.weight)",
                   "conv_in.weight is [8, 5, 3, 3], expected [8, 4, 3, 3]", UNET_FILE)


def test_the_same_in_a_single_file(single_file):
    def spoil(weights):
        del weights["conditioner.embedders.1.model.transformer.resblocks.1.attn.in_proj_weight"]
        weights["conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight"] = torch.zeros(59, 20)
        weights["conditioner.embedders.1.model.invented"] = torch.zeros(3)

    rewrite(single_file, spoil)
    assert_refused(single_file, "missing (text_model.encoder.layers.1.self_attn.", "unexpected", "invented",
                   "text_model.encoder.layers.0.self_attn.q_proj.weight is [59, 20], expected [20, 20]")


def test_tensors_of_no_model_in_a_single_file_are_named(single_file):
    rewrite(single_file, lambda weights: weights.update({"control_model.input.weight": torch.zeros(1)}))
    assert_refused(single_file, "control_model.input.weight")


@pytest.mark.parametrize("missing", [
    "model_index.json", "unet/config.json", "unet/" + UNET_FILE, "text_encoder_2/model.safetensors",
    "tokenizer/vocab.json", "tokenizer_2/merges.txt", "scheduler/scheduler_config.json"])
def test_a_missing_file_is_named(missing, copy):
    (copy / missing).unlink()
    assert_refused(copy, missing.replace("tokenizer/vocab.json", "tokenizer"))


def test_a_missing_shard_is_named(copy, pipeline):
    (copy / "unet" / UNET_FILE).unlink()
    pipeline.unet.save_pretrained(copy / "unet", max_shard_size="300KB")
    shard = sorted((copy / "unet").glob("*-of-*.safetensors"))[1]
    shard.unlink()
    assert_refused(copy, shard.name)


def test_pickled_weights_are_refused(copy):
    (copy / "unet" / UNET_FILE).rename(copy / "unet/diffusion_pytorch_model.bin")
    assert_refused(copy, ".bin", "run code")


@pytest.mark.parametrize("change, words", [
    ({"_class_name": "StableDiffusionPipeline"}, "Stable Diffusion 1 or 2"),
    ({"_class_name": "FluxPipeline"}, "Flux"),
    ({"_class_name": "StableDiffusion3Pipeline"}, "Stable Diffusion 3"),
    ({"_class_name": "StableDiffusionXLImg2ImgPipeline", "text_encoder": [None, None]}, "refiner"),
])
def test_a_folder_of_another_model_is_refused_with_what_it_looks_like(change, words, copy):
    index = json.loads((copy / "model_index.json").read_text())
    (copy / "model_index.json").write_text(json.dumps(index | change))
    assert_refused(copy, words)


UNET = "model.diffusion_model."
OTHER_FILES = {
    "Stable Diffusion 1": {UNET + "input_blocks.0.0.weight": (320, 4, 3, 3),
                           "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (10, 768)},
    "Stable Diffusion 2": {UNET + "input_blocks.0.0.weight": (320, 4, 3, 3), "cond_stage_model.model.ln_final.bias": (1024,)},
    "the SDXL refiner": {UNET + "label_emb.0.0.weight": (1536, 2560),
                         "conditioner.embedders.0.model.transformer.resblocks.0.ln_1.bias": (1280,)},
    "inpainting": {UNET + "input_blocks.0.0.weight": (320, 9, 3, 3), "conditioner.embedders.1.model.ln_final.bias": (8,)},
    "without text encoders": {UNET + "input_blocks.0.0.weight": (320, 4, 3, 3)},
    "a LoRA": {"lora_unet_input_blocks_4_1_proj_in.lora_down.weight": (4, 8)},
    "Flux": {"double_blocks.0.img_attn.qkv.weight": (4, 4)},
    "CosXL": {UNET + "input_blocks.0.0.weight": (320, 4, 3, 3), "edm_vpred.sigma_max": ()},
    "SSD-1B": {UNET + "input_blocks.0.0.weight": (320, 4, 3, 3), "conditioner.embedders.1.model.ln_final.bias": (8,),
               "first_stage_model.quant_conv.bias": (8,)},
    "something other than Stable Diffusion": {"weight": (2,)},
}


@pytest.mark.parametrize("words", OTHER_FILES)
def test_a_file_of_another_model_is_refused_with_what_it_looks_like(words, tmp_path):
    file = tmp_path / "other.safetensors"
    save_file({name: torch.zeros(shape) for name, shape in OTHER_FILES[words].items()}, file)
    assert_refused(file, words)


def test_components_that_do_not_fit_together_are_refused(copy):
    path = copy / "unet/config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"cross_attention_dim": 40}))
    assert_refused(copy, "40 features", "12 + 20")

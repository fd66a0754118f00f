"""`ziplora convert` against diffusers and PEFT: every format acts there as the file it came from, a baked base equals the
base with the LoRA loaded, and extracting from the two gives the LoRA back."""

import json
import shutil

import pytest
import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from lora_files import EVERY_PART, Layer, LayerChoice, component_modules, random_layers, save_kohya
from peft import PeftModel
from probe_runner import relative_error
from program import interrupt, texts_of, ziplora
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sgm_checkpoint import sgm_checkpoint, unet_name
from test_lora_files import (  # noqa: F401 (fixtures)
    COMPONENTS, assert_changed, assert_equal, base, inputs, loaded, outputs_in_diffusers, outputs_of, pipeline)
from tiny_sdxl import UNET, make_tiny_sdxl

EVERYTHING = dict(components=COMPONENTS, parts=EVERY_PART)


def delta_of(layer: Layer) -> torch.Tensor:
    """ΔW in float64, in the weight's shape."""
    scale = 1.0 if layer.alpha is None else layer.alpha / layer.down.shape[0]
    return scale * torch.einsum("or,r...->o...", layer.up.double().flatten(1), layer.down.double())


@torch.no_grad()
def with_deltas(base, deltas):
    """A pipeline with these added to its weights: canonical name -> ΔW."""
    changed = StableDiffusionXLPipeline.from_pretrained(base)
    modules = {f"{component}.{path}": module for component in COMPONENTS
               for path, module in component_modules(changed, component)}
    for name, delta in deltas.items():
        modules[name].weight += delta.to(modules[name].weight)
    return changed


def outputs_of_pipeline(pipe, inputs):
    return outputs_of(pipe.unet, pipe.text_encoder, pipe.text_encoder_2, inputs)


# Formats

def comfy_module(canonical, layers_per_block):
    component, path = canonical.split(".", 1)
    if component == "unet":
        return "diffusion_model." + unet_name(path + ".weight", layers_per_block).removesuffix(".weight")
    return f"text_encoders.clip_{'l' if component == 'text_encoder' else 'g'}.transformer.{path}"


def outputs_as_comfy_patches(base, inputs, file):
    """ComfyUI's rule (comfy/lora.py, weight_adapter/lora.py): W + alpha / rank · B @ A, by the weights' own names."""
    pipe, tensors = StableDiffusionXLPipeline.from_pretrained(base), load_file(file)
    deltas = {}
    for component in COMPONENTS:
        for path, _ in component_modules(pipe, component):
            canonical = f"{component}.{path}"
            module = comfy_module(canonical, pipe.unet.config.layers_per_block)
            if f"{module}.lora_A.weight" in tensors:
                parts = [tensors.pop(f"{module}.{part}") for part in ("lora_A.weight", "lora_B.weight", "alpha")]
                deltas[canonical] = delta_of(Layer(parts[0], parts[1], float(parts[2])))
    assert not tensors, f"no weights have these names: {sorted(tensors)[:3]}"
    return outputs_of_pipeline(with_deltas(base, deltas), inputs)


def outputs_in_peft(base, inputs, folder):
    models = StableDiffusionXLPipeline.from_pretrained(base)
    return outputs_of(*(PeftModel.from_pretrained(getattr(models, component), folder / component)
                        for component in COMPONENTS), inputs)


@pytest.mark.parametrize("dtype, tolerance", [("f32", 1e-4), ("f16", 2e-3), ("bf16", 2e-2)])
@pytest.mark.parametrize("form", ["kohya", "kohya-diffusers", "diffusers", "peft", "comfy"])
def test_every_format_acts_as_its_source(form, dtype, tolerance, base, pipeline, inputs, tmp_path):
    layers = random_layers(pipeline, LayerChoice(alpha=3.0, ranks=(1, 4, 3), **EVERYTHING))
    source = save_kohya(tmp_path / "source.safetensors", layers, pipeline)
    wanted = outputs_of_pipeline(with_deltas(base, {name: delta_of(layer) for name, layer in layers.items()}), inputs)
    out = tmp_path / ("out" if form == "peft" else "out.safetensors")
    result = ziplora("convert", source, "--base", base, "--format", form, "--file-dtype", dtype, "-o", out)["files"][0]
    assert result["layers"] == len(layers) and result["format"] == form
    found = (outputs_in_peft(base, inputs, out) if form == "peft" else
             outputs_as_comfy_patches(base, inputs, out) if form == "comfy" else
             outputs_in_diffusers(pipeline, inputs, out))
    assert_equal(found, wanted, tolerance)
    assert_changed(wanted, outputs_in_diffusers(pipeline, inputs), wanted)


@pytest.mark.parametrize("rule", [["--rank", 2], ["--energy", 0.8], ["--rank", 3, "--energy", 0.9]], ids=str)
def test_a_lower_rank_costs_what_the_report_says(rule, base, pipeline, tmp_path):
    layers = random_layers(pipeline, LayerChoice(alpha=5.0, ranks=(8, 5), **EVERYTHING))
    source = save_kohya(tmp_path / "source.safetensors", layers, pipeline)
    small = tmp_path / "small.safetensors"
    result = ziplora("convert", source, "--base", base, "--file-dtype", "f32", *rule, "-o", small)["files"][0]
    rules = dict(zip(rule[::2], rule[1::2]))
    dropped = total = 0.0
    for entry in result["per_layer"]:
        s = torch.linalg.svdvals(delta_of(layers[entry["layer"]]).flatten(1))
        energy = torch.cumsum(s.square(), 0) / s.square().sum()
        enough = int((energy < rules.get("--energy", 1.0)).sum()) + 1 if "--energy" in rules else len(s)
        kept = min(rules.get("--rank", len(s)), enough)
        assert entry["rank"] == min(kept, entry["rank_before"]), entry
        assert entry["relative_error"] == pytest.approx(float((1 - energy[kept - 1]).clamp(0).sqrt()), abs=1e-6)
        dropped, total = dropped + float(s[kept:].square().sum()), total + float(s.square().sum())
    assert len(result["per_layer"]) == len(layers)
    assert result["relative_error"] == pytest.approx((dropped / total) ** 0.5, rel=1e-5)
    assert result["relative_error"] > 0.05
    # The file has that error too, not only the report.
    tensors = load_file(small)
    found = {key.removesuffix(".alpha"): float(value) for key, value in tensors.items() if key.endswith(".alpha")}
    squared = sum(float(delta_of(Layer(tensors[f"{module}.lora_down.weight"], tensors[f"{module}.lora_up.weight"],
                                       alpha)).square().sum()) for module, alpha in found.items())
    assert squared == pytest.approx(total - dropped, rel=1e-4)  # a projection: Pythagoras


# Baking

@pytest.fixture(scope="module")
def two_loras(loaded, tmp_path_factory):
    """(file, layers, scale) of two LoRAs that touch all three models and overlap."""
    folder = tmp_path_factory.mktemp("loras")
    choices = {"cat": (LayerChoice(alpha=3.0, ranks=(4, 2), seed=1, **EVERYTHING), 0.8),
               "ink": (LayerChoice(alpha=None, ranks=(3,), seed=2, parts=("attn", "mlp", "text_projection"),
                                   components=COMPONENTS), -0.5)}
    made = []
    for name, (choice, scale) in choices.items():
        layers = random_layers(loaded, choice)
        made.append((save_kohya(folder / f"{name}.safetensors", layers, loaded), layers, scale))
    return made


def summed(two_loras):
    deltas = {}
    for _, layers, scale in two_loras:
        for name, layer in layers.items():
            deltas[name] = deltas.get(name, 0) + scale * delta_of(layer)
    return deltas


def bake_flags(two_loras):
    return [word for file, _, scale in two_loras for word in ("--bake", f"{file}:{scale}")]


def single_file(folder, path):
    """The base folder as a single file in sgm names, with its configs beside it."""
    save_file(sgm_checkpoint(StableDiffusionXLPipeline.from_pretrained(folder)), path, {"format": "pt", "note": "mine"})
    shutil.copytree(folder, path.with_suffix(""), ignore=shutil.ignore_patterns("*.safetensors"))
    return path


def test_a_baked_folder_is_the_base_with_the_loras_loaded(base, inputs, two_loras, tmp_path):
    result = ziplora("convert", *bake_flags(two_loras), "--into", base, "-o", tmp_path / "baked")
    found = outputs_of_pipeline(StableDiffusionXLPipeline.from_pretrained(tmp_path / "baked"), inputs)
    pipe = StableDiffusionXLPipeline.from_pretrained(base)
    for name, (file, _, scale) in zip(("cat", "ink"), two_loras):
        pipe.load_lora_weights(file.parent, weight_name=file.name, adapter_name=name)
    pipe.set_adapters(["cat", "ink"], [scale for _, _, scale in two_loras])
    theirs = outputs_of_pipeline(pipe, inputs)
    assert_equal(found, theirs)
    assert_changed(theirs, outputs_of_pipeline(StableDiffusionXLPipeline.from_pretrained(base), inputs), theirs)
    assert result["changed_tensors"] == len(summed(two_loras))
    # The rest of the folder is unchanged.
    for file in base.rglob("*"):
        copy = tmp_path / "baked" / file.relative_to(base)
        if file.is_file() and file.parent.name not in COMPONENTS:
            assert copy.read_bytes() == file.read_bytes(), file
        assert copy.exists(), file


def test_a_baked_single_file_has_the_sums_under_the_same_names(base, two_loras, tmp_path):
    file = single_file(base, tmp_path / "tiny.safetensors")
    ziplora("convert", *bake_flags(two_loras), "--into", file, "-o", tmp_path / "baked.safetensors")
    found, before = load_file(tmp_path / "baked.safetensors"), load_file(file)
    wanted = sgm_checkpoint(with_deltas(base, summed(two_loras)))
    assert found.keys() == before.keys()
    changed = 0
    for name, value in wanted.items():
        assert found[name].dtype == before[name].dtype
        assert relative_error(found[name], value) < 1e-6, name
        if torch.equal(value, before[name]):
            assert torch.equal(found[name], before[name]), name
        else:
            changed += 1
    assert changed > 100
    with safe_open(tmp_path / "baked.safetensors", "pt") as opened, safe_open(file, "pt") as original:
        assert opened.metadata()["note"] == "mine"
        recipe = json.loads(opened.metadata()["ziplora.recipe"])
        assert list(opened.offset_keys()) == list(original.offset_keys())
    assert [entry["scale"] for entry in recipe["inputs"]] == [0.8, -0.5]


@pytest.mark.parametrize("dtype, torch_dtype", [("f16", torch.float16), ("bf16", torch.bfloat16)])
def test_half_precision_is_rounded_once(dtype, torch_dtype, base, two_loras, tmp_path):
    """Into a half-precision base, and with --file-dtype into another dtype; the autoencoder keeps its own."""
    half = tmp_path / "half"
    StableDiffusionXLPipeline.from_pretrained(base).to(torch_dtype).save_pretrained(half)
    ziplora("convert", *bake_flags(two_loras), "--into", half, "-o", tmp_path / "kept")
    ziplora("convert", *bake_flags(two_loras), "--into", base, "--file-dtype", dtype, "-o", tmp_path / "converted")
    deltas = summed(two_loras)
    for source, out in ((half, "kept"), (base, "converted")):
        before = load_file(source / "unet" / "diffusion_pytorch_model.safetensors")
        found = load_file(tmp_path / out / "unet" / "diffusion_pytorch_model.safetensors")
        for name, value in found.items():
            assert value.dtype == torch_dtype
            exact = before[name].double()
            if (layer := f"unet.{name.removesuffix('.weight')}") in deltas:
                exact = exact + deltas[layer].reshape(exact.shape)
            step = 2.0 ** (-11 if dtype == "f16" else -8)
            assert ((value.double() - exact).abs() <= step * exact.abs() + 1e-6).all(), name
    vae = load_file(tmp_path / "converted" / "vae" / "diffusion_pytorch_model.safetensors")
    assert {value.dtype for value in vae.values()} == {torch.float32}


def test_shards_stay_shards(base, inputs, two_loras, tmp_path):
    sharded = shutil.copytree(base, tmp_path / "sharded")
    unet = UNet2DConditionModel.from_pretrained(base / "unet")
    shutil.rmtree(sharded / "unet")
    unet.save_pretrained(sharded / "unet", max_shard_size="100KB")
    # A stale variant would be loaded instead of the baked weights.
    shutil.copy(base / "text_encoder" / "model.safetensors", sharded / "text_encoder" / "model.fp16.safetensors")
    ziplora("convert", *bake_flags(two_loras), "--into", sharded, "-o", tmp_path / "baked")
    names = {file.name for file in (sharded / "unet").iterdir()}
    assert len(names) > 4 and {file.name for file in (tmp_path / "baked" / "unet").iterdir()} == names
    assert not (tmp_path / "baked" / "text_encoder" / "model.fp16.safetensors").exists()
    found = outputs_of_pipeline(StableDiffusionXLPipeline.from_pretrained(tmp_path / "baked"), inputs)
    assert_equal(found, outputs_of_pipeline(with_deltas(base, summed(two_loras)), inputs))


def test_biases_and_norms_are_baked_too(base, tmp_path):
    before = load_file(base / "unet" / "diffusion_pytorch_model.safetensors")
    norm, bias = torch.randn(8), torch.randn(16)
    save_file({"lora_unet_down_blocks_0_resnets_0_norm1.w_norm": norm,
               "lora_unet_down_blocks_1_attentions_0_proj_in.diff_b": bias}, tmp_path / "vectors.safetensors")
    ziplora("convert", "--bake", f"{tmp_path / 'vectors.safetensors'}:0.5", "--into", base, "-o", tmp_path / "baked")
    found = load_file(tmp_path / "baked" / "unet" / "diffusion_pytorch_model.safetensors")
    changed = {"down_blocks.0.resnets.0.norm1.weight": norm, "down_blocks.1.attentions.0.proj_in.bias": bias}
    for name, value in before.items():
        assert torch.allclose(found[name], value + 0.5 * changed.get(name, torch.zeros(())), rtol=0, atol=1e-6), name


class UNetAlone:
    """What random_layers and save_kohya need of a pipeline."""

    def __init__(self, unet):
        self.unet = unet


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """(folder with more than 1 GB of weights, its UNet, a LoRA file for it, the LoRA's layers)."""
    folder = make_tiny_sdxl(tmp_path_factory.mktemp("large") / "base", unet=dict(
        block_out_channels=(320, 640, 640), transformer_layers_per_block=(1, 2, 2), attention_head_dim=(5, 10, 10),
        norm_num_groups=32))
    pipe = UNetAlone(UNet2DConditionModel.from_pretrained(folder / "unet"))
    layers = random_layers(pipe, LayerChoice(ranks=(8,), alpha=8.0, every=4))
    lora = save_kohya(folder.parent / "lora.safetensors", layers, pipe, blocks="diffusers")
    yield folder, pipe.unet, lora, layers
    shutil.rmtree(folder)


def test_baking_into_a_large_base_needs_no_memory_for_it(large, tmp_path):
    """A process with LibTorch in it and nothing else takes 140 MB; the rest must not grow with the base."""
    folder, unet, lora, layers = large
    size = sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
    largest = max(weight.numel() * 4 for weight in unet.parameters())
    result = ziplora("convert", "--bake", lora, "--into", folder, "-o", tmp_path / "baked")
    assert size > 1e9 and result["largest_tensor_bytes"] == largest
    assert result["peak_memory_bytes"] < 160e6 + 1.3 * largest + 2 * lora.stat().st_size
    baked = load_file(tmp_path / "baked" / "unet" / "diffusion_pytorch_model.safetensors")
    for name in list(layers)[::20]:
        path = name.removeprefix("unet.") + ".weight"
        wanted = unet.get_parameter(path).detach().double() + delta_of(layers[name])
        assert relative_error(baked[path].double(), wanted) < 1e-6, name


def test_an_interrupt_leaves_nothing(large, tmp_path):
    folder, _, lora, _ = large
    error = interrupt(["convert", "--bake", lora, "--into", folder, "-o", "baked"], tmp_path, "bake", after_step=30)
    assert "interrupted" in error["problem"]
    assert list(tmp_path.iterdir()) == []


# Extracting

@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("tuned_layout", ["folder", "single"])
def test_extracting_gives_the_lora_back(tuned_layout, which, base, pipeline, two_loras, tmp_path):
    file, layers, _ = two_loras[which]
    deltas = {name: delta_of(layer) for name, layer in layers.items()}
    with_deltas(base, deltas).save_pretrained(tmp_path / "tuned")
    tuned = tmp_path / "tuned"
    if tuned_layout == "single":
        tuned = single_file(tmp_path / "tuned", tmp_path / "one.safetensors")
    result = ziplora("convert", "--extract", tuned, "--from", base, "--rank", 4, "--file-dtype", "f32",
                     "-o", tmp_path / "lora.safetensors")
    assert {entry["layer"] for entry in result["per_layer"]} == layers.keys()
    assert result["relative_error"] < 1e-5 and max(entry["relative_error"] for entry in result["per_layer"]) < 1e-4
    assert result["left_out"] == []
    ziplora("convert", tmp_path / "lora.safetensors", "--base", base, "--format", "diffusers",
            "-o", tmp_path / "named.safetensors")
    found = load_file(tmp_path / "named.safetensors")
    for name, delta in deltas.items():
        again = delta_of(Layer(found[f"{name}.lora_A.weight"], found[f"{name}.lora_B.weight"], None))
        assert relative_error(again, delta) < 1e-4, name


def test_energy_chooses_the_ranks_of_an_extraction(base, tmp_path):
    generator = torch.Generator().manual_seed(3)
    pipe = StableDiffusionXLPipeline.from_pretrained(base)
    names = ["unet.down_blocks.1.attentions.0.transformer_blocks.0.ff.net.2", "unet.mid_block.resnets.0.conv1",
             "text_encoder.text_model.encoder.layers.0.mlp.fc1"]
    modules = {f"{component}.{path}": module for component in COMPONENTS
               for path, module in component_modules(pipe, component)}
    deltas = {name: 0.1 * torch.randn(modules[name].weight.shape, generator=generator).double() for name in names}
    with_deltas(base, deltas).save_pretrained(tmp_path / "tuned")
    result = ziplora("convert", "--extract", tmp_path / "tuned", "--from", base, "--energy", 0.9,
                     "-o", tmp_path / "lora.safetensors")
    assert {entry["layer"] for entry in result["per_layer"]} == set(names)
    for entry in result["per_layer"]:
        s = torch.linalg.svdvals(deltas[entry["layer"]].flatten(1))
        energy = torch.cumsum(s.square(), 0) / s.square().sum()
        assert entry["rank"] == int((energy < 0.9).sum()) + 1
        assert entry["relative_error"] == pytest.approx(float((1 - energy[entry["rank"] - 1]).sqrt()), rel=1e-3)
        assert entry["norm"] == pytest.approx(float(s.norm()), rel=1e-5)


def test_what_has_no_factors_is_named_and_kept_on_request(base, tmp_path):
    pipe = StableDiffusionXLPipeline.from_pretrained(base)
    with torch.no_grad():
        pipe.unet.mid_block.resnets[0].norm1.weight += 1.0
        pipe.unet.mid_block.resnets[0].conv1.bias += 0.5
        pipe.unet.conv_in.weight += torch.randn_like(pipe.unet.conv_in.weight)
        pipe.text_encoder_2.text_model.embeddings.token_embedding.weight += 1.0
        pipe.text_encoder_2.text_projection.weight += 1.0
    pipe.save_pretrained(tmp_path / "tuned")
    vectors = {"unet.mid_block.resnets.0.norm1.weight", "unet.mid_block.resnets.0.conv1.bias"}
    embedding = "text_encoder_2.text_model.embeddings.token_embedding.weight"
    projection = "text_encoder_2.text_projection"
    flags = ["convert", "--extract", tmp_path / "tuned", "--from", base]
    plain = ziplora(*flags, "-o", tmp_path / "plain.safetensors")
    assert {entry["tensor"] for entry in plain["left_out"]} == vectors | {embedding}
    assert {entry["layer"] for entry in plain["per_layer"]} == {"unet.conv_in", projection}
    warning = texts_of(plain, "warning")[0]
    assert "3 biases, norms or embeddings" in warning and "--vectors" in warning
    kept = ziplora(*flags, "--vectors", "--file-dtype", "f32", "-o", tmp_path / "kept.safetensors")
    assert {entry["tensor"] for entry in kept["left_out"]} == {embedding} and kept["vectors"] == 2
    tensors = load_file(tmp_path / "kept.safetensors")
    assert torch.allclose(tensors["lora_unet_middle_block_0_in_layers_0.w_norm"], torch.ones(24), atol=1e-5)
    assert torch.allclose(tensors["lora_unet_middle_block_0_in_layers_2.diff_b"], torch.full((24,), 0.5), atol=1e-5)

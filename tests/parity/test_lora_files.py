"""LoRA files between ziplora, diffusers and PEFT, both ways: the same file gives equal outputs of the UNet and of both
text encoders there and here, and what is written here loads there. One of each kind on UNets of other shapes and on the
miniature, too."""

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.training_utils import _collate_lora_metadata
from embedded_base import MINI
from lora_files import EVERY_PART, LayerChoice, random_layers, save_diffusers, save_kohya
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import get_peft_model_state_dict
from probe_runner import relative_error, run_probe
from program import ziplora
from safetensors.torch import load_file, save_file
from test_unet import CONFIGS
from tiny_sdxl import UNET, make_tiny_sdxl

TOLERANCE = 1e-4
COMPONENTS = ("unet", "text_encoder", "text_encoder_2")
OTHER_UNETS = ("unequal-layers", "one-layer")
FITTING_SIZES = (  # to the tiny text encoders
    "cross_attention_dim", "addition_time_embed_dim", "projection_class_embeddings_input_dim")


@pytest.fixture(scope="module")
def base(request, tmp_path_factory):
    """The tiny one, unless a test asks for the miniature or for the tiny one around a UNet of test_unet.py."""
    name = getattr(request, "param", "tiny")
    if name == "mini":
        return MINI
    unet = CONFIGS[name] | {size: UNET[size] for size in FITTING_SIZES} if name in OTHER_UNETS else {}
    return make_tiny_sdxl(tmp_path_factory.mktemp("base"), unet=unet)


def open_base(base):
    return StableDiffusionXLPipeline.from_pretrained(base, torch_dtype=torch.float32)  # the miniature is in halves


@pytest.fixture(scope="module")
def loaded(base):
    return open_base(base)


@pytest.fixture
def pipeline(loaded):
    yield loaded
    loaded.unload_lora_weights()


@pytest.fixture(scope="module")
def inputs(loaded):
    generator = torch.Generator().manual_seed(7)
    config, text = loaded.unet.config, loaded.text_encoder.config
    pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
    ids = torch.randint(0, text.bos_token_id, (2, text.max_position_embeddings), generator=generator)
    ids[:, 0], ids[0, 20:], ids[1, -1] = text.bos_token_id, text.eos_token_id, text.eos_token_id
    return {
        "sample": torch.randn(2, 4, 16, 16, generator=generator),
        "timestep": torch.tensor([801.0, 21.0]),
        "encoder_hidden_states": torch.randn(2, 7, config.cross_attention_dim, generator=generator),
        "text_embeds": torch.randn(2, pooled, generator=generator),
        "time_ids": torch.tensor([[128.0, 96, 0, 3, 128, 128]] * 2),
        "token_ids": ids,
    }


@torch.no_grad()
def outputs_of(unet, text_encoder, text_encoder_2, inputs):
    outputs = {"noise_pred": unet(
        inputs["sample"], inputs["timestep"], inputs["encoder_hidden_states"],
        added_cond_kwargs={"text_embeds": inputs["text_embeds"], "time_ids": inputs["time_ids"]}).sample}
    for name, encoder in (("text_encoder", text_encoder), ("text_encoder_2", text_encoder_2)):
        out = encoder(inputs["token_ids"], output_hidden_states=True)
        outputs[f"{name}.penultimate"] = out.hidden_states[-2]
        outputs[f"{name}.last"] = out.last_hidden_state
    outputs["text_encoder_2.pooled"] = out.text_embeds
    return outputs


def outputs_in_diffusers(pipeline, inputs, file=None):
    pipeline.unload_lora_weights()
    if file is not None:
        pipeline.load_lora_weights(file.parent, weight_name=file.name)
    return outputs_of(pipeline.unet, pipeline.text_encoder, pipeline.text_encoder_2, inputs)


def outputs_here(base, inputs, adapter, writes=()):
    return run_probe("lora_files", inputs, base=str(base), adapter=str(adapter), writes=list(writes))


def assert_equal(ours, theirs, tolerance=TOLERANCE):
    errors = {name: relative_error(ours[name], value) for name, value in theirs.items()}
    worst = max(errors, key=errors.get)
    assert errors[worst] < tolerance, f"{worst}: {errors[worst]:.1e}"


def assert_changed(theirs, plain, names):
    """A comparison of two models without the adapter would prove nothing."""
    for name in names:
        assert relative_error(theirs[name], plain[name]) > 0.01, name


EVERYTHING = dict(components=COMPONENTS, parts=EVERY_PART)
KOHYA = {
    "attention": LayerChoice(alpha=1.0),
    "no-alpha": LayerChoice(alpha=None),
    "no-alpha-mixed-ranks": LayerChoice(alpha=None, ranks=(2, 5, 3)),
    "mixed-ranks-one-alpha": LayerChoice(alpha=3.0, ranks=(2, 4, 7)),
    "alpha-above-rank": LayerChoice(alpha=8.0, ranks=(2,)),
    "every-linear-layer": LayerChoice(alpha=2.0, parts=("attn", "ff", "proj_in", "proj_out")),
    "convolutions-alone": LayerChoice(alpha=2.0, parts=("resnets", "samplers"), skip=("time_emb_proj",)),
    "everything": LayerChoice(alpha=2.0, ranks=(1, 4, 3), **EVERYTHING),
    "a-few-layers": LayerChoice(alpha=2.0, every=7, parts=EVERY_PART),
    "pooled-projection": LayerChoice(components=COMPONENTS, parts=("attn", "text_projection"), alpha=2.0),
    "text-encoders-alone": LayerChoice(components=COMPONENTS[1:], parts=("self_attn", "mlp"), alpha=2.0),
}


DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
KOHYA_FILES = [(name, blocks, dtype) for name in KOHYA for blocks in ("sgm", "diffusers")
               for dtype in (DTYPES if name == "everything" else ["f32"])]


@pytest.mark.parametrize("name, blocks, dtype", KOHYA_FILES, ids=lambda value: value)
def test_a_kohya_file_acts_as_in_diffusers(name, blocks, dtype, base, pipeline, inputs, tmp_path):
    layers = random_layers(pipeline, KOHYA[name])
    file = save_kohya(tmp_path / "lora.safetensors", layers, pipeline, blocks, DTYPES[dtype])
    theirs = outputs_in_diffusers(pipeline, inputs, file)
    ours, values = outputs_here(base, inputs, file)
    assert_equal(ours, theirs)
    assert values["layers"] == len(layers)
    assert bool(values["warnings"]) == (KOHYA[name].alpha is None)
    changed = [key for key in theirs if any(layer.startswith(key.split(".")[0] + ".") for layer in layers)]
    changed += ["noise_pred"] if any(layer.startswith("unet.") for layer in layers) else []
    assert_changed(theirs, outputs_in_diffusers(pipeline, inputs), [] if KOHYA[name].every > 1 else changed)


def diffusers_of(file, base):
    programs = ziplora("inspect", file, "--base", base)["files"][0]["programs"]
    return next(program for program in programs if program["program"] == "diffusers")


ANOTHER_RANK = (RuntimeError, "ignore_mismatched_sizes", "another rank")
REFUSED = {  # name: (the part, the others beside it, its rank, (diffusers' error, its words, inspect's words))
    "lower": ("text_projection", "self_attn", 3, ANOTHER_RANK),
    "beside-queries": ("text_projection", ".q_proj", 3, ANOTHER_RANK),
    "beside-two-of-four": ("text_projection", "v_proj", 3, ANOTHER_RANK),
    "higher": ("text_projection", "self_attn", 6, ANOTHER_RANK),
    "alone": ("text_projection", None, 3, (ValueError, "infer state dict type", "without")),
    "mlp": ("fc1", None, 4, (ValueError, "infer state dict type", "without any attention")),
}


@pytest.mark.parametrize("save, name", [(save, name) for save in (save_kohya, save_diffusers) for name in REFUSED
                                        if (save, name) != (save_kohya, "mlp")])
def test_diffusers_refuses_a_projection_of_another_rank_and_encoders_without_attention(
        save, name, base, pipeline, inputs, tmp_path):
    """inspect knows that, and what is written here loads there; but a higher rank in the default form."""
    part, others, rank, (error, words, reason) = REFUSED[name]
    encoder = dict(components=COMPONENTS[2:], alpha=2.0 if save is save_kohya else None)
    layers = random_layers(pipeline, LayerChoice(parts=(part,), ranks=(rank,), **encoder))
    if others:
        layers |= random_layers(pipeline, LayerChoice(parts=(others,), ranks=(4,), **encoder))
    file = save(tmp_path / "lora.safetensors", layers, *([pipeline] if save is save_kohya else []))
    with pytest.raises(Exception) as refusal:
        pipeline.load_lora_weights(tmp_path, weight_name=file.name)
    found = diffusers_of(file, base)
    assert found["verdict"] == "not"
    if others in (None, "self_attn"):  # without out_proj kohya's form has other troubles there, which come first
        assert isinstance(refusal.value, error) and words in str(refusal.value)
        assert any(reason in text for text in found["reasons"]), found
    wanted, _ = outputs_here(base, inputs, file)
    for form in ("kohya", "diffusers"):
        ziplora("convert", file, "--base", base, "--file-dtype", "f32", "--format", form, "-o", tmp_path / f"{form}.safetensors")
        if form == "kohya" and rank == 6:
            assert diffusers_of(tmp_path / "kohya.safetensors", base)["verdict"] == "not"
            continue
        assert diffusers_of(tmp_path / f"{form}.safetensors", base)["verdict"] == "fully"
        models = StableDiffusionXLPipeline.from_pretrained(base)
        assert_equal(wanted, outputs_in_diffusers(models, inputs, tmp_path / f"{form}.safetensors"))


@pytest.mark.parametrize("blocks, verdict, reasons", [
    ("sgm", "fully", []), ("diffusers", "partly", ["add_embedding layers in diffusers' block names are dropped"])])
def test_diffusers_drops_add_embedding_in_its_block_names(blocks, verdict, reasons, base, pipeline, inputs, tmp_path):
    """Without an error, and inspect knows that. In sgm's names it counts."""
    parts = ("attn", "add_embedding", "time_embedding", "conv_in", "conv_out")
    layers = random_layers(pipeline, LayerChoice(parts=parts, alpha=2.0))
    without = {name: layer for name, layer in layers.items() if "add_embedding" not in name}
    assert len(layers) == len(without) + 2
    file = save_kohya(tmp_path / "lora.safetensors", layers, pipeline, blocks)
    counted = save_kohya(tmp_path / "counted.safetensors", layers if blocks == "sgm" else without, pipeline)
    theirs = outputs_in_diffusers(pipeline, inputs, file)
    assert_equal(outputs_here(base, inputs, counted)[0], theirs)
    found = diffusers_of(file, base)
    assert (found["verdict"], found["reasons"]) == (verdict, reasons)
    if blocks != "sgm":
        assert_changed(outputs_here(base, inputs, file)[0], theirs, ["noise_pred"])


@pytest.mark.parametrize("spelling", ["now", "middle", "oldest"])
def test_every_generation_of_diffusers_files(spelling, base, pipeline, inputs, tmp_path):
    parts = {"now": ("attn", "ff", "proj_in", "fc1", "text_projection"), "middle": ("attn", "ff", "proj_in", "fc1"),
             "oldest": ("attn",)}[spelling]
    layers = random_layers(pipeline, LayerChoice(components=COMPONENTS, parts=parts, alpha=None))
    file = save_diffusers(tmp_path / "lora.safetensors", layers, spelling)
    ours, values = outputs_here(base, inputs, file)
    theirs = outputs_in_diffusers(pipeline, inputs, file)
    assert_equal(ours, theirs)
    assert values["layers"] == len(layers)
    assert_changed(theirs, outputs_in_diffusers(pipeline, inputs), theirs)


@torch.no_grad()
def train(model):
    """Moves what starts at values without effect: DoRA's magnitudes, which start as the norms that they replace, and
    the biases of up factors, which start at 0."""
    for name, parameter in model.named_parameters():
        if "lora_magnitude_vector" in name:
            parameter.mul_(1 + 0.3 * torch.randn(parameter.shape).clamp(-2, 2))
        elif name.endswith("lora_B.default.bias"):
            parameter.normal_()


def add_peft_adapter(model, seed, **settings):
    """Adds a LoRA to the model itself, with an up factor that is not zero."""
    torch.manual_seed(seed)
    model.add_adapter(LoraConfig(init_lora_weights=False, **settings))
    train(model)


PEFT = {
    "alpha-unlike-rank": dict(r=4, lora_alpha=7, target_modules=["to_q", "to_k", "to_v", "to_out.0"]),
    "patterns": dict(r=4, lora_alpha=3, target_modules=["to_q", "to_k", "ff.net.0.proj", "proj_in"],
                     rank_pattern={"to_k": 2, "proj_in": 6}, alpha_pattern={"to_k": 5, "proj_in": 1}),
    "convolutions": dict(r=3, lora_alpha=2, target_modules=["conv1", "conv2", "conv_shortcut", "time_emb_proj", "conv",
                                                            "conv_in", "linear_1"]),
    "rank-stabilised": dict(r=9, lora_alpha=2, use_rslora=True, target_modules=["to_q", "to_out.0", "ff.net.2"]),
    "rank-stabilised-patterns": dict(r=4, lora_alpha=3, use_rslora=True, target_modules=["to_q", "to_k", "proj_in"],
                                     rank_pattern={"to_k": 2, "proj_in": 6}, alpha_pattern={"to_k": 5}),
    "decomposed": dict(r=4, lora_alpha=7, use_dora=True, target_modules=["to_q", "to_out.0", "ff.net.0.proj"]),
    "decomposed-convolutions": dict(r=3, lora_alpha=2, use_dora=True,
                                    target_modules=["conv1", "conv_shortcut", "time_emb_proj", "conv"]),
    "decomposed-rank-stabilised": dict(r=9, lora_alpha=2, use_dora=True, use_rslora=True,
                                       target_modules=["to_v", "proj_out", "conv2"]),
    "bias-of-the-factor": dict(r=4, lora_alpha=7, lora_bias=True, target_modules=["to_out.0", "ff.net.2"]),
}
TEXT = dict(r=3, lora_alpha=5, target_modules=["q_proj", "k_proj", "v_proj", "out_proj", "fc1"])


# Without the metadata such a file cannot say its scale, and 1 is meant.
SAVED = [(name, True) for name in PEFT] + [("alpha-unlike-rank", False)]
ELSEWHERE = [("mini", "alpha-unlike-rank"), *((unet, name) for unet in OTHER_UNETS for name in ("patterns", "convolutions"))]


@pytest.mark.parametrize("base, name, with_metadata", [
    *(("tiny", *saved) for saved in SAVED), *((*other, True) for other in ELSEWHERE)], indirect=["base"])
def test_a_file_of_save_lora_weights_acts_as_the_model_that_saved_it(name, with_metadata, base, inputs, tmp_path):
    pipeline = open_base(base)
    settings = PEFT[name] if with_metadata else PEFT[name] | dict(lora_alpha=PEFT[name]["r"])
    text = TEXT if with_metadata else TEXT | dict(lora_alpha=TEXT["r"])
    add_peft_adapter(pipeline.unet, 1, **settings)
    add_peft_adapter(pipeline.text_encoder, 2, **text)
    add_peft_adapter(pipeline.text_encoder_2, 3, **text)
    models = {"unet": pipeline.unet, "text_encoder": pipeline.text_encoder, "text_encoder_2": pipeline.text_encoder_2}
    StableDiffusionXLPipeline.save_lora_weights(
        tmp_path, unet_lora_layers=get_peft_model_state_dict(pipeline.unet),
        text_encoder_lora_layers=get_peft_model_state_dict(pipeline.text_encoder),
        text_encoder_2_lora_layers=get_peft_model_state_dict(pipeline.text_encoder_2),
        **(_collate_lora_metadata(models) if with_metadata else {}))
    ours, values = outputs_here(base, inputs, tmp_path / "pytorch_lora_weights.safetensors")
    assert_equal(ours, outputs_of(*models.values(), inputs))
    assert bool(values["warnings"]) != with_metadata
    # The folder is taken as well as the file in it.
    assert_equal(outputs_here(base, inputs, tmp_path)[0], ours, tolerance=1e-12)


@pytest.mark.parametrize("base, name", [*(("tiny", name) for name in PEFT), *ELSEWHERE], indirect=["base"])
def test_a_peft_directory_acts_as_the_model_that_saved_it(name, base, inputs, tmp_path):
    pipeline = open_base(base)
    torch.manual_seed(4)
    unet = get_peft_model(pipeline.unet, LoraConfig(init_lora_weights=False, **PEFT[name]))
    encoder_2 = get_peft_model(pipeline.text_encoder_2, LoraConfig(init_lora_weights=False, **TEXT))
    train(unet)
    unet.save_pretrained(tmp_path / "both" / "unet")
    encoder_2.save_pretrained(tmp_path / "both" / "text_encoder_2")
    unet.save_pretrained(tmp_path / "alone")
    theirs = outputs_of(unet, pipeline.text_encoder, encoder_2, inputs)
    ours, values = outputs_here(base, inputs, tmp_path / "both")
    assert_equal(ours, theirs)
    assert values["dialect"] == "peft" and not values["warnings"]
    alone, _ = outputs_here(base, inputs, tmp_path / "alone")
    assert_equal({"noise_pred": alone["noise_pred"]}, {"noise_pred": theirs["noise_pred"]})


SOURCES = {
    "mixed": LayerChoice(alpha="rank", ranks=(1, 4, 3), **EVERYTHING),
    "partial": LayerChoice(alpha=5.0, ranks=(4, 2), every=5, **EVERYTHING),
    "pooled-projection": LayerChoice(components=COMPONENTS, parts=("attn", "text_projection"), alpha=2.0),
}


EVERY_DTYPE = ("float32", "float16", "bfloat16")


def written(base, inputs, source, tmp_path, dtypes=EVERY_DTYPE):
    """Every form that can be written, from one source: {name: (path, dtype)}, and what the source does here."""
    forms = {f"{form}-{dtype}": (tmp_path / f"{form}-{dtype}{'' if form == 'peft' else '.safetensors'}", dtype)
             for form in ("kohya", "kohya-diffusers", "diffusers", "peft") for dtype in dtypes}
    writes = [dict(path=str(path), format=name.rsplit("-", 1)[0], dtype=dtype) for name, (path, dtype) in forms.items()]
    return forms, outputs_here(base, inputs, source, writes)[0]


def reads_sgm_names(unet):
    """Whether diffusers does: it knows one count of layers for all blocks, and takes an upsampler that stands where an
    attention would (a block without attention) for one, and drops it. Neither is met in SDXL's sizes."""
    config = unet.config
    return isinstance(config.layers_per_block, int) and "UpBlock2D" not in config.up_block_types[:-1]


@pytest.mark.parametrize("base, name, dtypes", [
    *(("tiny", name, EVERY_DTYPE) for name in SOURCES), ("mini", "pooled-projection", EVERY_DTYPE[:1]),
    *((unet, "mixed", EVERY_DTYPE[:1]) for unet in OTHER_UNETS)],
    indirect=["base"], ids=lambda value: value if isinstance(value, str) else f"{len(value)}-dtypes")
def test_what_is_written_here_acts_the_same_there(name, dtypes, base, pipeline, inputs, tmp_path):
    layers = random_layers(pipeline, SOURCES[name])
    source = save_kohya(tmp_path / "source.safetensors", layers, pipeline, "diffusers")
    forms, wanted = written(base, inputs, source, tmp_path, dtypes)
    for form, (path, dtype) in forms.items():
        if form.startswith("peft"):
            models = open_base(base)
            wrapped = [PeftModel.from_pretrained(getattr(models, component), path / component)
                       if (path / component).exists() else getattr(models, component) for component in COMPONENTS]
            theirs = outputs_of(*wrapped, inputs)
        elif form == f"kohya-{dtype}" and not reads_sgm_names(pipeline.unet):
            theirs = wanted
        else:
            theirs = outputs_in_diffusers(pipeline, inputs, path)
        assert_equal(outputs_here(base, inputs, path)[0], theirs)
        loss = {"float32": TOLERANCE, "float16": 2e-3, "bfloat16": 2e-2}[dtype]
        assert_equal({key: theirs[key] for key in theirs}, {key: wanted[key] for key in theirs}, loss)


def test_one_alpha_a_component_saves_ranks_from_diffusers_reading_of_alpha(base, pipeline, inputs, tmp_path):
    """diffusers takes a component's most common alpha for all its attention layers. A file whose alphas follow its
    ranks is scaled wrongly there; the same LoRA written here is not."""
    layers = random_layers(pipeline, LayerChoice(alpha="rank", ranks=(2, 8, 4), components=COMPONENTS,
                                                 parts=("attn", "mlp")))
    source = save_kohya(tmp_path / "source.safetensors", layers, pipeline)
    forms, wanted = written(base, inputs, source, tmp_path)
    trapped = outputs_in_diffusers(pipeline, inputs, source)
    assert relative_error(trapped["noise_pred"], wanted["noise_pred"]) > 0.01
    saved = outputs_in_diffusers(pipeline, inputs, forms["kohya-float32"][0])
    assert_equal(wanted, saved)
    alphas = {}
    for key, value in load_file(forms["kohya-float32"][0]).items():
        if key.endswith(".alpha"):
            alphas.setdefault(key[:8], set()).add(float(value))
    assert {component: len(values) for component, values in alphas.items()} == {
        "lora_une": 1, "lora_te1": 1, "lora_te2": 1}


def test_kohya_block_names_may_be_mixed(base, pipeline, inputs, tmp_path):
    """diffusers drops the sgm ones of such a file, so the referee is the same LoRA in one spelling."""
    layers = random_layers(pipeline, LayerChoice(alpha=2.0))
    names = sorted(layers)
    one = save_kohya(tmp_path / "one.safetensors", layers, pipeline)
    half = {name: layers[name] for name in names[::2]}
    rest = {name: layers[name] for name in names[1::2]}
    save_kohya(tmp_path / "a.safetensors", half, pipeline, "sgm")
    save_kohya(tmp_path / "b.safetensors", rest, pipeline, "diffusers")
    save_file(load_file(tmp_path / "a.safetensors") | load_file(tmp_path / "b.safetensors"),
              tmp_path / "mixed.safetensors")
    ours, values = outputs_here(base, inputs, tmp_path / "mixed.safetensors")
    assert_equal(ours, outputs_in_diffusers(pipeline, inputs, one))
    assert values["dialect"] == "kohya-diffusers+kohya-sgm"

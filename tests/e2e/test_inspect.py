"""`ziplora inspect` as a user runs it, and the errors of every command for LoRA files that cannot be used."""

import hashlib
import json
import struct

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.training_utils import _collate_lora_metadata
from lora_files import EVERY_PART, LayerChoice, random_layers, save_diffusers, save_kohya
from noise_photo import save_noise_photo
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from program import events, run_ziplora, texts_of, ziplora, ziplora_fails
from safetensors.torch import load_file, save_file
from tiny_sdxl import make_tiny_sdxl

# A few layers of SDXL base 1.0: canonical path -> (out, in).
SDXL_LAYERS = {
    "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q": (640, 640),
    "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k": (640, 2048),
    "down_blocks.1.attentions.0.transformer_blocks.1.attn2.to_out.0": (640, 640),
    "mid_block.attentions.0.transformer_blocks.3.ff.net.2": (1280, 5120),
}
SGM_BLOCK = {"down_blocks.1.attentions.0": "input_blocks.4.1", "mid_block.attentions.0": "middle_block.1"}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def pipeline(base):
    return StableDiffusionXLPipeline.from_pretrained(base)


def sgm(path):
    for block, name in SGM_BLOCK.items():
        path = path.replace(block, name)
    return path


def sdxl_tensors(naming="kohya-sgm", alpha=2.0, rank=2, seed=0, layers=SDXL_LAYERS):
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for path, (out, into) in layers.items():
        down = torch.randn(rank, into, generator=generator) / into ** 0.5
        up = torch.randn(out, rank, generator=generator)
        flat = "lora_unet_" + (sgm(path) if naming == "kohya-sgm" else path).replace(".", "_")
        dotted = {"diffusers": f"unet.{path}", "peft": f"base_model.model.{path}",
                  "comfy": f"diffusion_model.{sgm(path)}"}.get(naming)
        if dotted:
            tensors |= {f"{dotted}.lora_A.weight": down, f"{dotted}.lora_B.weight": up}
        else:
            tensors |= {f"{flat}.lora_down.weight": down, f"{flat}.lora_up.weight": up}
            if alpha is not None:
                tensors[f"{flat}.alpha"] = torch.tensor(alpha)
    return tensors


def save(path, tensors, metadata=None):
    save_file({key: value.contiguous() for key, value in tensors.items()}, path, metadata)
    return path


@pytest.fixture
def good(tmp_path):
    return save(tmp_path / "good.safetensors", sdxl_tensors(), {"ss_base_model_version": "sdxl_base_v1-0"})


def inspect(*arguments):
    return ziplora("inspect", *arguments)["files"][0]


def kinds(report):
    return [defect["kind"] for defect in report["defects"]]


def test_numbers_are_those_of_the_file(base, pipeline, tmp_path):
    layers = random_layers(pipeline, LayerChoice(components=("unet", "text_encoder"), parts=EVERY_PART, alpha=3.0,
                                                 ranks=(4, 6), every=2))
    tags = {"10_sks dog": {"dog": 3, "sks dog": 12}, "5_more": {"dog": 20, "park": 1}}
    file = save_kohya(tmp_path / "lora.safetensors", layers, pipeline, metadata={
        "ss_tag_frequency": json.dumps(tags), "modelspec.trigger_phrase": "a sks dog"})
    report = inspect(file, "--base", base)

    assert report["dialect"] == "kohya-sgm" and report["kinds"] == {"LoRA": len(layers)}
    assert report["layers"] == len(layers) and report["tensors"] == 3 * len(layers)
    ranks = [layer.down.shape[0] for layer in layers.values()]
    assert report["ranks"] == {"4": ranks.count(4), "6": ranks.count(6)}
    assert report["alphas"]["text_encoder"] == {"3": sum(name.startswith("text_encoder.") for name in layers)}
    assert report["trigger_words"] == ["a sks dog", "dog", "sks dog", "park"]
    attention = [g for g in report["coverage"] if (g["component"], g["kind"]) == ("text_encoder", "attention")]
    wanted = sum(".self_attn." in name for name in layers)
    assert attention == [attention[0] | {"layers": wanted, "of": 12}]
    assert sum(group["layers"] for group in report["blocks"]) == len(layers)

    deltas = {name: (layer.up.flatten(1) @ layer.down.flatten(1)).double() * 3 / layer.down.shape[0]
              for name, layer in layers.items()}
    norms = {name: float(delta.norm()) for name, delta in deltas.items()}
    assert report["norm"] == pytest.approx(sum(n * n for n in norms.values()) ** 0.5, rel=1e-5)
    assert report["largest"][0]["layer"] == max(norms, key=norms.get)
    for entry in report["largest"]:
        energy = torch.linalg.svdvals(deltas[entry["layer"]])[:layers[entry["layer"]].down.shape[0]] ** 2
        assert entry["stable_rank"] == pytest.approx(float(energy.sum() / energy[0]), rel=1e-4)
        half = (len(energy) + 1) // 2
        assert entry["first_half_energy"] == pytest.approx(float(energy[:half].sum() / energy.sum()), rel=1e-4)


def test_hashes_are_those_that_model_sites_compute(good):
    content = good.read_bytes()
    header = struct.unpack("<Q", content[:8])[0]
    whole, data = hashlib.sha256(content).hexdigest(), hashlib.sha256(content[8 + header:]).hexdigest()
    assert inspect(good)["hashes"] == {"sha256": whole, "autov2": whole[:10], "autov3": data[:12]}


def test_a_hash_in_the_metadata_that_is_not_this_files_is_noted(good, tmp_path):
    true_hash = hashlib.sha256(good.read_bytes()[8 + struct.unpack("<Q", good.read_bytes()[:8])[0]:]).hexdigest()
    for said, notes in ((true_hash, 0), (hashlib.sha256(b"").hexdigest(), 1)):
        file = save(tmp_path / "lora.safetensors", sdxl_tensors(), {"sshs_model_hash": said})
        report = inspect(file)
        assert report["hashes"]["autov3"] == true_hash[:12] and report["defects"] == []
        assert len([note for note in report["warnings"] if "sshs_model_hash" in note]) == notes


def test_a_whole_difference_has_its_norm_and_no_half(tmp_path):
    """At full rank only the largest singular value is estimated, so that a fine-tune's 722 layers take minutes, not hours."""
    diff = torch.randn(1280, 5120, generator=torch.Generator().manual_seed(0))
    stem = "lora_unet_middle_block_1_transformer_blocks_3_ff_net_2"
    file = save(tmp_path / "full.safetensors", {f"{stem}.diff": diff})
    report = inspect(file)
    assert report["kinds"] == {"full difference": 1} and report["first_half_energy"] is None
    assert report["norm"] == pytest.approx(float(diff.double().norm()), rel=1e-5)
    largest = float(torch.linalg.matrix_norm(diff.double(), 2))
    found = report["norm"] / report["stable_rank"] ** 0.5
    assert 0.95 * largest <= found <= 1.0001 * largest
    assert "half of the ranks" not in run_ziplora("inspect", file).stdout


def test_ranks_and_alphas_are_the_files_own_of_every_kind(base, pipeline, tmp_path):
    """Not those of the factors that ziplora computes from them."""
    stem, side = "lora_unet_middle_block_1_proj_in", 1280
    by_kind = {  # name: (tensors by part, rank, alpha)
        "LoHa": ({f"hada_w{n}_{s}": shape for n in (1, 2) for s, shape in (("a", (side, 3)), ("b", (3, side)))}, "3", "2"),
        "LoKr": ({"lokr_w1": (8, 8), "lokr_w2_a": (160, 4), "lokr_w2_b": (4, 160)}, "4", "2"),
        "DoRA": ({"lora_down.weight": (5, side), "lora_up.weight": (side, 5), "dora_scale": (1, side)}, "5", "2"),
        "full difference": ({"diff": (side, side)}, "0", "none"),
    }
    for name, (parts, rank, alpha) in by_kind.items():
        tensors = {f"{stem}.{part}": torch.rand(shape) for part, shape in parts.items()}
        if alpha != "none":
            tensors[f"{stem}.alpha"] = torch.tensor(float(alpha))
        report = inspect(save(tmp_path / "lora.safetensors", tensors))
        assert report["kinds"] == {name: 1} and report["ranks"] == {rank: 1}, name
        assert report["alphas"] == {"unet": {alpha: 1}}, name
    torch.manual_seed(0)
    pipeline.unet.add_adapter(LoraConfig(r=4, lora_alpha=7, target_modules=["to_q"], init_lora_weights=False))
    StableDiffusionXLPipeline.save_lora_weights(tmp_path, get_peft_model_state_dict(pipeline.unet),
                                                **_collate_lora_metadata({"unet": pipeline.unet}))
    pipeline.unet.delete_adapters("default")
    report = inspect(tmp_path / "pytorch_lora_weights.safetensors", "--base", base)
    assert set(report["alphas"]["unet"]) == {"7"} and set(report["ranks"]) == {"4"}


@pytest.mark.parametrize("form", ["kohya", "kohya-diffusers", "diffusers", "peft", "comfy"])
def test_what_training_writes_is_clean(form, base, tmp_path):
    (tmp_path / "photos").mkdir()
    save_noise_photo(tmp_path / "photos/a.png")
    out = tmp_path / ("dog" if form == "peft" else "dog.safetensors")
    ziplora("train", tmp_path / "photos", "--prompt", "a sks dog", "--base", base, "--rank", 2, "--iterations", 2,
            "--targets", "linear", "--format", form, "-o", out)
    done = run_ziplora("inspect", out, "--base", base, "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"a sks dog"' in done.stdout


# The rows of the acceptance matrix for SDXL. Left out of each: programs that load the file fully.
MATRIX = {
    "kohya-sgm": {"PEFT": "not"},
    "kohya-diffusers": {"PEFT": "not", "kohya merge script": "not"},
    "diffusers": {"PEFT": "not", "kohya sd-scripts": "not", "kohya merge script": "not", "ComfyUI": "partly", "Forge": "partly", "A1111": "not",
                  "InvokeAI": "not"},
    "peft": {"diffusers": "not", "kohya sd-scripts": "not", "kohya merge script": "not", "ComfyUI": "not", "Forge": "not", "A1111": "not",
             "stable-diffusion.cpp": "not", "InvokeAI": "not"},
    "comfy": {"diffusers": "not", "PEFT": "not", "kohya sd-scripts": "not", "kohya merge script": "not", "A1111": "not",
              "stable-diffusion.cpp": "unknown", "InvokeAI": "not"},
}


def verdicts(report):
    assert all(bool(p["reasons"]) == (p["verdict"] != "fully") for p in report["programs"])
    return {p["program"]: p["verdict"] for p in report["programs"] if p["verdict"] != "fully"}


@pytest.mark.parametrize("naming", MATRIX)
def test_who_can_load_it(naming, tmp_path):
    report = inspect(save(tmp_path / "lora.safetensors", sdxl_tensors(naming)))
    assert report["architecture"] == "SDXL base 1.0"
    assert verdicts(report) == MATRIX[naming]


def test_what_narrows_who_can_load_it(tmp_path):
    def lora(change, metadata=None):
        tensors = sdxl_tensors()
        change(tensors)
        return inspect(save(tmp_path / "lora.safetensors", tensors, metadata))

    first = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q"
    uneven = lora(lambda t: t.update({f"{first}.alpha": torch.tensor(1.0)}))
    assert verdicts(uneven) == {"PEFT": "not", "diffusers": "wrongly"} and kinds(uneven) == ["uneven-alpha"]
    missing = lora(lambda t: t.pop(f"{first}.alpha"))
    assert verdicts(missing)["diffusers"] == "wrongly"
    hidden = lora(lambda t: None, {"note": "no ss_base_model_version"})
    assert verdicts(hidden) == {"PEFT": "not", "A1111": "partly"}
    loha = lora(lambda t: t.update({f"lora_unet_middle_block_1_proj_in.hada_w{n}_{side}": torch.randn(shape)
                                    for n in (1, 2) for side, shape in (("a", (1280, 1)), ("b", (1, 1280)))}))
    assert loha["kinds"] == {"LoHa": 1, "LoRA": 4} and loha["defects"] == []
    assert verdicts(loha) == {"PEFT": "not", "diffusers": "not", "kohya sd-scripts": "partly",
                              "kohya merge script": "partly"}


def test_a_lora_for_the_tiny_base_says_so(base, pipeline, tmp_path):
    file = save_diffusers(tmp_path / "lora.safetensors", random_layers(pipeline, LayerChoice()))
    report = inspect(file, "--base", base)
    assert report["architecture"] == f"as {base}"
    assert verdicts(report)["ComfyUI"] == "not" and "diffusers" not in verdicts(report)


def test_the_table_fits_100_columns(good, base, pipeline, tmp_path):
    layers = random_layers(pipeline, LayerChoice(components=("unet", "text_encoder", "text_encoder_2"),
                                                 parts=EVERY_PART, ranks=(1, 2, 3, 4, 5), alpha="rank"))
    wide = save_kohya(tmp_path / "wide.safetensors", layers, pipeline, metadata={
        "modelspec.trigger_phrase": "ein süßer Hund, очень милый, " * 20, "x" * 200: "y" * 500 + "\x1b[31m",
        **{f"key{n}": "värde " * 30 for n in range(30)}})
    for arguments in ([good], [wide, "--base", base]):
        done = run_ziplora("inspect", *arguments)
        assert done.returncode == 0 and done.stderr == ""
        path, *lines = done.stdout.splitlines()
        assert path == str(arguments[0])
        assert [line for line in lines if len(line) > 100] == []
        assert "\x1b" not in done.stdout
    assert "32 entries in all" in done.stdout and "uneven-alpha" in done.stdout


@pytest.mark.parametrize("change, kind", [
    (lambda t, key: t[key].view(-1)[3].fill_(float("nan")), "non-finite"),
    (lambda t, key: t[key].view(-1)[3].fill_(float("inf")), "non-finite"),
    (lambda t, key: t[key].zero_(), "dead"),
    (lambda t, key: t.pop(key), "orphan"),
    (lambda t, key: t.update({key: torch.randn(640, 3)}), "malformed"),
    (lambda t, key: t.update({"optimizer.step": torch.zeros(1)}), "unknown-key"),
    (lambda t, key: t.update({key.replace("_4_1_", "_4_9_"): torch.ones(640, 2)}), "unknown-layer"),
    (lambda t, key: t.update({key.replace("lora_up.weight", "lambda_layer"): torch.ones(1, 2)}), "unsupported"),
])
def test_defects_are_named_and_check_exits_with_7(change, kind, tmp_path):
    tensors = sdxl_tensors()
    key = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_up.weight"
    change(tensors, key)
    file = save(tmp_path / "lora.safetensors", tensors)
    report = inspect(file)
    assert kinds(report) == [kind]
    assert report["defects"][0]["hint"] and report["defects"][0]["keys"]
    done = run_ziplora("inspect", file, "--check")
    assert done.returncode == 7 and f"{kind}: " in done.stdout and "1 defect was found" in done.stderr


def test_check_passes_what_is_clean(good):
    done = run_ziplora("inspect", good, "--check")
    assert done.returncode == 0 and "defects     none" in done.stdout


@pytest.mark.parametrize("form", ["kohya", "kohya-diffusers", "diffusers", "peft", "comfy"])
def test_what_a_merge_writes_is_clean_and_shows_its_recipe(form, good, tmp_path):
    style = save(tmp_path / "ink.safetensors", sdxl_tensors("diffusers", seed=1, rank=3))
    out = tmp_path / ("merged" if form == "peft" else "merged.safetensors")
    ziplora("merge", "--subject", good, "--style", f"{style}:0.5", "--subject-prompt", "a sks dog",
            "--subject-prompt", "a dog", "--method", "direct", "--format", form, "-o", out)
    assert run_ziplora("inspect", out, "--check").returncode == 0
    report = inspect(out)
    assert report["defects"] == [] and report["ranks"] == {"5": len(SDXL_LAYERS)}
    recipe = report["recipe"]
    assert recipe["method"] == "direct"
    assert [(i["role"], i["weight"], i["sha256"]) for i in recipe["inputs"]] == [
        ("subject", 1.0, hashlib.sha256(good.read_bytes()).hexdigest()),
        ("style", 0.5, hashlib.sha256(style.read_bytes()).hexdigest())]
    table = run_ziplora("inspect", out).stdout
    assert "ink.safetensors × 0.5, no prompt" in table and '"a sks dog", "a dog"' in table


def sd15(path):
    return save(path, sdxl_tensors("kohya-diffusers", layers={
        "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k": (320, 768),
        "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q": (640, 640),
        "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k": (640, 768)}))


def checkpoint(path):
    return save(path, {"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(4, 4, 3, 3),
                       "conditioner.embedders.0.transformer.text_model.x": torch.zeros(2)})


def raw(content):
    def write(path):
        path.write_bytes(content)
        return path
    return write


def truncated(path):
    save(path, sdxl_tensors())
    path.write_bytes(path.read_bytes()[:-100])
    return path


def folder(path):
    path.mkdir()
    return path


UNUSABLE = {
    "sd15": (sd15, 4, "looks like a LoRA for Stable Diffusion 1.5"),
    "refiner": (lambda path: save(path, sdxl_tensors("kohya-diffusers", layers={
        "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k": (768, 1280)})), 4, "the SDXL refiner"),
    "flux-kohya": (lambda path: save(path, {
        "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": torch.zeros(2, 3072),
        "lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight": torch.zeros(9216, 2)}), 4, "looks like a LoRA for Flux"),
    "flux-diffusers": (lambda path: save(path, {
        "transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": torch.zeros(2, 3072)}), 4,
        "looks like a LoRA for Flux"),
    "checkpoint": (checkpoint, 3, "It looks like a whole SDXL checkpoint"),
    "not-a-lora": (lambda path: save(path, {"weights": torch.zeros(2)}), 3, "none of its 1 keys is a LoRA factor"),
    "no-tensors": (lambda path: save(path, {}), 3, "the file holds no tensors"),
    "t-lora": (lambda path: save(path, {"lora_unet_middle_block_1_proj_in.lambda_layer": torch.zeros(1, 4)}), 4,
               "kind T-LoRA"),
    "oft-of-another-width": (lambda path: save(path, {
        "lora_unet_middle_block_1_proj_in.oft_blocks": torch.zeros(2, 4, 4)}), 4, "has 1280 outputs"),
    "empty": (raw(b""), 3, "the file has 0 bytes"),
    "text": (raw(b"<!DOCTYPE html><html>please log in</html>"), 3, "not a safetensors file"),
    "zip": (raw(b"PK\x03\x04" + b"torch archive " * 20), 3, "not a safetensors file"),
    "huge-header": (raw(struct.pack("<Q", 1 << 60) + b"{}"), 3, "the header would take"),
    "header-past-the-end": (raw(struct.pack("<Q", 5000) + b"{}"), 3, "ends inside its header"),
    "deep-json": (raw(struct.pack("<Q", 200000) + b"[" * 200000), 3, ""),
    "not-json": (raw(struct.pack("<Q", 8) + b"{{{{{{{{"), 3, ""),
    "truncated": (truncated, 3, ""),
    "empty-folder": (folder, 3, "no adapter_config.json"),
    "missing": (lambda path: path, 3, "there is no such file"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_no_lora_for_sdxl_is_an_error_everywhere(name, good, tmp_path):
    make, code, said = UNUSABLE[name]
    file = make(tmp_path / "wrong.safetensors")
    for command in (["inspect", file], ["merge", "--subject", good, "--style", file, "--method", "direct", "-o",
                                        tmp_path / "out.safetensors"]):
        error = ziplora_fails(code, *command)
        assert said in error["problem"] and error["hint"] and str(file) in error["where"]
    assert not (tmp_path / "out.safetensors").exists()


def test_one_bad_file_among_good_ones_spoils_only_itself(good, tmp_path):
    bad = sd15(tmp_path / "sd15.safetensors")
    done = run_ziplora("inspect", bad, good, "--json")
    assert done.returncode == 4
    first, second = json.loads(done.stdout)["files"]
    assert first["error"]["exit_code"] == 4 and second["layers"] == len(SDXL_LAYERS)
    assert events(done)[-1]["event"] == "error"
    assert "error" in run_ziplora("inspect", bad, good).stdout


BROKEN = {
    "ranks-differ": (lambda t, key: t.update({key: torch.randn(640, 3)}), "the ranks differ"),
    "nan": (lambda t, key: t[key].view(-1)[0].fill_(float("nan")), "holds NaN or Inf"),
    "inf": (lambda t, key: t[key].view(-1)[0].fill_(float("-inf")), "holds NaN or Inf"),
    "nan-alpha": (lambda t, key: t.update({key.replace("lora_up.weight", "alpha"): torch.tensor(float("nan"))}),
                  "holds NaN or Inf"),
    "orphan": (lambda t, key: t.pop(key), "lacks its up factor"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_layer_is_an_error_that_names_it(name, good, tmp_path):
    change, said = BROKEN[name]
    tensors = sdxl_tensors()
    change(tensors, "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_up.weight")
    bad = save(tmp_path / "bad.safetensors", tensors)
    error = ziplora_fails(3, "merge", "--subject", good, "--style", bad, "--method", "direct", "-o",
                          tmp_path / "out.safetensors")
    assert said in error["problem"] and error["hint"]
    assert "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k" in error["problem"]


def test_a_missing_alpha_means_scale_1_and_is_said_aloud(good, tmp_path):
    plain = save(tmp_path / "plain.safetensors", sdxl_tensors(alpha=None))
    result = ziplora("merge", "--subject", good, "--style", plain, "--method", "direct", "--file-dtype", "float32",
                     "-o", tmp_path / "out.safetensors")
    warnings = texts_of(result, "warning")
    assert warnings == ["plain.safetensors: no alpha for 4 of 4 layers: scale 1 is assumed there"]
    merged, source = load_file(tmp_path / "out.safetensors"), load_file(plain)
    for name in {key.split(".")[0] for key in source}:
        delta = source[f"{name}.lora_up.weight"] @ source[f"{name}.lora_down.weight"]
        down, up = merged[f"{name}.lora_down.weight"], merged[f"{name}.lora_up.weight"]
        scale = float(merged[f"{name}.alpha"]) / down.shape[0]
        assert torch.allclose(scale * up @ down, 2 * delta, atol=1e-5)  # both inputs are the same factors
    assert inspect(plain)["warnings"] == ["no alpha for 4 of 4 layers: scale 1 is assumed there"]


def test_inspect_alone_is_a_usage_error():
    error = ziplora_fails(2, "inspect")
    assert "files" in error["problem"]

"""`ziplora convert` as a user runs it: which files appear, equal bytes for equal input, formats that lose no bit, and
errors that leave nothing behind. What the files do in other programs: tests/parity/test_converted_files.py."""

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from error_words import assert_says
from lora_files import EVERY_PART, LayerChoice, random_layers, save_kohya
from program import BUILD, run_ziplora, texts_of, ziplora, ziplora_fails
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sgm_checkpoint import sgm_checkpoint
from tiny_sdxl import make_tiny_sdxl

COMPONENTS = ("unet", "text_encoder", "text_encoder_2")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("convert") / "base")


@pytest.fixture(scope="module")
def pipeline(base):
    return StableDiffusionXLPipeline.from_pretrained(base)


@pytest.fixture(scope="module")
def lora(pipeline, tmp_path_factory):
    layers = random_layers(pipeline, LayerChoice(components=COMPONENTS, parts=EVERY_PART, ranks=(4, 8), alpha="rank"))
    tags = {"10_sks dog": {"a sks dog": 5}}
    return save_kohya(tmp_path_factory.mktemp("lora") / "dog.safetensors", layers, pipeline,
                      metadata={"ss_tag_frequency": json.dumps(tags), "ss_base_model_version": "sdxl_base_v1-0"})


@pytest.fixture(scope="module")
def tuned(base, pipeline, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned") / "tuned"
    copy = StableDiffusionXLPipeline.from_pretrained(base)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for path in ("mid_block.resnets.0.conv1", "mid_block.attentions.0.proj_in"):
            weight = copy.unet.get_submodule(path).weight
            weight += 0.1 * torch.randn(weight.shape, generator=generator)
    copy.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def single_file(base, pipeline, tmp_path_factory):
    file = tmp_path_factory.mktemp("single-file") / "tiny.safetensors"
    save_file(sgm_checkpoint(pipeline), file)
    shutil.copytree(base, file.with_suffix(""), ignore=shutil.ignore_patterns("*.safetensors"))
    return file


def metadata_of(file):
    with safe_open(file, "pt") as opened:
        return opened.metadata()


def tree(folder):
    """Every file below by its bytes."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def name_of(form):
    return "out" if form == "peft" else "out.safetensors"


# Formats and dtypes

@pytest.mark.parametrize("form", ["kohya", "kohya-diffusers", "diffusers", "peft", "comfy"])
def test_float32_goes_round_through_every_format_without_losing_a_bit(form, lora, base, tmp_path):
    flags = ["--base", base, "--file-dtype", "f32"]
    ziplora("convert", lora, *flags, "-o", "start.safetensors", cwd=tmp_path)
    ziplora("convert", "start.safetensors", *flags, "--format", form, "-o", name_of(form), cwd=tmp_path)
    ziplora("convert", name_of(form), *flags, "-o", "back.safetensors", cwd=tmp_path)
    start, back = load_file(tmp_path / "start.safetensors"), load_file(tmp_path / "back.safetensors")
    assert start.keys() == back.keys() and len(start) > 300
    for name, value in start.items():
        assert torch.equal(back[name], value), name
    start, back = metadata_of(tmp_path / "start.safetensors"), metadata_of(tmp_path / "back.safetensors")
    assert back == start
    assert json.loads(back["ziplora.source"]) == {"file": lora.name,
                                                  "sha256": hashlib.sha256(lora.read_bytes()).hexdigest()}
    for file in ("start.safetensors", name_of(form), "back.safetensors"):
        assert run_ziplora("inspect", file, "--base", base, "--check", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("flags", [["--format", "kohya"], ["--format", "kohya-diffusers"], ["--format", "diffusers"],
                                   ["--format", "peft"], ["--format", "comfy"], ["--rank", 2],
                                   ["--energy", 0.9]], ids=str)
def test_equal_input_gives_equal_bytes(flags, lora, base, tmp_path):
    out = name_of(flags[1])
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        ziplora("convert", lora, "--base", base, *flags, "-o", out, cwd=tmp_path / run)
    assert tree(tmp_path / "a") == tree(tmp_path / "b") != {}


def test_the_dtype_stays_unless_another_is_asked_for(lora, base, tmp_path):
    kept = ziplora("convert", lora, "--base", base, "-o", "a.safetensors", cwd=tmp_path)
    assert kept["files"][0]["dtype"] == "float32"
    for flag, dtype, stored in (("f16", "float16", torch.float16), ("bfloat16", "bfloat16", torch.bfloat16)):
        result = ziplora("convert", lora, "--base", base, "--file-dtype", flag, "-o", "h.safetensors", cwd=tmp_path)
        again = ziplora("convert", "h.safetensors", "--base", base, "-o", "h2.safetensors", cwd=tmp_path)
        assert result["files"][0]["dtype"] == again["files"][0]["dtype"] == dtype
        for file in ("h.safetensors", "h2.safetensors"):
            assert {value.dtype for key, value in load_file(tmp_path / file).items()
                    if not key.endswith(".alpha")} == {stored}


def test_metadata_goes_along_and_tells_the_truth(lora, base, tmp_path):
    ziplora("convert", lora, "--base", base, "--rank", 3, "-o", "small.safetensors", cwd=tmp_path)
    metadata = metadata_of(tmp_path / "small.safetensors")
    assert json.loads(metadata["ss_tag_frequency"]) == {"10_sks dog": {"a sks dog": 5}}
    assert metadata["ss_base_model_version"] == "sdxl_custom"  # the input claims SDXL, whose shapes it has not
    compression = json.loads(metadata["ziplora.compression"])
    assert metadata["ss_network_dim"] == "3" and compression["relative_error"] > 0
    assert compression["rule"] == {"energy": 1.0, "rank": 3}
    data = (tmp_path / "small.safetensors").read_bytes()
    data = data[8 + int.from_bytes(data[:8], "little"):]
    assert metadata["sshs_model_hash"] == hashlib.sha256(data).hexdigest()


def test_several_files_go_into_a_folder(lora, base, tmp_path):
    for name in ("a", "b"):
        shutil.copy(lora, tmp_path / f"{name}.safetensors")
    result = ziplora("convert", "a.safetensors", "b.safetensors", "--base", base, "--format", "diffusers",
                     "-o", "new/folder", cwd=tmp_path)
    assert [entry["output"] for entry in result["files"]] == ["new/folder/a.safetensors", "new/folder/b.safetensors"]
    assert len(list((tmp_path / "new/folder").iterdir())) == 2
    one = ziplora("convert", "a.safetensors", "--base", base, "-o", "new", cwd=tmp_path)
    assert one["files"][0]["output"] == "new/a.safetensors"
    both = ziplora("convert", "a.safetensors", "b.safetensors", "--base", base, "--format", "peft", "-o", "peft",
                   cwd=tmp_path)
    for entry in both["files"]:
        assert (tmp_path / entry["output"] / "unet" / "adapter_config.json").exists()


def test_sdxl_files_need_no_base(tmp_path):
    module = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"
    save_file({f"{module}.lora_down.weight": torch.randn(4, 2048), f"{module}.lora_up.weight": torch.randn(640, 4)},
              tmp_path / "lora.safetensors")
    ziplora("convert", "lora.safetensors", "--format", "diffusers", "-o", "out.safetensors", cwd=tmp_path)
    assert "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight" in load_file(
        tmp_path / "out.safetensors")


# Text for people

def test_text_tells_of_the_file_and_of_the_layers_that_lost_most(lora, base, tmp_path):
    done = run_ziplora("convert", lora, "--base", base, "--format", "diffusers", "-o", "out.safetensors", cwd=tmp_path)
    assert done.stdout.startswith("out.safetensors  diffusers, float32, ") and done.stdout.count("\n") == 1
    done = run_ziplora("convert", lora, "--base", base, "--rank", 2, "-o", "out.safetensors", cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["layer", "rank", "norm", "error"]
    errors = [float(line.split()[-1]) for line in lines[1:13]]
    assert errors == sorted(errors, reverse=True) and errors[0] > errors[-1]
    assert "--json lists them all" in lines[13] and lines[14].startswith("error of all layers together: 0.")
    assert lines[15].startswith("out.safetensors  kohya, ")


def test_text_of_extracting_and_baking_ends_with_the_file(base, tuned, lora, tmp_path):
    done = run_ziplora("convert", "--extract", tuned, "--from", base, "--rank", 2, "-o", "out.safetensors",
                       cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert lines[1].startswith("unet.mid_block.") and lines[-1].startswith("out.safetensors  kohya, float16, 2 layers")
    assert run_ziplora("inspect", "out.safetensors", "--base", base, "--check", cwd=tmp_path).returncode == 0
    done = run_ziplora("convert", "--bake", lora, "--into", base, "-o", "baked", cwd=tmp_path)
    assert done.stdout.startswith("baked  ") and "tensors changed" in done.stdout


# Extracting and baking

def test_extracting_and_baking_give_equal_bytes(base, tuned, lora, single_file, tmp_path):
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        ziplora("convert", "--extract", tuned, "--from", base, "-o", "lora.safetensors", cwd=tmp_path / run)
        ziplora("convert", "--bake", lora, "--into", base, "-o", "folder", cwd=tmp_path / run)
        ziplora("convert", "--bake", f"{lora}:0.5", "--into", single_file, "-o", "one.safetensors", cwd=tmp_path / run)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    assert len(tree(tmp_path / "a")) > 10


def test_extracted_files_bake_back(base, tuned, tmp_path):
    ziplora("convert", "--extract", tuned, "--from", base, "--file-dtype", "f32", "-o", "lora.safetensors", cwd=tmp_path)
    ziplora("convert", "--bake", "lora.safetensors", "--into", base, "-o", "again", cwd=tmp_path)
    wanted = load_file(tuned / "unet" / "diffusion_pytorch_model.safetensors")
    for name, value in load_file(tmp_path / "again" / "unet" / "diffusion_pytorch_model.safetensors").items():
        assert torch.allclose(value, wanted[name], rtol=1e-5, atol=1e-5), name


def test_a_peft_folder_bakes_as_the_file_that_it_came_from(base, lora, single_file, tmp_path):
    ziplora("convert", lora, "--base", base, "--format", "peft", "--file-dtype", "f32", "-o", "peft", cwd=tmp_path)
    for adapter, out in ((lora, "file.safetensors"), ("peft", "folder.safetensors")):
        ziplora("convert", "--bake", adapter, "--into", single_file, "-o", out, cwd=tmp_path)
    wanted = load_file(tmp_path / "file.safetensors")
    for name, value in load_file(tmp_path / "folder.safetensors").items():
        assert torch.allclose(value, wanted[name], rtol=1e-5, atol=1e-6), name


def test_a_folder_of_links_bakes_as_the_files_that_they_lead_to(base, lora, tmp_path):
    for file in (entry for entry in base.rglob("*") if entry.is_file()):
        link = tmp_path / "snapshots" / "links" / file.relative_to(base)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)
    ziplora("convert", "--bake", lora, "--into", base, "-o", "plain", cwd=tmp_path)
    ziplora("convert", "--bake", lora, "--into", "snapshots/links", "-o", "linked", cwd=tmp_path)
    plain, linked = tree(tmp_path / "plain"), tree(tmp_path / "linked")
    assert plain.keys() == linked.keys()
    assert all(plain[name] == linked[name] for name in plain if not str(name).endswith(".safetensors"))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["linked", "plain", "snapshots"]


@pytest.mark.parametrize("name", ["README.md", "tokenizer/notes.txt", "vae/config.json"])
def test_a_link_out_of_a_base_is_not_copied(base, lora, tmp_path, name):
    """A base from the web could point at any file of whoever bakes it, and publishes the result."""
    secret = tmp_path / "secret.json"
    secret.write_text((base / "vae" / "config.json").read_text())
    shutil.copytree(base, tmp_path / "base")
    (tmp_path / "base" / name).unlink(missing_ok=True)
    (tmp_path / "base" / name).symlink_to(secret)
    error = ziplora_fails(3, "convert", "--bake", lora, "--into", "base", "-o", "baked", cwd=tmp_path)
    assert name in error["where"] and str(secret) in error["problem"] and "leads out of the base" in error["problem"]
    assert not (tmp_path / "baked").exists()
    # A link inside the base leads to what belongs to it.
    (tmp_path / "base" / name).unlink()
    (tmp_path / "base" / name).symlink_to(tmp_path / "base" / "unet" / "config.json" if "vae" not in name else
                                          shutil.copy(secret, tmp_path / "base" / "inside.json"))
    ziplora("convert", "--bake", lora, "--into", "base", "-o", "baked", cwd=tmp_path)


def test_an_index_that_names_folders_elsewhere_copies_nothing_of_them(base, lora, tmp_path):
    hostile = tmp_path / "hostile"
    shutil.copytree(base, hostile)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.txt").write_text("secret")
    index = json.loads((hostile / "model_index.json").read_text())
    for name in ("../secret", str(tmp_path / "secret"), "..", ".", ""):
        index[name] = ["diffusers", "AutoencoderKL"]
    (hostile / "model_index.json").write_text(json.dumps(index))
    (tmp_path / "out").mkdir()
    ziplora("convert", "--bake", lora, "--into", hostile, "-o", "baked", cwd=tmp_path / "out")
    assert not [file for file in (tmp_path / "out").rglob("*") if file.name == "key.txt"]
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["baked"]


def test_a_scale_of_zero_changes_no_weight(base, lora, single_file, tmp_path):
    ziplora("convert", "--bake", f"{lora}:0", "--into", single_file, "-o", "same.safetensors", cwd=tmp_path)
    before = load_file(single_file)
    for name, value in load_file(tmp_path / "same.safetensors").items():
        assert torch.equal(value, before[name]), name


def test_a_single_file_with_settings_beside_it_says_what_to_copy(base, lora, single_file, tmp_path):
    result = ziplora("convert", "--bake", lora, "--into", single_file, "-o", "baked.safetensors", cwd=tmp_path)
    notes = texts_of(result, "note")
    assert any(str(single_file.with_suffix("")) in note and "baked" in note for note in notes)


def test_a_full_disk_leaves_nothing(base, lora, single_file, tmp_path):
    def limit_file_size():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    for into, out in ((single_file, "baked.safetensors"), (base, "baked")):
        done = subprocess.run([BUILD / "ziplora", "convert", "--bake", lora, "--into", into, "-o", out, "--json"],
                              cwd=tmp_path, capture_output=True, text=True, preexec_fn=limit_file_size)
        assert done.returncode == 5 and done.stdout == "", done.stderr
        assert list(tmp_path.iterdir()) == []


# Errors

ERRORS = {  # name: (exit code, arguments, words of where and problem, words of the hint)
    "no input": (2, ["-o", "o.safetensors"], "no file", "ziplora convert"),
    "missing file": (3, ["none.safetensors", "-o", "o.safetensors"], "none.safetensors", "spelling of the path"),
    "unknown format": (2, ["{lora}", "--base", "{base}", "--format", "koya", "-o", "o.safetensors"],
                       "'koya' is not", "choose one of: kohya, "),
    "unknown dtype": (2, ["{lora}", "--file-dtype", "int8", "-o", "o.safetensors"],
                      "there is no 'int8'", "one of these names"),
    "rank 0": (2, ["{lora}", "--base", "{base}", "--rank", 0, "-o", "o.safetensors"], "1 or more, found 0", "32"),
    "energy above 1": (2, ["{lora}", "--base", "{base}", "--energy", 99, "-o", "o.safetensors"],
                       "99 is", "0.99 keeps 99 %"),
    "output is an input": (2, ["{lora}", "--base", "{base}", "-o", "{lora}"], "one of the inputs", "another name"),
    "another base": (4, ["{lora}", "-o", "o.safetensors"], "this SDXL architecture needs", "made for the base"),
    "no folder": (1, ["{lora}", "--base", "{base}", "-o", "no/o.safetensors"], "does not exist", "mkdir -p no"),
    "two of one name": (2, ["{lora}", "{lora}", "--base", "{base}", "-o", "out"],
                        "both become out/dog.safetensors", "one by one"),
    "several into a file": (2, ["{lora}", "{base}", "--base", "{base}", "-o", "{lora}"],
                            "this is a file", "name a folder"),
    "extract without base": (2, ["--extract", "{tuned}", "-o", "o.safetensors"],
                             "tuned from is missing", "add --from BASE"),
    "from without tuned": (2, ["--from", "{base}", "-o", "o.safetensors"],
                           "the tuned model is missing", "add --extract"),
    "extract of equals": (4, ["--extract", "{base}", "--from", "{base}", "-o", "o.safetensors"], "same weights",
                          "with --from what it was tuned from"),
    "extract of a LoRA": (4, ["--extract", "{lora}", "--from", "{base}", "-o", "o.safetensors"], "looks like a LoRA",
                          "an SDXL base is needed"),
    "extract with a file": (2, ["{lora}", "--extract", "{tuned}", "--from", "{base}", "-o", "o"],
                            "a file without a flag", "the three uses"),
    "bake without base": (2, ["--bake", "{lora}", "-o", "o"], "bake into is missing", "add --into BASE"),
    "into without adapter": (2, ["--into", "{base}", "-o", "o"], "no adapter to bake", "add --bake FILE"),
    "bake with a rank": (2, ["--bake", "{lora}", "--into", "{base}", "--rank", 4, "-o", "o"], "--rank has no meaning",
                         "the three uses"),
    "bake with no number": (2, ["--bake", "{lora}:much", "--into", "{base}", "-o", "o"], "'much' after the colon",
                           "--bake cat.safetensors:0.8"),
    "bake into nothing": (3, ["--bake", "{lora}", "--into", "none", "-o", "o"], "read none: there is no such",
                          "spelling of the path"),
    "bake into a LoRA": (4, ["--bake", "{lora}", "--into", "{lora}", "-o", "o"], "looks like a LoRA",
                         "an SDXL base is needed"),
    "bake over a folder": (2, ["--bake", "{lora}", "--into", "{base}", "-o", "{tuned}"], "not overwritten",
                           "another name for the output"),
    "bake over the base": (2, ["--bake", "{lora}", "--into", "{single_file}", "-o", "{single_file}"],
                           "one of the inputs",
                           "another name"),
    "bake beyond half": (6, ["--bake", "{lora}:1e9", "--into", "{base}", "--file-dtype", "f16", "-o", "o"],
                         "that Half cannot hold", "write float32"),
    "extract into the base": (2, ["--extract", "{tuned}", "--from", "{base}", "-o",
                                  "{base}/unet/diffusion_pytorch_model.safetensors"], "one of the inputs",
                              "another name"),
    "a name too long": (1, ["{lora}", "--base", "{base}", "-o", "n" * 300 + ".safetensors"],
                        "name too long", "check the path"),
    "peft over a folder": (2, ["{lora}", "--base", "{base}", "--format", "peft", "-o", "{tuned}"], "not overwritten",
                           "remove it"),
    "vectors into peft": (2, ["--extract", "{tuned}", "--from", "{base}", "--vectors", "--format", "peft", "-o", "o"],
                          "no place for biases", "--format kohya"),
    "extract into a folder": (2, ["--extract", "{tuned}", "--from", "{base}", "-o", "{tuned}"], "one of the inputs",
                              "another name"),
    "vectors elsewhere": (2, ["{lora}", "--vectors", "-o", "o.safetensors"],
                          "--vectors has no meaning", "the three uses"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_has_its_code_and_leaves_nothing(name, base, tuned, lora, single_file, tmp_path):
    code, arguments, problem, hint = ERRORS[name]
    places = dict(base=base, tuned=tuned, lora=lora, single_file=single_file)
    before = {path: path.read_bytes() for path in (lora, single_file)} | {tuned: tree(tuned)}
    error = ziplora_fails(code, "convert", *(str(word).format(**places) for word in arguments), cwd=tmp_path)
    assert_says(error, problem, hint)
    assert list(tmp_path.iterdir()) == []
    assert {path: path.read_bytes() for path in (lora, single_file)} | {tuned: tree(tuned)} == before
    assert not list(tuned.parent.glob("*.part")) and len(list(tuned.parent.iterdir())) == 1


def test_weights_that_are_not_of_their_config_are_named(base, tmp_path):
    shutil.copytree(base, tmp_path / "odd")
    config = tmp_path / "odd" / "unet" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"cross_attention_dim": 48}))
    shutil.copytree(tmp_path / "odd", tmp_path / "tuned")
    file = tmp_path / "tuned" / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    name = next(key for key in sorted(weights) if key.endswith("attn2.to_k.weight"))
    weights[name] += 1
    save_file(weights, file)
    error = ziplora_fails(4, "convert", "--extract", "tuned", "--from", "odd", "-o", "o.safetensors", cwd=tmp_path)
    assert name in error["problem"] and ", 48]" in error["problem"] and ", 32]" in error["problem"]
    assert not (tmp_path / "o.safetensors").exists()


def test_files_of_sdxl_need_no_base_whatever_the_default_is(base, lora, tmp_path):
    unet = tmp_path / "other" / "unet"
    shutil.copytree(base, tmp_path / "other")
    config = json.loads((unet / "config.json").read_text())
    (unet / "config.json").write_text(json.dumps(config | {"addition_embed_type": None}))  # Stable Diffusion 1's
    environment = dict(os.environ, ZIPLORA_BASE=str(tmp_path / "other"))
    ziplora("convert", lora, "--base", base, "-o", "out.safetensors", cwd=tmp_path, env=environment)
    module = "lora_unet_middle_block_1_proj_in"
    save_file({f"{module}.lora_down.weight": torch.randn(2, 1280), f"{module}.lora_up.weight": torch.randn(1280, 2)},
              tmp_path / "sdxl.safetensors")
    ziplora("convert", "sdxl.safetensors", "-o", "out2.safetensors", cwd=tmp_path, env=environment)
    error = ziplora_fails(4, "convert", lora, "-o", "out3.safetensors", cwd=tmp_path, env=environment)
    assert error["where"] == f"read {lora}"  # what does not fit is the file, not the base that nobody named

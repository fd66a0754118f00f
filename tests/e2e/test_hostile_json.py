"""JSON from others, wherever it is read: too deep, too large, of other types, cut off. Each is an error of the input that
names the file; none ends the program or is our own bug."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from program import events, run_ziplora, ziplora
from small_inputs import make_small_inputs

DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000
HOSTILE = {"deep": DEEP, "deep lists": "[" * 100_000, "large": '{"a": "' + "x" * (40 << 20) + '"}', "no object": "[1, 2]",
           "a number": "1", "null": "null", "empty": "", "cut off": '{"a": ', "not UTF-8": b'{"a": "\xff"}'}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = make_small_inputs(tmp_path_factory.mktemp("inputs"))
    ziplora("convert", folder / "dog.safetensors", "--base", folder / "base", "--format", "peft", "-o", folder / "peft")
    (folder / "photos/metadata.jsonl").write_text('{"file_name": "a.png", "text": "a dog"}\n')
    return folder


def write(file, content):
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


def fails_soundly(name, arguments, **options):
    done = run_ziplora(*arguments, "--json", timeout=60, **options)
    assert done.returncode in (2, 3, 4), (done.returncode, done.stderr[-500:])
    error = events(done)[-1]
    assert name in error["where"] + error["problem"] and error["hint"] and len(error["problem"]) < 2000


BASE_FILES = ["model_index.json", "unet/config.json", "text_encoder/config.json", "vae/config.json",
              "scheduler/scheduler_config.json", "tokenizer/vocab.json", "tokenizer/tokenizer_config.json"]


@pytest.mark.promise("JSON that is too deep, too large or of other types is an error that names the file.")
@pytest.mark.parametrize("content", HOSTILE)
def test_a_base(content, inputs, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(inputs / "base", base)
    for file in BASE_FILES:
        sound = (base / file).read_bytes()
        write(base / file, HOSTILE[content])
        fails_soundly(Path(file).name, ["generate", "a", "--base", base, "--steps", 1, "-o", tmp_path / "a.png"])
        (base / file).write_bytes(sound)


@pytest.mark.parametrize("content", HOSTILE)
def test_the_other_readers(content, inputs, tmp_path):
    text, base = HOSTILE[content], ["--base", inputs / "base"]
    shutil.copytree(inputs / "peft", tmp_path / "peft")
    shutil.copytree(inputs / "photos", tmp_path / "photos")
    write(next((tmp_path / "peft").rglob("adapter_config.json")), text)
    write(tmp_path / "photos/metadata.jsonl", text)
    write(tmp_path / "c.json", text)
    generate = ["generate", "a", *base, "--steps", 1, "-o", tmp_path / "a.png"]
    fails_soundly("c.json", [*generate, "--config", tmp_path / "c.json"])
    fails_soundly("c.json", ["merge", "--recipe", tmp_path / "c.json", *base, "-o", tmp_path / "o.safetensors"])
    if content not in ("empty", "large"):  # no captions at all; JSON lines may be long
        fails_soundly("metadata.jsonl", ["train", tmp_path / "photos", "--prompt", "a", *base, "--iterations", 1,
                                         "--run-folder", tmp_path / "run", "-o", tmp_path / "o.safetensors"])
    if isinstance(text, str) and content != "large":
        settings = PngImagePlugin.PngInfo()
        settings.add_text("ziplora", text)
        Image.new("RGB", (8, 8)).save(tmp_path / "like.png", pnginfo=settings)
        fails_soundly("like.png", ["generate", "--like", tmp_path / "like.png", *base, "-o", tmp_path / "a.png"])
    done = run_ziplora("inspect", tmp_path / "peft", *base, timeout=60)
    assert done.returncode in (0, 3, 4), done


OTHER_TYPES = [("model_index.json", {"_class_name": 5}), ("model_index.json", {"force_zeros_for_empty_prompt": "yes"}),
               ("scheduler/scheduler_config.json", {"_class_name": []}),
               ("scheduler/scheduler_config.json", {"use_karras_sigmas": "x", "_class_name": "EulerDiscreteScheduler"}),
               ("scheduler/scheduler_config.json", {"num_train_timesteps": -1}),
               ("text_encoder/config.json", {"architectures": 3}), ("text_encoder/config.json", {"architectures": [1]}),
               ("unet/config.json", {"block_out_channels": "x"}), ("vae/config.json", {"scaling_factor": None}),
               ("tokenizer/tokenizer_config.json", {"added_tokens_decoder": [1]}),
               ("tokenizer/tokenizer_config.json", {"added_tokens_decoder": {"1e3": {"content": "a"}}}),
               ("tokenizer/tokenizer_config.json", {"added_tokens_decoder": {"3": 5}})]


@pytest.mark.parametrize("file, fields", OTHER_TYPES)
def test_a_field_of_another_type_is_no_internal_error(file, fields, inputs, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(inputs / "base", base)
    if not (base / file).exists():
        (base / file).write_text("{}")
    (base / file).write_text(json.dumps(json.loads((base / file).read_text()) | fields))
    done = run_ziplora("generate", "a", "--base", base, "--steps", 1, "-o", tmp_path / "a.png", "--json", timeout=60)
    assert done.returncode in (0, 2, 3, 4), (done.returncode, done.stderr[-500:])

"""The Python package: its functions are the program's verbs, its errors and events the program's, and Ctrl-C reaches both."""

import doctest
import inspect
import io
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import typing
import warnings
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from embedded_base import MINI
from lora_files import LayerChoice, random_layers, save_kohya
from noise_photo import save_noise_photo
from program import BUILD, run_ziplora
from program import ziplora as run_cli
from python_package import FOLDER
from safetensors.torch import load_file, save_file
from test_command_line import VERBS

import ziplora

ROOT = Path(__file__).resolve().parents[2]
SAID = {verb["name"]: verb for verb in json.loads(run_ziplora("--print-flags").stdout)["verbs"]}
# Doctests run the examples of the help as they stand; this makes their jobs short.
SHORT_JOBS = f"""#!/bin/sh
verb="$1"; shift
case "$verb" in
  merge) set -- --context-steps=1 "$@" ;;
  evaluate)
    for word; do
      shift
      case "$word" in --judge=*) word=--judge=pixels ;; esac
      set -- "$@" "$word"
    done
    set -- --steps=1 "$@" ;;
  train) set -- --iterations=1 --rank=2 "$@" ;;
esac
exec {BUILD}/ziplora "$verb" "$@"
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    pipeline = StableDiffusionXLPipeline.from_pretrained(MINI)
    for seed, name in enumerate(("dog", "ink", "ghost-in-ink")):
        save_kohya(folder / f"{name}.safetensors", random_layers(pipeline, LayerChoice(alpha="rank", seed=seed)), pipeline,
                   metadata={"modelspec.trigger_phrase": "in szn style" if name == "ink" else f"a sks {name}"})
    (folder / "photos").mkdir()
    save_noise_photo(folder / "photos/a.png")
    pairs = {
        "subjects": [{"name": "dog", "lora": "../dog.safetensors", "prompt": "a sks dog", "images": "../photos"}],
        "styles": [{"name": "ink", "lora": "../ink.safetensors", "prompt": "in szn style", "images": "../photos",
                    "own_prompts": ["a rose, in szn style"]}],
        "prompts": ["{subject}, {style}"], "seeds": [3], "pairs": [{"subject": "dog", "style": "ink"}],
        "methods": [{"method": "direct"}]}
    (folder / "pairs").mkdir()
    (folder / "pairs/manifest.json").write_text(json.dumps(pairs))
    (folder / "sdxl.safetensors").symlink_to(MINI)
    run_ziplora("convert", "--bake", folder / "dog.safetensors", "--into", MINI, "-o", folder / "tuned.safetensors")
    return folder


@pytest.fixture
def here(inputs, monkeypatch):
    monkeypatch.chdir(inputs)
    return inputs


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_is_a_typed_function_of_its_flags(verb):
    function = getattr(ziplora, verb)
    parameters = inspect.signature(function).parameters
    names = [flag["name"] + ("_" if flag["name"] == "from" else "") for flag in SAID[verb]["flags"]]
    assert set(parameters) == {*names, "progress"} and len(parameters) == len(names) + 1
    assert all(parameter.annotation != parameter.empty for parameter in parameters.values())
    required = {name for name, parameter in parameters.items() if parameter.default is parameter.empty}
    assert required == {flag["name"] for flag in SAID[verb]["flags"] if flag["required"]}
    hints = typing.get_type_hints(function)
    assert hints["return"] is ziplora.Result
    assert ziplora.flag_table(verb) == SAID[verb]["flags"]
    text = " ".join(function.__doc__.split())
    for name, flag in zip(names, SAID[verb]["flags"]):
        assert f" {name}: {' '.join(flag['help'].removesuffix(' (required)').split())}" in text


def test_the_package_says_that_it_is_typed_and_has_every_verb():
    assert (FOLDER / "ziplora/py.typed").exists()
    assert set(VERBS) <= set(ziplora.__all__) and ziplora.__version__ in run_ziplora("--version").stdout


@pytest.fixture
def short_jobs(inputs, tmp_path, monkeypatch):
    """In a copy of the inputs: examples overwrite them."""
    monkeypatch.chdir(shutil.copytree(inputs, tmp_path / "copy", symlinks=True))
    program = tmp_path / "short-jobs"
    program.write_text(SHORT_JOBS)
    program.chmod(0o755)
    monkeypatch.setenv("ZIPLORA_PROGRAM", str(program))


@pytest.mark.parametrize("verb", VERBS)
def test_the_docstrings_examples_run(verb, short_jobs):
    example = doctest.DocTestParser().get_doctest(getattr(ziplora, verb).__doc__, {"ziplora": ziplora}, verb, None, 0)
    assert len(example.examples) == len(SAID[verb]["examples"]) > 0
    said = io.StringIO()
    assert doctest.DocTestRunner().run(example, out=said.write).failed == 0, said.getvalue()


def test_the_example_of_docs_python_runs(short_jobs):
    text = (ROOT / "docs/python.md").read_text()
    code = re.search(r"(?:^    .*\n|^\n)+", text[text.index("    import ziplora"):], re.M)[0]
    pipe = StableDiffusionXLPipeline.from_pretrained(MINI)
    exec(textwrap.dedent(code), {"pipe": pipe})
    assert pipe.get_active_adapters()
    assert {path.name for path in Path().glob("dog*")} >= {
        "dog.safetensors", "dog-in-ink.safetensors", "dog-diffusers.safetensors", "dog-1.png", "dog-2.png"}


def test_events_arrive_one_by_one_and_the_result_is_the_programs(here, tmp_path):
    events = []
    result = ziplora.merge(method="direct", subject="dog.safetensors", style=here / "ink.safetensors",
                           output=tmp_path / "both.safetensors", progress=events.append)
    steps = [event for event in events if event.kind == "step" and event.stage == "merge"]
    assert [event.step for event in steps] == list(range(1, steps[0].total + 1))
    assert events[0].kind == "stage_started" and events[-1].seconds > 0
    assert result.output == tmp_path / "both.safetensors"
    printed = run_cli("merge", "--method", "direct", "--subject", "dog.safetensors", "--style", here / "ink.safetensors",
                      "-o", result.output, cwd=here)
    measured = ("seconds", "peak_memory_bytes", "stages", "events")
    assert {name: value for name, value in result.items() if name not in measured} == {
        name: value for name, value in printed.items() if name not in measured}


def test_lists_switches_and_words_that_look_like_flags_arrive(here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = ziplora.generate(["--a cat", "[a fox, in ink]"], steps=1, karras=True, vae_tiling=False, negative_prompt="-x",
                            scheduler="euler", adapter=[here / "dog.safetensors", f"{here}/ink.safetensors:0.5"], output="a.png")
    assert [image["prompt"] for image in done["images"]] == ["--a cat", "[a fox, in ink]"]
    assert (tmp_path / "a-2.png").exists()


def test_a_merge_loads_into_a_diffusers_pipeline(here, tmp_path):
    merged = ziplora.merge(method="direct", subject="dog.safetensors", style="ink.safetensors", output=tmp_path / "both.safetensors")
    pipe = StableDiffusionXLPipeline.from_pretrained(MINI, torch_dtype=torch.float32)
    name = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
    assert merged.load_into(pipe, adapter_name="both") is pipe
    layer = pipe.unet.get_submodule(name)
    assert pipe.get_active_adapters() == ["both"]
    stored = load_file(merged.output)
    down, up = (next(tensor for key, tensor in stored.items() if "input_blocks_4_1" in key and "attn1_to_q" in key and part in key)
                for part in ("lora_down", "lora_up"))
    assert torch.equal(layer.lora_A["both"].weight, down.float()) and torch.equal(layer.lora_B["both"].weight, up.float())
    assert layer.scaling["both"] == 1


def test_what_is_no_lora_does_not_load(here, tmp_path):
    drawn = ziplora.generate("a cat", steps=1, output=tmp_path / "a.png")
    assert drawn.output == tmp_path / "a.png"
    with pytest.raises(ziplora.Error, match="not one LoRA file"):
        drawn.load_into(None)


def test_errors_carry_kind_place_problem_and_hint(here):
    with pytest.raises(ziplora.Error) as caught:
        ziplora.merge(method="tiess", subject="dog.safetensors", style="ink.safetensors", output="x.safetensors")
    error = caught.value
    assert (error.kind, error.exit_code) == ("usage", 2)
    assert "tiess" in error.problem and "ties" in error.hint and "merge" in error.where
    with pytest.raises(ziplora.Error) as caught:
        ziplora.inspect("missing.safetensors")
    assert caught.value.kind == "input"


def test_a_check_that_fails_still_tells_what_it_found(here, tmp_path):
    layers = load_file(here / "dog.safetensors")
    key = next(key for key in layers if "lora_up" in key)
    save_file(layers | {key: torch.full_like(layers[key], float("nan"))}, tmp_path / "broken.safetensors")
    with pytest.raises(ziplora.Error) as caught:
        ziplora.inspect(tmp_path / "broken.safetensors", check=True)
    assert caught.value.kind == "below-threshold" and caught.value.result["defects"] > 0


def test_warnings_are_pythons_warnings(here, tmp_path):
    stored = load_file(here / "dog.safetensors")
    save_file(stored | {"bundle_emb.x.string_to_param.*": torch.ones(1, 4)}, tmp_path / "more.safetensors")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ziplora.convert(tmp_path / "more.safetensors", ignore_unused=True, output=tmp_path / "less.safetensors")
    assert any(issubclass(warning.category, ziplora.ZiploraWarning) for warning in caught)
    assert all(warning.filename == __file__ for warning in caught if warning.category is ziplora.ZiploraWarning)


INTERRUPTED = """
import ziplora, sys
def tell(event):
    if event.kind == "step" and event.stage == "train":
        print("step", flush=True)
try:
    ziplora.train(sys.argv[1], prompt="a sks dog", iterations=100000, rank=2, output="slow.safetensors", progress=tell)
except KeyboardInterrupt as interrupted:
    print("interrupted:", interrupted, "|", interrupted.__cause__.kind, flush=True)
"""


@pytest.mark.parametrize("to_the_group", [True, False])
def test_ctrl_c_stops_the_program_and_tells_how_to_go_on(inputs, to_the_group, tmp_path):
    """A terminal sends it to the whole group, `kill` and notebooks to one process."""
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED, inputs / "photos"], cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True,
                               env=os.environ | {"PYTHONPATH": str(FOLDER)})
    assert process.stdout.readline() == "step\n"
    (os.killpg if to_the_group else os.kill)(process.pid, signal.SIGINT)
    last = process.stdout.read().splitlines()[-1]
    assert process.wait() == 0
    assert last.startswith("interrupted:") and "--resume" in last and last.endswith("| interrupted")
    assert not (tmp_path / "slow.safetensors").exists()


def test_an_error_in_the_callback_stops_the_program(here, tmp_path):
    def refuse(event):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        ziplora.generate("a cat", steps=500, output=tmp_path / "a.png", progress=refuse)
    assert not (tmp_path / "a.png").exists()


def written_program(folder: Path, text: str) -> Path:
    program = folder / "program"
    program.write_text(text)
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    return program


def test_while_the_program_is_silent_it_can_be_stopped(tmp_path, monkeypatch):
    class Impatient:
        calls = 0

        def __call__(self, event):
            raise AssertionError("it says nothing")

        def waiting(self):
            self.calls += 1
            if self.calls == 2:
                raise TimeoutError("enough")

    monkeypatch.setenv("ZIPLORA_PROGRAM", str(written_program(tmp_path, "#!/bin/sh\nexec sleep 20")))
    with pytest.raises(TimeoutError, match="enough"):
        ziplora.inspect("a.safetensors", progress=Impatient())


def test_the_program_of_another_environment_does_not_call_itself(here, tmp_path, monkeypatch):
    """Its command `ziplora` is a script, which reads ZIPLORA_PROGRAM, too."""
    script = written_program(tmp_path, f"#!/bin/sh\n[ -z \"$ZIPLORA_PROGRAM\" ] && exec {BUILD}/ziplora \"$@\"\nexit 9\n")
    monkeypatch.setenv("ZIPLORA_PROGRAM", str(script))
    assert ziplora.inspect("dog.safetensors")["defects"] == 0


@pytest.mark.parametrize("text, says", [
    ("#!/bin/sh\nkill -9 $$", "ended by SIGKILL"),
    ("#!/bin/sh\necho 'ziplora: error while loading shared libraries: libx.so' >&2; exit 127", "shared libraries"),
    ("#!/bin/sh\nexit 3", "exit code 3"),
])
def test_a_program_that_dies_is_an_error(text, says, tmp_path, monkeypatch):
    monkeypatch.setenv("ZIPLORA_PROGRAM", str(written_program(tmp_path, text)))
    with pytest.raises(ziplora.Error, match=says):
        ziplora.inspect("a.safetensors")


def test_a_program_that_is_not_there_or_no_program_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "text").write_text("no program")
    for name, says in (("missing", "No such file"), ("text", "Permission denied")):
        monkeypatch.setenv("ZIPLORA_PROGRAM", str(tmp_path / name))
        with pytest.raises(ziplora.Error, match=says) as caught:
            ziplora.inspect("a.safetensors")
        assert "ZIPLORA_PROGRAM" in caught.value.hint
        done = subprocess.run([sys.executable, "-m", "ziplora", "--version"], capture_output=True, text=True,
                              env=os.environ | {"PYTHONPATH": str(FOLDER)})
        assert done.returncode == 1 and done.stderr.startswith("error: start ziplora: ") and says in done.stderr


def test_a_line_of_progress_is_drawn_on_demand_and_in_notebooks_and_cleared(here, tmp_path, capsys, monkeypatch):
    ziplora.generate("a cat", steps=3, output=tmp_path / "a.png", progress=True)
    drawn = capsys.readouterr().err
    assert "\rdenoise 3/3" in drawn and drawn.endswith("\r")
    ziplora.generate("a cat", steps=3, output=tmp_path / "a.png")  # no terminal here
    assert capsys.readouterr().err == ""
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    ziplora.generate("a cat", steps=3, output=tmp_path / "a.png")
    assert "\rdenoise 3/3" in capsys.readouterr().err

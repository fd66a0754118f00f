"""`ziplora train` as a user runs it: files that diffusers loads, exact resume, every option, samples, and errors."""

import json
import shlex
import shutil
import subprocess

import numpy
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image
from program import interrupt, ziplora, ziplora_fails
from safetensors import safe_open
from safetensors.torch import load_file
from tiny_sdxl import make_tiny_sdxl

OUTPUT = "dog.safetensors"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A square, a landscape with a caption, and a portrait, each in another format."""
    folder = tmp_path_factory.mktemp("photos")
    random = numpy.random.default_rng(0)
    for name, width, height in (("a.png", 40, 40), ("b.jpg", 90, 40), ("c.webp", 33, 60)):
        Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=numpy.uint8)).save(folder / name)
    (folder / "b.txt").write_text("a sks dog, lying down")
    return folder


@pytest.fixture(scope="module")
def command(base, photos):
    """The command line with its options changed or added to. Ten iterations, after which the loss is recorded."""
    defaults = {"--prompt": "a sks dog", "--base": base, "-o": OUTPUT, "--rank": 4, "--seed": 1, "--lr": 1e-2,
                "--iterations": 10, "--file-dtype": "float32"}

    def arguments(*options, images=(photos,)):
        kept = [word for flag, value in defaults.items() if flag not in options for word in (flag, value)]
        return ["train", *images, *kept, *options]
    return arguments


@pytest.fixture(scope="module")
def plain(command, tmp_path_factory):
    """What other runs are compared with: their common command without further options."""
    folder = tmp_path_factory.mktemp("plain")
    return folder, ziplora(*command(), cwd=folder)


def factors(folder) -> torch.Tensor:
    return torch.cat([value.flatten() for _, value in sorted(load_file(folder / OUTPUT).items())])


def metadata(folder) -> dict[str, str]:
    with safe_open(folder / OUTPUT, "pt") as file:
        return file.metadata()


def bytes_of(folder) -> bytes:
    return (folder / OUTPUT).read_bytes()


def deltas_in_diffusers(base, file) -> dict[str, torch.Tensor]:
    pipeline = StableDiffusionXLPipeline.from_pretrained(base)
    pipeline.load_lora_weights(file, adapter_name="dog")
    return {name: module.get_delta_weight("dog").detach() for name, module in pipeline.unet.named_modules()
            if hasattr(module, "lora_B")}


# The written file

@pytest.mark.parametrize("options, layers", [
    ([], 136), (["--targets", "linear"], 192), (["--targets", "cross-attention"], 68), (["--file-dtype", "float16"], 136)])
def test_diffusers_loads_the_file(command, base, tmp_path, options, layers):
    result = ziplora(*command(*options), cwd=tmp_path)
    assert result["output"] == OUTPUT and result["iterations"] == 10 and result["layers"] == layers
    deltas = deltas_in_diffusers(base, tmp_path / OUTPUT)
    assert len(deltas) == layers
    assert min(delta.abs().max() for delta in deltas.values()) > 1e-4, "a layer has not learned"


def test_every_format_holds_the_same_deltas(command, base, tmp_path):
    ziplora(*command("--alpha", 6, "-o", "kohya.safetensors"), cwd=tmp_path)
    ziplora(*command("--alpha", 6, "-o", "diffusers.safetensors", "--format", "diffusers"), cwd=tmp_path)
    kohya, diffusers = (deltas_in_diffusers(base, tmp_path / f"{name}.safetensors") for name in ("kohya", "diffusers"))
    assert kohya.keys() == diffusers.keys()
    for name, delta in kohya.items():
        assert torch.allclose(delta, diffusers[name], rtol=1e-4, atol=1e-7), name


def test_the_file_says_how_it_was_made(plain):
    folder, result = plain
    facts = metadata(folder)
    assert facts["ss_network_dim"] == facts["ss_network_alpha"] == "4"
    assert facts["ss_steps"] == "10" and facts["ss_num_train_images"] == "3" and facts["ss_resolution"] == "(32, 32)"
    assert json.loads(facts["ss_tag_frequency"]) == {"instance": {"a sks dog": 3, "lying down": 1}}
    assert facts["ziplora.prompt"] == "a sks dog"
    assert json.loads(facts["ziplora.training"]) == result["settings"]
    assert sorted(path.name for path in folder.iterdir()) == [OUTPUT], "nothing but the file is left behind"


# Resume

ALL_STATE = ["--iterations", 40, "--optimizer", "adamw", "--weight-decay", 0.1, "--lr-schedule", "cosine",
             "--warmup", 5, "--buckets", "--random-crop", "--random-flip", "--zoom", 1.5, "--views", 3,
             "--noise-offset", 0.1, "--batch-size", 2, "--gradient-accumulation", 2, "--min-snr-gamma", 5, "--format", "diffusers"]


@pytest.fixture(scope="module")
def uninterrupted(command, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    ziplora(*command(*ALL_STATE), cwd=folder)
    return folder


def test_interrupted_and_resumed_equals_uninterrupted(command, uninterrupted, tmp_path):
    error = interrupt(command(*ALL_STATE), tmp_path, "train", after_step=13)
    assert not (tmp_path / OUTPUT).exists()
    assert error["problem"].startswith("interrupted after iteration ") and " of 40" in error["problem"]
    go_on = shlex.split(error["hint"].removeprefix("go on with: "))
    assert go_on == ["ziplora", "train", "--resume", "runs/dog"]
    ziplora(*go_on[1:], cwd=tmp_path)
    assert bytes_of(tmp_path) == bytes_of(uninterrupted)


def test_a_run_with_class_images_resumes_exactly(command, tmp_path):
    """They are not drawn again, and their order and noise go on where they were."""
    options = ["--iterations", 40, "--class-prompt", "a dog", "--prior-images", 3, "--prior-weight", 0.7, "--buckets",
               "--batch-size", 2]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    ziplora(*command(*options), cwd=whole)
    interrupt(command(*options), parts, "train", after_step=7)
    assert not (parts / OUTPUT).exists()
    images = sorted((parts / "runs/dog/class_images").glob("*.png"))
    drawn = [path.stat().st_mtime_ns for path in images]
    assert len(drawn) == 3
    ziplora("train", "--resume", "runs/dog", cwd=parts)
    assert bytes_of(parts) == bytes_of(whole)
    assert [path.stat().st_mtime_ns for path in images] == drawn


def test_checkpoints_are_exact_and_change_nothing(command, uninterrupted, tmp_path):
    ziplora(*command(*ALL_STATE, "--checkpoint-every", 15), cwd=tmp_path)
    assert bytes_of(tmp_path) == bytes_of(uninterrupted)
    run = tmp_path / "runs" / "dog"
    record = (run / "metrics.jsonl").read_text()
    assert [json.loads(line)["iteration"] for line in record.splitlines()] == [10, 20, 30, 40]
    assert sorted(path.name for path in run.glob("*.safetensors")) == [
        "checkpoint-000015.safetensors", "checkpoint-000030.safetensors"]
    (tmp_path / OUTPUT).unlink()
    ziplora("train", "--resume", run / "checkpoint-000015.safetensors", cwd=tmp_path)
    assert bytes_of(tmp_path) == bytes_of(uninterrupted)


def test_a_resumed_run_cannot_turn_into_another(command, photos, base, tmp_path):
    ziplora(*command("--checkpoint-every", 5), cwd=tmp_path)
    resume = ["train", "--resume", "runs/dog"]
    for change, told in (
            (["--rank", 8], "--rank is 8 now and was 4"), (["--prompt", "a cat"], '--prompt is "a cat" now'),
            ([photos / "a.png"], "the list of images"), (["--base", "elsewhere"], "--base is"),
            (["--iterations", 3], "10 iterations are done already, more than --iterations 3")):
        assert told in ziplora_fails(4, *resume, *change, cwd=tmp_path)["problem"]
    longer = ziplora(*resume, photos, "--base", base, "--rank", 4, "--iterations", 12, cwd=tmp_path)
    assert longer["iterations"] == 12
    error = ziplora_fails(2, *command(), cwd=tmp_path)
    assert "earlier run" in error["problem"] and "--resume runs/dog" in error["hint"]


def test_a_run_goes_on_after_its_images_have_moved(command, uninterrupted, photos, tmp_path):
    """Under other names and in another order, too: their bytes tell which is which."""
    there, moved = tmp_path / "there", tmp_path / "moved"
    shutil.copytree(photos, there)
    ziplora(*command(*ALL_STATE, "--checkpoint-every", 15, images=(there,)), cwd=tmp_path)
    (tmp_path / OUTPUT).unlink()
    moved.mkdir()
    for file in there.iterdir():
        file.rename(moved / f"{ord('z') - ord(file.stem)}-{file.name}")
    resume = ["train", "--resume", tmp_path / "runs/dog/checkpoint-000015.safetensors"]
    error = ziplora_fails(3, *resume, cwd=tmp_path)
    assert "does not exist any more" in error["problem"] and "where the images are now" in error["hint"]
    ziplora(*resume, moved, cwd=tmp_path)
    assert bytes_of(tmp_path) == bytes_of(uninterrupted)
    image = next(moved.glob("*.png"))
    image.write_bytes(image.read_bytes() + b"changed")
    assert "the list of images" in ziplora_fails(4, *resume, moved, cwd=tmp_path)["problem"]


# Options

def test_the_same_command_gives_the_same_bytes(command, plain, tmp_path):
    ziplora(*command(), cwd=tmp_path)
    assert bytes_of(tmp_path) == bytes_of(plain[0])


@pytest.mark.parametrize("options", [
    ["--min-snr-gamma", 0.5], ["--noise-offset", 0.1], ["--buckets"], ["--random-crop"], ["--random-flip"],
    ["--zoom", 2.0], ["--resolution", 24], ["--optimizer", "adamw", "--weight-decay", 0.1],
    ["--lr-schedule", "linear"], ["--warmup", 3], ["--seed", 2], ["--max-grad-norm", 0.01],
    ["--batch-size", 2]], ids=lambda options: options[0])
def test_every_option_takes_effect(command, plain, tmp_path, options):
    ziplora(*command(*options), cwd=tmp_path)
    assert (factors(tmp_path) - factors(plain[0])).abs().max() > 1e-3
    name, value = options[0].removeprefix("--").replace("-", "_"), options[1] if options[1:] else True
    assert json.loads(metadata(tmp_path)["ziplora.training"])[name] == value


def test_tiles_are_of_the_autoencoders_own_size(command, tmp_path):
    """An image of that size is one tile; a larger one has seams."""
    files = {}
    for size in (32, 64):
        for tiling in ([], ["--vae-tiling"]):
            folder = tmp_path / f"{size}{len(tiling)}"
            folder.mkdir()
            ziplora(*command("--resolution", size, "--iterations", 2, *tiling), cwd=folder)
            files[size, bool(tiling)] = factors(folder)
    assert torch.equal(files[32, True], files[32, False])
    assert not torch.equal(files[64, True], files[64, False])


def test_two_passes_of_one_image_are_one_pass_of_two(command, plain, tmp_path):
    """With one shape of images; with buckets, a batch keeps to one shape and the order differs."""
    losses = {}
    for size, passes in ((2, 1), (1, 2)):
        result = ziplora(*command("--batch-size", size, "--gradient-accumulation", passes), cwd=tmp_path)
        losses[size] = result["loss_last"]
    assert losses[1] == pytest.approx(losses[2], rel=1e-4)
    assert losses[1] != pytest.approx(plain[1]["loss_last"], rel=1e-3)


def test_gradient_checkpointing_gives_the_same_losses(command, plain, tmp_path):
    result = ziplora(*command("--gradient-checkpointing"), cwd=tmp_path)
    assert result["loss_last"] == pytest.approx(plain[1]["loss_last"], rel=1e-5)
    assert (factors(tmp_path) - factors(plain[0])).abs().max() < 1e-3


def test_class_images_are_drawn_once_and_hold_the_class(command, plain, tmp_path):
    prior = ["--class-prompt", "a dog", "--prior-images", 3]
    result = ziplora(*command(*prior), cwd=tmp_path)
    assert result["class_images"] == 3 and 0 < result["instance_loss_last"] < 0.9 * result["loss_last"]
    images = sorted((tmp_path / "runs" / "dog" / "class_images").glob("*.png"))
    assert [path.name for path in images] == ["0000.png", "0001.png", "0002.png"]
    assert Image.open(images[0]).size == (32, 32)
    drawn, first = [path.stat().st_mtime_ns for path in images], bytes_of(tmp_path)
    assert (factors(tmp_path) - factors(plain[0])).abs().max() > 1e-3
    assert metadata(tmp_path)["ss_num_reg_images"] == "3"
    ziplora(*command(*prior), cwd=tmp_path)
    assert [path.stat().st_mtime_ns for path in images] == drawn and bytes_of(tmp_path) == first
    images[1].unlink()
    ziplora(*command(*prior), cwd=tmp_path)
    assert [path.stat().st_mtime_ns == time for path, time in zip(images, drawn)] == [True, False, True]
    assert bytes_of(tmp_path) == first, "an image drawn again is the same image"
    weightless = ziplora(*command(*prior, "--prior-weight", 0), cwd=tmp_path)
    assert weightless["instance_loss_last"] == pytest.approx(weightless["loss_last"])
    assert weightless["loss_last"] == pytest.approx(plain[1]["loss_last"], rel=1e-4)


def test_class_images_of_several_prompts(command, tmp_path):
    """Image i shows prompt i mod their number, drawn as if it were the only one; a list in a config file is the same."""
    def drawn(name, *options):
        ziplora(*command(*options, "--prior-images", 4, "--run-folder", name), cwd=tmp_path)
        return [numpy.asarray(Image.open(path), dtype=int)
                for path in sorted((tmp_path / name / "class_images").glob("*.png"))]

    dogs, cats = drawn("dog", "--class-prompt", "a dog"), drawn("cat", "--class-prompt", "a cat at night")
    both = drawn("both", "--class-prompt", "a dog", "--class-prompt", "a cat at night")
    learned = bytes_of(tmp_path)
    for i, image in enumerate(both):
        own, other = (dogs[i], cats[i]) if i % 2 == 0 else (cats[i], dogs[i])
        assert numpy.abs(image - own).max() <= 1 < numpy.abs(image - other).max()
    assert json.loads(metadata(tmp_path)["ziplora.training"])["class_prompt"] == ["a dog", "a cat at night"]
    (tmp_path / "prior.json").write_text('{"class-prompt": ["a dog", "a cat at night"], "prior-images": 4}')
    ziplora(*command("--config", "prior.json"), cwd=tmp_path)
    assert bytes_of(tmp_path) == learned


def test_samples_show_the_adapter_and_leave_the_training_alone(command, plain, base, tmp_path):
    ziplora(*command("--sample-every", 5), cwd=tmp_path)
    assert bytes_of(tmp_path) == bytes_of(plain[0])
    samples = [tmp_path / "runs" / "dog" / "samples" / f"sample-{iteration:06}.png" for iteration in (5, 10)]
    ziplora("generate", "a sks dog", "--base", base, "--adapter", tmp_path / OUTPUT, "--seed", 1, "-o",
            tmp_path / "after.png")
    early, late, after = (numpy.asarray(Image.open(path), dtype=int) for path in [*samples, tmp_path / "after.png"])
    assert numpy.abs(late - after).max() <= 1
    assert numpy.abs(late - early).mean() > 1


# Errors

@pytest.fixture
def broken_image(tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    return path


def test_images_that_cannot_be_read(command, photos, broken_image, tmp_path):
    (tmp_path / "empty").mkdir()

    def fails(exit_code, *images):
        return ziplora_fails(exit_code, *command(images=images), cwd=tmp_path)

    assert "no PNG, JPEG or WebP" in fails(3, tmp_path / "empty")["problem"]
    assert str(broken_image) in fails(3, photos, broken_image)["where"]
    assert "there is no such file" in fails(3, tmp_path / "missing")["problem"]
    assert fails(2)["problem"] == "no images are named"
    assert not (tmp_path / OUTPUT).exists()


@pytest.mark.parametrize("options, hint", [
    (["--lr-schedule", "cosin"], "did you mean 'cosine'?"), (["--targets", "atention"], "did you mean 'attention'?"),
    (["--format", "koyha"], "did you mean 'kohya'?"), (["--dtype", "bfloat"], "did you mean 'bfloat16'?"),
    (["--device", "gpu"], "use the device cpu"), (["--iteration", "3"], "did you mean '--iterations'?"),
    (["--prior-images", "3"], 'add --class-prompt "a dog"'),
    (["--class-prompt", "a dog", "--prior-images", "0"], "--prior-images 100"), (["--zoom", "1e300"], "change --zoom")])
def test_settings_that_make_no_sense(command, tmp_path, options, hint):
    error = ziplora_fails(2, *command(*options), cwd=tmp_path)
    assert hint in error["hint"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options, problem, hint", [
    (["--rank", "0"], "rank is 0, expected at least 1", "change --rank"),
    (["--zoom", "0.5"], "zoom is 0.5, expected at least 1", "change --zoom"),
    (["--resolution", "30"], "this base does not draw 30 × 30 pixels (height × width)", "use multiples of 8, for example 32")])
def test_numbers_out_of_range(command, tmp_path, options, problem, hint):
    error = ziplora_fails(2, *command(*options), cwd=tmp_path)
    assert (error["problem"], error["hint"]) == (problem, hint)
    assert not list(tmp_path.iterdir())


def test_prompt_and_output_are_asked_for_before_any_work(command, photos, base, tmp_path):
    error = ziplora_fails(2, "train", photos, "--base", base, "-o", OUTPUT, cwd=tmp_path)
    assert "--prompt" in error["problem"] and "--prompt" in error["hint"]
    assert "-o" in ziplora_fails(2, "train", photos, "--base", base, "--prompt", "a sks dog", cwd=tmp_path)["hint"]
    error = ziplora_fails(1, *command("-o", "loras/dog.safetensors"), cwd=tmp_path)
    subprocess.run(shlex.split(error["hint"]), cwd=tmp_path, check=True)  # mkdir -p loras
    ziplora(*command("-o", "loras/dog.safetensors", "--iterations", 1), cwd=tmp_path)
    assert "/proc" in ziplora_fails(1, *command("-o", "/proc/dog.safetensors"), cwd=tmp_path)["problem"]
    for folder in ("loras", "loras/"):
        assert "a file name is expected" in ziplora_fails(2, *command("-o", folder), cwd=tmp_path)["problem"]
    assert "loras" in ziplora_fails(2, *command("-o", "loras", "--format", "peft"), cwd=tmp_path)["where"]


def test_nothing_is_resumed_from_an_empty_folder(tmp_path):
    assert "no checkpoint" in ziplora_fails(3, "train", "--resume", tmp_path)["problem"]
    (tmp_path / "checkpoint-000001.safetensors").write_bytes(b"")
    ziplora_fails(3, "train", "--resume", tmp_path)


def test_divergence_is_noticed_before_a_checkpoint_is_kept(command, tmp_path):
    error = ziplora_fails(6, *command("--lr", 1e6, "--checkpoint-every", 1, "--warmup", 2), cwd=tmp_path)
    checkpoints = sorted(path.name for path in (tmp_path / "runs" / "dog").glob("*.safetensors"))
    assert 0 < len(checkpoints) < 5, "later ones are worthless"
    assert "lower --lr (it was 1000000)" in error["hint"] and checkpoints[-1] in error["hint"]
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]

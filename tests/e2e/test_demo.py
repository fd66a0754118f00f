"""`make demo`, whole: what it writes, that ZipLoRA there does what its paper says, and that diffusers draws it."""

import json

import pytest
import torch
from embedded_base import MINI, open_pipeline
from PIL import Image
from program import ziplora
from safetensors.torch import save_file
from test_generate import cell, pixels
from test_pipeline import psnr_db


@pytest.fixture(scope="module")
def report(demo):
    return json.loads((demo / "report.json").read_text())


def test_the_coefficients_move_and_part_the_adapters(report):
    """The public implementation's learning rate leaves them within 0.005 of 1, a direct merge by another name."""
    assert report["mean_movement"] > 0.1
    assert report["overlap"]["before"] == 1 and report["overlap"]["after"] < 0.5


def test_the_adapters_are_kept_better_than_by_the_direct_merge(report):
    """The sum of their errors is what zip makes small."""
    before, after = ([report["fidelity"][role][when] for role in ("subject", "style")] for when in ("before", "after"))
    assert min(after) > 0
    assert sum(after) < 0.5 * sum(before)
    assert max(after) < 0.5 * max(before)


def test_both_trainings_learned(report):
    for name in ("subject", "style"):
        first, last = report["losses"][name]
        assert last < 0.6 * first, name


def test_the_sheets_compare_the_merges(demo, report):
    grid = Image.open(demo / "grid.png").convert("RGB")
    assert grid.width > 7 * 128 and grid.height > 5 * 128  # seven columns, five prompts
    seeds = Image.open(demo / "seeds.png")
    assert seeds.width > 3 * 128 and seeds.height > 4 * 128
    assert report["seconds"].keys() >= {"train_subject", "train_style", "merge_direct", "merge_zip", "merge_ssr", "generate", "all"}
    assert {path.name for path in demo.glob("*.safetensors")} == {
        "subject.safetensors", "style.safetensors", "direct.safetensors", "zip.safetensors", "zip.coefficients.safetensors",
        "ssr.safetensors"}


PROMPT, STEPS, GUIDANCE = "a sks cat face at night, in szn style", 20, 5.0


@torch.no_grad()
def drawn_by_diffusers(pipeline, start):
    latents = pipeline(PROMPT, num_inference_steps=STEPS, guidance_scale=GUIDANCE, latents=start,
                       output_type="latent").images
    image = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample[0]
    return (image / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).double().numpy()


def test_a_cell_of_the_merged_file_is_diffusers_picture(demo, tmp_path):
    """And the cell beside it is diffusers' image without the file, from the same noise."""
    start = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(5))
    save_file({"latents": start.repeat(2, 1, 1, 1)}, tmp_path / "noise.safetensors")
    ziplora("generate", PROMPT, "--base", MINI, "--grid", "--column", "base=none", "--column",
            f"ZipLoRA={demo / 'zip.safetensors'}", "--steps", STEPS, "--guidance-scale", GUIDANCE, "--initial-noise",
            tmp_path / "noise.safetensors", "-o", tmp_path / "grid.png")
    sheet = pixels(tmp_path / "grid.png")
    plain_cell, merged_cell = (cell(sheet, 0, column, 256)[::4, ::4] / 255 for column in (0, 1))

    pipeline = open_pipeline()
    plain = drawn_by_diffusers(pipeline, start)
    pipeline.load_lora_weights(demo / "zip.safetensors")
    try:
        merged = drawn_by_diffusers(pipeline, start)
    finally:
        pipeline.unload_lora_weights()
    assert psnr_db(merged, plain) < 40, "the merged file does nothing"
    assert psnr_db(plain_cell, plain) >= 50
    assert psnr_db(merged_cell, merged) >= 50

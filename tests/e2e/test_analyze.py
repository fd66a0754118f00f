"""`ziplora analyze` against numpy, on dense ΔW."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from program import run_ziplora, ziplora, ziplora_fails
from safetensors.torch import save_file

LAYERS = {"mid_block.attentions.0.transformer_blocks.3.attn2.to_k": (1280, 2048),
          "mid_block.attentions.0.transformer_blocks.3.attn2.to_q": (1280, 1280),
          "mid_block.attentions.0.transformer_blocks.3.attn1.to_q": (1280, 1280)}
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def write(file, names, seed, like=None):
    """A third of each factor's values are zero. `like`: another file's deltas, of which half is added to each column."""
    generator, tensors, deltas = torch.Generator().manual_seed(seed), {}, {}
    for name in names:
        out, into = LAYERS[name]
        down = torch.randn(4, into, generator=generator) * (torch.rand(4, into, generator=generator) > 1 / 3)
        up = torch.randn(out, 4, generator=generator) * torch.rand(4, generator=generator)
        if like:
            down, up = torch.cat([down, like[name][0]]), torch.cat([up, 0.5 * like[name][1]], 1)
        tensors |= {f"unet.{name}.lora_A.weight": down.contiguous(), f"unet.{name}.lora_B.weight": up.contiguous()}
        deltas[name] = (down, up)
    save_file(tensors, file)
    return deltas


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loras")
    dog = write(folder / "dog.safetensors", LAYERS, 0)
    ink = write(folder / "ink.safetensors", list(LAYERS)[:2], 1, like=dog)
    return folder, [{name: (up @ down).double().numpy() for name, (down, up) in deltas.items()} for deltas in (dog, ink)]


@pytest.fixture(scope="module")
def result(files):
    folder, _ = files
    return ziplora("analyze", folder / "dog.safetensors", folder / "ink.safetensors", "--plots", folder / "plots")


def kept(energies, share):
    return np.sort(energies.ravel())[int(share * energies.size):].sum() / energies.sum()


def test_the_energy_that_is_kept_is_numpys(result, files):
    for found, deltas in zip(result["files"], files[1], strict=True):
        sizes = {name: (delta ** 2).sum() for name, delta in deltas.items()}
        for what, energies in (("values", lambda delta: delta ** 2), ("columns", lambda delta: (delta ** 2).sum(0))):
            layers = {name: [kept(energies(delta), share) for share in SHARES] for name, delta in deltas.items()}
            for name, values in layers.items():
                assert found["by_layer"][f"unet.{name}"][what] == pytest.approx(values, abs=2e-5)
            whole = sum(sizes[name] * np.array(values) for name, values in layers.items()) / sum(sizes.values())
            assert found["kept_energy"][what] == pytest.approx(whole, abs=2e-5)
        assert found["norm"] == pytest.approx(sum(sizes.values()) ** 0.5, rel=1e-5)
    assert result["zeroed"] == pytest.approx(SHARES)


def test_the_columns_cosines_are_numpys(result, files):
    (dog, ink), (pair,) = files[1], result["pairs"]
    assert pair["shared_layers"] == len(ink) == 2
    weights, cosines = [], []
    for name, b in ink.items():
        a = dog[name]
        norms = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
        columns = (a * b).sum(0)[norms > 0] / norms[norms > 0]
        found = pair["by_layer"][f"unet.{name}"]
        assert found["column_cosine"] == pytest.approx(columns.mean(), abs=1e-5)
        assert found["absolute_column_cosine"] == pytest.approx(np.abs(columns).mean(), abs=1e-5)
        weights.append(np.linalg.norm(a) * np.linalg.norm(b))
        cosines.append(columns.mean())
    assert pair["column_cosine"] == pytest.approx(np.average(cosines, weights=weights), abs=1e-5)
    whole = sum((dog[name] * b).sum() for name, b in ink.items())
    sizes = [sum((deltas[name] ** 2).sum() for name in ink) ** 0.5 for deltas in (dog, ink)]
    assert pair["cosine"] == pytest.approx(whole / (sizes[0] * sizes[1]), abs=1e-5)
    assert list(pair["by_kind"]) == ["attention"]


def dots_of(file, colour) -> list[float]:
    """How far above 0 the dots of a series are, in pixels; the axis begins at 0, which is 362 pixels down."""
    _legend, series = [path.get("d") for path in ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}path")
                       if path.get("stroke") == colour and path.get("stroke-linecap") == "round"]
    return [362 - float(dot.split()[1].removesuffix("h0")) for dot in series[1:].split("M")]


def test_figures_are_small_svg_files_with_what_was_found(result, files):
    names = ["column-cosine.svg", "conflict.svg", "sparsity.svg"]
    assert result["plots"] == [str(files[0] / "plots" / name) for name in names]
    assert sorted(file.name for file in (files[0] / "plots").iterdir()) == names
    for name in names:
        text = (files[0] / "plots" / name).read_text()
        svg = ElementTree.fromstring(text)
        assert svg.tag == "{http://www.w3.org/2000/svg}svg" and len(text) < 60_000
        assert not re.search("<script|href|<image", text)
    words = ["".join(text.itertext()) for text in ElementTree.parse(files[0] / "plots/column-cosine.svg").iter()]
    assert {"Column cosine of dog.safetensors and ink.safetensors", "mid", "cosine"} <= set(words)
    dots, values = sorted(dots_of(files[0] / "plots/column-cosine.svg", "#3b7dd8")), sorted(
        layer["column_cosine"] for layer in result["pairs"][0]["by_layer"].values())
    assert len(dots) == len(values) == 2 and dots[0] / dots[1] == pytest.approx(values[0] / values[1], abs=0.002)


def test_a_folder_that_cannot_be_written_is_said_before_the_work(files, tmp_path):
    (tmp_path / "taken").write_text("")
    error = ziplora_fails(2, "analyze", files[0] / "dog.safetensors", "--plots", tmp_path / "taken")
    assert "taken" in error["where"]


def test_people_get_tables(files):
    done = run_ziplora("analyze", files[0] / "dog.safetensors", files[0] / "ink.safetensors")
    assert "dog.safetensors, values" in done.stdout and "all 2 that both change" in done.stdout


def test_what_cannot_be_analyzed_is_said(files, tmp_path):
    assert "missing.safetensors" in ziplora_fails(3, "analyze", "missing.safetensors", cwd=tmp_path)["where"]

"""`ziplora analyze --merged` against numpy, on dense ΔW: coefficients of a merge, and what becomes of the inputs in it."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from program import ziplora, ziplora_fails
from safetensors import safe_open
from safetensors.torch import load_file, save_file

MINI = Path(__file__).resolve().parents[2] / "assets/mini"
BLOCK = "mid_block.attentions.0.transformer_blocks.0"
LAYERS = {f"{BLOCK}.attn1.to_q": (192, 192), f"{BLOCK}.attn2.to_k": (192, 320),
          "up_blocks.0.attentions.0.transformer_blocks.0.attn2.to_v": (192, 320)}
PROMPTS = ["--subject-prompt", "a sks cat face", "--style-prompt", "a fox, in szn style"]


def factors_file(file, factors):
    save_file({f"unet.{name}.lora_{part}.weight": factor.contiguous()
               for name, pair in factors.items() for part, factor in zip("AB", pair, strict=True)}, file)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Two files, the second without a layer; the factors of each."""
    folder, generator = tmp_path_factory.mktemp("inputs"), torch.Generator().manual_seed(0)
    every = []
    for file, names in (("cat", list(LAYERS)), ("ink", list(LAYERS)[:2])):
        shapes = {name: LAYERS[name] for name in names}
        every.append({name: (torch.randn(4, into, generator=generator), 0.02 * torch.randn(out, 4, generator=generator))
                      for name, (out, into) in shapes.items()})
        factors_file(folder / f"{file}.safetensors", every[-1])
    return folder / "cat.safetensors", folder / "ink.safetensors", every


def deltas_of(factors):
    return {name: (up.double() @ down.double()).numpy() for name, (down, up) in factors.items()}


def interference(a, b, norms):
    return sum(np.abs((a[name] * b[name]).sum(0)).sum() for name in b) / norms


def test_known_coefficients_come_back_from_a_file_that_does_not_tell_them(inputs, tmp_path):
    cat, ink, every = inputs
    generator = np.random.default_rng(1)
    known = [{name: generator.choice([0, 0.3, 0.98, 1.2], LAYERS[name][1]) for name in factors} for factors in every]
    merged = {}
    for name in LAYERS:
        parts = [(factors[name][0] * torch.tensor(m[name]).float(), factors[name][1])
                 for factors, m in zip(every, known, strict=True) if name in factors]
        merged[name] = (torch.cat([down for down, _ in parts]), torch.cat([up for _, up in parts], 1))
    factors_file(tmp_path / "merged.safetensors", merged)
    result = ziplora("analyze", cat, ink, "--merged", tmp_path / "merged.safetensors", "--plots", tmp_path / "plots")
    merge = result["merge"]
    assert merge["has_coefficients"] and merge["residual"] < 1e-6
    for found, m in zip(merge["adapters"], known, strict=True):
        values = np.concatenate(list(m.values()))
        assert found["count"] == len(values) and found["strength"] == 1
        assert (found["scaled_layers"], found["added_layers"]) == (len(m), 0)
        assert found["mean"] == pytest.approx(values.mean(), abs=1e-6)
        assert found["mean_absolute"] == pytest.approx(np.abs(values).mean(), abs=1e-6)
        assert found["near_zero"] == pytest.approx((values == 0).mean())
        assert found["near_one"] == pytest.approx((values == 0.98).mean())
        for name in m:
            assert found["by_layer"][f"unet.{name}"]["mean"] == pytest.approx(m[name].mean(), abs=1e-6)
        bins = np.histogram(values, 40, (-0.5, 1.5))[0] / len(values)
        assert sum(found["histogram"]["shares"]) == pytest.approx(1)
        assert found["histogram"]["shares"][29] == pytest.approx(bins[29])  # 0.95 to 1
    a, b = map(deltas_of, every)
    norms = sum((np.linalg.norm(a[name], axis=0) * np.linalg.norm(b[name], axis=0)).sum() for name in b)
    after = interference({name: a[name] * known[0][name] for name in a}, {name: b[name] * known[1][name] for name in b}, norms)
    (pair,) = merge["pairs"]
    assert pair["interference"] == pytest.approx({"before": interference(a, b, norms), "after": after}, abs=1e-6)
    assert {Path(plot).name for plot in result["plots"]} == {
        "sparsity.svg", "column-cosine.svg", "conflict.svg", "coefficients.svg", "coefficients-by-layer.svg",
        "column-cosine-merged.svg", "interference.svg"}


def test_a_merge_without_coefficients_is_told_with_the_best_ones_residual(inputs, tmp_path):
    cat, ink, every = inputs
    ziplora("merge", "--method", "ties", "--subject", cat, "--style", f"{ink}:0.5", "--file-dtype", "float32", "-o",
            tmp_path / "ties.safetensors")
    merge = ziplora("analyze", ink, cat, "--merged", tmp_path / "ties.safetensors")["merge"]
    stored, unexplained, whole = load_file(tmp_path / "ties.safetensors"), 0, 0
    a, b = map(deltas_of, every)
    for name in LAYERS:
        key = next(key for key in stored if key.endswith(f"{spelling(name)}.lora_down.weight"))
        up, alpha = (stored[key.replace("lora_down.weight", part)].double() for part in ("lora_up.weight", "alpha"))
        delta = (up @ stored[key].double() * (alpha / up.shape[1])).numpy()
        for j in range(delta.shape[1]):
            columns = np.stack([d[name][:, j] for d in (a, b) if name in d], 1)
            best = columns @ np.linalg.lstsq(columns, delta[:, j], rcond=None)[0]
            unexplained += ((delta[:, j] - best) ** 2).sum()
        whole += (delta ** 2).sum()
    plain = ziplora("merge", "--method", "direct", "--subject", cat, "--style", ink, "-o", tmp_path / "direct.safetensors")
    added = ziplora("analyze", cat, ink, "--merged", plain["output"])["merge"]["adapters"]
    assert [(one["added_layers"], one["near_one"]) for one in added] == [(3, 1), (2, 1)]
    assert not merge["has_coefficients"] and merge["adapters"] == [] and merge["pairs"] == []
    assert merge["residual"] == pytest.approx((unexplained / whole) ** 0.5, rel=1e-4)


def spelling(name):
    """In kohya's names, the end of the key that tells the layers of this test apart."""
    return name.rsplit("transformer_blocks.", 1)[1].replace(".", "_")


@pytest.fixture(scope="module")
def learned(inputs, tmp_path_factory):
    """What zip made of them, in float16, with coefficients far from 1."""
    cat, ink, _ = inputs
    file = tmp_path_factory.mktemp("learned") / "zip.safetensors"
    ziplora("merge", "--method", "zip", "--subject", cat, "--style", f"{ink}:0.5", *PROMPTS, "--iterations", 3,
            "--learning-rate", 0.3, "--images", 1, "--image-steps", 1, "--evaluation-draws", 1, "--report", file.with_suffix(".json"),
            "-o", file)
    return file


def test_the_coefficients_that_zip_learned_come_back_from_its_file(inputs, learned):
    cat, ink, _ = inputs
    merge = ziplora("analyze", ink, cat, "--merged", learned)["merge"]  # the recipe knows the order
    stored = load_file(learned.with_suffix(".coefficients.safetensors"))
    assert merge["has_coefficients"] and [Path(one["file"]).name for one in merge["adapters"]] == ["cat.safetensors", "ink.safetensors"]
    for k, found in enumerate(merge["adapters"]):
        values = {name.removeprefix(f"{k}."): m.double() for name, m in stored.items() if name.startswith(f"{k}.")}
        every = torch.cat(list(values.values()))
        assert (every - 1).abs().max() > 0.3 and found["count"] == len(every) and found["strength"] == (1, 0.5)[k]
        assert found["mean"] == pytest.approx(every.mean().item(), abs=1e-3)
        assert found["mean_absolute"] == pytest.approx(every.abs().mean().item(), abs=1e-3)
        for target, m in values.items():
            assert found["by_layer"][target]["mean"] == pytest.approx(m.mean().item(), abs=1e-3)


@pytest.fixture(scope="module")
def effects(inputs, learned):
    """The contexts are those that `route` keeps, which would be recorded so here."""
    cat, ink, _ = inputs
    contexts, figures = learned.with_name("contexts.safetensors"), learned.with_name("figures")
    ziplora("merge", "--method", "route", "--subject", cat, "--style", f"{ink}:0.5", *PROMPTS, "--contexts", contexts,
            "-o", learned.with_name("route.safetensors"))
    result = ziplora("analyze", cat, ink, "--merged", learned, "--effects", "--contexts", contexts, "--joint-prompt",
                     "a sks cat face, in szn style", "--plots", figures)
    return result, contexts


def moments_of(contexts):
    """By context and layer, from the file that keeps them."""
    with safe_open(contexts, "np") as file:
        return {json.loads(one["settings"])["context"]: {target: file.get_tensor(layer[0]) for target, layer in one["layers"].items()}
                for one in json.loads(file.metadata()["ziplora.contexts"])}


def test_the_effects_that_a_merge_keeps_are_numpys(inputs, learned, effects):
    result, contexts = effects
    assert not any(event.get("stage") == "merge: record" for event in result["events"])
    stored, own = load_file(learned.with_suffix(".coefficients.safetensors")), list(map(deltas_of, inputs[2]))
    merged = {name: sum(strength * own[k][name] * stored[f"{k}.unet.{name}"].double().numpy()
                        for k, strength in enumerate((1, 0.5)) if name in own[k]) for name in LAYERS}
    found = {one["context"]: one for one in result["effects"]}
    assert list(found) == ["subject", "style", "joint"] and found["joint"]["prompts"] == ["a sks cat face, in szn style"]
    weights = load_file(next((MINI / "unet").glob("*.safetensors")))
    for context, moments in moments_of(contexts).items():
        for k, deltas in enumerate(own):
            adapter, products, squares = found[context]["adapters"][k], [], []
            for name, delta in deltas.items():
                second = moments[f"unet.{name}"]
                base = np.trace((w := weights[f"{name}.weight"].double().numpy()) @ second @ w.T)
                products.append(np.trace(merged[name] @ second @ delta.T) / base)
                squares.append(np.trace(delta @ second @ delta.T) / base)
                layer = adapter["by_layer"][f"unet.{name}"]
                assert layer["kept"] == pytest.approx(products[-1] / squares[-1], abs=2e-3)
                assert layer["size"] == pytest.approx(squares[-1] ** 0.5, rel=1e-4)
            assert adapter["kept"] == pytest.approx(sum(products) / sum(squares), abs=2e-3)
            assert adapter["size"] == pytest.approx(np.mean(squares) ** 0.5, rel=1e-4)
    assert {"effect-kept.svg", "effect-size.svg"} <= {Path(plot).name for plot in result["plots"]}


def test_what_effects_need_is_said(inputs, learned, tmp_path):
    cat, ink, _ = inputs
    assert "--merged" in ziplora_fails(2, "analyze", cat, ink, "--effects")["hint"]
    assert "--effects" in ziplora_fails(2, "analyze", cat, ink, "--joint-prompt", "a cat")["hint"]
    ziplora("merge", "--method", "direct", "--subject", cat, "--style", ink, "-o", tmp_path / "plain.safetensors")
    without = ziplora_fails(2, "analyze", cat, ink, "--merged", tmp_path / "plain.safetensors", "--effects")
    assert "--prompt" in without["hint"]


def test_the_course_of_the_learning_is_drawn_from_its_report(learned, tmp_path):
    result = ziplora("analyze", "--course", learned.with_suffix(".json"), "--plots", tmp_path)
    assert result["plots"] == [str(tmp_path / "course-loss.svg"), str(tmp_path / "course-overlap.svg")]
    losses = [row["loss"] for row in json.loads(learned.with_suffix(".json").read_text())["history"]]
    svg = ElementTree.parse(tmp_path / "course-loss.svg").getroot()
    (line,) = [path.get("d") for path in svg.iter("{http://www.w3.org/2000/svg}path")
               if path.get("stroke") == "#3b7dd8" and "L" in path.get("d")]
    heights = [float(point.split()[1]) for point in line[1:].split("L")]
    assert len(set(heights)) == len(losses) == 3
    assert (heights[0] - heights[1]) * (losses[0] - losses[2]) == pytest.approx(
        (heights[0] - heights[2]) * (losses[0] - losses[1]), abs=0.2 * max(losses))
    words = ["".join(text.itertext()) for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"loss, the whole", "fidelity to the subject's own", "fidelity to the style's own", "iteration"} <= set(words)
    assert "--plots" in ziplora_fails(2, "analyze", "--course", learned.with_suffix(".json"))["hint"]
    (tmp_path / "other.json").write_text('{"history": []}')
    assert "--report" in ziplora_fails(3, "analyze", "--course", tmp_path / "other.json", "--plots", tmp_path)["hint"]

"""`knots`, `tsv`, `iso-c`, `core-space`, `ctm` and `lora-optimizer` beside what the authors' own code made of the same
adapters (record_knots.py, record_tsv.py, record_iso_c.py, record_core_space.py, record_ctm.py,
record_lora_optimizer.py); beside the papers' equations for few and unequal ranks, where the
code of TSV-Merge and Iso-C fills up with singular vectors of 0, which are arbitrary."""

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from lora_files import Layer, kohya_module, save_kohya
from program import ziplora
from recorded_adapters import (ALL_RANKS, ATTENTION, CONVOLUTION, DATA, EQUAL_RANKS, FEW_RANKS, SHAPES, TEXT, count_of,
                               deltas_of, factors_of)
from safetensors.torch import load_file
from tiny_sdxl import make_tiny_sdxl

RECORDED = {name: load_file(DATA / f"{name}.safetensors") for name in ("knots", "tsv", "iso_c", "core_space", "ctm",
                                                                    "lora_optimizer")}
FLAGS = ("--subject", "--style", "--adapter")
EQUAL, UNEQUAL = (0.6, 0.6, 0.6), (0.7, 1.3, 0.9)  # strengths; the code of KnOTS and of Core Space knows one for all


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("authors") / "base")


@pytest.fixture(scope="module")
def model(base):
    return StableDiffusionXLPipeline.from_pretrained(base)


def adapter_of(tensors, case, targets, k) -> dict[str, Layer]:
    part = {target: {name: tensors[f"{case}/{target}/{k}/{name}"] for name in ("down", "up", "alpha")}
            for target in targets}
    return {target: Layer(part[target]["down"], part[target]["up"], float(part[target]["alpha"])) for target in targets}


@pytest.fixture
def merge(base, model, tmp_path):
    """method, adapters, strengths, options → {target: (ΔW [out, in·kh·kw], rank)} of the merged file."""
    def run(method, adapters, strengths, *options):
        command = ["merge", "--method", method, "--base", base, "--file-dtype", "float32", *options]
        for k, layers in enumerate(adapters):
            file = save_kohya(tmp_path / f"{k}.safetensors", layers, model)
            command += [FLAGS[k], f"{file}:{strengths[k]}"]
        ziplora(*command, "-o", tmp_path / "out.safetensors")
        tensors = load_file(tmp_path / "out.safetensors")
        merged = {}
        for target in SHAPES:
            module = kohya_module(target, "sgm", model.unet.config.layers_per_block)
            if f"{module}.alpha" in tensors:
                down, up, alpha = (tensors[f"{module}.{name}"].double() for name in
                                   ("lora_down.weight", "lora_up.weight", "alpha"))
                rank = down.shape[0]
                merged[target] = up.flatten(1) @ down.flatten(1) * alpha / rank, rank
        return merged
    return run


@pytest.fixture
def merge_case(merge):
    """One layer of a recording's case."""
    def run(method, tensors, case, target, strengths, *options):
        adapters = [adapter_of(tensors, case, [target], k) for k in range(count_of(tensors, case))]
        return merge(method, adapters, strengths, *options)[target]
    return run


def distance(ours, expected) -> float:
    return float((ours - expected.double()).norm() / expected.double().norm())


def plain_sum(tensors, case, target, strengths):
    return sum(strength * delta for strength, delta in zip(strengths, deltas_of(tensors, case, target)))


CTM_RANK = 5  # of record_ctm.py


def density_of(top_k: float, values: int) -> float:
    """The authors' trimming keeps one value more than topK says."""
    return (int(values * top_k) + 1.5) / values


def kept(variant: str, values: int) -> tuple:
    return ("--density", 1 if variant == "top100" else density_of(0.2, values))


# The authors' code

def assert_equals(expected, merged, plain):
    """And that the plain sum does not, so that the comparison can fail."""
    assert distance(merged, expected) < 1e-5
    assert distance(plain, expected) > 0.05


@pytest.mark.parametrize("target", SHAPES)
@pytest.mark.parametrize("case", FEW_RANKS)
@pytest.mark.parametrize("variant", ["top20", "top100"])
def test_knots(variant, case, target, merge_case):
    tensors = RECORDED["knots"]
    expected = tensors[f"{case}/{target}/merged/{variant}"]
    most = sum(FEW_RANKS[case])
    merged, rank = merge_case("knots", tensors, case, target, EQUAL, *kept(variant, most * expected.shape[1]))
    assert rank == most
    assert_equals(expected, merged, plain_sum(tensors, case, target, EQUAL))


@pytest.mark.parametrize("target", SHAPES)
@pytest.mark.parametrize("case", ALL_RANKS)
@pytest.mark.parametrize("method, recording", [("tsv", "tsv"), ("iso-c", "iso_c")])
def test_tsv_and_iso_c_of_full_rank(method, recording, case, target, merge_case):
    tensors = RECORDED[recording]
    expected = tensors[f"{case}/{target}/merged/{method}"]
    merged, rank = merge_case(method, tensors, case, target, UNEQUAL)
    count, side = count_of(tensors, case), min(expected.shape)
    assert rank == (side if method == "iso-c" else count * (side // count))
    assert_equals(expected, merged, plain_sum(tensors, case, target, UNEQUAL))


@pytest.mark.parametrize("target", SHAPES)
@pytest.mark.parametrize("case", EQUAL_RANKS)
@pytest.mark.parametrize("method", ["tsv", "iso-c"])
def test_tsv_and_iso_c_of_few_ranks_are_those_of_core_space(method, case, target, merge_case):
    tensors = RECORDED["core_space"]
    expected = tensors[f"{case}/{target}/merged/{method}"]
    merged, rank = merge_case(method, tensors, case, target, EQUAL)
    assert rank == sum(EQUAL_RANKS[case])
    assert_equals(expected, merged, plain_sum(tensors, case, target, EQUAL))


@pytest.mark.parametrize("target", SHAPES)
@pytest.mark.parametrize("case", FEW_RANKS)
@pytest.mark.parametrize("variant", ["top20", "top100"])
def test_core_space(variant, case, target, merge_case):
    tensors = RECORDED["core_space"]
    expected = tensors[f"{case}/{target}/merged/{variant}"]
    most = sum(FEW_RANKS[case])
    merged, rank = merge_case("core-space", tensors, case, target, EQUAL, *kept(variant, most ** 2))
    assert rank <= most
    assert_equals(expected, merged, plain_sum(tensors, case, target, EQUAL))


@pytest.mark.parametrize("target", SHAPES)
@pytest.mark.parametrize("case", FEW_RANKS)
def test_core_space_loses_nothing(case, target, merge_case):
    tensors = RECORDED["core_space"]
    merged, rank = merge_case("core-space", tensors, case, target, EQUAL, "--inside", "sum")
    assert rank == sum(FEW_RANKS[case])
    assert distance(merged, tensors[f"{case}/{target}/merged/sum"]) < 1e-5
    unequal, _ = merge_case("core-space", tensors, case, target, UNEQUAL, "--inside", "sum")
    assert distance(unequal, plain_sum(tensors, case, target, UNEQUAL)) < 1e-5


@pytest.mark.parametrize("target", SHAPES)
@pytest.mark.parametrize("case", FEW_RANKS)
@pytest.mark.parametrize("variant, options", [
    ("top20", ("--density", density_of(0.2, CTM_RANK ** 2))), ("top100", ("--density", 1)), ("sum", ("--inside", "sum")),
    ("sum by size", ("--inside", "sum"))])
def test_ctm(variant, options, case, target, merge_case):
    tensors = RECORDED["ctm"]
    expected = tensors[f"{case}/{target}/merged/{variant}"]


    def run(beta):
        return merge_case("ctm", tensors, case, target, EQUAL, "--merged-rank", CTM_RANK, "--beta", beta, *options)
    beta = 1 if variant == "sum by size" else 0.25
    merged, rank = run(beta)
    assert rank <= CTM_RANK if variant == "top20" else rank == CTM_RANK
    assert_equals(expected, merged, plain_sum(tensors, case, target, EQUAL))
    assert distance(run(1.25 - beta)[0], expected) > 1e-3


# The equations, dense, for few and unequal ranks

def svd_of_rank(delta, rank):
    u, s, vh = torch.linalg.svd(delta, full_matrices=False)
    return u[:, :rank], s[:rank], vh[:rank]


def polar(columns):
    """X (XᵀX)^(−1/2)."""
    values, vectors = torch.linalg.eigh(columns.T @ columns)
    return columns @ vectors @ torch.diag(values ** -0.5) @ vectors.T


@pytest.mark.parametrize("target", SHAPES)
@pytest.mark.parametrize("case, strengths", [("two", (0.7, 1.3)), ("three", UNEQUAL), ("two", (1.0, -0.6))])
def test_tsvs_equation(case, strengths, target, merge_case):
    tensors, ranks = RECORDED["knots"], FEW_RANKS[case]
    parts = [svd_of_rank(delta, rank) for delta, rank in zip(deltas_of(tensors, case, target), ranks)]
    s = torch.cat([strength * part[1] for strength, part in zip(strengths, parts)])
    expected = polar(torch.cat([part[0] for part in parts], 1)) @ torch.diag(s) @ polar(
        torch.cat([part[2] for part in parts]).T).T
    merged, rank = merge_case("tsv", tensors, case, target, strengths)
    assert rank == sum(ranks)
    assert distance(merged, expected) < 1e-5
    assert distance(plain_sum(tensors, case, target, strengths), expected) > 0.05


@pytest.mark.parametrize("target", SHAPES)
@pytest.mark.parametrize("case, strengths", [("two", (0.7, 1.3)), ("three", UNEQUAL), ("two", (1.0, -0.6))])
def test_iso_cs_equation(case, strengths, target, merge_case):
    tensors, most = RECORDED["knots"], sum(FEW_RANKS[case])
    u, s, vh = svd_of_rank(plain_sum(tensors, case, target, strengths), most)
    merged, rank = merge_case("iso-c", tensors, case, target, strengths)
    assert rank == most
    assert distance(merged, s.mean() * u @ vh) < 1e-5


def test_tsv_keeps_as_many_singular_vectors_as_asked(merge_case):
    tensors = RECORDED["knots"]
    parts = [svd_of_rank(delta, 2) for delta in deltas_of(tensors, "two", TEXT)]
    expected = polar(torch.cat([part[0] for part in parts], 1)) @ torch.diag(
        torch.cat([part[1] for part in parts])) @ polar(torch.cat([part[2] for part in parts]).T).T
    merged, rank = merge_case("tsv", tensors, "two", TEXT, (1, 1), "--singular-vectors", 2)
    assert rank == 4
    assert distance(merged, expected) < 1e-5


def elected_means(values, strengths, density):
    """Of each choice of what is kept of two inputs' values, what TIES makes of it: [4, …]."""
    found = []
    for choice in ((0, 0), (0, 1), (1, 0), (1, 1)):
        left = torch.stack([keep * value / density for keep, value in zip(choice, values)])
        agree = left.sign() == torch.where(left.sum(0) >= 0, 1.0, -1.0)
        weights = torch.tensor(strengths, dtype=torch.float64)[:, None, None]
        found.append((left * weights * agree).sum(0) / agree.sum(0).clamp_min(1))
    return torch.stack(found)


@pytest.mark.parametrize("target", SHAPES)
@pytest.mark.parametrize("strengths", [(0.4, 1.6), (1.0, -0.6)])
def test_strengths_have_no_vote_in_knots_and_core_space(strengths, target, merge_case):
    tensors = RECORDED["knots"]
    factors = [factors_of(tensors, "two", target, k) for k in range(2)]
    deltas = [up @ down for up, down in factors]
    u, s, vh = svd_of_rank(torch.cat(deltas, 1), sum(FEW_RANKS["two"]))
    in_knots = u @ elected_means((s[:, None] * vh).chunk(2, dim=1), strengths, 1)[3]
    merged, _ = merge_case("knots", tensors, "two", target, strengths, "--density", 1)
    assert distance(merged, in_knots) < 1e-5

    left = torch.linalg.svd(torch.cat([up for up, _ in factors], 1), full_matrices=False)[0]
    right = torch.linalg.svd(torch.cat([down for _, down in factors]), full_matrices=False)[2].T
    in_core = left @ elected_means([left.T @ delta @ right for delta in deltas], strengths, 1)[3] @ right.T
    merged, _ = merge_case("core-space", tensors, "two", target, strengths, "--density", 1)
    assert distance(merged, in_core) < 1e-5
    assert distance(in_core, in_knots) > 0.05


def test_knots_with_dare_drops_aligned_values_at_random(merge_case):
    tensors, density, strengths = RECORDED["knots"], 0.6, (0.7, 1.3)
    u, s, vh = svd_of_rank(torch.cat(deltas_of(tensors, "two", CONVOLUTION), 1), sum(FEW_RANKS["two"]))
    aligned = (s[:, None] * vh).chunk(2, dim=1)

    def run(seed, density):
        return merge_case("knots", tensors, "two", CONVOLUTION, strengths, "--inside", "dare-ties",
                          "--density", density, "--seed", seed)[0]
    merged = run(3, density)
    values = u.T @ merged
    error = (elected_means(aligned, strengths, density) - values).abs().min(0).values
    assert float(error.max()) < 1e-5 * float(values.abs().max())
    nothing = (values.abs() < 1e-5 * values.abs().max()).double().mean()
    assert float(nothing) == pytest.approx((1 - density) ** 2, abs=0.04)
    assert torch.equal(run(3, density), merged) and distance(run(4, density), merged) > 0.1
    whole, _ = merge_case("knots", tensors, "two", CONVOLUTION, strengths, "--density", 1)
    assert distance(run(3, 1), whole) < 1e-6


def leading(matrices, rank):
    return torch.linalg.svd(torch.cat(matrices, 1), full_matrices=False)[0][:, :rank]


def tucker(x, rank):
    """U, V of HOSVD and HOOI, dense, stopped as the authors' code stops."""
    u, v = leading(x, rank), leading([delta.T for delta in x], rank)
    total, errors = sum(delta.norm() ** 2 for delta in x), []
    while len(errors) < 3 or abs(errors[-1] - errors[-2]) >= 1e-6:
        u = leading([delta @ v for delta in x], rank)
        v = leading([delta.T @ u for delta in x], rank)
        errors.append((1 - sum((u.T @ delta @ v).norm() ** 2 for delta in x) / total).abs().sqrt())
    return u, v


@pytest.mark.parametrize("target", SHAPES)
@pytest.mark.parametrize("strengths, beta", [((0.4, 1.6), 0.25), ((1.0, -0.6), 0), ((1.0, -0.6), 1)])
def test_in_ctm_a_strength_is_part_of_an_adapters_size(strengths, beta, target, merge_case):
    tensors, rank = RECORDED["ctm"], max(FEW_RANKS["two"])
    deltas = [strength * delta for strength, delta in zip(strengths, deltas_of(tensors, "two", target))]
    mean = sum(delta.norm() for delta in deltas) / 2
    x = [((1 - beta) * mean + beta * delta.norm()) * delta / delta.norm() for delta in deltas]
    merged, merged_rank = merge_case("ctm", tensors, "two", target, strengths, "--inside", "sum", "--beta", beta)
    assert merged_rank == rank

    def compressed(u, v):
        return u @ u.T @ sum(deltas) @ v @ v.T
    assert distance(merged, compressed(*tucker(x, rank))) < 1e-5
    if beta:
        assert distance(merged, compressed(*tucker(deltas_of(tensors, "two", target), rank))) > 1e-3


# lora-optimizer

MODES = ("weighted_sum", "weighted_average", "slerp", "consensus", "ties")  # of record_lora_optimizer.py
OPTIMIZER_STRENGTHS = {"unlike": (0.7, 1.3), "alike": (0.7, 1.3), "at odds": (0.7, 1.3), "unequal": (1.0, 0.6),
                       "turned": (1.0, -0.6), "apart": (0.7, 1.3), "three": (0.7, 1.3, 0.9)}


def layers_of(tensors, case):
    return [adapter_of(tensors, case, [target for target in SHAPES if f"{case}/{target}/{k}/down" in tensors], k)
            for k in range(len(OPTIMIZER_STRENGTHS[case]))]


@pytest.mark.parametrize("case", OPTIMIZER_STRENGTHS)
def test_lora_optimizer(case, merge):
    tensors, strengths = RECORDED["lora_optimizer"], OPTIMIZER_STRENGTHS[case]
    adapters = layers_of(tensors, case)
    merged = merge("lora-optimizer", adapters, strengths, "--svd-rank", 99)
    assert merged.keys() == SHAPES.keys()
    for target in SHAPES:
        plain = sum(strength * layers[target].up.flatten(1).double() @ layers[target].down.flatten(1).double() / 2
                    for strength, layers in zip(strengths, adapters) if target in layers)
        delta, expected = merged[target][0], tensors[f"{case}/{target}/merged/default"]
        if case == "turned":  # the node counts the sign of a strength below 0 twice in the energy, and so in the size
            delta, expected = delta / delta.norm(), expected / expected.norm()
        assert distance(plain, expected) > 0.05, target
        assert distance(delta, expected) < 1e-5, target


def test_every_blend_of_lora_optimizer_was_recorded():
    seen = {MODES[RECORDED["lora_optimizer"][f"{case}/{target}/merged/mode"]] for case in OPTIMIZER_STRENGTHS
            for target in SHAPES}
    assert seen == set(MODES)


# What is one adapter's own

@pytest.mark.parametrize("method, options", [("knots", ("--density", 1)), ("tsv", ()), ("iso-c", ()),
                                             ("core-space", ("--density", 1)), ("ctm", ("--density", 1))])
def test_a_layer_of_one_input_stays_as_it_is(method, options, merge):
    tensors = RECORDED["knots"]
    adapters = [adapter_of(tensors, "two", [ATTENTION, TEXT], 0), adapter_of(tensors, "two", [TEXT, CONVOLUTION], 1)]
    merged = merge(method, adapters, (0.7, 1.3), *options)
    assert merged.keys() == SHAPES.keys()
    for target, strength, k in ((ATTENTION, 0.7, 0), (CONVOLUTION, 1.3, 1)):
        assert distance(merged[target][0], strength * deltas_of(tensors, "two", target)[k]) < 1e-6
    assert distance(merged[TEXT][0], plain_sum(tensors, "two", TEXT, (0.7, 1.3))) > 0.05


def test_tsv_of_an_adapter_and_itself_is_that_adapter(merge):
    tensors = RECORDED["knots"]
    adapter = adapter_of(tensors, "two", [TEXT], 0)
    merged = merge("tsv", [adapter, adapter], (0.5, 1.5))
    assert distance(merged[TEXT][0], deltas_of(tensors, "two", TEXT)[0]) < 1e-6


def test_iso_c_of_what_cancels_itself_is_nothing(merge):
    tensors = RECORDED["knots"]
    adapter = adapter_of(tensors, "two", [TEXT], 0)
    merged = merge("iso-c", [adapter, adapter], (1, -1))
    assert all(not delta.any() for delta, _ in merged.values())

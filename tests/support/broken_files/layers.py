"""LoRA files that are sound as files and broken as LoRAs: numbers, shapes, ranks, counterparts, spellings."""

import os
from pathlib import Path

import torch

from .kind import INCOMPATIBLE, MALFORMED, BrokenFile, OddFile, container, raw, tensors

TARGET = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"  # [640, 2048]
LINEAR = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"
SAME_LINEAR = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
CONV = "lora_unet_input_blocks_1_0_in_layers_2"  # [320, 320, 3, 3]
OTHER = "lora_unet_middle_block_1_proj_in"  # [1280, 1280]
DOWN, UP, ALPHA, MID = "lora_down.weight", "lora_up.weight", "alpha", "lora_mid.weight"


def small(*shape) -> torch.Tensor:
    return torch.full(shape, 0.01)


def numbers(module=LINEAR, **parts) -> dict:
    """`LINEAR.part` for each; underscores in front of a part's dot are those of the key."""
    return {f"{module}.{part.replace('__', '.')}": value for part, value in parts.items()}


def pair(down=(2, 2048), up=(640, 2), module=LINEAR, alpha=True) -> dict:
    values = {f"{module}.{DOWN}": small(*down), f"{module}.{UP}": small(*up)}
    return values | ({f"{module}.{ALPHA}": torch.tensor(2.0)} if alpha else {})


def other_pair() -> dict:
    return pair((2, 1280), (1280, 2), OTHER)


def loha(rank=2, out=640, into=2048) -> dict:
    return numbers(hada_w1_a=small(out, rank), hada_w1_b=small(rank, into), hada_w2_a=small(out, rank),
                   hada_w2_b=small(rank, into))


def tucker_loha(rank=2) -> dict:
    core, side = small(rank, rank, 3, 3), small(rank, 320)
    return numbers(CONV, hada_w1_a=side, hada_w1_b=side.clone(), hada_w2_a=side.clone(), hada_w2_b=side.clone(),
                   hada_t1=core, hada_t2=core.clone())


def lokr(w1=(16, 16), a=(40, 2), b=(2, 128)) -> dict:
    return numbers(lokr_w1=small(*w1), lokr_w2_a=small(*a), lokr_w2_b=small(*b))


def locon(rank=2) -> dict:
    return {f"{CONV}.{DOWN}": small(rank, 320, 1, 1), f"{CONV}.{MID}": small(rank, rank, 3, 3),
            f"{CONV}.{UP}": small(320, rank, 1, 1)}


def full() -> dict:
    return numbers(diff=small(640, 2048))


def decomposed() -> dict:
    return pair() | numbers(dora_scale=small(640, 1))


def changed(make, key, change):
    """What `make` gives beside a sound pair, with one tensor replaced (None: left out)."""
    def build():
        values = make()
        assert key in values, key
        value = change(values[key])
        return other_pair() | {k: v for k, v in values.items() if k != key} | ({} if value is None else {key: value})
    return tensors(build)


def beside(make):
    return tensors(lambda: other_pair() | make())


def with_one(value):
    """Puts one number into the middle of a tensor."""
    def change(tensor):
        tensor.view(-1)[tensor.numel() // 2] = value
        return tensor
    return change


FAMILIES = {"lora": pair, "loha": loha, "tucker-loha": tucker_loha, "lokr": lokr, "locon": locon, "full": full,
            "dora": decomposed}


def part_of(key: str) -> str:
    return key.split(".", 1)[1].removesuffix(".weight").replace("_", "-")


def non_finite():
    for family, make in FAMILIES.items():
        for key in make():
            yield f"nan/{family}/{part_of(key)}", changed(make, key, with_one(float("nan")))
    for part, value in [(DOWN, "inf"), (UP, "-inf"), (ALPHA, "inf"), (ALPHA, "-inf")]:
        yield f"inf/{part_of('x.' + part)}/{value}", changed(pair, f"{LINEAR}.{part}", with_one(float(value)))
    for dtype in (torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2):
        yield (f"nan/{str(dtype).removeprefix('torch.')}",
               changed(pair, f"{LINEAR}.{UP}", lambda t, dtype=dtype: with_one(float("nan"))(t).to(dtype)))
    yield "nan/only-the-last-number", changed(pair, f"{LINEAR}.{UP}", lambda t: t.index_put_(
        (torch.tensor(639), torch.tensor(1)), torch.tensor(float("nan"))))
    yield "nan/everywhere", changed(pair, f"{LINEAR}.{DOWN}", lambda t: t.fill_(float("nan")))


def without(make, *keys):
    return beside(lambda: {key: value for key, value in make().items() if key not in keys})


def orphans():
    """(name, file, what is missing)"""
    yield "down-alone", without(pair, f"{LINEAR}.{UP}"), "lacks its up factor"
    yield "up-alone", without(pair, f"{LINEAR}.{DOWN}"), "lacks its down factor"
    yield "alpha-alone", without(pair, f"{LINEAR}.{UP}", f"{LINEAR}.{DOWN}"), "lacks its down and up factors"
    yield "mid-alone", without(locon, f"{CONV}.{UP}", f"{CONV}.{DOWN}"), "lacks its down and up factors"
    yield "dora-scale-alone", beside(lambda: numbers(dora_scale=small(640, 1))), "lacks its down and up factors"
    for key in loha():
        part = key.split(".")[1]
        yield f"loha-without-{part.replace('_', '-')}", without(loha, key), f"lacks its {part} factor"
    for part in ("hada_t1", "hada_t2"):
        yield f"loha-without-{part.replace('_', '-')}", without(tucker_loha, f"{CONV}.{part}"), f"lacks its {part} factor"
    for part, missing in [("lokr_w1", "lokr_w1"), ("lokr_w2_a", "lokr_w2_a"), ("lokr_w2_b", "lokr_w2_b")]:
        yield f"lokr-without-{part.replace('_', '-')}", without(lokr, f"{LINEAR}.{part}"), f"lacks its {missing} factor"
    yield ("lora-A-alone", beside(lambda: {f"{TARGET}.lora_A.weight": small(2, 2048)}), "lacks its up factor")
    yield ("lora-B-alone", beside(lambda: {f"{TARGET}.lora_B.weight": small(640, 2)}), "lacks its down factor")
    yield ("processor-up-alone", beside(lambda: {
        "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.up.weight": small(640, 2)}),
        "lacks its down factor")


RANKS = {
    "lora": (lambda: pair((2, 2048), (640, 3)), "the ranks differ or are 0"),
    "lora-rank-0": (lambda: pair((0, 2048), (640, 0)), "the ranks differ or are 0"),
    "lora-down-of-rank-0": (lambda: pair((0, 2048), (640, 2)), "the ranks differ or are 0"),
    "convolution": (lambda: pair((2, 320, 3, 3), (320, 4, 1, 1), CONV), "the ranks differ or are 0"),
    "locon-mid": (lambda: locon() | {f"{CONV}.{MID}": small(3, 3, 3, 3)}, "the ranks differ"),
    "locon-mid-2-dims": (lambda: locon() | {f"{CONV}.{MID}": small(2, 2)}, "the ranks differ"),
    "locon-mid-uneven": (lambda: locon() | {f"{CONV}.{MID}": small(3, 2, 3, 3)}, "the ranks differ"),
    "loha-first-side": (lambda: loha() | numbers(hada_w1_a=small(640, 3)), "whose ranks differ"),
    "loha-second-side": (lambda: loha() | numbers(hada_w2_b=small(5, 2048)), "whose ranks differ"),
    "loha-core": (lambda: tucker_loha() | numbers(CONV, hada_t1=small(3, 3, 3, 3)), "whose ranks differ"),
    "loha-sides-unequal": (lambda: loha() | numbers(hada_w2_b=small(2, 1024)), "sides of unequal shape"),
    "lokr": (lambda: lokr(b=(3, 128)), "whose ranks differ"),
    "lokr-side-twice": (lambda: lokr() | numbers(lokr_w1_a=small(16, 2), lokr_w1_b=small(2, 16)), "whole and as a product"),
    "lokr-rank-0": (lambda: lokr(a=(40, 0), b=(0, 128)), "rank 0"),
    "locon-mid-and-up": (lambda: locon() | {f"{CONV}.{MID}": small(3, 2, 3, 3)}, "the ranks differ"),
    "loha-core-of-a-huge-rank": (lambda: numbers(CONV, hada_w1_a=small(4096, 320), hada_w1_b=small(1, 320),
                                                 hada_w2_a=small(4096, 320), hada_w2_b=small(1, 320),
                                                 hada_t1=small(4096, 1, 3, 3), hada_t2=small(4096, 1, 3, 3)),
                                 "larger than the layer"),
    "glora-rank-0": (lambda: numbers(a1__weight=small(2048, 0), a2__weight=small(0, 2048), b1__weight=small(640, 0),
                                     b2__weight=small(0, 2048)), "rank 0"),
    "peft": (lambda: {f"{TARGET}.lora_A.weight": small(2, 2048), f"{TARGET}.lora_B.weight": small(640, 4)},
             "the ranks differ or are 0"),
}
# (file, exit code, words): transposed factors of rank 2 look like factors of unequal ranks.
SHAPES = {
    "down-transposed": (lambda: pair(down=(2048, 2)), MALFORMED, "the ranks differ"),
    "up-transposed": (lambda: pair(up=(2, 640)), MALFORMED, "the ranks differ"),
    "both-transposed": (lambda: pair((2048, 2), (2, 640)), MALFORMED, "the ranks differ"),
    "down-and-up-swapped": (lambda: pair((640, 2), (2, 2048)), MALFORMED, "the ranks differ"),
    "both-transposed-square": (lambda: pair((1280, 1280), (1280, 1280)), INCOMPATIBLE, "architecture needs"),
    "set-weight-transposed": (lambda: numbers(set_weight=small(2048, 640)), INCOMPATIBLE, "needs [640, 2048]"),
    "narrow": (lambda: pair(down=(2, 2047)), INCOMPATIBLE, "architecture needs [2, 2048] and [640, 2]"),
    "sd15-wide": (lambda: pair(down=(2, 768)), INCOMPATIBLE, "looks like a LoRA for Stable Diffusion 1.5"),
    "short-up": (lambda: pair(up=(639, 2)), INCOMPATIBLE, "architecture needs"),
    "up-of-no-rows": (lambda: pair(up=(0, 2)), INCOMPATIBLE, "architecture needs"),
    "kernel-on-a-linear": (lambda: pair(down=(2, 2048, 3, 3)), INCOMPATIBLE, "architecture needs"),
    "no-kernel-on-a-convolution": (lambda: pair((2, 320), (320, 2), CONV), INCOMPATIBLE, "architecture needs"),
    "flattened-kernel": (lambda: pair((2, 2880), (320, 2), CONV), INCOMPATIBLE, "architecture needs"),
    "kernel-in-up": (lambda: pair((2, 320, 3, 3), (320, 2, 3, 3), CONV), INCOMPATIBLE, "architecture needs"),
    "five-by-five": (lambda: pair((2, 320, 5, 5), (320, 2, 1, 1), CONV), INCOMPATIBLE, "architecture needs"),
    "full-too-small": (lambda: numbers(diff=small(640, 2047)), INCOMPATIBLE, "architecture needs"),
    "loha-of-another-width": (lambda: loha(into=1024), INCOMPATIBLE, "architecture needs"),
    "lokr-of-another-width": (lambda: lokr(b=(2, 64)), INCOMPATIBLE, "architecture needs"),
    "encoders-swapped": (lambda: pair((2, 1280), (1280, 2), "lora_te1_text_model_encoder_layers_0_self_attn_q_proj"),
                         INCOMPATIBLE, "architecture needs [2, 768]"),
    "one-dimension": (lambda: pair(down=(2048,)), MALFORMED, "has 2 or 4 dimensions"),
    "three-dimensions": (lambda: pair(up=(640, 2, 1)), MALFORMED, "has 2 or 4 dimensions"),
    "no-dimension": (lambda: pair(down=()), MALFORMED, "has 2 or 4 dimensions"),
    "65-dimensions": (lambda: pair(down=(2, 2048) + (1,) * 63), MALFORMED, "has 2 or 4 dimensions"),
    "200-dimensions": (lambda: pair(down=(2, 2048) + (1,) * 198), MALFORMED, "has 2 or 4 dimensions"),
    "alpha-of-two": (lambda: pair() | numbers(alpha=small(2)), MALFORMED, "an alpha is one number"),
    "alpha-of-none": (lambda: pair() | numbers(alpha=small(0)), MALFORMED, "an alpha is one number"),
    "alpha-beyond-float32": (lambda: pair() | numbers(alpha=torch.tensor(1e308, dtype=torch.float64)), MALFORMED,
                             "which is beyond float32"),
    "alpha-per-rank": (lambda: pair() | numbers(alpha=small(640, 2)), MALFORMED, "an alpha is one number"),
    "alpha-of-70-dimensions": (lambda: pair() | numbers(alpha=small(*[2] + [1] * 69)), MALFORMED, "is one number"),
    "dora-scale-of-another-length": (lambda: decomposed() | numbers(dora_scale=small(641, 1)), INCOMPATIBLE,
                                     "a DoRA magnitude [641, 1]"),
}
DTYPES = {
    "complex-factor": (lambda: pair() | {f"{LINEAR}.{UP}": small(640, 2).to(torch.complex64)}, "C64"),
    "complex-alpha": (lambda: pair() | numbers(alpha=torch.tensor(2j)), "C64"),
    "boolean-factor": (lambda: pair() | {f"{LINEAR}.{UP}": torch.ones(640, 2, dtype=torch.bool)}, "BOOL"),
    "8-bit-factor": (lambda: pair() | {f"{LINEAR}.{UP}": torch.ones(640, 2, dtype=torch.int8)}, "I8"),
    "unsigned-factor": (lambda: pair() | {f"{LINEAR}.{DOWN}": torch.ones(2, 2048, dtype=torch.uint8)}, "U8"),
    "64-bit-factor": (lambda: pair() | {f"{LINEAR}.{DOWN}": torch.ones(2, 2048, dtype=torch.int64)}, "I64"),
    "16-bit-unsigned-factor": (lambda: pair() | {f"{LINEAR}.{DOWN}": torch.ones(2, 2048, dtype=torch.uint16)}, "U16"),
}
SPELLINGS = {
    "two-block-namings": (lambda: pair() | pair(module=SAME_LINEAR), MALFORMED, "another key has given already"),
    "two-alphas": (lambda: pair() | {f"{SAME_LINEAR}.alpha": torch.tensor(2.0)}, MALFORMED, "gives an alpha"),
    "two-dialects": (lambda: pair() | {f"{TARGET}.lora_A.weight": small(2, 2048)}, MALFORMED, "gives a factor"),
    "lora-and-loha": (lambda: pair() | loha(), MALFORMED, "holds parts of"),
    "lora-and-full": (lambda: pair() | full(), MALFORMED, "holds parts of"),
    "loha-and-lokr": (lambda: loha() | lokr(), MALFORMED, "holds parts of"),
    "lokr-core-beside-whole": (lambda: numbers(CONV, lokr_w1=small(16, 16), lokr_w2=small(20, 20, 3, 3),
                                               lokr_t2=small(2, 2, 3, 3)), MALFORMED, "whole and a core"),
    "norm-of-a-linear": (lambda: pair() | numbers(w_norm=small(640)), MALFORMED, "only a norm can have"),
    "norm-bias-of-a-linear": (lambda: pair() | numbers(b_norm=small(640)), MALFORMED, "only a norm can have"),
    "optimizer-state": (lambda: {"optimizer.step": small(1)}, MALFORMED, "optimizer.step"),
    "stray-tensor": (lambda: {"": small(1)}, MALFORMED, "are of no known kind"),
    "lora-of-a-bias": (lambda: {f"{LINEAR}.lora_down.bias": small(2)}, MALFORMED, "lora_down.bias"),
    "misspelt-suffix": (lambda: {f"{LINEAR}.lora_dwn.weight": small(2, 2048)}, MALFORMED, "lora_dwn"),
    "checkpoint-beside-it": (lambda: {"model.diffusion_model.out.2.weight": small(4, 320, 3, 3)}, MALFORMED,
                             "mixes a LoRA with something else"),
    "block-that-is-not-there": (lambda: pair(module=LINEAR.replace("_4_1_", "_99_1_")), INCOMPATIBLE, "_99_1_"),
    "layer-13-of-12": (lambda: pair((2, 768), (768, 2), "lora_te1_text_model_encoder_layers_12_mlp_fc1"), INCOMPATIBLE,
                       "layers_12_mlp_fc1"),
    "layer-33-of-32": (lambda: pair((2, 1280), (1280, 2), "lora_te2_text_model_encoder_layers_32_self_attn_q_proj"),
                       INCOMPATIBLE, "layers_32_self_attn"),
    "third-encoder": (lambda: pair((2, 4096), (4096, 2), "lora_te3_encoder_block_0_layer_0_SelfAttention_q"),
                      INCOMPATIBLE, "lora_te3_"),
    "escape-codes-in-a-name": (lambda: {"\x1b[2J\x1b[31mlora": small(1)}, MALFORMED, "\\x1b[2J"),
    "name-of-a-megabyte": (lambda: {"k" * 1_000_000: small(1)}, MALFORMED, "(1000000 bytes)"),
}

# A few megabytes of factors whose products would take terabytes.
BOMBS = {
    "loha": lambda: loha(1, 2**20, 2**20),
    "tucker-loha": lambda: numbers(CONV, **{f"hada_w{n}_{side}": small(1, 2**20) for n in (1, 2) for side in "ab"},
                                   hada_t1=small(1, 1, 1024, 1024), hada_t2=small(1, 1, 1024, 1024)),
    "lokr": lambda: numbers(lokr_w1=small(1024, 1024), lokr_w2=small(1024, 1024)),
    "lokr-core": lambda: numbers(CONV, lokr_w1=small(320, 1), lokr_w2_a=small(2**20, 1), lokr_w2_b=small(1, 2**20),
                                 lokr_t2=small(2**20, 1, 1, 1)),
    "locon": lambda: {f"{CONV}.{DOWN}": small(1, 2**20, 1, 1), f"{CONV}.{UP}": small(320, 2**10, 1, 1),
                      f"{CONV}.{MID}": small(2**10, 1, 32, 32)},
    "full": lambda: numbers(diff=small(2**21, 1)),
}


def sparse(folder: Path) -> Path:
    """A terabyte that takes one block on disk."""
    rows = 2**27
    header = (f'{{"{LINEAR}.{DOWN}":{{"dtype":"F32","shape":[{rows},2048],"data_offsets":[0,{rows * 8192}]}}}}')
    path = raw(container(header))(folder)
    os.truncate(path, 8 + len(header) + rows * 8192)
    return path


def many_keys(folder: Path) -> Path:
    entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    return raw(container("{" + ",".join(f'"k{n}":{entry}' for n in range(100_000)) + "}"))(folder)


BROKEN = [
    *(BrokenFile(f"layer/{name}", write, MALFORMED, "NaN or Inf") for name, write in non_finite()),
    *(BrokenFile(f"orphan/{name}", write, MALFORMED, says) for name, write, says in orphans()),
    *(BrokenFile(f"rank/{name}", beside(make), MALFORMED, says) for name, (make, says) in RANKS.items()),
    *(BrokenFile(f"shape/{name}", beside(make), code, says) for name, (make, code, says) in SHAPES.items()),
    *(BrokenFile(f"dtype/{name}", beside(make), MALFORMED, says) for name, (make, says) in DTYPES.items()),
    *(BrokenFile(f"spelling/{name}", beside(make), code, says) for name, (make, code, says) in SPELLINGS.items()),
    *(BrokenFile(f"bomb/{name}", beside(make), INCOMPATIBLE, "this SDXL architecture needs")
      for name, make in BOMBS.items()),
    BrokenFile("size/a-terabyte-of-nothing", sparse, MALFORMED, "larger than its layer"),
    BrokenFile("size/100000-keys", many_keys, MALFORMED, "none of its 100000 keys"),
]

ODD = [
    OddFile("layer/no-alpha", tensors(lambda: pair(alpha=False)), 1),
    OddFile("layer/some-alphas", tensors(lambda: pair(alpha=False) | other_pair()), 2),
    OddFile("layer/alpha-0", tensors(lambda: pair() | numbers(alpha=torch.tensor(0.0))), 1),
    OddFile("layer/alpha-negative", tensors(lambda: pair() | numbers(alpha=torch.tensor(-1.0))), 1),
    OddFile("layer/alpha-of-one", tensors(lambda: pair() | numbers(alpha=torch.tensor([2.0]))), 1),
    OddFile("layer/alpha-int64", tensors(lambda: pair() | numbers(alpha=torch.tensor(2))), 1),
    OddFile("layer/alpha-bf16", tensors(lambda: pair() | numbers(alpha=torch.tensor(2.0).bfloat16())), 1),
    OddFile("layer/alpha-f64", tensors(lambda: pair() | numbers(alpha=torch.tensor(2.0).double())), 1),
    OddFile("layer/two-dialects-apart", tensors(lambda: other_pair() | {
        f"{TARGET}.lora_A.weight": small(2, 2048), f"{TARGET}.lora_B.weight": small(640, 2)}), 2),
    OddFile("layer/ranks-that-differ-by-layer", tensors(lambda: pair((5, 2048), (640, 5)) | other_pair()), 2),
    OddFile("layer/linear-with-a-1x1-kernel", tensors(lambda: pair((2, 2048, 1, 1), (640, 2, 1, 1))), 1),
    OddFile("layer/zeros", tensors(lambda: {key: value * 0 for key, value in pair(alpha=False).items()}), 1),
    OddFile("layer/mixed-dtypes", tensors(lambda: {f"{LINEAR}.{DOWN}": small(2, 2048).half(),
                                                   f"{LINEAR}.{UP}": small(640, 2).bfloat16()}), 1),
    OddFile("layer/float8", tensors(lambda: {key: value.to(torch.float8_e4m3fn) for key, value in pair().items()}), 1),
]

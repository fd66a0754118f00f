"""Files as they are found in the wild, on a few layers of SDXL base 1.0, each with the change that it means.

    case = CASES["loha"](weights, modules)
    case.tensors      # key -> tensor, what the file holds
    case.deltas       # canonical layer -> W' - W, what a program that loads it fully must arrive at

Numbers come from one fixed formula, not from a generator whose sequence could change between releases.
"""

import json
import math
from dataclasses import dataclass, field
from functools import cache

import torch
from sdxl_modules import TEXT_PROJECTION

# One of each kind of layer, of every size class; [out, in] or [out, in, kh, kw] are SDXL's own.
ATTENTION = ["unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
             "unet.down_blocks.1.attentions.0.transformer_blocks.1.attn2.to_k",
             "unet.up_blocks.1.attentions.2.transformer_blocks.0.attn1.to_out.0",
             "unet.mid_block.attentions.0.transformer_blocks.3.attn2.to_v"]
OTHER_LINEAR = ["unet.down_blocks.1.attentions.0.transformer_blocks.0.ff.net.0.proj",
                "unet.down_blocks.1.attentions.1.transformer_blocks.1.ff.net.2",
                "unet.down_blocks.1.attentions.0.proj_in", "unet.up_blocks.1.attentions.0.proj_out"]
ENCODERS = [f"{encoder}.text_model.encoder.layers.1.{leaf}" for encoder in ("text_encoder", "text_encoder_2")
            for leaf in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj", "mlp.fc1",
                         "mlp.fc2")]
CONVOLUTIONS = ["unet.down_blocks.0.resnets.0.conv1", "unet.up_blocks.2.resnets.1.conv2",
                "unet.down_blocks.1.resnets.0.time_emb_proj", "unet.down_blocks.1.resnets.0.conv_shortcut",
                "unet.down_blocks.0.downsamplers.0.conv", "unet.up_blocks.1.upsamplers.0.conv"]
UPSAMPLER_0 = ["unet.up_blocks.0.upsamplers.0.conv"]
OUTSIDE_BLOCKS = ["unet.conv_in", "unet.time_embedding.linear_1", "unet.add_embedding.linear_2", "unet.conv_out"]
LINEAR = ATTENTION + OTHER_LINEAR
ALL_LAYERS = LINEAR + ENCODERS + CONVOLUTIONS + UPSAMPLER_0 + OUTSIDE_BLOCKS
RANK, ALPHA = 4, 2.0


@dataclass
class Case:
    tensors: dict = field(default_factory=dict)
    deltas: dict = field(default_factory=dict)
    metadata: dict = field(default_factory=lambda: {"ss_base_model_version": "sdxl_base_v1-0"})


@cache
def numbers(name: str, *shape: int) -> torch.Tensor:
    """Like noise of deviation 0.1, the same on every machine: sines of incommensurable steps, told apart by the name."""
    phase = sum((n + 1) * ord(letter) for n, letter in enumerate(name)) % 997
    index = torch.arange(math.prod(shape), dtype=torch.float64)
    return (0.1 * torch.sin(index * index * 0.37 + index * 1.7 + phase) * math.sqrt(2)).float().reshape(shape)


def base_weight(name, modules):
    return numbers("base " + name, *((1280, 1280) if name == TEXT_PROJECTION else modules[name].shape))


def factors(name, modules, rank=RANK):
    shape = modules[name].shape
    down = numbers(name + " down", rank, *shape[1:])
    return down, numbers(name + " up", shape[0], rank, *[1] * (len(shape) - 2))


def product(up, down):
    return (up.flatten(1) @ down.flatten(1)).reshape(up.shape[0], *down.shape[1:])


def flat(name, modules, blocks="sgm"):
    return modules[name].flat_sgm if blocks == "sgm" else modules[name].flat_diffusers


def kohya(layers, blocks="sgm", alpha=lambda name, rank: ALPHA, rank=lambda name: RANK):
    """`blocks`: "sgm", "diffusers" or a function of the layer's name."""
    def make(modules):
        case = Case()
        for name in layers:
            down, up = factors(name, modules, rank(name))
            stem = flat(name, modules, blocks if isinstance(blocks, str) else blocks(name))
            case.tensors |= {f"{stem}.lora_down.weight": down, f"{stem}.lora_up.weight": up}
            value = alpha(name, rank(name))
            if value is not None:
                case.tensors[f"{stem}.alpha"] = torch.tensor(value)
            case.deltas[name] = product(up, down) * (1.0 if value is None else value / rank(name))
        return case
    return make


def dotted(layers, spell, alpha=None):
    """`spell(name, module)` gives the two keys of down and up."""
    def make(modules):
        case = Case(metadata={})
        for name in layers:
            down, up = factors(name, modules)
            down_key, up_key = spell(name, modules[name])
            case.tensors |= {down_key: down, up_key: up}
            if alpha is not None:
                case.tensors[down_key.replace(".lora_A.weight", ".alpha")] = torch.tensor(alpha)
            case.deltas[name] = product(up, down) * (1.0 if alpha is None else alpha / RANK)
        return case
    return make


def now(name, module):
    return f"{name}.lora_A.weight", f"{name}.lora_B.weight"


def middle(name, module):
    inner = "lora" if module.component == "unet" else "lora_linear_layer"
    return f"{name}.{inner}.down.weight", f"{name}.{inner}.up.weight"


def oldest(name, module):
    attention, leaf = name.rsplit(".to_", 1)
    stem = f"{attention}.processor.to_{leaf.removesuffix('.0')}_lora"
    return f"{stem}.down.weight", f"{stem}.up.weight"


def peft(name, module):
    return f"base_model.model.{module.path}.lora_A.weight", f"base_model.model.{module.path}.lora_B.weight"


def comfy(name, module):
    prefix = {"unet": "diffusion_model.", "text_encoder": "text_encoders.clip_l.transformer.",
              "text_encoder_2": "text_encoders.clip_g.transformer."}[module.component]
    return f"{prefix}{module.sgm}.lora_A.weight", f"{prefix}{module.sgm}.lora_B.weight"


def lycoris_prefix(name, module):
    stem = module.flat_diffusers.replace("lora_unet_", "lycoris_")
    return f"{stem}.lora_down.weight", f"{stem}.lora_up.weight"


def extended(make, change):
    """`change(case, modules)` adds to a case or breaks it."""
    def made(modules):
        case = make(modules)
        change(case, modules)
        return case
    return made


FIRST, CONV = ATTENTION[0], CONVOLUTIONS[0]


def add_locon_mid(case, modules):
    out, into, height, width = modules[CONV].shape
    up, down = numbers("mid up", out, RANK, 1, 1), numbers("mid down", RANK, into, 1, 1)
    mid, stem = numbers("mid", RANK, RANK, height, width), flat(CONV, modules)
    case.tensors |= {f"{stem}.lora_up.weight": up, f"{stem}.lora_down.weight": down, f"{stem}.lora_mid.weight": mid,
                     f"{stem}.alpha": torch.tensor(ALPHA)}
    case.deltas[CONV] = torch.einsum("om,mnkl,ni->oikl", up[:, :, 0, 0], mid, down[:, :, 0, 0]) * ALPHA / RANK


def add_loha(case, modules):
    out, into = modules[FIRST].shape
    parts = {"w1_a": numbers("w1a", out, RANK), "w1_b": numbers("w1b", RANK, into), "w2_a": numbers("w2a", out, RANK),
             "w2_b": numbers("w2b", RANK, into)}
    case.tensors |= {f"{flat(FIRST, modules)}.hada_{part}": value for part, value in parts.items()}
    case.tensors[f"{flat(FIRST, modules)}.alpha"] = torch.tensor(ALPHA)
    case.deltas[FIRST] = (parts["w1_a"] @ parts["w1_b"]) * (parts["w2_a"] @ parts["w2_b"]) * ALPHA / RANK


def add_loha_tucker(case, modules):
    out, into, height, width = modules[CONV].shape
    stem, factor = flat(CONV, modules), []
    for n in ("1", "2"):
        core = 10 * numbers("t" + n, RANK, RANK, height, width)
        a, b = numbers("a" + n, RANK, out), numbers("b" + n, RANK, into)
        case.tensors |= {f"{stem}.hada_t{n}": core, f"{stem}.hada_w{n}_a": a, f"{stem}.hada_w{n}_b": b}
        factor.append(torch.einsum("pqkl,po,qi->oikl", core, a, b))
    case.tensors[f"{stem}.alpha"] = torch.tensor(ALPHA)
    case.deltas[CONV] = factor[0] * factor[1] * ALPHA / RANK


def add_lokr(case, modules):
    out, into = modules[FIRST].shape
    w1, a, b = numbers("w1", 8, 8), numbers("w2a", out // 8, RANK), numbers("w2b", RANK, into // 8)
    stem = flat(FIRST, modules)
    case.tensors |= {f"{stem}.lokr_w1": w1, f"{stem}.lokr_w2_a": a, f"{stem}.lokr_w2_b": b,
                     f"{stem}.alpha": torch.tensor(ALPHA)}
    case.deltas[FIRST] = torch.kron(w1, a @ b) * ALPHA / RANK


def add_lokr_tucker(case, modules):
    out, into, height, width = modules[CONV].shape
    w1, core = numbers("w1", 8, 8), numbers("t2", RANK, RANK, height, width)
    a, b = numbers("w2a", RANK, out // 8), numbers("w2b", RANK, into // 8)
    stem = flat(CONV, modules)
    case.tensors |= {f"{stem}.lokr_w1": w1, f"{stem}.lokr_t2": core, f"{stem}.lokr_w2_a": a, f"{stem}.lokr_w2_b": b,
                     f"{stem}.alpha": torch.tensor(ALPHA)}
    w2 = torch.einsum("pqkl,po,qi->oikl", core, a, b).contiguous()
    case.deltas[CONV] = torch.kron(w1[:, :, None, None], w2) * ALPHA / RANK


def add_full(case, modules):
    diff = numbers("diff", *modules[FIRST].shape)
    case.tensors[f"{flat(FIRST, modules)}.diff"] = diff
    case.deltas[FIRST] = diff


def add_dora(axis):
    """W' = m · (W + ΔW) / ‖W + ΔW‖, the norm of each output row or of each input column."""
    def change(case, modules):
        weight, delta = base_weight(FIRST, modules), case.deltas[FIRST]
        norm = (weight + delta).norm(dim=1 if axis == "out" else 0, keepdim=True)
        magnitude = norm * (1 + numbers("magnitude", *norm.shape))
        case.tensors[f"{flat(FIRST, modules)}.dora_scale"] = magnitude
        case.deltas[FIRST] = magnitude * (weight + delta) / norm - weight
    return change


def add_key(key, *shape):
    return lambda case, modules: case.tensors.update({key: numbers(key, *shape)})


def add_text_projection(case, modules):
    width = modules["text_encoder_2.text_model.encoder.layers.1.self_attn.q_proj"].shape[0]
    down, up = numbers("down", RANK, width), numbers("up", width, RANK)
    stem = "lora_te2_text_projection"
    case.tensors |= {f"{stem}.lora_down.weight": down, f"{stem}.lora_up.weight": up, f"{stem}.alpha": torch.tensor(ALPHA)}
    case.deltas[TEXT_PROJECTION] = product(up, down) * ALPHA / RANK


def drop_up(case, modules):
    del case.tensors[f"{flat(FIRST, modules)}.lora_up.weight"]
    del case.deltas[FIRST]


def add_adapter_metadata(case, modules):
    case.metadata["lora_adapter_metadata"] = json.dumps({"unet.r": RANK, "unet.lora_alpha": ALPHA})


ENCODER_QUERIES = [name for name in ENCODERS if name.endswith("q_proj")]
WITHOUT_CROSS_ATTENTION = [name for name in LINEAR if ".attn2." not in name and "mid_block" not in name]
REST = [name for name in LINEAR if name != FIRST]

# name -> a function of sdxl_modules()
CASES = {
    "kohya-sgm": kohya(LINEAR + ENCODERS),
    "kohya-sgm-conv": kohya(LINEAR + CONVOLUTIONS + UPSAMPLER_0),
    "kohya-sgm-outside-blocks": kohya(LINEAR + OUTSIDE_BLOCKS),
    "kohya-diffusers": kohya(LINEAR + ENCODERS, "diffusers"),
    "kohya-diffusers-conv": kohya(LINEAR + CONVOLUTIONS, "diffusers"),
    "kohya-diffusers-upsampler-0": kohya(LINEAR + UPSAMPLER_0, "diffusers"),
    "kohya-mixture": kohya(LINEAR, lambda name: "diffusers" if name == FIRST else "sgm"),
    "kohya-no-alpha": kohya(LINEAR, alpha=lambda name, rank: None),
    "kohya-alpha-here-and-there": kohya(LINEAR, alpha=lambda name, rank: None if name == FIRST else ALPHA),
    "kohya-mixed-ranks-one-alpha": kohya(LINEAR, rank=lambda name: 2 if name == FIRST else RANK),
    "kohya-mixed-ranks-alpha-of-each": kohya(LINEAR, alpha=lambda name, rank: float(rank),
                                            rank=lambda name: 2 if name == FIRST else RANK),
    "kohya-no-cross-attention": kohya(WITHOUT_CROSS_ATTENTION),
    "kohya-encoder-queries-only": kohya(LINEAR + ENCODER_QUERIES),
    "kohya-orphan": extended(kohya(LINEAR), drop_up),
    "kohya-stray-key": extended(kohya(LINEAR), add_key("optimizer.step", 1)),
    "kohya-adapter-metadata": extended(kohya(LINEAR), add_adapter_metadata),
    "kohya-text-projection": extended(kohya(LINEAR + ENCODERS), add_text_projection),
    "kohya-embeddings": extended(kohya(LINEAR), add_key("bundle_emb.ink.string_to_param.*", 2, 768)),
    "locon-mid": extended(kohya(REST), add_locon_mid),
    "loha": extended(kohya(REST), add_loha),
    "loha-tucker": extended(kohya(REST), add_loha_tucker),
    "lokr": extended(kohya(REST), add_lokr),
    "lokr-tucker": extended(kohya(REST), add_lokr_tucker),
    "full": extended(kohya(REST), add_full),
    "dora-out": extended(kohya(LINEAR), add_dora("out")),
    "dora-in": extended(kohya(LINEAR), add_dora("in")),
    "lycoris-prefix": dotted(LINEAR, lycoris_prefix),
    "diffusers-now": dotted(LINEAR + ENCODERS, now),
    "diffusers-now-alpha": dotted(LINEAR, now, alpha=ALPHA),
    "diffusers-now-no-attention": dotted(OTHER_LINEAR, now),
    "diffusers-middle": dotted(LINEAR, middle),
    "diffusers-oldest": dotted(ATTENTION, oldest),
    "peft": dotted(LINEAR, peft),
    "sgm-without-prefix": dotted(LINEAR, lambda name, module: (f"{module.sgm}.lora_A.weight",
                                                              f"{module.sgm}.lora_B.weight")),
    "comfy": dotted(LINEAR + ENCODERS, comfy),
    "comfy-alpha": dotted(LINEAR, comfy, alpha=ALPHA),
}

"""`generate --strategy` against StableDiffusionXLPipeline with peft's adapters, switched as the authors' code switches them
(maszhongming/Multi-LoRA-Composition, HVision-NKU/K-LoRA) or as the paper says (CRAFT-LoRA); K-LoRA's choices against those
of its own code (record_k_lora.py)."""

import functools
import json
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from probe_runner import relative_error, run_probe
from program import ziplora
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny_sdxl import make_tiny_sdxl

PROMPTS = ["a ghost at night", "Großer Igel, in ink style"]
STEPS, GUIDANCE, SIDE, SEED = 10, 4.0, 32, 7
STRENGTHS = {"subject": 1.0, "style": 0.8}
RANKS = {"subject": 2, "style": 3}
PROJECTIONS = ("to_q", "to_k", "to_v", "to_out.0")
RECORDED = Path(__file__).parent / "data/k_lora.safetensors"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("strategies") / "base")


def open_pipeline(base):
    pipeline = StableDiffusionXLPipeline.from_pretrained(base, add_watermarker=False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def factors(base):
    """{role: {layer of the pipeline: (down, up)}} on the attention of the UNet and of the text encoders. Four times as
    large, and ten steps would make a difference of the last bit visible."""
    pipeline = open_pipeline(base)
    generator = torch.Generator().manual_seed(3)
    drawn = {}
    for role, rank in RANKS.items():
        drawn[role] = {}
        for component in ("unet", "text_encoder", "text_encoder_2"):
            for name, module in getattr(pipeline, component).named_modules():
                if name.endswith((*PROJECTIONS, "self_attn.q_proj", "self_attn.out_proj")):
                    size = 0.08 * 1.8 ** float(torch.randn((), generator=generator))
                    drawn[role][f"{component}.{name}"] = (
                        torch.randn(rank, module.in_features, generator=generator),
                        size * torch.randn(module.out_features, rank, generator=generator))
    return drawn


@pytest.fixture(scope="module")
def files(factors, tmp_path_factory):
    folder, written = tmp_path_factory.mktemp("loras"), {}
    for role, layers in factors.items():
        written[role] = folder / f"{role}.safetensors"
        save_file({f"{name}.lora_{part}.weight": factor for name, pair in layers.items()
                   for part, factor in zip("AB", pair)}, written[role])
    return written


@pytest.fixture(scope="module")
def ours(base, files, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("ours")
    save_file({"latents": noise()}, tmp_path / "noise.safetensors")

    @functools.cache
    def run(*flags):
        ziplora("generate", *PROMPTS, "--base", base, "--steps", STEPS, "--guidance-scale", GUIDANCE, "--seed", SEED,
                "--height", SIDE, "--width", SIDE, "--initial-noise", tmp_path / "noise.safetensors", "--save-latents",
                tmp_path / "latents.safetensors", "--negative-prompt", "blurry", "-o", tmp_path / "out.png",
                *(word for role, file in files.items() for word in (f"--{role}", f"{file}:{STRENGTHS[role]}")), *flags)
        return load_file(tmp_path / "latents.safetensors")["latents"]
    return run


@pytest.fixture
def pipeline(base, factors):
    """peft's adapters in the UNet; in the text encoders, to which diffusers gives none under transformers 5, the same by
    hooks, of the roles in `text_roles`."""
    opened = open_pipeline(base)
    for role, layers in factors.items():
        opened.load_lora_weights({f"{name}.lora_{part}.weight": factor for name, pair in layers.items()
                                  if name.startswith("unet.") for part, factor in zip("AB", pair)}, adapter_name=role)
    opened.text_roles = ()

    def add(layer, inputs, output):
        return output + sum(STRENGTHS[role] * inputs[0] @ (factors[role][layer][1] @ factors[role][layer][0]).T
                            for role in opened.text_roles)
    for component in ("text_encoder", "text_encoder_2"):
        for name, module in getattr(opened, component).named_modules():
            if (layer := f"{component}.{name}") in factors["subject"]:
                module.register_forward_hook(lambda _, inputs, output, layer=layer: add(layer, inputs, output))
    return opened


def noise():
    return torch.randn(len(PROMPTS), 4, SIDE // 2, SIDE // 2, generator=torch.Generator().manual_seed(SEED))


def wear(pipeline, *roles):
    """In the UNet."""
    pipeline.unet.set_adapters(list(roles), [STRENGTHS[role] for role in roles])


def encode(pipeline, *roles):
    """prompt_embeds, negative_prompt_embeds and both pooled ones."""
    pipeline.text_roles = roles
    with torch.no_grad():
        return pipeline.encode_prompt(prompt=PROMPTS, negative_prompt=["blurry"] * len(PROMPTS))


def theirs(pipeline, text_roles=tuple(STRENGTHS), **call):
    pipeline.text_roles = text_roles
    texts = {} if "prompt_embeds" in call else {"prompt": PROMPTS, "negative_prompt": ["blurry"] * len(PROMPTS)}
    return pipeline(**texts, num_inference_steps=STEPS, guidance_scale=GUIDANCE, height=SIDE, width=SIDE, latents=noise(),
                    output_type="latent", **call).images


def assert_equal_and_not_merged(ours, flags, expected):
    assert relative_error(ours(*flags), expected) < 2e-5
    assert relative_error(ours(), expected) > 0.02, "this strategy has an effect"


def test_merged_is_the_default(ours, pipeline):
    wear(pipeline, *STRENGTHS)
    expected = theirs(pipeline)
    assert relative_error(ours(), expected) < 2e-5
    assert torch.equal(ours("--strategy", "merged"), ours())


@pytest.mark.parametrize("every", [1, 3])
def test_switch(every, ours, pipeline):
    """The adapter changes after each step of which the number, from 0, is a multiple, as in the authors' callback, so
    the first takes one step more; the prompt is encoded once, by the first."""
    active = ["subject"]

    def after_step(_, step, timestep, arguments):
        if step > 0 and step % every == 0:
            active[0] = "style" if active[0] == "subject" else "subject"
            wear(pipeline, active[0])
        return {}

    wear(pipeline, *active)
    expected = theirs(pipeline, text_roles=active[:], callback_on_step_end=after_step)
    assert_equal_and_not_merged(ours, ("--strategy", "switch", "--switch-every", every), expected)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_composite(batch_size, ours, pipeline):
    """The mean of all predictions before guidance; the prompt is encoded by all adapters."""
    forward = pipeline.unet.forward

    def of_each(*arguments, **named):
        predictions = []
        for role in STRENGTHS:
            wear(pipeline, role)
            predictions.append(forward(*arguments, **named)[0])
        return (torch.stack(predictions).mean(0),)

    wear(pipeline, *STRENGTHS)
    pipeline.unet.forward = of_each
    assert_equal_and_not_merged(ours, ("--strategy", "composite", "--batch-size", batch_size), theirs(pipeline))


def test_composite_with_rescaled_guidance(ours, pipeline):
    forward = pipeline.unet.forward
    wear(pipeline, *STRENGTHS)

    def of_each(*arguments, **named):
        found = [(wear(pipeline, role), forward(*arguments, **named)[0])[1] for role in STRENGTHS]
        return (sum(found) / 2,)

    pipeline.unet.forward = of_each
    flags = ("--strategy", "composite", "--guidance-rescale", 0.7)
    assert relative_error(ours(*flags), theirs(pipeline, guidance_rescale=0.7)) < 2e-5


@pytest.mark.parametrize("until, since, windows", [(0.7, 0.3, ((1, 7), (3, 10))), (0.5, 0.6, ((1, 5), (6, 10)))])
def test_asymmetric_guidance(until, since, windows, ours, pipeline):
    """The unconditional pass wears nothing, in the text encoders, too. `windows`: first and last step of each role."""
    positive, _, pooled, _ = encode(pipeline, *STRENGTHS)
    _, negative, _, negative_pooled = encode(pipeline)
    forward, steps = pipeline.unet.forward, iter(range(1, STEPS + 1))

    def apart(sample, timestep, encoder_hidden_states, added_cond_kwargs, **named):
        number = next(steps)
        half = [{"sample": s, "encoder_hidden_states": e, "added_cond_kwargs": {"text_embeds": p, "time_ids": i}}
                for s, e, p, i in zip(sample.chunk(2), encoder_hidden_states.chunk(2),
                                      added_cond_kwargs["text_embeds"].chunk(2), added_cond_kwargs["time_ids"].chunk(2))]
        pipeline.unet.disable_adapters()
        without = forward(timestep=timestep, **half[0], **named)[0]
        pipeline.unet.enable_adapters()
        wear(pipeline, *(role for role, (first, last) in zip(STRENGTHS, windows) if first <= number <= last))
        return (torch.cat([without, forward(timestep=timestep, **half[1], **named)[0]]),)

    pipeline.unet.forward = apart
    expected = theirs(pipeline, prompt_embeds=positive, pooled_prompt_embeds=pooled, negative_prompt_embeds=negative,
                      negative_pooled_prompt_embeds=negative_pooled)
    flags = ("--strategy", "asymmetric-guidance", "--subject-until", until, "--style-from", since)
    assert_equal_and_not_merged(ours, flags, expected)


# K-LoRA

class CountingLayers:
    """Adds the subject's or the style's ΔW to each attention layer of a UNet, and counts the calls of all of them, as the
    authors' layers do; so the order of the layers is that of diffusers' forward pass."""

    def __init__(self, unet, factors, alpha, beta, wrap):
        self.alpha, self.beta, self.wrap, self.count = alpha, beta, wrap, 0
        self.deltas, self.sizes, chosen = {}, {}, {}
        for name, module in unet.named_modules():
            if name.endswith(PROJECTIONS):
                pairs = [factors[role][f"unet.{name}"] for role in RANKS]
                deltas = [up @ down for down, up in pairs]
                most = pairs[0][0].shape[0] * pairs[1][0].shape[0]
                self.deltas[name] = [STRENGTHS[role] * delta for role, delta in zip(RANKS, deltas)]
                self.sizes[name] = [float(delta.abs().flatten().topk(most).values.sum()) for delta in deltas]
                chosen[name] = float(deltas[0].abs().sum() / deltas[1].abs().sum())
                module.register_forward_hook(lambda _, inputs, output, name=name: output + self.add(name, inputs[0]))
        mean = sum(chosen.values()) / len(chosen)
        near = [ratio for ratio in chosen.values() if ratio < 3 * mean]
        self.gamma = sum(near) / len(near)
        self.of_subject = []

    def add(self, name, inputs):
        self.count += 1
        calls = STEPS * len(self.deltas)
        scale = self.alpha * (self.count % calls) / calls + self.beta
        if self.wrap:
            scale %= self.alpha
        subject, style = self.sizes[name]
        takes_subject = scale == 0 or subject / self.gamma / (style * scale) > 1
        self.of_subject.append(takes_subject)
        return inputs @ self.deltas[name][0 if takes_subject else 1].T


@pytest.mark.parametrize("flags, scale", [((), (1.5, 1.275, True)),
                                          (("--k-lora-beta", 0.5, "--no-k-lora-wrap"), (1.5, 0.5, False))])
def test_k_lora_in_the_order_of_the_forward_pass(flags, scale, ours, pipeline, factors):
    """The text encoders, which its code leaves alone, wear both."""
    pipeline.unet.unload_lora()
    layers = CountingLayers(pipeline.unet, factors, *scale)
    expected = theirs(pipeline)
    assert layers.count == STEPS * len(layers.deltas) and 0.1 < sum(layers.of_subject) / layers.count < 0.9
    assert_equal_and_not_merged(ours, ("--strategy", "k-lora", *flags), expected)


@pytest.mark.parametrize("pattern, options", [("s*", {}), ("s", {"k-lora-beta": 0.5, "k-lora-wrap": False})])
def test_k_lora_chooses_as_its_authors_code(pattern, options):
    with safe_open(RECORDED, "pt") as file:
        targets = json.loads(file.metadata()["targets"])
    recorded = load_file(RECORDED)
    expected = recorded[f"subject/{pattern}"]
    inputs = {name: tensor for name, tensor in recorded.items() if name.count("/") == 2}
    outputs, values = run_probe("strategy", inputs, strategy="k-lora", options=options, steps=expected.shape[0])
    assert values["targets"] == targets
    assert torch.equal(outputs["subject"], expected)
    shares = expected.double().mean(1)
    assert shares.max() > 0.6 and shares.min() < 0.3, "both are chosen"

"""Ten iterations of zip against the paper's equations written plainly: dense ΔW, m_k ⊗ ΔW_k, on the diffusers UNet.

In float64, because Adam's first updates are lr · g / |g|: where a gradient is nearly zero, float32's rounding decides
its sign, and two right programs part. The adapters change the model moderately, as trained ones do: with deltas as
large as the weights the UNet is chaotic, and a change of 1e-13 in one factor grows to 0.04 in the coefficients.
"""

import pytest
import torch
from diffusers import DDPMScheduler
from embedded_base import SCHEDULER_CONFIG
from probe_runner import run_probe, worst_gradient_error
from test_unet import draw_rows, open_unet

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
ITERATIONS, ROWS_EACH, LEARNING_RATE = 10, 2, 0.01
STRENGTH = 0.3  # of an adapter's delta beside the weight it changes


class MergedLinear(torch.nn.Module):
    """y = W0 x + b + Σ_k (m_k ⊗ ΔW_k) x, or Σ_k g_k ΔW_k x with shares g, those of one adapter alone among them; ΔW dense,
    as in the public implementation."""

    def __init__(self, base, deltas, start):
        super().__init__()
        self.base, self.deltas = base, deltas  # deltas: adapter index → [out, in]
        ones = torch.ones(base.in_features, dtype=base.weight.dtype)
        self.m = {k: start[k].clone().requires_grad_() if k in start else ones for k in deltas}
        self.shares = None

    def forward(self, x):
        y = self.base(x)
        for k, delta in self.deltas.items():
            factor = self.m[k] if self.shares is None else self.shares.get(k, 0.0)
            y = y + torch.nn.functional.linear(x, delta * factor)
        return y


OVERLAPS = {
    "mean-products": lambda a, b: (a * b).abs().mean(),
    "sum-products": lambda a, b: (a * b).abs().sum(),
    "dot-product": lambda a, b: (a * b).sum().abs(),
    "cosine": lambda a, b: torch.nn.functional.cosine_similarity(a, b, dim=0).abs(),
}


def random_adapters(unet, ranks):
    """Factors by (adapter, path). All touch attention; the first also a feed-forward layer, the last lacks some."""
    paths = [path for path, module in unet.named_modules()
             if path.endswith(ATTENTION) and isinstance(module, torch.nn.Linear)]
    extra = [path for path, _ in unet.named_modules() if path.endswith("ff.net.2")][:2]
    factors = {}
    for k, rank in enumerate(ranks):
        own = paths + extra if k == 0 else paths[3:] if k == len(ranks) - 1 else paths
        for path in own:
            layer = unet.get_submodule(path)
            factors[k, path] = (torch.randn(rank, layer.in_features) / layer.in_features ** 0.5,
                                STRENGTH * torch.randn(layer.out_features, rank) / rank ** 0.5)
    return factors, paths


def start_values(factors, learned, kind):
    """Coefficients before the first iteration, by (adapter, path)."""
    ones = {key: torch.ones(down.shape[1]) for key, (down, _) in sorted(factors.items()) if key[1] in learned}
    return ones if kind == "ones" else {key: m - torch.rand_like(m) * 1.5 for key, m in ones.items()}


class Reference:
    """The objective and its optimization; `conditioning` and `batches` are those of the probe.

    @param joint  weight of the joint term and the adapters' shares in it
    """

    def __init__(self, unet, factors, weights, start, overlap, overlap_weight, over, joint):
        self.unet, self.overlap, self.overlap_weight, self.over = unet, OVERLAPS[overlap], overlap_weight, over
        self.contexts = [(1.0, {k: 1.0}) for k in range(len(weights))]
        if joint:
            self.contexts.append((joint[0], dict(enumerate(joint[1]))))
        self.layers = {}
        for path in sorted({path for _, path in factors}):
            deltas = {k: weights[k] * up @ down for (k, p), (down, up) in sorted(factors.items()) if p == path}
            own_start = {k: m for (k, p), m in start.items() if p == path}
            parent, _, name = path.rpartition(".")
            self.layers[path] = MergedLinear(unet.get_submodule(path), deltas, own_start)
            setattr(unet.get_submodule(parent), name, self.layers[path])
        self.m = {f"{k}.unet.{path}": m for path, layer in self.layers.items() for k, m in layer.m.items()
                  if m.requires_grad}

    def predict(self, noisy, timesteps, conditioning, context, shares):
        for layer in self.layers.values():
            layer.shares = shares
        rows = slice(context * ROWS_EACH, (context + 1) * ROWS_EACH)
        return self.unet(noisy[rows], timesteps[rows], conditioning["encoder_hidden_states"][rows], added_cond_kwargs={
            name: conditioning[name][rows] for name in ("text_embeds", "time_ids")}).sample

    def losses(self, noisy, timesteps, conditioning):
        """Fidelity in each context, the layers' overlap without its weight, and the loss."""
        fidelity = []
        for context, (_, shares) in enumerate(self.contexts):
            with torch.no_grad():
                target = self.predict(noisy, timesteps, conditioning, context, shares)
            fidelity.append((self.predict(noisy, timesteps, conditioning, context, None) - target).square().mean())
        learned = [layer for layer in self.layers.values() if any(m.requires_grad for m in layer.m.values())]
        overlap = sum(self.overlap(layer.m[i], layer.m[j]) for layer in self.layers.values()
                      for i in layer.m for j in layer.m
                      if i < j and layer.m[i].requires_grad)
        held = overlap / (len(learned) if self.over == "mean" else 1)
        total = sum(weight * term for (weight, _), term in zip(self.contexts, fidelity)) + self.overlap_weight * held
        return [*fidelity, overlap, total]

    def learn(self, batches, conditioning):
        """Returns the losses of each iteration and the gradients of the first."""
        optimizer = torch.optim.Adam(self.m.values(), lr=LEARNING_RATE)
        history, first_gradients = [], {}
        for noisy, timesteps in zip(*batches):
            losses = self.losses(noisy, timesteps, conditioning)
            optimizer.zero_grad()
            losses[-1].backward()
            first_gradients = first_gradients or {key: m.grad.clone() for key, m in self.m.items()}
            optimizer.step()
            history.append([float(term.detach()) for term in losses])
        return history, first_gradients


def compare(name, ranks, overlap, overlap_weight, start, checkpointing, dtype, folder, over="sum", joint=None):
    """Runs both. Returns (worst relative error of a loss, of a first gradient, worst error of a coefficient)."""
    unet, folder = open_unet(name, folder)
    unet.requires_grad_(False)
    factors, learned = random_adapters(unet, ranks)
    start = start_values(factors, learned, start)
    weights = [1.0, 0.7, 1.3][: len(ranks)]
    row_count = (len(ranks) + (1 if joint else 0)) * ROWS_EACH
    rows = draw_rows(name, unet, row_count)
    timesteps = torch.randint(0, 1000, (ITERATIONS, row_count))
    add_noise, latents = DDPMScheduler.from_config(SCHEDULER_CONFIG).add_noise, rows["latents"]
    noisy = torch.stack([add_noise(latents, torch.randn_like(latents), t) for t in timesteps]).to(dtype)
    batches = (noisy, timesteps)
    conditioning = {"encoder_hidden_states": rows["prompt_embeds"].to(dtype),
                    "text_embeds": rows["pooled_embeds"].to(dtype), "time_ids": rows["time_ids"].to(dtype)}
    factors = {key: (down.to(dtype), up.to(dtype)) for key, (down, up) in factors.items()}
    inputs = {"noisy_latents": batches[0], "timesteps": batches[1], **conditioning}
    for (k, path), (down, up) in factors.items():
        inputs[f"{k}.down.{path}"], inputs[f"{k}.up.{path}"] = down, up
    inputs |= {f"start.{k}.unet.{path}": m for (k, path), m in start.items()}

    ours, values = run_probe("zip", inputs, folder=str(folder), weights=weights,
                             learned=[f"unet.{path}" for path in learned], overlap=overlap,
                             overlap_weight=overlap_weight, learning_rate=LEARNING_RATE, checkpointing=checkpointing,
                             overlap_over=over, joint_weight=joint[0] if joint else 0,
                             joint_shares=joint[1] if joint else [])
    reference = Reference(unet.to(dtype), factors, weights, {key: m.to(dtype) for key, m in start.items()}, overlap,
                          overlap_weight, over, joint)
    history, gradients = reference.learn(batches, conditioning)

    assert len(values["history"]) == ITERATIONS
    loss_error = max(abs(a - b) / abs(b) for ours_row, row in zip(values["history"], history)
                     for a, b in zip(ours_row, row))
    gradient_error, where = worst_gradient_error(ours, gradients)
    theirs = {key: m.detach() for key, m in reference.m.items()}
    assert {key for key in ours if not key.startswith("gradient.")} == theirs.keys()
    coefficient_error = max(float((ours[key] - theirs[key]).abs().max()) for key in theirs)
    moved = sum(float((m - 1).abs().sum()) for m in theirs.values()) / sum(m.numel() for m in theirs.values())
    assert moved > 0.01 and abs(values["mean_movement"] - moved) < 1e-4
    print(f"{name} K={len(ranks)} {overlap} {dtype}: losses {loss_error:.1e}, first gradients {gradient_error:.1e} "
          f"({where}), coefficients {coefficient_error:.1e}, mean movement {moved:.3f}")
    return loss_error, gradient_error, coefficient_error


# Products of coefficients of both signs tell apart the readings that agree while all are positive.
@pytest.mark.parametrize("name, ranks, overlap, overlap_weight, start, checkpointing", [
    ("sdxl-like", (4, 3), "mean-products", 0.01, "ones", False),
    ("sdxl-like", (4, 3), "mean-products", 0.01, "ones", True),
    ("sdxl-like", (4, 3), "sum-products", 0.001, "both signs", False),
    ("sdxl-like", (4, 3), "dot-product", 0.001, "both signs", False),
    ("sdxl-like", (4, 3), "cosine", 0.1, "ones", False),
    ("sdxl-like", (2, 4, 3), "mean-products", 0.01, "ones", False),
    ("unequal-layers", (2, 4, 3), "mean-products", 0.01, "ones", True),
    ("one-layer", (4, 3), "sum-products", 0.001, "both signs", False),
    ("mini", (4, 3), "mean-products", 0.01, "ones", False),
])
def test_ten_iterations_equal_the_papers_equations(name, ranks, overlap, overlap_weight, start, checkpointing,
                                                   tmp_path):
    losses, gradients, coefficients = compare(name, ranks, overlap, overlap_weight, start, checkpointing,
                                              torch.float64, tmp_path)
    assert losses < 1e-9
    assert gradients < 1e-9
    assert coefficients < 1e-6  # the probe's coefficients are float32, as files have them


@pytest.mark.parametrize("name, ranks, over, joint", [
    ("sdxl-like", (4, 3), "sum", (2.5, [0.7, 1.0])), ("unequal-layers", (2, 4, 3), "mean", (4.0, [0.7, 1.0, 0.4])),
    ("sdxl-like", (4, 3), "mean", None)])
def test_ten_iterations_with_a_joint_term_and_with_the_mean_over_layers(name, ranks, over, joint, tmp_path):
    losses, gradients, coefficients = compare(name, ranks, "mean-products", 0.1, "ones", False, torch.float64, tmp_path,
                                              over, joint)
    assert losses < 1e-9 and gradients < 1e-9 and coefficients < 1e-6


@pytest.mark.parametrize("name, ranks, overlap", [
    ("sdxl-like", (4, 3), "cosine"), ("sdxl-like", (2, 4, 3), "mean-products"), ("mini", (4, 3), "mean-products"),
    ("unequal-layers", (4, 3), "mean-products"), ("one-layer", (4, 3), "cosine")])
def test_losses_and_first_gradients_in_single_precision(name, ranks, overlap, tmp_path):
    losses, gradients, _ = compare(name, ranks, overlap, 0.1, "ones", False, torch.float32, tmp_path)
    assert losses < 1e-4
    assert gradients < 1e-3

"""Ten iterations of zip against the paper's equations written plainly: dense ΔW, m_k ⊗ ΔW_k, on the diffusers UNet."""

import pytest
import torch
from probe_runner import run_probe
from test_unet import make_unet

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
ITERATIONS, ROWS_EACH, LEARNING_RATE = 10, 2, 0.01


class MergedLinear(torch.nn.Module):
    """y = W0 x + b + Σ_k (m_k ⊗ ΔW_k) x, or one adapter's ΔW_k alone; ΔW dense, as the public implementation has it."""

    def __init__(self, base, deltas, learned):
        super().__init__()
        self.base, self.deltas = base, deltas  # deltas: adapter index → [out, in]
        self.m = {k: torch.ones(base.in_features, requires_grad=learned) for k in deltas}
        self.alone = None

    def forward(self, x):
        y = self.base(x)
        for k, delta in self.deltas.items():
            if self.alone is None:
                y = y + torch.nn.functional.linear(x, delta * self.m[k])
            elif self.alone == k:
                y = y + torch.nn.functional.linear(x, delta)
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
                                torch.randn(layer.out_features, rank) / rank ** 0.5)
    return factors, ["unet." + path for path in paths]


def run_reference(unet, factors, weights, learned, batches, conditioning, overlap, overlap_weight):
    merged = {}
    for path in {path for _, path in factors}:
        deltas = {k: weights[k] * up @ down for (k, p), (down, up) in sorted(factors.items()) if p == path}
        parent, _, name = path.rpartition(".")
        layer = MergedLinear(unet.get_submodule(path), deltas, f"unet.{path}" in learned)
        setattr(unet.get_submodule(parent), name, layer)
        merged[path] = layer
    parameters = [m for layer in merged.values() for m in layer.m.values() if m.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE)

    def predict(noisy, timesteps, rows, alone=None):
        for layer in merged.values():
            layer.alone = alone
        return unet(noisy[rows], timesteps[rows], conditioning["encoder_hidden_states"][rows],
                    added_cond_kwargs={name: conditioning[name][rows] for name in ("text_embeds", "time_ids")}).sample

    history = []
    for noisy, timesteps in zip(*batches):
        fidelity = []
        for k in range(len(weights)):
            rows = slice(k * ROWS_EACH, (k + 1) * ROWS_EACH)
            with torch.no_grad():
                target = predict(noisy, timesteps, rows, alone=k)
            fidelity.append((predict(noisy, timesteps, rows) - target).square().mean())
        total_overlap = sum(OVERLAPS[overlap](layer.m[i], layer.m[j])
                            for path, layer in merged.items() if f"unet.{path}" in learned
                            for i in layer.m for j in layer.m if i < j)
        loss = sum(fidelity) + overlap_weight * total_overlap
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append([float(term.detach()) for term in (*fidelity, total_overlap, loss)])
    return history, {f"{k}.unet.{path}": m.detach() for path, layer in merged.items() for k, m in layer.m.items()
                     if f"unet.{path}" in learned}


@pytest.mark.parametrize("ranks, overlap, overlap_weight, checkpointing", [
    ((4, 3), "mean-products", 0.01, False),
    ((4, 3), "mean-products", 0.01, True),
    ((4, 3), "sum-products", 0.001, False),
    ((4, 3), "dot-product", 0.001, False),
    ((4, 3), "cosine", 0.1, False),
    ((2, 4, 3), "mean-products", 0.01, False),
])
def test_ten_iterations_equal_the_papers_equations(ranks, overlap, overlap_weight, checkpointing, tmp_path):
    unet = make_unet("sdxl-like", tmp_path)
    unet.requires_grad_(False)
    factors, learned = random_adapters(unet, ranks)
    weights = [1.0, 0.7, 1.3][: len(ranks)]
    rows = len(ranks) * ROWS_EACH
    config = unet.config
    pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
    batches = (torch.randn(ITERATIONS, rows, config.in_channels, 8, 8), torch.randint(0, 1000, (ITERATIONS, rows)))
    conditioning = {"encoder_hidden_states": torch.randn(rows, 7, config.cross_attention_dim),
                    "text_embeds": torch.randn(rows, pooled),
                    "time_ids": torch.tensor([[64.0, 64, 0, 0, 64, 64]] * rows)}
    inputs = {"noisy_latents": batches[0], "timesteps": batches[1], **conditioning}
    for (k, path), (down, up) in factors.items():
        inputs[f"{k}.down.{path}"], inputs[f"{k}.up.{path}"] = down, up

    ours, values = run_probe("zip", inputs, folder=str(tmp_path), weights=weights, learned=learned, overlap=overlap,
                             overlap_weight=overlap_weight, learning_rate=LEARNING_RATE, checkpointing=checkpointing)
    history, theirs = run_reference(unet, factors, weights, learned, batches, conditioning, overlap, overlap_weight)

    assert len(values["history"]) == ITERATIONS
    loss_error = max(abs(a - b) / abs(b) for ours_row, row in zip(values["history"], history)
                     for a, b in zip(ours_row, row))
    assert loss_error < 1e-3
    assert ours.keys() == theirs.keys()
    coefficient_error = max(float((ours[key] - theirs[key]).abs().max()) for key in theirs)
    assert coefficient_error < 1e-4
    moved = sum(float((m - 1).abs().sum()) for m in theirs.values()) / sum(m.numel() for m in theirs.values())
    assert moved > 0.01 and abs(values["mean_movement"] - moved) < 1e-4
    print(f"K={len(ranks)} {overlap}: losses {loss_error:.1e}, coefficients {coefficient_error:.1e}, moved {moved:.3f}")

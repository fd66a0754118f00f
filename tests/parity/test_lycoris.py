"""LyCORIS as referee of its own kinds: a file of its modules, on every layer of a tiny UNet (linear, 1×1 and 3×3),
adds here what the modules add there. What they add is taken from their forward pass, not from their weight getters,
some of which apply the scale twice."""

import copy

import pytest
import torch
from diffusers import UNet2DConditionModel
from lora_files import kohya_module
from lycoris import create_lycoris
from lycoris.modules.boft import ButterflyOFTModule
from lycoris.modules.diag_oft import DiagOFTModule
from lycoris.modules.full import FullModule
from lycoris.modules.glora import GLoRAModule
from lycoris.modules.ia3 import IA3Module
from lycoris.modules.locon import LoConModule
from lycoris.modules.loha import LohaModule
from lycoris.modules.lokr import LokrModule
from lycoris.modules.norms import NormModule
from probe_runner import relative_error, run_probe
from safetensors.torch import load_file, save_file
from tiny_sdxl import make_tiny_sdxl

TOLERANCE = 2e-5
OTHER_SIZES = dict(block_out_channels=(12, 20, 40), attention_head_dim=(3, 2, 5))


@pytest.fixture(scope="module", params=[{}, OTHER_SIZES], ids=["sizes-a", "sizes-b"])
def base(request, tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("base"), unet=request.param)


@pytest.fixture(scope="module")
def unet(base):
    return UNet2DConditionModel.from_pretrained(base, subfolder="unet").requires_grad_(False)


LAYERS = (torch.nn.Linear, torch.nn.Conv2d)
NORMS = (torch.nn.LayerNorm, torch.nn.GroupNorm)
OVER_COLUMNS = dict(weight_decompose=True, wd_on_out=False)
CASES = {
    "locon": (LoConModule, {}),
    "locon-core": (LoConModule, dict(use_tucker=True)),
    "locon-rank-stabilised": (LoConModule, dict(rs_lora=True)),
    "locon-scalar": (LoConModule, dict(use_scalar=True)),
    "dora-rows": (LoConModule, dict(weight_decompose=True)),
    "dora-columns": (LoConModule, OVER_COLUMNS),
    "dora-core": (LoConModule, dict(weight_decompose=True, use_tucker=True, rs_lora=True)),
    "loha": (LohaModule, {}),
    "loha-core": (LohaModule, dict(use_tucker=True)),
    "loha-rank-stabilised-scalar": (LohaModule, dict(rs_lora=True, use_scalar=True)),
    "loha-dora-rows": (LohaModule, dict(weight_decompose=True)),
    "loha-dora-columns": (LohaModule, OVER_COLUMNS),
    "lokr": (LokrModule, dict(lora_dim=1)),
    "lokr-factor": (LokrModule, dict(lora_dim=1, factor=2)),
    "lokr-both-factored": (LokrModule, dict(lora_dim=1, decompose_both=True)),
    "lokr-core": (LokrModule, dict(lora_dim=1, use_tucker=True)),
    "lokr-whole": (LokrModule, dict(full_matrix=True, alpha=7.0)),
    "lokr-unbalanced-rank-stabilised": (
        LokrModule, dict(lora_dim=2, factor=2, unbalanced_factorization=True, rs_lora=True)),
    "lokr-dora-rows": (LokrModule, dict(lora_dim=1, weight_decompose=True)),
    "lokr-dora-columns": (LokrModule, dict(lora_dim=1) | OVER_COLUMNS),
    "full": (FullModule, {}),
    "norm": (NormModule, {}),
    "oft": (DiagOFTModule, dict(lora_dim=3)),
    "oft-constrained": (DiagOFTModule, dict(lora_dim=3, constraint=0.01)),
    "oft-rescaled": (DiagOFTModule, dict(lora_dim=2, rescaled=True)),
    "boft": (ButterflyOFTModule, dict(lora_dim=10)),
    "boft-constrained-rescaled": (ButterflyOFTModule, dict(lora_dim=20, constraint=0.01, rescaled=True)),
    "ia3-on-output": (IA3Module, {}),
    "ia3-on-input": (IA3Module, dict(train_on_input=True)),
    "glora": (GLoRAModule, {}),
}


def randomize(module, generator):
    """Far enough from the initial values that every part counts."""
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name in ("dora_scale", "rescale"):
            parameter.data.mul_(1 + 0.3 * noise.clamp(-2, 2))
        elif name == "scalar":
            parameter.data.fill_(1.7)
        else:
            parameter.data.copy_(0.5 * noise)


def example_input(layer, generator):
    if isinstance(layer, torch.nn.Conv2d):
        return torch.randn(2, layer.in_channels, 6, 6, generator=generator)
    if isinstance(layer, torch.nn.GroupNorm):
        return torch.randn(2, layer.num_channels, 6, 6, generator=generator)
    return torch.randn(5, getattr(layer, "in_features", None) or layer.normalized_shape[0], generator=generator)


def change_of(layer, x, added: dict):
    """What the layer's output gains from differences of its parameters."""
    changed = copy.deepcopy(layer).double()
    for name, difference in added.items():
        getattr(changed, name).data += difference
    return changed(x.double()) - copy.deepcopy(layer).double()(x.double())


@pytest.mark.parametrize("name", CASES)
def test_a_module_adds_here_what_it_adds_there(name, base, unet, tmp_path):
    kind, settings = CASES[name]
    settings = dict(lora_dim=3, alpha=2.0) | settings
    generator = torch.Generator().manual_seed(len(name))
    file, layers = {}, {}
    for path, layer in unet.named_modules():
        if not isinstance(layer, NORMS if kind is NormModule else LAYERS):
            continue
        x, own = example_input(layer, generator), copy.deepcopy(layer)
        try:
            module = kind(path, own, 1.0, **settings)
        except ValueError:  # BOFT takes only numbers of channels that a power of two divides
            continue
        if settings.get("rs_lora") and getattr(module, "use_w1", False) and getattr(module, "use_w2", False):
            continue  # trained with a scale of √r that is in no file: LyCORIS itself reads these back with 1
        randomize(module, generator)
        module.eval().apply_to()
        layers[f"unet.{path}"] = (layer, x, own(x))
        key = kohya_module(f"unet.{path}", "sgm", unet.config.layers_per_block)
        file |= {f"{key}.{part}": value.detach().contiguous() for part, value in module.state_dict().items()}
    assert len(layers) > (90 if kind in (NormModule, ButterflyOFTModule) or "rs_lora" in settings else 200)
    save_file(file, tmp_path / "lycoris.safetensors")

    outputs, values = run_probe("deltas", base=str(base), adapter=str(tmp_path / "lycoris.safetensors"))
    assert values["defects"] == [] and values["dialect"] == "kohya-sgm"
    errors = {}
    for target, (layer, x, theirs) in layers.items():
        added = {part: outputs.pop(f"{target}.{part}") for part in ("weight", "bias") if f"{target}.{part}" in outputs}
        assert added["weight"].norm() > 0.001 * layer.weight.norm()
        wanted = theirs.double() - copy.deepcopy(layer).double()(x.double())
        errors[target] = relative_error(change_of(layer, x, added), wanted)
    worst = max(errors, key=errors.get)
    assert errors[worst] < TOLERANCE, f"{worst}: {errors[worst]:.1e}"
    assert not outputs, f"added beside: {list(outputs)[:3]}"


@pytest.mark.parametrize("algo", ["locon", "lokr", "diag-oft", "full"])
def test_a_network_of_lycoris_acts_as_in_the_file_that_it_saves(algo, base, unet, tmp_path):
    generator = torch.Generator().manual_seed(1)
    config = unet.config
    pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
    inputs = {"sample": torch.randn(2, 4, 16, 16, generator=generator), "timestep": torch.tensor([801.0, 21.0]),
              "encoder_hidden_states": torch.randn(2, 7, config.cross_attention_dim, generator=generator),
              "text_embeds": torch.randn(2, pooled, generator=generator),
              "time_ids": torch.tensor([[128.0, 96, 0, 3, 128, 128]] * 2),
              "token_ids": torch.zeros(2, 77, dtype=torch.int64)}

    def noise_pred(model):
        with torch.no_grad():
            return model(inputs["sample"], inputs["timestep"], inputs["encoder_hidden_states"], added_cond_kwargs={
                "text_embeds": inputs["text_embeds"], "time_ids": inputs["time_ids"]}).sample

    own = copy.deepcopy(unet)
    plain = noise_pred(own)
    network = create_lycoris(own, 1.0, linear_dim=2, linear_alpha=1.0, algo=algo, train_norm=True)
    for module in network.loras:
        randomize(module, generator)
    network.apply_to()
    network.eval()
    network.save_weights(str(tmp_path / "network.safetensors"), torch.float32, {})
    theirs = noise_pred(own)
    assert relative_error(theirs, plain) > 0.1
    assert all(key.startswith("lycoris_") for key in load_file(tmp_path / "network.safetensors"))
    ours, values = run_probe("lora_files", inputs, base=str(base), adapter=str(tmp_path / "network.safetensors"))
    assert relative_error(ours["noise_pred"], theirs) < 1e-4
    assert values["vectors"] > 90

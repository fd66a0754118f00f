"""Image encoders with random weights, saved as Hugging Face has them: the folders that the referees and the probe open.

    model = save_encoder(ViTModel, ViTConfig(...), folder)   # config.json and model.safetensors under published names
    state = csd_state_dict(visual, heads)                    # the authors' names, of an OpenAI image encoder
"""

import json

import torch
from safetensors.torch import load_file, save_file
from torch import nn

CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
# preprocessor_config.json as published: two of openai/clip-vit-base-patch32 (old and new), facebook/dino-vits16, and
# facebook/dinov2-base.
PREPROCESSORS = {
    "clip-old": dict(crop_size=224, do_center_crop=True, do_normalize=True, do_resize=True,
                     feature_extractor_type="CLIPFeatureExtractor", image_mean=CLIP_MEAN, image_std=CLIP_STD, resample=3,
                     size=224),
    "clip": dict(crop_size=dict(height=224, width=224), do_center_crop=True, do_convert_rgb=True, do_normalize=True,
                 do_rescale=True, do_resize=True, image_mean=CLIP_MEAN, image_processor_type="CLIPImageProcessor",
                 image_std=CLIP_STD, resample=3, rescale_factor=0.00392156862745098, size=dict(shortest_edge=224)),
    "dino": dict(do_normalize=True, do_resize=True, feature_extractor_type="ViTFeatureExtractor",
                 image_mean=IMAGENET_MEAN, image_std=IMAGENET_STD, resample=3, size=224),
    "vit": dict(do_normalize=True, do_resize=True, image_mean=[0.5, 0.5, 0.5], image_processor_type="ViTImageProcessor",
                image_std=[0.5, 0.5, 0.5], resample=2, size=dict(height=224, width=224)),
    "dinov2": dict(crop_size=dict(height=224, width=224), do_center_crop=True, do_convert_rgb=True, do_normalize=True,
                   do_rescale=True, do_resize=True, image_mean=IMAGENET_MEAN, image_processor_type="BitImageProcessor",
                   image_std=IMAGENET_STD, resample=3, rescale_factor=0.00392156862745098, size=dict(shortest_edge=256)),
}


@torch.no_grad()
def fill_randomly(model, seed=0):
    """Strong weights, so that every pixel counts in the result; quickly, from one pool of noise."""
    noise = torch.randn(1 << 20, generator=torch.Generator().manual_seed(seed))
    for index, (name, parameter) in enumerate(model.named_parameters()):
        count = parameter.numel()
        values = noise.roll(7919 * index).repeat(-(-count // len(noise)))[:count].view(parameter.shape)
        if name.endswith("weight") and parameter.ndim == 1 or name.endswith("lambda1"):
            parameter.copy_(1 + 0.1 * values)  # norms and scales
        elif parameter.ndim > 1 and "embed" not in name:
            parameter.copy_(values / parameter[0].numel()**0.5)
        else:
            parameter.copy_(0.3 * values)
    return model


def new_model(cls, config, **kwargs):
    """Without the seconds that transformers' own initialisation takes."""
    with torch.device("meta"):
        model = cls(config, **kwargs)
    model.to_empty(device="cpu")
    for name, buffer in model.named_buffers():
        assert name.endswith("position_ids"), name
        buffer.copy_(torch.arange(buffer.shape[-1]).expand(buffer.shape))
    return fill_randomly(model).eval()


def save_encoder(cls, config, folder, preprocessor=None, **kwargs):
    model = new_model(cls, config, **kwargs)
    model.save_pretrained(folder)
    if preprocessor:
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return model


@torch.no_grad()
def published_gradients(model, folder):
    """By the names of the published files, which transformers maps to its own: the gradients, saved as weights."""
    for parameter in model.parameters():
        parameter.copy_(torch.zeros_like(parameter) if parameter.grad is None else parameter.grad)
    model.save_pretrained(folder)
    return {name: value for name, value in load_file(folder / "model.safetensors").items() if value.abs().sum() > 0}


class OpenAiBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)})

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        h = self.mlp["c_fc"](self.ln_2(x))
        return x + self.mlp["c_proj"](h * torch.sigmoid(1.702 * h))


class OpenAiVisual(nn.Module):
    """OpenAI's image encoder (openai/CLIP clip/model.py, VisionTransformer) without its projection, on PyTorch's own
    attention: the referee for CSD, which transformers does not have."""

    def __init__(self, image_size, patch_size, width, layers, heads):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch_size, patch_size, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty((image_size // patch_size)**2 + 1, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = nn.ModuleDict(
            {"resblocks": nn.ModuleList([OpenAiBlock(width, heads) for _ in range(layers)])})

    def forward(self, pixel_values):
        patches = self.conv1(pixel_values).flatten(2).mT
        first = self.class_embedding.expand(len(patches), 1, -1)
        x = self.ln_pre(torch.cat([first, patches], 1) + self.positional_embedding)
        for block in self.transformer["resblocks"]:
            x = block(x)
        return self.ln_post(x[:, 0])


class Csd(nn.Module):
    """learn2phoenix/CSD CSD/model.py before it normalises: {head: embedding}."""

    def __init__(self, dimension, **sizes):
        super().__init__()
        self.backbone = OpenAiVisual(**sizes)
        width = sizes["width"]
        self.last_layer_style = nn.Parameter(torch.empty(width, dimension))
        self.last_layer_content = nn.Parameter(torch.empty(width, dimension))

    def forward(self, pixel_values):
        features = self.backbone(pixel_values)
        return {"style": features @ self.last_layer_style, "content": features @ self.last_layer_content}


def save_csd(folder, prefix="module.", dtype=torch.float32, **sizes):
    with torch.device("meta"):
        model = Csd(**sizes)
    model = fill_randomly(model.to_empty(device="cpu"), seed=1).to(dtype)
    (folder / "config.json").write_text(json.dumps({"model_type": "csd_clip"}))
    save_file({prefix + name: value for name, value in model.state_dict().items()}, folder / "model.safetensors")
    return model.float().eval()

"""LoRA files in spellings that people met and no loader took: they are read to the exact ΔW, and what has no place in
SDXL is named. Right values are worked out here, from the factors alone."""

import json
from pathlib import Path

import numpy as np
import pytest
from error_words import assert_says
from program import texts_of, ziplora, ziplora_fails
from safetensors.numpy import load_file, save_file

TO_K = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"
TO_K_SGM = "input_blocks.4.1.transformer_blocks.0.attn2.to_k"
FC1 = "text_model.encoder.layers.0.mlp.fc1"
KOHYA = (".lora_down.weight", ".lora_up.weight")
PEFT = (".lora_A.weight", ".lora_B.weight")
CLIP_L = "text_encoders.clip_l.transformer."
MINI = Path(__file__).resolve().parents[2] / "assets" / "mini"


def pair(module, out, into, rank=2, alpha=1.0, parts=KOHYA, seed=7):
    """→ the tensors, ΔW"""
    random = np.random.default_rng([seed, out, into])
    down, up = ((0.05 * random.standard_normal(shape)).astype("f4") for shape in ((rank, into), (out, rank)))
    tensors = {module + parts[0]: down, module + parts[1]: up}
    if alpha is not None:
        tensors[module + ".alpha"] = np.array(alpha, "f4")
    return tensors, up.astype("f8") @ down.astype("f8") * (1 if alpha is None else alpha / rank)


def mini_widths():
    """Of time_embed.0."""
    width = json.loads((MINI / "unet" / "config.json").read_text())["block_out_channels"][0]
    return 4 * width, width


def converted(file, folder, *flags):
    """→ layer: ΔW as the program reads it, and its result"""
    output = folder / "out.safetensors"
    result = ziplora("convert", file, "--format", "diffusers", "--file-dtype", "f32", *flags, "-o", output)
    tensors = load_file(output)
    layers = {key.removesuffix(PEFT[0]) for key in tensors}
    layers = {layer for layer in layers if layer + PEFT[0] in tensors}
    return {layer: tensors[layer + PEFT[1]].astype("f8") @ tensors[layer + PEFT[0]].astype("f8") for layer in layers}, result


def assert_deltas(found, wanted):
    for layer, delta in wanted.items():
        assert np.linalg.norm(found[layer] - delta) < 1e-6 * np.linalg.norm(delta), layer
    for layer in found.keys() - wanted.keys():  # zeros that other loaders need
        assert not found[layer].any(), layer


def warnings_of(result):
    return " ".join(texts_of(result, "warning"))


# Nerogar/OneTrainer#885
OMI = {
    f"unet.{TO_K_SGM}": (f"unet.{TO_K}", 640, 2048),
    "unet.output_blocks.5.1.transformer_blocks.1.ff.net.2":
        ("unet.up_blocks.1.attentions.2.transformer_blocks.1.ff.net.2", 640, 2560),
    f"clip_l.{FC1}": (f"text_encoder.{FC1}", 3072, 768),
    f"clip_g.{FC1}": (f"text_encoder_2.{FC1}", 5120, 1280),
    "clip_g.text_projection": ("text_encoder_2.text_projection", 1280, 1280),
}


def test_omi_names_are_read(tmp_path):
    file, wanted = {}, {}
    for key, (layer, out, into) in OMI.items():
        tensors, wanted[layer] = pair(key, out, into)
        file |= tensors
    save_file(file, tmp_path / "omi.safetensors")
    found, result = converted(tmp_path / "omi.safetensors", tmp_path)
    assert_deltas(found, wanted)
    assert result["files"][0]["dialect"] == "omi"
    inspected = ziplora("inspect", tmp_path / "omi.safetensors")["files"][0]
    assert inspected["defects"] == []


# huggingface/diffusers#5991, kohya-ss/sd-scripts#1024 and #2211
WRAPPED = {
    f"unet.unet.{TO_K}": (".lora.down.weight", ".lora.up.weight"),
    f"unet._orig_mod.{TO_K}": PEFT,
    f"_orig_mod.unet.{TO_K}": PEFT,
    f"unet.{TO_K.replace('attentions', '_orig_mod.attentions')}": PEFT,
    f"unet.module.{TO_K}": PEFT,
    f"base_model.model.module._orig_mod.{TO_K}": PEFT,
    f"model.diffusion_model.{TO_K_SGM}": KOHYA,
    "lora_unet__orig_mod_" + TO_K.replace(".", "_"): KOHYA,
    "lora_unet_module_" + TO_K.replace(".", "_"): KOHYA,
    "lora_unet_model_diffusion_model_" + TO_K_SGM.replace(".", "_"): KOHYA,
    "lora_unet_diffusion_model_" + TO_K_SGM.replace(".", "_"): KOHYA,
}


@pytest.mark.parametrize("module", WRAPPED)
def test_what_wrappers_left_in_names_is_seen_through(module, tmp_path):
    tensors, delta = pair(module, 640, 2048, alpha=None, parts=WRAPPED[module])
    save_file(tensors, tmp_path / "wrapped.safetensors")
    found, result = converted(tmp_path / "wrapped.safetensors", tmp_path)
    assert_deltas(found, {f"unet.{TO_K}": delta})
    assert "2 of 2 names hold what a wrapper of the model left in them" in warnings_of(result)


def test_a_layer_with_and_without_a_wrapper_is_refused(tmp_path):
    save_file(pair(f"unet.{TO_K}", 640, 2048)[0] | pair(f"unet.unet.{TO_K}", 640, 2048)[0], tmp_path / "twice.safetensors")
    error = ziplora_fails(3, "convert", tmp_path / "twice.safetensors", "-o", tmp_path / "out.safetensors")
    assert_says(error, "another key has given already", "spells one layer in two ways")


def extraction(embeddings, projection=0.0):
    """As ComfyUI's LoraSave node with text_encoder_diff: every .weight of two dimensions (huggingface/diffusers#10985).
    The numbers scale what SDXL's layers have no place for."""
    unet, of_unet = pair(f"diffusion_model.{TO_K_SGM}", 640, 2048, alpha=None)
    clip, of_clip = pair(f"{CLIP_L}{FC1}", 3072, 768, alpha=None)
    file = unet | clip
    for module, out, factor in [("text_model.embeddings.position_embedding", 77, embeddings),
                                ("text_model.embeddings.token_embedding", 49408, embeddings),
                                ("text_projection", 768, projection)]:
        tensors, _ = pair(CLIP_L + module, out, 768, alpha=None)
        tensors[CLIP_L + module + KOHYA[1]] *= factor
        file |= tensors
    return {key: value.astype("f4") for key, value in file.items()}, {f"unet.{TO_K}": of_unet, f"text_encoder.{FC1}": of_clip}


@pytest.mark.parametrize("projection", [0.0, 1.0])
def test_what_changes_nothing_is_left_out_aloud(projection, tmp_path):
    file, wanted = extraction(embeddings=0.0, projection=projection)
    save_file(file, tmp_path / "extracted.safetensors")
    found, result = converted(tmp_path / "extracted.safetensors", tmp_path)
    assert_deltas(found, wanted)
    said = warnings_of(result)
    assert "4 keys are left out: their change is zero" in said
    assert "2 keys are left out: the first encoder's text_projection, which SDXL does not use" in said
    assert ziplora("inspect", tmp_path / "extracted.safetensors")["files"][0]["defects"] == []


def test_embeddings_are_refused_by_name_and_left_out_when_asked(tmp_path):
    file, wanted = extraction(embeddings=1.0)
    lora = tmp_path / "extracted.safetensors"
    save_file(file, lora)
    error = ziplora_fails(4, "convert", lora, "-o", tmp_path / "out.safetensors")
    assert_says(error, "4 of 10 keys change the text encoders' embeddings", "--ignore-unused")
    assert "position_embedding" in error["problem"] and "looks like" not in error["problem"]
    found, result = converted(lora, tmp_path, "--ignore-unused")
    assert_deltas(found, wanted)
    assert "embeddings" in warnings_of(result) and "they are left out" in warnings_of(result)


def test_merge_takes_the_flag(tmp_path):
    file, _ = extraction(embeddings=1.0)
    lora = tmp_path / "extracted.safetensors"
    save_file(file, lora)
    merge = ["merge", "--method", "direct", "--subject", lora, "-o", tmp_path / "m.safetensors"]
    assert_says(ziplora_fails(4, *merge), "embeddings", "--ignore-unused")
    assert "they are left out" in warnings_of(ziplora(*merge, "--ignore-unused"))


def test_generate_and_baking_take_the_flag(tmp_path):
    """On the miniature, whose layers have other widths."""
    layer, _ = pair("diffusion_model.time_embed.0", *mini_widths(), alpha=None)
    unknown, _ = pair("diffusion_model.a_new_name", 8, 8, alpha=None)
    lora = tmp_path / "mini.safetensors"
    save_file(layer | unknown, lora)
    for command in (["generate", "a dog", "--adapter", lora, "--steps", "1", "-o", tmp_path / "a.png"],
                    ["convert", "--bake", lora, "--into", MINI, "-o", tmp_path / "baked"]):
        assert_says(ziplora_fails(4, *command), "not known here", "--ignore-unused")
        assert "they are left out" in warnings_of(ziplora(*command, "--ignore-unused"))


def test_a_name_that_is_not_known_is_not_called_another_architecture(tmp_path):
    known, delta = pair(f"unet.{TO_K}", 640, 2048, alpha=None, parts=PEFT)
    unknown, _ = pair(f"unet.a_new_name.{TO_K}", 640, 2048, alpha=None, parts=PEFT)
    lora = tmp_path / "new.safetensors"
    save_file(known | unknown, lora)
    error = ziplora_fails(4, "convert", lora, "-o", tmp_path / "out.safetensors")
    assert_says(error, "2 of 4 keys have names that are not known here, first: unet.a_new_name", "--ignore-unused")
    assert "architecture lacks" not in error["problem"]
    found, result = converted(lora, tmp_path, "--ignore-unused")
    assert_deltas(found, {f"unet.{TO_K}": delta})
    assert "a_new_name" in warnings_of(result)


@pytest.mark.parametrize("width, name", [(768, "Stable Diffusion 1.5"), (1024, "Stable Diffusion 2")])
def test_another_architecture_is_refused_whatever_is_asked(width, name, tmp_path):
    fits, _ = pair("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q", 640, 640)
    other, _ = pair("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", 320, width)
    lora = tmp_path / "sd.safetensors"
    save_file(fits | other, lora)
    for flags in ([], ["--ignore-unused"]):
        error = ziplora_fails(4, "convert", lora, *flags, "-o", tmp_path / "out.safetensors")
        assert_says(error, f"looks like a LoRA for {name}", "made for the base")
        assert "--ignore-unused" not in error["hint"]


def test_nothing_but_unknown_names_is_refused_whatever_is_asked(tmp_path):
    lora = tmp_path / "unknown.safetensors"
    save_file(pair("unet.a_new_name.q", 64, 48)[0], lora)
    error = ziplora_fails(4, "convert", lora, "--ignore-unused", "-o", tmp_path / "out.safetensors")
    assert_says(error, "not known here, first: unet.a_new_name.q.alpha. Nothing in the file shows which architecture",
                "save the LoRA again")


# huggingface/peft#1907, #2796, #3004; kohya-ss/sd-scripts#839
@pytest.mark.parametrize("method", [["direct"], ["svd", "--svd-rank", "8"]], ids=["direct", "svd"])
def test_negative_strengths_subtract_exactly(method, tmp_path):
    module = "lora_unet_" + TO_K_SGM.replace(".", "_")
    a, of_a = pair(module, 640, 2048, rank=4, alpha=2.0)
    b, of_b = pair(module, 640, 2048, rank=4, alpha=4.0, seed=8)
    save_file(a, tmp_path / "a.safetensors")
    save_file(b, tmp_path / "b.safetensors")
    for strengths in [(1.0, -0.5), (-1.0, 1.0)]:
        merged = tmp_path / "m.safetensors"
        ziplora("merge", "--method", *method, "--subject", f"{tmp_path}/a.safetensors:{strengths[0]}",
                "--style", f"{tmp_path}/b.safetensors:{strengths[1]}", "--file-dtype", "f32", "-o", merged)
        found, _ = converted(merged, tmp_path)
        assert_deltas(found, {f"unet.{TO_K}": strengths[0] * of_a + strengths[1] * of_b})


def test_minus_one_is_the_exact_opposite(tmp_path):
    tensors, delta = pair("lora_unet_" + TO_K_SGM.replace(".", "_"), 640, 2048, rank=4, alpha=2.0)
    save_file(tensors, tmp_path / "a.safetensors")
    ziplora("merge", "--method", "direct", "--adapter", f"{tmp_path}/a.safetensors:-1", "--file-dtype", "f32",
            "-o", tmp_path / "minus.safetensors")
    found, _ = converted(tmp_path / "minus.safetensors", tmp_path)
    assert_deltas(found, {f"unet.{TO_K}": -delta})

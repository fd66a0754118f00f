"""What `ziplora train` makes of the folders that people have: pictures and captions of every spelling are used or named,
and none costs more memory than one photo does."""

import json
import os
import shutil

import numpy
import pytest
from PIL import Image
from program import run_ziplora, texts_of, ziplora, ziplora_fails
from safetensors import safe_open
from tiny_sdxl import make_tiny_sdxl

OUTPUT = "dog.safetensors"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("base"))


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


@pytest.fixture
def command(base, tmp_path):
    def arguments(*images, iterations=1):
        return ["train", *images, "--prompt", "the prompt", "--base", base, "-o", tmp_path / OUTPUT, "--rank", 1,
                "--iterations", iterations, "--views", 1]
    return arguments


def draw(path, size=(40, 40), seed=0, **options):
    pixels = numpy.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=numpy.uint8)
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def captions(folder) -> dict:
    with safe_open(folder / OUTPUT, "pt") as file:
        [counts] = json.loads(file.metadata()["ss_tag_frequency"]).values()
    return counts


def said(result, kind) -> str:
    return "\n".join(texts_of(result, kind))


# Memory

@pytest.mark.promise("Many photos take the memory of one.")
def test_many_photos_take_the_memory_of_one(command, photos):
    """Six megapixels each: 72 MB in float32, of which fourteen would be a gigabyte."""
    Image.new("RGB", (3000, 2000), (200, 30, 30)).save(photos / "0.png")
    one = ziplora(*command(photos))["peak_memory_bytes"]
    for copy in range(1, 14):
        shutil.copy(photos / "0.png", photos / f"{copy}.png")
    result = ziplora(*command(photos))
    assert result["images"] == 14
    assert result["peak_memory_bytes"] < one + 100e6


def test_a_strip_is_refused_before_it_is_resized(command, photos):
    Image.new("RGB", (100_000, 1)).save(photos / "strip.png")
    assert (photos / "strip.png").stat().st_size < 10_000
    done = run_ziplora(*command(photos))
    assert done.returncode == 3
    assert "100000 × 1 pixels: one side is more than 32 times the other" in done.stderr and "strip.png" in done.stderr
    assert done.peak_memory_bytes < 1e9


@pytest.mark.parametrize("name", ["photo.png", "a.txt", "a.caption", "metadata.jsonl"])
def test_pipes_are_refused_without_waiting_for_them(command, photos, name):
    draw(photos / "a.png")
    os.mkfifo(photos / name)
    images = [photos / "photo.png"] if name == "photo.png" else [photos]
    error = ziplora_fails(3, *command(*images), timeout=60)
    assert name in error["where"] and error["problem"] == "this is a pipe or a device, a file is expected"


def test_a_pipe_as_settings_or_in_a_base_is_refused(command, base, photos, tmp_path):
    draw(photos / "a.png")
    os.mkfifo(tmp_path / "pipe.json")
    assert "a pipe or a device" in ziplora_fails(3, *command(photos), "--config", tmp_path / "pipe.json", timeout=60)["problem"]
    broken = tmp_path / "broken"
    shutil.copytree(base, broken)
    for name in ("tokenizer/merges.txt", "tokenizer/vocab.json", "unet/config.json"):
        kept = (broken / name).read_bytes()
        (broken / name).unlink()
        os.mkfifo(broken / name)
        error = ziplora_fails(3, *[broken if word == base else word for word in command(photos)], timeout=60)
        assert "a pipe or a device" in error["problem"] and name in error["where"]
        (broken / name).unlink()
        (broken / name).write_bytes(kept)


# Pictures

def test_pictures_of_every_format_are_learned(command, photos):
    for seed, extension in enumerate(["png", "jpg", "webp", "gif", "bmp", "tiff", "avif"]):
        draw(photos / f"{extension}.{extension.upper()}", seed=seed)
    result = ziplora(*command(photos))
    assert result["images"] == 7 and "unused_files" not in result
    assert "7 images" in said(result, "note")


@pytest.mark.promise("What a training folder holds and a training leaves out is named.")
def test_what_is_left_out_is_named(command, photos):
    draw(photos / "a.png")
    (photos / "a.txt").write_text("a caption")
    (photos / "b.txt").write_text("of an image that is not here")
    (photos / "raw.dng").write_bytes(b"II*\0\x08\0\0\0")
    (photos / "logo.svg").write_text("<svg/>")
    (photos / "notes.md").write_text("BM, GIF8")
    (photos / "BMW.txt").write_text("BMW, red, on a road in the hills")
    (photos / "inside").mkdir()
    (photos / ".DS_Store").write_text("")
    result = ziplora(*command(photos))
    unused = {os.path.basename(entry["file"]): entry["reason"] for entry in result["unused_files"]}
    assert unused == {"b.txt": "no image has this name", "BMW.txt": "no image has this name",
                      "raw.dng": "of type camera raw, which is not read", "logo.svg": "of type SVG, which is not read",
                      "notes.md": "no image", "inside": "a folder inside the folder"}
    assert all(name in said(result, "warning") for name in unused)
    assert (result["images"], result["captions"]) == (1, 1)
    assert "1 image, 1 caption" in said(result, "note")


def test_a_caption_that_begins_as_an_image_does_is_a_caption(command, photos):
    draw(photos / "a.png")
    (photos / "a.txt").write_text("GIF89a style, a dog")
    result = ziplora(*command(photos))
    assert (result["images"], result["captions"]) == (1, 1) and "unused_files" not in result
    (photos / "a.png").unlink()
    assert "the folder holds no PNG" in ziplora_fails(3, *command(photos))["problem"]


@pytest.mark.parametrize("name", ["IMG_0001.HEIC", "b.avif", "c.gif", "d.bmp", "e.tiff"])
def test_a_picture_that_is_damaged_is_an_error_with_its_name(command, photos, name):
    draw(photos / "a.png")
    starts = {"HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "avif": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1"}
    (photos / name).write_bytes(starts.get(name.split(".")[1], b"") + bytes(200))
    assert name in ziplora_fails(3, *command(photos))["where"]


# Captions

@pytest.mark.parametrize("name", ["a.txt", "a.caption", "a.TXT", "a.Caption", "a.png.txt", "a.png.caption"])
def test_captions_of_every_spelling_are_read(command, photos, tmp_path, name):
    draw(photos / "a.png")
    (photos / name).write_text("a sks dog, red")
    assert ziplora(*command(photos))["captions"] == 1
    assert captions(tmp_path) == {"a sks dog": 1, "red": 1} or captions(tmp_path) == {"a sks dog, red": 1}


def test_two_captions_of_one_image_are_an_error_that_names_both(command, photos):
    draw(photos / "a.png")
    (photos / "a.caption").write_text("a dog")
    (photos / "a.png.txt").write_text("a cat")
    error = ziplora_fails(3, *command(photos))
    assert "a.caption" in error["problem"] and "a.png.txt" in error["problem"] and "a.png" in error["where"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_byte_order_mark_is_no_part_of_a_caption(command, photos, tmp_path, encoding):
    draw(photos / "a.png")
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    (photos / "a.txt").write_bytes(mark + "naïve 🐶".encode(encoding))
    plain = ziplora(*command(photos))["loss_first"]
    assert captions(tmp_path) == {"naïve 🐶": 1}
    (photos / "a.txt").write_text("naïve 🐶")
    assert ziplora(*command(photos))["loss_first"] == plain


@pytest.mark.parametrize("content", ["naïve".encode("latin-1"), "naïve".encode("utf-16-le"), b"\xff\xfea",
                                     b"\xff\xfe\x00\xd8a\x00", b"\xed\xa0\x80", b"\xc0\xaf"])
def test_a_caption_of_another_encoding_is_an_error_with_its_name(command, photos, content):
    draw(photos / "a.png")
    (photos / "a.txt").write_bytes(content)
    error = ziplora_fails(3, *command(photos))
    assert "a.txt" in error["where"] and "UTF" in error["problem"] and "UTF-8" in error["hint"]


def test_an_empty_caption_gets_a_word(command, photos):
    draw(photos / "a.png")
    draw(photos / "b.png", seed=1)
    (photos / "a.txt").write_text(" \n")
    result = ziplora(*command(photos))
    assert "the caption is empty" in said(result, "warning") and "a.png" in said(result, "warning")
    assert "2 images, 1 caption: the others get the prompt" in said(result, "note")


def test_thumbnails_get_a_word(command, photos):
    draw(photos / "small.png", (16, 16))
    draw(photos / "large.png", (64, 64))
    warning = said(ziplora(*command(photos)), "warning")
    assert "small.png (16 × 16)" in warning and "large.png" not in warning


# kohya's folders

def test_folders_with_repeats_are_kohyas(command, photos, tmp_path):
    draw(photos / "20_sks dog" / "a.png")
    draw(photos / "20_sks dog" / "b.png", seed=1)
    draw(photos / "10_style" / "c.png", seed=2)
    (photos / "10_style" / "c.txt").write_text("in a style")
    result = ziplora(*command(photos), "--checkpoint-every", 1, "--run-folder", tmp_path / "run")
    assert (result["images"], result["captions"]) == (3, 1)
    assert "3 images, 5 with their repeats" in said(result, "note")
    # The same as to name the files so often; a resumed run knows it, too.
    bytes_of_folders = (tmp_path / OUTPUT).read_bytes()
    ziplora("train", "--resume", tmp_path / "run", photos, "-o", tmp_path / OUTPUT)
    a, b, c = photos / "20_sks dog" / "a.png", photos / "20_sks dog" / "b.png", photos / "10_style" / "c.png"
    ziplora(*command(c, a, a, b, b))
    assert (tmp_path / OUTPUT).read_bytes() == bytes_of_folders


def test_a_folder_with_images_of_its_own_is_no_folder_of_folders(command, photos):
    draw(photos / "a.png")
    draw(photos / "10_dog" / "b.png")
    result = ziplora(*command(photos))
    assert result["images"] == 1 and "10_dog" in said(result, "warning")


@pytest.mark.parametrize("name", ["0_dog", "99999999_dog"])
def test_a_number_of_repeats_that_makes_no_sense_is_refused(command, photos, name):
    draw(photos / name / "a.png")
    error = ziplora_fails(3, *command(photos))
    assert name in error["where"] and "1 to 10000" in error["problem"]

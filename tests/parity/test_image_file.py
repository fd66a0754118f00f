"""Images of every kind that Pillow writes, read here; ours, read by Pillow; resizing against Pillow's bicubic."""

import struct
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image, ImageOps, PngImagePlugin
from probe_runner import run_probe


def picture(mode: str, size=(13, 9)) -> Image.Image:
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
    pixels = numpy.random.default_rng(0).integers(0, 256, (size[1], size[0], channels), dtype=numpy.uint8)
    return Image.fromarray(pixels.squeeze(), mode)


def on_white(image: Image.Image) -> torch.Tensor:
    """[3, H, W] in 0…1: what a person sees on white paper, EXIF turned upright."""
    rgba = torch.tensor(numpy.array(ImageOps.exif_transpose(image).convert("RGBA"))).permute(2, 0, 1) / 255
    return rgba[:3] * rgba[3:] + (1 - rgba[3:])


def read(path) -> torch.Tensor:
    return run_probe("read_image", {}, path=str(path))[0]["image"]


def distance(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    assert ours.shape == theirs.shape
    return float((ours - theirs).abs().max()) * 255


def smooth(mode="RGB", size=(40, 24)) -> Image.Image:
    image = Image.linear_gradient("L").resize(size).convert(mode)
    image.paste((255, 0, 0), (0, 0, size[0] // 3, size[1] // 4))
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").rotate(90).resize(size))
    return image


def bmp(header: bytes, pixels: bytes) -> bytes:
    """A BMP of a form that Pillow reads and does not write."""
    begin = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", begin + len(pixels), 0, 0, begin) + header + pixels


CASES = {
    "rgb.png": lambda p: picture("RGB").save(p),
    "grey.png": lambda p: picture("L").save(p),
    "grey_alpha.png": lambda p: picture("LA").save(p),
    "alpha.png": lambda p: picture("RGBA").save(p),
    "palette.png": lambda p: picture("RGB").quantize(7).save(p),
    "palette_transparent.png": lambda p: picture("RGB").quantize(7).save(p, transparency=2),
    "rgb_transparent_colour.png": lambda p: picture("RGB").save(p, transparency=picture("RGB").getpixel((1, 1))),
    "bilevel.png": lambda p: picture("L").convert("1").save(p),
    "lossless.webp": lambda p: picture("RGB").save(p, lossless=True),
    "alpha.webp": lambda p: picture("RGBA").save(p, lossless=True, exact=True),
    "lossy.webp": lambda p: picture("RGB").save(p, quality=80),
    "progressive.jpg": lambda p: picture("RGB", (40, 24)).save(p, progressive=True),
    "full_chroma.jpg": lambda p: picture("RGB", (40, 24)).save(p, subsampling=0),
    "grey.jpg": lambda p: picture("L", (40, 24)).save(p),
    "cmyk.jpg": lambda p: picture("CMYK", (40, 24)).save(p),
    "palette.gif": lambda p: picture("RGB").quantize(200).save(p),
    "two_colours.gif": lambda p: picture("L").convert("1").save(p),
    "transparent.gif": lambda p: picture("RGB").quantize(7).save(p, transparency=2),
    "interlaced.gif": lambda p: picture("RGB", (13, 29)).quantize(9).save(p, interlace=1),
    "animated.gif": lambda p: picture("RGB").quantize(9).save(p, save_all=True, append_images=[picture("L")]),
    "rgb.bmp": lambda p: picture("RGB").save(p),
    "grey.bmp": lambda p: picture("L").save(p),
    "bilevel.bmp": lambda p: picture("L").convert("1").save(p),
    "palette.bmp": lambda p: picture("RGB").quantize(9).save(p),
    "old_header.bmp": lambda p: p.write_bytes(bmp(struct.pack("<IHHHH", 12, 3, 2, 1, 24), bytes(range(24)))),
    "sixteen_bits.bmp": lambda p: p.write_bytes(bmp(struct.pack("<IiiHHIIiiII", 40, 2, -2, 1, 16, 0, 0, 0, 0, 0, 0),
                                                    bytes([0, 0x7C, 0xE0, 0x03, 0x1F, 0, 0xFF, 0x7F]))),
    "masks.bmp": lambda p: p.write_bytes(bmp(struct.pack("<IiiHHIIiiII", 40, 2, 2, 1, 16, 3, 0, 0, 0, 0, 0)
                                             + struct.pack("<III", 0xF800, 0x7E0, 0x1F),
                                             bytes([0, 0xF8, 0xE0, 0x07, 0x1F, 0, 0xFF, 0xFF]))),
    "rgb.tiff": lambda p: picture("RGB").save(p),
    "grey.tiff": lambda p: picture("L").save(p),
    "bilevel.tiff": lambda p: picture("L").convert("1").save(p, compression="group4"),
    "palette.tiff": lambda p: picture("RGB").quantize(7).save(p),
    "lzw.tiff": lambda p: picture("RGB", (120, 90)).save(p, compression="tiff_lzw"),
    "deflate.tiff": lambda p: picture("RGB", (120, 90)).save(p, compression="tiff_adobe_deflate"),
    "two_pages.tiff": lambda p: picture("RGB").save(p, save_all=True, append_images=[picture("L")]),
    "alpha.tiff": lambda p: picture("RGBA").save(p),
    "alpha.avif": lambda p: smooth("RGBA").save(p, quality=100, subsampling="4:4:4"),
    "rgb.avif": lambda p: smooth("RGB").save(p, quality=100, subsampling="4:4:4"),
}


@pytest.mark.parametrize("name", CASES)
def test_pixels(tmp_path, name):
    CASES[name](tmp_path / name)
    with Image.open(tmp_path / name) as image:
        # Libraries may round their transforms differently; colours times alpha are rounded to 8 bits.
        limit = {"jpg": 2.0, "avif": 2.0}.get(name.split(".")[1], 2.0 if name == "alpha.tiff" else 0.01)
        assert distance(read(tmp_path / name), on_white(image)) <= limit


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "tiff", "avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(tmp_path, orientation, extension):
    path = tmp_path / f"turned.{extension}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    # Whole chroma: decoders differ in how they enlarge halved chroma at an edge.
    smooth().save(path, exif=exif, **({"subsampling": "4:4:4"} if extension == "avif" else {}))
    with Image.open(path) as image:
        assert distance(read(path), on_white(image)) <= (4 if extension in ("webp", "avif") else 2)


def test_heic():
    """The file was written by pillow-heif 1.8.1 (x265), which is no part of the referees."""
    plain = torch.tensor(numpy.array(smooth(size=(48, 32)))).permute(2, 0, 1) / 255
    ours = read(Path(__file__).parent / "data" / "plain.heic")
    assert ours.shape == plain.shape and float((ours - plain).abs().mean()) * 255 < 3


def test_sixteen_bits(tmp_path):
    values = numpy.random.default_rng(0).integers(0, 65536, (9, 13), dtype=numpy.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    expected = torch.tensor(values.astype("float64") / 65535).expand(3, 9, 13)
    assert distance(read(tmp_path / "deep.png"), expected) <= 0.51


def test_content_decides_not_the_name(tmp_path):
    picture("RGB").save(tmp_path / "wrong.jpg", format="png")
    assert distance(read(tmp_path / "wrong.jpg"), on_white(picture("RGB"))) <= 0.01


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "gif", "bmp", "tiff", "avif", "heic"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_cut_short_is_refused(tmp_path, extension, share):
    path = tmp_path / f"cut.{extension}"
    if extension == "heic":
        path.write_bytes((Path(__file__).parent / "data" / "plain.heic").read_bytes())
    else:
        picture("RGB", (120, 90)).save(path)
    path.write_bytes(path.read_bytes()[:int(path.stat().st_size * share)])
    with pytest.raises(AssertionError, match="damaged|cut short"):
        read(path)


def test_text_chunks_of_pillow(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("short", "plain, naïve")  # Latin-1: tEXt
    info.add_text("packed", "x" * 3000, zip=True)  # zTXt
    info.add_itxt("international", "猫 \U0001F408")
    info.add_itxt("packed international", "猫" * 1000, zip=True)
    picture("RGB").save(tmp_path / "text.png", pnginfo=info)
    _, values = run_probe("read_image", {}, path=str(tmp_path / "text.png"), text=True)
    assert values["text"] == {"short": "plain, naïve", "packed": "x" * 3000, "international": "猫 \U0001F408",
                              "packed international": "猫" * 1000}


def test_pillow_reads_ours(tmp_path):
    text = {"parameters": '{"seed": 1}', "Title": "naïve 猫", "long": "x" * 9000, "long itxt": "猫" * 3000}
    image = torch.tensor(numpy.array(picture("RGB"))).permute(2, 0, 1) / 255
    run_probe("write_png", {"image": image}, path=str(tmp_path / "ours.png"), text=text)
    with Image.open(tmp_path / "ours.png") as theirs:
        assert theirs.mode == "RGB" and dict(theirs.text) == text
        assert distance(on_white(theirs), image) == 0


@pytest.mark.parametrize("size", [(64, 64), (17, 31), (200, 150), (100, 40)])
def test_resize(size):
    image = torch.tensor(numpy.array(picture("RGB", (96, 120)))).permute(2, 0, 1) / 255
    ours = run_probe("resize_image", {"image": image}, height=size[1], width=size[0])[0]["image"]
    # In Pillow's mode F: in 8 bits it clips between its two passes, which loses the overshoot of sharp edges.
    planes = [Image.fromarray(plane.numpy(), "F").resize(size, Image.BICUBIC) for plane in image]
    theirs = torch.stack([torch.tensor(numpy.array(plane)) for plane in planes]).clamp(0, 1)
    assert distance(ours, theirs) <= 0.01

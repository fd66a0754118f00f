"""Broken containers: one for every check of the reference reader, and for those that ziplora adds."""

import struct

from .kind import MALFORMED, BrokenFile, OddFile, container, raw

ONE = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'


def entry(dtype='"F32"', shape="[1]", offsets="[0,4]", more=""):
    return f'{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}{more}}}'


def header(*entries, data=4):
    """Tensors a, b, … of these entries."""
    named = ",".join(f'"{name}":{text}' for name, text in zip("abcdef", entries))
    return container("{" + named + "}", b"d" * data)


def length(claimed: int, rest: bytes = b"{}") -> bytes:
    return struct.pack("<Q", claimed) + rest


def cut(content: bytes, size: int) -> bytes:
    assert 0 < size < len(content)
    return content[:size]


SOUND = header(ONE)
LENGTHS = {
    "no-bytes": (b"", "the file has 0 bytes"),
    "one-byte": (b"{", "the file has 1 bytes"),
    "seven-bytes": (b"\1\0\0\0\0\0\0", "the file has 7 bytes"),
    "length-only": (length(2, b""), "the header takes 2 bytes, 0 are there"),
    "zero-length": (length(0), "the header is empty"),
    "zero-length-alone": (length(0, b""), "the header is empty"),
    "100-MB-and-one": (length(100_000_001), "at most 100000000 are allowed"),
    "100-MB-claimed": (length(100_000_000), "the header takes 100000000 bytes, 2 are there"),
    "claims-an-exabyte": (length(1 << 60), "would take 1152921504606846976 bytes"),
    "claims-all-ones": (length(2**64 - 1), "would take 18446744073709551615 bytes"),
    "length-plus-8-overflows": (length(2**64 - 8), "would take 18446744073709551608 bytes"),
    "big-endian-length": (struct.pack(">Q", 2) + b"{}", "would take 144115188075855872 bytes"),
    "one-past-the-end": (length(3), "the header takes 3 bytes, 2 are there"),
    "cut-in-header": (cut(SOUND, 30), "ends inside its header"),
    "cut-before-data": (SOUND[:-4], "4 are missing"),
    "cut-in-data": (SOUND[:-1], "1 are missing"),
    "trailing-byte": (SOUND + b"x", "1 surplus bytes"),
    "two-files-in-a-row": (SOUND + SOUND, "surplus bytes"),
    "data-without-tensors": (container("{}", b"abc"), "3 surplus bytes"),
}
JSON = {
    "spaces-only": ("    ", "the header is empty"),
    "text": ("hello", "not valid JSON at its byte 1"),
    "array": ("[]", "the header is an array"),
    "number": ("1", "the header is the number 1"),
    "string": ('"a"', "the header is a string"),
    "null": ("null", "the header is null"),
    "true": ("true", "the header is a boolean"),
    "unclosed": ('{"a":', "not valid JSON"),
    "unclosed-string": ('{"a', "not valid JSON"),
    "trailing-json": ("{}{}", "not valid JSON at its byte 3"),
    "trailing-comma": ("{" + f'"a":{ONE},' + "}", "not valid JSON"),
    "single-quotes": ("{'a':1}", "not valid JSON"),
    "comment": ("{}//", "not valid JSON"),
    "nan-literal": ('{"a":' + entry(shape="[NaN]") + "}", "not valid JSON"),
    "infinity-literal": ('{"a":' + entry(offsets="[0,Infinity]") + "}", "not valid JSON"),
    "leading-zero": ('{"a":' + entry(offsets="[00,4]") + "}", "not valid JSON"),
    "not-utf8": (b'{"\xff":' + ONE.encode() + b"}", "ill-formed UTF-8"),
    "overlong-utf8": (b'{"\xc0\xaf":' + ONE.encode() + b"}", "ill-formed UTF-8"),
    "utf8-surrogate": (b'{"\xed\xa0\x80":' + ONE.encode() + b"}", "ill-formed UTF-8"),
    "cut-utf8": (b'{"\xc3', "not valid JSON"),
    "lone-surrogate-escape": ('{"\\ud800":' + ONE + "}", "surrogate"),
    "latin-1": ('{"größe":'.encode("latin-1") + ONE.encode() + b"}", "ill-formed UTF-8"),
    "utf-16": ("{}".encode("utf-16-le"), "NUL"),
    "nul-padding": (b"{}\0\0", "holds a NUL at its byte 2"),
    "nul-in-a-name": (b'{"\0":' + ONE.encode() + b"}", "holds a NUL"),
    "byte-order-mark": (b"\xef\xbb\xbf{}", "byte order mark"),
    "control-character": ('{"a\n":' + ONE + "}", "not valid JSON"),
    "deep-arrays": ("[" * 200_000, "the header is an array"),
    "deep-unknown-field": ('{"a":' + entry(more=',"x":' + "[" * 5000 + "]" * 5000) + "}", "nests deeper than 128"),
    "deep-objects": ('{"a":' * 300 + "1" + "}" * 300, "nests deeper than 128"),
}
ENTRIES = {
    "entry-is-a-number": ("3", 'tensor "a" is the number 3'),
    "entry-is-an-array": ("[]", 'tensor "a" is an array'),
    "entry-is-null": ("null", 'tensor "a" is null'),
    "entry-is-a-string": ('"F32"', 'tensor "a" is a string'),
    "entry-is-empty": ("{}", '"dtype" is missing'),
    "no-dtype": ('{"shape":[1],"data_offsets":[0,4]}', '"dtype" is missing'),
    "no-shape": ('{"dtype":"F32","data_offsets":[0,4]}', '"shape" is missing'),
    "no-offsets": ('{"dtype":"F32","shape":[1]}', '"data_offsets" is missing'),
    "dtype-twice": (entry(more=',"dtype":"F32"'), '"dtype" is given twice'),
    "shape-twice": (entry(more=',"shape":[1]'), '"shape" is given twice'),
    "offsets-twice": (entry(more=',"data_offsets":[0,4]'), '"data_offsets" is given twice'),
    "dtype-number": (entry(dtype="32"), "dtype is the number 32"),
    "dtype-null": (entry(dtype="null"), "dtype is null"),
    "dtype-lower-case": (entry(dtype='"f32"'), 'unknown dtype "f32"'),
    "dtype-of-torch": (entry(dtype='"torch.float32"'), 'unknown dtype "torch.float32"'),
    "dtype-unknown": (entry(dtype='"F128"'), 'unknown dtype "F128"'),
    "dtype-empty": (entry(dtype='""'), 'unknown dtype ""'),
    "shape-null": (entry(shape="null"), "shape is null"),
    "shape-number": (entry(shape="1"), "shape is the number 1"),
    "shape-object": (entry(shape="{}"), "shape is an object"),
    "shape-nested": (entry(shape="[[1]]"), "shape holds an array"),
    "shape-negative": (entry(shape="[-1]"), "shape holds the negative number -1"),
    "shape-float": (entry(shape="[1.0]"), "shape holds the number 1.0"),
    "shape-exponent": (entry(shape="[1e0]"), "shape holds the number 1e0"),
    "shape-string": (entry(shape='["1"]'), "shape holds a string"),
    "shape-boolean": (entry(shape="[true]"), "shape holds a boolean"),
    "shape-over-64-bits": (entry(shape="[99999999999999999999]"), "shape holds the number"),
    "offsets-one": (entry(offsets="[0]"), "data_offsets has 1 numbers"),
    "offsets-three": (entry(offsets="[0,4,4]"), "data_offsets has 3 numbers"),
    "offsets-none": (entry(offsets="[]"), "data_offsets has 0 numbers"),
    "offsets-float": (entry(offsets="[0,4.0]"), "holds the number 4.0"),
    "offsets-negative": (entry(offsets="[-4,0]"), "holds the negative number -4"),
    "offsets-minus-zero": (entry(offsets="[-0,4]"), "holds the negative number"),
    "offsets-string": (entry(offsets='["0",4]'), "data_offsets holds a string"),
    "offsets-object": (entry(offsets="{}"), "data_offsets is an object"),
    "offsets-reversed": (entry(offsets="[4,0]"), "ends (byte 0) before it begins (4)"),
    "offsets-of-the-file": (entry(offsets="[64,68]"), "begins at data byte 64, expected 0"),
    "offsets-huge": (entry(offsets="[18446744073709551611,18446744073709551615]"), "expected 0"),
    "offsets-to-an-exabyte": (entry(shape="[288230376151711744]", offsets="[0,1152921504606846976]"), "cut short"),
    "too-few-bytes": (entry(shape="[2]"), "takes 8 bytes, data_offsets give it 4"),
    "too-many-bytes": (entry(dtype='"F16"'), "takes 2 bytes, data_offsets give it 4"),
    "empty-tensor-with-bytes": (entry(shape="[0]"), "takes 0 bytes"),
    "scalar-of-two": (entry(dtype='"F16"', shape="[]"), "takes 2 bytes, data_offsets give it 4"),
    "product-overflows": (entry(shape="[4294967296,4294967296]"), "larger than any memory"),
    "bits-overflow": (entry(dtype='"F64"', shape="[576460752303423488]"), "larger than any memory"),
    "product-wraps-to-4-bytes": (entry(dtype='"U8"', shape="[9223372036854775808,2,4]"), "larger than any memory"),
    "over-signed-64-bits": (entry(dtype='"U8"', shape="[9223372036854775808,0]", offsets="[0,0]"), "larger than any"),
    "overflow-then-zero": (entry(shape="[4294967296,4294967296,0]", offsets="[0,0]"), "larger than any memory"),
    "zero-then-overflow": (entry(dtype='"U8"', shape="[0,4294967296,4294967296]", offsets="[0,0]"), "larger than any"),
    "half-a-byte": (entry(dtype='"F4"', shape="[3]", offsets="[0,2]"), "3 elements of 4 bits do not fill"),
    "six-bits": (entry(dtype='"F6_E2M3"', shape="[2]", offsets="[0,2]"), "2 elements of 6 bits do not fill"),
}
LAYOUTS = {
    "hole-at-the-start": (header(entry(offsets="[4,8]"), data=8), "begins at data byte 4, expected 0"),
    "hole": (header(ONE, entry(offsets="[8,12]"), data=12), "there is a hole before it"),
    "overlap": (header(ONE, entry(offsets="[2,6]"), data=6), "overlaps another tensor"),
    "same-bytes-twice": (header(ONE, ONE), "overlaps another tensor"),
    "inside-another": (header(entry(shape="[2]", offsets="[0,8]"), entry(offsets="[4,8]"), data=8), "overlaps another"),
    "empty-tensor-in-a-hole": (header(ONE, entry(shape="[0]", offsets="[8,8]"), entry(offsets="[8,12]"), data=12),
                               "there is a hole before it"),
    "name-twice": (container(f'{{"a":{ONE},"a":{ONE}}}', b"dddd"), 'the tensor name "a" is given twice'),
    "name-twice-by-escape": (container(f'{{"a":{ONE},"\\u0061":{ONE}}}', b"dddd"), 'name "a" is given twice'),
    "metadata-twice": (container('{"__metadata__":{},"__metadata__":{}}'), '"__metadata__" is given twice'),
    "metadata-value-number": (container('{"__metadata__":{"a":1}}'), 'value of "a" is the number 1'),
    "metadata-value-object": (container('{"__metadata__":{"a":{}}}'), 'value of "a" is an object'),
    "metadata-value-null": (container('{"__metadata__":{"a":null}}'), 'value of "a" is null'),
    "metadata-value-boolean": (container('{"__metadata__":{"a":true}}'), 'value of "a" is a boolean'),
    "metadata-array": (container('{"__metadata__":[]}'), '"__metadata__" is an array'),
    "metadata-string": (container('{"__metadata__":"x"}'), '"__metadata__" is a string'),
    "metadata-is-a-tensor": (container(f'{{"__metadata__":{ONE}}}', b"dddd"), '"shape" is an array'),
}

BROKEN = [
    *(BrokenFile(f"length/{name}", raw(content), MALFORMED, says) for name, (content, says) in LENGTHS.items()),
    *(BrokenFile(f"json/{name}", raw(container(text)), MALFORMED, says) for name, (text, says) in JSON.items()),
    *(BrokenFile(f"entry/{name}", raw(header(text)), MALFORMED, says) for name, (text, says) in ENTRIES.items()),
    *(BrokenFile(f"layout/{name}", raw(content), MALFORMED, says) for name, (content, says) in LAYOUTS.items()),
]

MODULE = "lora_unet_middle_block_1_proj_in"
DOWN = f'"{MODULE}.lora_down.weight":' + entry(dtype='"F16"', shape="[1,1280]", offsets="[0,2560]")
UP = f'"{MODULE}.lora_up.weight":' + entry(dtype='"F16"', shape="[1280,1]", offsets="[2560,5120]")
ALPHA = f'"{MODULE}.alpha":' + entry(shape="[]", offsets="[5120,5124]")
SMALL = b"\x3c" * 5124  # 1.06 in half precision


def lora(*parts, data=SMALL, before="", after=""):
    return raw(container(before + "{" + ",".join(parts) + "}" + after, data))


ODD = [
    OddFile("container/plain", lora(DOWN, UP, ALPHA), 1),
    OddFile("container/any-order", lora(ALPHA, UP, DOWN), 1),
    OddFile("container/leading-space", lora(DOWN, UP, ALPHA, before=" \n"), 1),
    OddFile("container/trailing-space", lora(DOWN, UP, ALPHA, after=" \n\t\r"), 1),
    OddFile("container/metadata-null", lora('"__metadata__":null', DOWN, UP, ALPHA), 1),
    OddFile("container/metadata-last", lora(DOWN, UP, ALPHA, '"__metadata__":{"a":"1"}'), 1),
    OddFile("container/metadata-key-twice", lora('"__metadata__":{"a":"1","a":"2"}', DOWN, UP, ALPHA), 1),
    OddFile("container/unknown-fields", lora(DOWN[:-1] + ',"x":{"dtype":[1,{}]},"y":-1.5}', UP, ALPHA), 1),
    OddFile("container/escaped-name", lora(DOWN.replace("lora_unet", "\\u006cora_unet"), UP, ALPHA), 1),
    OddFile("container/unaligned", lora(f'"{MODULE}.alpha":' + entry(dtype='"U8"', shape="[]", offsets="[0,1]"),
                                        DOWN.replace("[0,2560]", "[1,2561]"), UP.replace("[2560,5120]", "[2561,5121]"),
                                        data=b"\x01" + SMALL[:5120]), 1),
]

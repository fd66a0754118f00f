"""ClipTokenizer against transformers' CLIPTokenizer: exact ids on hostile text."""

import json
import random
import sys
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from probe_runner import run_probe
from tiny_sdxl import write_byte_tokenizer
from transformers import CLIPTokenizer

ROOT = Path(__file__).resolve().parents[2]
STRINGS = 2500
MERGES = 1500


def byte_symbols() -> list[str]:
    """Printable stand-ins for the 256 bytes in the order of CLIP's vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(rest))]


@cache
def learn_merges(text: str, count: int) -> list[tuple[str, str]]:
    """Plain byte-pair encoding of a text's words."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    order = printable + [byte for byte in range(256) if byte not in printable]
    symbol = dict(zip(order, byte_symbols()))
    words = Counter(text.lower().split())
    split = {w: [symbol[b] for b in w.encode()] for w in words}
    for parts in split.values():
        parts[-1] += "</w>"
    merges = []
    for _ in range(count):
        pairs = Counter()
        for word, parts in split.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += words[word]
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for parts in split.values():
            i = 0
            while i < len(parts) - 1:
                if (parts[i], parts[i + 1]) == best:
                    parts[i : i + 2] = ["".join(best)]
                i += 1
    return merges


def write_tokenizer(folder: Path, **config) -> Path:
    """A folder like CLIP's: 256 bytes, 256 bytes at a word's end, merges, two special tokens at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    source = Path(json.__file__).parent.parent / "argparse.py"
    text = source.read_text()[:60_000] + " don't won't they're café naïve Straße 東京 日本語 привет мир 😀😀 👩‍👩‍👧 " * 20
    merges = learn_merges(text, MERGES)
    symbols = byte_symbols()
    tokens = [*symbols, *(s + "</w>" for s in symbols)]
    tokens += [a + b for a, b in merges if a + b not in tokens]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"model_max_length": 77, "tokenizer_class": "CLIPTokenizer", **config}))
    return folder


@cache
def hostile_strings(count: int) -> list[str]:
    rng = random.Random(20231122)
    words = "a the It's don't DON'T We'Ll they'RE I'd I'M you'Ve 'S ''s ' 's's o'clock cat's rock'n'roll".split()
    fragments = [
        *words, "<|startoftext|>", "<|endoftext|>", "<|ENDOFTEXT|>", "<|pad|>", "<|", "|>", "</w>", "th</w>", "!", "!!!",
        "&amp;", "&lt;b&gt;", "&#39;", "<b>", "\0", "\x01", "\x7f", "\x85", "\xa0", "\t", "\n", "\r\n", "\v", "\f", "  ",
        "\u1680", "\u2003", "\u2028", "\u2029", "\u202f", "\u3000", "\u180e", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff",
        "é", "e\u0301", "a\u0323\u0302", "\u0344", "\u212b", "\u2126", "ﬁ", "ſ", "İ", "ı", "ß", "ẞ", "Σ", "ΑΣ", "ς", "ǅ", "\u1e9b\u0323",
        "שלום", "مرحبا", "\u202eabc\u202c", "हिन्दी", "ไทย", "한국어", "각", "東京", "日本語", "ゞ", "か\u3099",
        "😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "👍🏽", "1️⃣", "123", "3.14", "½", "Ⅷ", "²", "٣", "①", "𝟘", "𝔘", "Ａ", "𐐀", "Ǆ", "Ა", "Ꭰ",
        "https://example.org/a?b=c&d=%20", "snake_case", "a-b", "…", "—", "“quoted”", "\\", "/", "\"", "#@$%^*()",
    ]
    # Letters, numerals and case mappings that Unicode added after ICU 72 (15.1 and later) are left out: they depend
    # on the version of the library.
    assigned = [chr(c) for c in range(sys.maxunicode + 1)
                if not 0xD800 <= c <= 0xDFFF and unicodedata.category(chr(c)) not in ("Cn", "Co")]
    strings = ["", " ", "a" * 3000, "ab" * 1000, "é" * 500, "word " * 200, "!" * 400, "1" * 100]
    while len(strings) < count:
        parts = []
        for _ in range(rng.choice([1, 2, 3, 5, 8, 13, 60])):
            kind = rng.random()
            if kind < 0.5:
                parts.append(rng.choice(fragments))
            elif kind < 0.7:
                parts.append("".join(rng.choice(assigned) for _ in range(rng.randint(1, 6))))
            elif kind < 0.85:
                parts.append("".join(chr(rng.randint(1, 0x2FF)) for _ in range(rng.randint(1, 10))))
            else:
                parts.append("".join(rng.choice("aAbBtThHeE'sStT \u0301\u0327") for _ in range(rng.randint(1, 20))))
        strings.append(rng.choice(["", " "]).join(parts))
    return strings


def assert_equal_ids(folder: Path, texts: list[str]) -> CLIPTokenizer:
    theirs = CLIPTokenizer.from_pretrained(folder)
    _, ours = run_probe("tokenizer", folder=str(folder), texts=texts)
    padded = theirs(texts, padding="max_length", truncation=True, max_length=theirs.model_max_length).input_ids
    for i, text in enumerate(texts):
        expected = theirs(text, add_special_tokens=False).input_ids
        assert ours["ids"][i] == expected, f"string {i}: {text!r}"
        assert ours["padded"][i] == padded[i], f"string {i}, padded: {text!r}"
        assert (ours["truncated_text"][i] == "") == (len(expected) <= theirs.model_max_length - 2)
    return theirs


def special(content: str, normalized: bool) -> dict:
    return {"__type": "AddedToken", "content": content, "lstrip": False, "normalized": normalized, "rstrip": False,
            "single_word": False, "special": True}


# The two tokenizers of SDXL: pads with EOS, and with "!"; their published configs match markers after normalisation.
CONFIGS = {
    "pad with EOS": {"pad_token": "<|endoftext|>"},
    "pad with !": {"pad_token": "!"},
    "normalised markers": {"pad_token": "!", "bos_token": special("<|startoftext|>", True),
                           "eos_token": special("<|endoftext|>", True), "unk_token": special("<|endoftext|>", True)},
    "one entry differs": {"pad_token": "<|endoftext|>", "bos_token": special("<|startoftext|>", True),
                          "eos_token": special("<|endoftext|>", True), "unk_token": special("<|endoftext|>", True)},
}


@pytest.mark.parametrize("name", CONFIGS)
def test_ids_equal_transformers_on_hostile_strings(name, tmp_path):
    texts = hostile_strings(STRINGS)
    assert len(set(texts)) > 2000
    folder = write_tokenizer(tmp_path / "tokenizer", **CONFIGS[name])
    theirs = assert_equal_ids(folder, texts)
    theirs.save_pretrained(tmp_path / "again")  # transformers 5 writes tokenizer.json in place of the two files
    assert not (tmp_path / "again" / "vocab.json").exists()
    assert_equal_ids(tmp_path / "again", texts[:300])


@pytest.mark.parametrize("folder", ["tokenizer", "tokenizer_2"])
@pytest.mark.parametrize("assets", ["mini", "clip"])
def test_ids_equal_transformers_on_what_comes_with_the_program(assets, folder):
    assert_equal_ids(ROOT / "assets" / assets / folder, hostile_strings(STRINGS))


def test_clips_own_vocabulary_is_the_published_one():
    """Ids that openai/CLIP gives."""
    tokenizer = CLIPTokenizer.from_pretrained(ROOT / "assets" / "clip" / "tokenizer")
    assert tokenizer("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert tokenizer("an astronaut riding a horse").input_ids == [49406, 550, 18376, 6765, 320, 4558, 49407]
    assert CLIPTokenizer.from_pretrained(ROOT / "assets" / "clip" / "tokenizer_2").pad_token_id == 0


@pytest.mark.parametrize("pad", ["<|endoftext|>", True, False])
@pytest.mark.parametrize("unk", ["<|endoftext|>", True, False, None])
@pytest.mark.parametrize("eos", ["<|endoftext|>", True, False, None])
def test_the_entry_that_decides_when_a_marker_has_several_names(eos, unk, pad, tmp_path):
    """A string, an object with or without "normalized", or no entry at all."""
    entries = {"eos_token": eos, "unk_token": unk, "pad_token": pad}
    config = {key: special("<|endoftext|>", value) if isinstance(value, bool) else value
              for key, value in entries.items() if value is not None}
    folder = write_byte_tokenizer(tmp_path / "tokenizer", "!")
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 77, **config}))
    assert_equal_ids(folder, ["<|ENDOFTEXT|> x", "<|endoftext|>x", "<|StartOfText|>"])


def test_symbols_that_a_small_vocabulary_lacks_become_the_unknown_token(tmp_path):
    folder = write_tokenizer(tmp_path)
    vocabulary = {"h": 0, "e": 1, "y</w>": 2, "he": 3, "hey</w>": 4, "<|startoftext|>": 5, "<|endoftext|>": 6}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\nh e\nhe y</w>\n")
    assert_equal_ids(folder, ["hey", "hey you", "eh", "HEY!", "日", "hehey y h"])


def test_what_was_cut_off_is_told(tmp_path):
    folder = write_tokenizer(tmp_path)
    text = " ".join(["x"] * 75 + ["Größe", "matters", "日本"])
    inside = "x " * 74 + "ж"  # of its two bytes only the first fits
    _, ours = run_probe("tokenizer", folder=str(folder), texts=[text, "short", inside])
    assert ours["truncated_text"] == ["größe matters 日本", "", "ж"]
    assert len(ours["padded"][0]) == 77 and ours["padded"][0][-1] == ours["padded"][1][-1]


@pytest.mark.parametrize("file, content, words", [
    ("vocab.json", None, "vocab.json"),
    ("merges.txt", None, "merges.txt"),
    ("vocab.json", "{", "vocab.json"),
    ("vocab.json", '{"a": "b"}', 'the id of "a"'),
    ("vocab.json", '{"a": 1}', "which the vocabulary lacks"),
    ("merges.txt", "#version: 0.2\nz q</w>\n", "zq</w>"),
    ("merges.txt", "#version: 0.2\na b c\n", "line 2"),
    ("tokenizer_config.json", '{"model_max_length": 2}', "model_max_length"),
    ("tokenizer_config.json", '{"pad_token": "[PAD]"}', "pad_token"),
])
def test_a_bad_file_is_an_error_that_names_it(file, content, words, tmp_path):
    folder = write_tokenizer(tmp_path)
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content)
    with pytest.raises(AssertionError) as error:
        run_probe("tokenizer", folder=str(folder), texts=["a"])
    assert words in str(error.value), str(error.value)

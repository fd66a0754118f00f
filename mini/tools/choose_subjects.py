#!/usr/bin/env python3
"""Makes mini/assets/subjects.json and held_out.json from the installed packages and the reviewed lists beside this
file. A development tool: its results are committed and fixed, so neither building nor training runs it.

    mini/tools/world_packages.sh && python3 mini/tools/choose_subjects.py

The same subject has the same Unicode code point everywhere, but not the same name: most packages use Unicode's label,
some give a table from code point to name (chars.json), fxemoji writes old names without hyphens. So names are looked
up by code point, then by label, old name and short codes with everything but letters and digits taken out, and
FXEMOJI lists the names where fxemoji means another picture ("dog" is its dog *face*).
"""
import hashlib
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = ROOT / ".cache/world/node_modules"
HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ["noto", "noto-v1", "twemoji", "emojione", "emojione-monotone", "fxemoji", "fluent-emoji-flat",
            "fluent-emoji", "fluent-emoji-high-contrast"]
SEEN_STYLES = PACKAGES[:7] + ["blueprint", "sepia", "pixel-art", "outline", "watercolour", "negative"]
AT_LEAST = 8
PAIRS_HELD_OUT_IN_20 = 1

FXEMOJI = {
    "dog": "dogside", "cat": "catside", "tiger": "tigerside", "pig": "pigside", "mouse": "mouseside",
    "mouse face": "mouse", "leopard": "leopardside", "spouting whale": "spurtingwhale", "dragon face": "dragonhead",
    "dragon": "dragonside", "rabbit face": "bunny", "rabbit": "bunnyside", "hot pepper": "chilipepper",
    "winking face": "winking", "loudly crying face": "loudlycrying", "face screaming in fear": "screamfear",
    "hamster": "hampster", "man’s shoe": "mensshoe", "high-heeled shoe": "heels", "woman’s clothes": "womansshirt",
    "Tokyo tower": "toykotower", "flexed biceps": "flexbicep", "see-no-evil monkey": "monkeysee",
    "mobile phone": "cellphone", "snow-capped mountain": "snowmountains", "wrapped gift": "present",
    "globe showing Europe-Africa": "europeafricaglobe", "closed mailbox with raised flag": "closedmailboxraised",
    "tennis": "tennisball", "winking face with tongue": "tongueoutwink", "face blowing a kiss": "kissing",
    "magnifying glass tilted left": "leftmagnifyingglass", "floppy disk": "floppydisk2",
    "waving hand": "waving", "sunglasses": "darksunglasses",
}

# Left out: librsvg cannot draw a filter of the first at any size; under the other names is something else.
LEFT_OUT = {("fluent-emoji", "umbrella-with-rain-drops"), ("fluent-emoji", "dizzy"), ("fxemoji", "pout"),
            ("fxemoji", "bow")}


def plain(text):
    return re.sub(r"[^a-z0-9]", "", text.lower())


def read(path):
    return json.loads(path.read_text()) if path.exists() else {}


def icon_names(package):
    data = read(MODULES / "@iconify-json" / package / "icons.json")
    names = {}
    for name, icon in data["icons"].items():
        if not icon.get("hidden"):
            names.setdefault(plain(name), name)
    for alias, entry in data.get("aliases", {}).items():
        if entry["parent"] in data["icons"] and set(entry) <= {"parent", "hidden"}:
            names.setdefault(plain(alias), entry["parent"])
    return names, read(MODULES / "@iconify-json" / package / "chars.json")


def unicode_labels():
    """label -> (code point in lower case without variation selectors, other names)"""
    folder = MODULES / "emojibase-data"
    names = read(folder / "meta/unicode-names.json")
    short_codes = {}
    for file in sorted((folder / "en/shortcodes").glob("*.json")):
        for code, value in read(file).items():
            short_codes.setdefault(code, []).extend([value] if isinstance(value, str) else value)
    found = {}
    for entry in read(folder / "en/data.json"):
        code = entry["hexcode"]
        bare = code.lower().replace("-fe0f", "")
        others = [names.get(code) or names.get(code.replace("-FE0F", "")) or entry["label"]]
        found[entry["label"]] = (bare, [entry["label"], *others, *sorted(short_codes.get(code, []))])
    return found


def reviewed():
    category = None
    for line in (HERE / "reviewed_subjects.txt").read_text().splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            category = line[1:-1]
            continue
        line, _, plural = (part.strip() for part in line.partition("|"))
        label, _, words = (part.strip() for part in line.partition("="))
        words = words or label
        yield label, words, plural or words + "s", category


def main():
    packages = {package: icon_names(package) for package in PACKAGES}
    labels = unicode_labels()
    roles = {}
    for line in (HERE / "held_out_subjects.txt").read_text().splitlines():
        role, _, words = line.partition(":")
        if words and not line.startswith("#"):
            roles.update({plain(word): role.strip() for word in words.split(",")})
    subjects, refused = [], []
    for label, words, plural, category in reviewed():
        code, names = labels[label]
        icons = {}
        for package, (by_name, by_code) in packages.items():
            override = FXEMOJI.get(label) if package == "fxemoji" else None
            keys = [override] if override else [by_code.get(code)] + names + list(icons.values())
            found = [by_name[plain(key)] for key in keys if key and plain(key) in by_name]
            if found and (package, found[0]) not in LEFT_OUT:
                icons[package] = found[0]
        if len(icons) < AT_LEAST:
            refused.append(f"{label}: {len(icons)}")
        subjects.append({"id": words.replace(" ", "-"), "words": words, "plural": "" if plural == "-" else plural,
                         "article": "an" if re.match("[aeio]|u(?!ni)|hour", words) else "a", "category": category, "icons": icons})
    identifiers = [subject["id"] for subject in subjects]
    doubles = {name for name in identifiers if identifiers.count(name) > 1}
    unknown = set(roles) - {plain(name) for name in identifiers}
    if refused or doubles or unknown:
        sys.exit(f"refused: {refused}\ntwice: {doubles}\nheld out but unknown: {unknown}")

    held_out = {role: [s["id"] for s in subjects if roles.get(plain(s["id"])) == role]
                for role in ("development", "report")}
    pairs = []
    for subject in subjects:
        if plain(subject["id"]) in roles:
            continue
        for style in SEEN_STYLES:
            drawn = style not in PACKAGES or style in subject["icons"]
            digest = hashlib.sha256(f"{subject['id']} {style}".encode()).digest()
            if drawn and digest[0] % 20 < PAIRS_HELD_OUT_IN_20:
                pairs.append([subject["id"], style])

    def write(name, text):
        (ROOT / "mini/assets" / name).write_text(text)

    lines = ",\n".join("  " + json.dumps(subject, ensure_ascii=False) for subject in subjects)
    write("subjects.json", '{"packages": ' + json.dumps(PACKAGES) + ',\n "subjects": [\n' + lines + "\n]}\n")
    pair_lines = ",\n".join("  " + json.dumps(pair) for pair in pairs)
    write("held_out.json", "{\n" + ",\n".join(f' "{role}": ' + json.dumps(names) for role, names in held_out.items()) +
          ',\n "pairs": [\n' + pair_lines + "\n]}\n")
    drawn = [len(subject["icons"]) for subject in subjects]
    print(f"{len(subjects)} subjects ({drawn.count(9)} in all nine), {len(roles)} held out, {len(pairs)} pairs held out")


main()

#!/usr/bin/env python3
"""Writes a manifest whose group "first" has the pairs of its first subjects. The other pairs still lend their true drawings.

    .venv/bin/python mini/tools/first_subjects.py out/evidence/short/report/manifest.json --group B --count 2 --prompts 4
"""

import argparse
import json
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--group", required=True)
    parser.add_argument("--count", type=int, required=True, help="subjects")
    parser.add_argument("--prompts", type=int, required=True, help="the first ones")
    given = parser.parse_args()
    manifest = json.loads(given.manifest.read_text())
    merged = {entry["name"] for entry in manifest["subjects"] if "lora" in entry}
    manifest["prompts"] = manifest["prompts"][:given.prompts]
    first = []
    for pair in manifest["pairs"]:
        pair["truths"] = pair["truths"][:given.prompts]
        subject = pair["subject"]
        if pair["group"] == given.group and subject in merged:
            if subject not in first:
                first.append(subject)
            if subject in first[:given.count]:
                pair["group"] = "first"
    given.manifest.with_name(f"first-{given.count}-{given.prompts}.json").write_text(json.dumps(manifest, indent=1))


if __name__ == "__main__":
    main()

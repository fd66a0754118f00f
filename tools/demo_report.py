#!/usr/bin/env python3
"""Gathers the reports of the demo's commands in report.json, and prints a summary.

    tools/demo_report.py out/demo SECONDS_IN_ALL
"""

import json
import sys
from pathlib import Path


def main() -> None:
    folder, seconds = Path(sys.argv[1]), int(sys.argv[2])
    stages = {path.stem: json.loads(path.read_text()) for path in sorted((folder / "reports").glob("*.json"))}
    zipped = stages["merge_zip"]
    report = {
        "losses": {name: [stages[f"train_{name}"]["instance_loss_first"], stages[f"train_{name}"]["instance_loss_last"]]
                   for name in ("subject", "style")},
        "overlap": {key: zipped["overlap"][key] for key in ("before", "after")},
        "fidelity": zipped["fidelity"],
        "mean_movement": zipped["mean_movement"],
        "seconds": {name: stage["seconds"] for name, stage in stages.items() if "seconds" in stage} | {"all": seconds},
        "peak_memory_bytes": max(stage.get("peak_memory_bytes", 0) for stage in stages.values()),
        "stages": stages,
    }
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(f"merger coefficients: overlap 1 → {report['overlap']['after']:.2f}, moved by {report['mean_movement']:.2f} on average")
    for name, value in report["fidelity"].items():
        print(f"error of the {name}'s predictions: {value['before']:.4f} in the direct merge, {value['after']:.4f} in ZipLoRA's")
    print(f"{seconds} s in all, {report['peak_memory_bytes'] / 2**30:.2f} GiB at the peak")
    print(f"the sheets: {folder / 'grid.png'}, {folder / 'seeds.png'}; all numbers: {folder / 'report.json'}")


if __name__ == "__main__":
    main()

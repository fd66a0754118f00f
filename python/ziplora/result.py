"""What a verb returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ziplora.errors import Error

Pipeline = TypeVar("Pipeline")


class Result(Mapping[str, Any]):
    """The JSON result of a verb, as a mapping; `output` is the file that was written."""

    def __init__(self, verb: str, values: dict[str, Any]) -> None:
        self.verb, self._values = verb, values
        files = [{"output": file} if isinstance(file, str) else file for file in values.get("files", [])]
        written = [entry["output"] for entry in [values, *files] if isinstance(entry.get("output"), str)]
        # Absolute, so that it is found from another folder, too.
        self.output: Path | None = Path(written[0]).absolute() if len(written) == 1 else None

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<ziplora.Result of {self.verb}: {', '.join(self._values)}>"

    def load_into(self, pipe: Pipeline, adapter_name: str | None = None) -> Pipeline:
        """Loads the LoRA file into a diffusers pipeline and returns the pipeline.

        `pipe.set_adapters` gives it a strength, `pipe.unload_lora_weights` takes it out again.
        """
        if self.output is None or self.output.suffix != ".safetensors" or not self.output.is_file():
            raise Error("usage", f"load the result of {self.verb}", "this is not one LoRA file",
                        "load what merge, train or convert wrote as one .safetensors", exit_code=2)
        pipe.load_lora_weights(  # type: ignore[attr-defined]
            str(self.output.parent), weight_name=self.output.name, adapter_name=adapter_name)
        return pipe

"""A run of the program that ComfyUI watches: its steps in the progress bar, and Cancel stops it."""

import logging
import warnings

import comfy.model_management
import comfy.utils

from .package import package


class Watch:
    """What the package calls with each event and, while there is none, twice a second."""

    def __init__(self) -> None:
        self._bar = None

    def __call__(self, event) -> None:
        self.waiting()
        if event.kind == "stage_started":
            self._bar = None
        elif event.kind == "step" and event.total:
            self._bar = self._bar or comfy.utils.ProgressBar(event.total)
            self._bar.update_absolute(event.step, event.total)
        elif event.text:
            logging.log(logging.WARNING if event.kind == "warning" else logging.INFO, "ziplora: %s", event.text)

    def waiting(self) -> None:
        comfy.model_management.throw_exception_if_processing_interrupted()


def run(verb: str, values: dict):
    """@throws ziplora.Error, whose text ComfyUI shows, and ComfyUI's own exception after Cancel"""
    ziplora = package()
    with warnings.catch_warnings():  # they are in the log
        warnings.simplefilter("ignore", ziplora.ZiploraWarning)
        return getattr(ziplora, verb)(**values, progress=Watch())

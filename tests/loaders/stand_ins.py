"""Imports a program's own loading code without the rest of what the program installs.

    with stand_ins("cv2", "torchvision"):
        import networks.lora   # its "import cv2" gets an empty module

Only for packages that the code under test imports and never calls: images, notebooks, servers.
"""

import contextlib
import importlib.abc
import importlib.machinery
import sys
import types


class _AnyClass(type):
    """Of classes that can be subclassed, subscripted, called as decorators, and have every attribute."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _AnyClass(name, (_Anything,), {})

    def __getitem__(cls, item):
        return cls

    def __or__(cls, other):
        return cls

    __ror__ = __or__


class _Anything(metaclass=_AnyClass):
    def __init__(self, *given, **named):
        pass

    def __call__(self, *given, **named):
        return given[0] if given else _Anything()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything()


class _StandIn(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _AnyClass(name, (_Anything,), {})


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, packages):
        self.packages = packages

    def find_spec(self, name, path=None, target=None):
        if any(name == package or name.startswith(package + ".") for package in self.packages):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return _StandIn(spec.name)

    def exec_module(self, module):
        pass


@contextlib.contextmanager
def stand_ins(*packages):
    finder = _Finder(packages)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)

"""`cmake --install --component library` and find_package(ziplora): a program of ten lines is built with what is installed,
and run, with the checkout's sources out of reach."""

import shutil
import subprocess
from pathlib import Path

import pytest
from diffusers import StableDiffusionXLPipeline
from embedded_base import MINI
from lora_files import LayerChoice, random_layers, save_kohya
from program import BUILD

EXAMPLE = Path(__file__).with_name("library_example")


def cmake(*arguments):
    done = subprocess.run(["cmake", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Installed in one folder, then moved to another."""
    folder = tmp_path_factory.mktemp("library")
    cmake("--install", BUILD, "--component", "library", "--prefix", folder / "first")
    return (folder / "first").rename(folder / "moved")


@pytest.fixture(scope="module")
def program(prefix, tmp_path_factory):
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(EXAMPLE, folder / "source")
    said = cmake("-G", "Ninja", "-S", folder / "source", "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}",
                 "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
    assert "Configuring done" in said
    cmake("--build", folder / "build")
    return folder / "build/layers"


def test_the_example_builds_and_tells_a_files_architecture(program, tmp_path):
    pipeline = StableDiffusionXLPipeline.from_pretrained(MINI)
    save_kohya(tmp_path / "dog.safetensors", random_layers(pipeline, LayerChoice(alpha="rank")), pipeline)
    done = subprocess.run([program, MINI, "dog.safetensors", "missing.safetensors"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"dog.safetensors: as {MINI}\nmissing.safetensors: there is no such file\n"


def test_it_reads_the_installed_headers_alone(program):
    commands = (program.parent / "compile_commands.json").read_text()
    assert "moved/include" in commands and f"-I{BUILD.parent} " not in commands
    # Ten lines of C++ and five of CMake.
    assert len((EXAMPLE / "layers.cpp").read_text().partition("int main")[2].splitlines()) <= 10


def test_the_package_is_headers_archives_and_cmake_files(prefix):
    assert {path.name for path in prefix.iterdir()} == {"include", "lib"}
    assert {path.suffix for path in prefix.rglob("*") if path.is_file()} == {".h", ".a", ".cmake"}
    sources = EXAMPLE.parents[2] / "ziplora"
    assert {path.relative_to(sources) for path in sources.rglob("*.h")} == {
        path.relative_to(prefix / "include/ziplora") for path in (prefix / "include/ziplora").rglob("*.h")}

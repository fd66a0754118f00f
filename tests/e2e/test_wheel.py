"""The wheel in an environment of its own, with the checkout out of sight: it does the main job with torch beside it or
elsewhere, needs no library of the system, and says in a sentence what is wrong with torch."""

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
import torch
from noise_photo import save_noise_photo
from program import BUILD, run_ziplora
from test_install import MOVED_AWAY

ROOT = Path(__file__).resolve().parents[2]
TORCH = Path(torch.__file__).parent
OF_EVERY_LINUX = {"libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6", "ld-linux-x86-64.so.2"}
OF_TORCH = {"libtorch.so", "libtorch_cpu.so", "libc10.so"}
NEEDED_TORCH = ".".join(torch.__version__.split(".")[:2])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run([ROOT / "tools/wheel.sh", "pack", folder], capture_output=True, text=True,
                          env=os.environ | {"ZIPLORA_BUILD": str(BUILD)})
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A venv with the wheel and torch; of torch a link, since a copy has half a gigabyte."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv/bin/python"
    subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index",
                    "--disable-pip-version-check", wheel], check=True)
    (site_packages(folder) / "torch").symlink_to(TORCH)
    return folder


def site_packages(environment: Path) -> Path:
    return next((environment / "venv/lib").glob("python3*")) / "site-packages"


def run(environment, *arguments, cwd, **variables):
    """With neither PATH nor a home, as a service has it."""
    return subprocess.run([environment / "venv/bin/ziplora", *map(str, arguments)], cwd=cwd, capture_output=True, text=True,
                          env={"OMP_NUM_THREADS": "1", "HOME": "/proc/nowhere"} | variables)


@pytest.fixture
def without_checkout(environment, tmp_path):
    """The result of the command with --json; skips where no namespace may be made."""
    def run(*arguments):
        (tmp_path / "mounts").mkdir()
        command = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "sh", "-c", MOVED_AWAY,
                   "sh", tmp_path / "mounts", ROOT, *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={"OMP_NUM_THREADS": "1", "PATH": os.environ["PATH"]})
        if "Operation not permitted" in done.stderr and not os.environ.get("ZIPLORA_SKIP_NOTHING"):
            pytest.skip("no namespace may be made here")
        assert done.returncode == 0, done.stderr
        (tmp_path / "mounts/venv").rmdir()
        (tmp_path / "mounts").rmdir()
        return done.stdout
    return run


def test_the_main_job_runs_without_the_checkout(environment, without_checkout, tmp_path):
    program, share = environment / "venv/bin/ziplora", site_packages(environment) / "ziplora/share/ziplora"
    for name, prompt in (("subject", "a sks animal"), ("style", "in szn style")):
        without_checkout(program, "train", share / "demo/subject/1.png", "--prompt", prompt, "--iterations", 1, "--rank", 2,
                         "-o", f"{name}.safetensors", "--json")
    without_checkout(program, "merge", "--subject", "subject.safetensors", "--style", "style.safetensors",
                     "-o", "merged.safetensors", "--json")
    drawn = json.loads(without_checkout(program, "generate", "a sks animal, in szn style", "--adapter", "merged.safetensors",
                                        "--steps", 1, "--json", "-o", "drawn.png"))
    assert Path(drawn["base"]) == share / "mini"
    assert (tmp_path / "drawn.png").stat().st_size > 1000


def test_the_package_works_there_too(environment, without_checkout):
    text = without_checkout(environment / "venv/bin/python", "-c",
                            "import ziplora; print(ziplora.generate('a cat', steps=1, output='cat.png')['files'])")
    assert text == "['cat.png']\n"


def test_the_program_needs_torchs_libraries_and_those_of_every_linux(environment):
    program = site_packages(environment) / "ziplora/bin/ziplora"
    dynamic = subprocess.run(["readelf", "-d", program], check=True, capture_output=True, text=True).stdout
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", dynamic))
    assert needed <= OF_TORCH | OF_EVERY_LINUX and needed >= OF_TORCH  # libtorch.so brings CUDA's own, if there is one
    assert re.findall(r"R(?:UN)?PATH.*\[(.*)\]", dynamic) == ["$ORIGIN/../../torch/lib"]
    resolved = subprocess.run(["ldd", "-r", program], capture_output=True, text=True)
    assert not re.search("not found|undefined symbol", resolved.stdout + resolved.stderr)  # in torch's CPU build


def test_the_version_tells_which_torch(environment, tmp_path):
    done = run(environment, "--version", cwd=tmp_path)
    assert done.stdout.startswith("ziplora ") and f", torch {torch.__version__} in /" in done.stdout


@pytest.mark.parametrize("capability", ["default", "avx2"])
def test_processors_without_avx_draw_too(environment, capability, tmp_path):
    done = run(environment, "generate", "a cat", "--steps", 1, "-o", "a.png", cwd=tmp_path, ATEN_CPU_CAPABILITY=capability)
    assert done.returncode == 0, done.stderr


def test_it_draws_what_the_program_with_shared_libraries_draws(environment, tmp_path):
    """Text that goes through ICU's tables: composition, categories of characters, lower case, white space."""
    prompt = "A\u030ange\u0301lique, İSTANBUL ΣΑΣ ﬁ Ⅷ １２ ㎏\u3000ТЕСТ 日本語 🦊 don't"
    job = ("generate", prompt, "--steps", 1, "--seed", 3, "--quiet", "-o")
    assert run(environment, *job, "wheel.png", cwd=tmp_path).returncode == 0
    assert run_ziplora(*job, "shared.png", cwd=tmp_path).returncode == 0
    assert (tmp_path / "wheel.png").read_bytes() == (tmp_path / "shared.png").read_bytes()


@pytest.mark.parametrize("kind, read", [("png", True), ("jpg", True), ("webp", True), ("gif", True), ("tiff", False), ("avif", False)])
def test_images_are_read_but_those_whose_libraries_would_be_under_the_gpl(environment, kind, read, tmp_path):
    save_noise_photo(tmp_path / f"photo.{kind}", 64)
    done = run(environment, "train", f"photo.{kind}", "--prompt", "a cat", "--iterations", 1, "--rank", 1, "-o", "cat.safetensors",
               cwd=tmp_path)
    assert (done.returncode == 0) == read, done.stderr
    assert read or "which ziplora was built without" in done.stderr and "convert the image to PNG" in done.stderr


@pytest.fixture
def with_torch(environment, tmp_path):
    """Takes torch out of the environment, and puts what the test says in its place."""
    link = site_packages(environment) / "torch"
    link.unlink()
    yield link
    if not link.is_symlink() and link.exists():
        (link / "version.py").unlink()
        (link / "__init__.py").unlink()
        link.rmdir()
    link.symlink_to(TORCH)


def refused(environment, tmp_path):
    done = run(environment, "inspect", "a.safetensors", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    told = json.loads(run(environment, "inspect", "a.safetensors", "--json", cwd=tmp_path).stderr)
    assert done.stderr == f"error: {told['where']}: {told['problem']}\nhint: {told['hint']}\n"
    assert told["hint"] == f"pip install 'torch=={NEEDED_TORCH}.*'"
    return told["problem"]


def test_without_torch_it_says_which_one(environment, with_torch, tmp_path):
    assert refused(environment, tmp_path) == f"torch is not installed, and this ziplora needs torch {NEEDED_TORCH}"


def test_another_minor_version_is_refused(environment, with_torch, tmp_path):
    with_torch.mkdir()
    (with_torch / "__init__.py").write_text("raise ImportError('it is not imported')\n")
    (with_torch / "version.py").write_text("__version__ = '2.12.1+cpu'\n")
    assert refused(environment, tmp_path) == f"torch 2.12.1+cpu is installed, and this ziplora needs torch {NEEDED_TORCH}"


def test_torch_may_be_elsewhere(environment, with_torch, tmp_path):
    """In the system's site-packages, for example, which a venv may see."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/torch").symlink_to(TORCH)
    done = run(environment, "generate", "a cat", "--steps", 1, "-o", "a.png", cwd=tmp_path, PYTHONPATH=str(tmp_path / "elsewhere"))
    assert done.returncode == 0, done.stderr


def test_names_versions_and_contents(wheel):
    assert re.fullmatch(r"ziplora-[0-9.]+-py3-none-manylinux_2_\d+_x86_64(\.\w+)*\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        metadata = Parser().parsestr(packed.read(next(name for name in names if name.endswith("METADATA"))).decode())
    assert f"torch=={NEEDED_TORCH}.*" in metadata["Requires-Dist"]
    assert f"torch=={NEEDED_TORCH}." in (ROOT / "requirements/engine.txt").read_text()
    assert {"ziplora/bin/ziplora", "ziplora/py.typed", "ziplora/verbs.py", "ziplora/built.py", "ziplora/flags.json"} <= set(names)
    assert {f"ziplora/share/ziplora/{path.relative_to(ROOT / 'assets')}" for path in (ROOT / "assets").rglob("*")
            if path.is_file()} <= set(names)
    assert not [name for name in names if "/tests/" in name or name.endswith((".a", ".h"))]


def test_the_sdist_holds_all_that_the_build_reads(tmp_path):
    make = "from scikit_build_core.build import build_sdist; build_sdist(__import__('sys').argv[1])"
    subprocess.run([sys.executable, "-c", make, tmp_path], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as packed:
        packed.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # not in 3.11.2
    source = next(path for path in tmp_path.iterdir() if path.is_dir())
    assert not (source / "tests").exists()
    subprocess.run(["cmake", "-G", "Ninja", "-S", source, "-B", tmp_path / "build", f"-DZIPLORA_TORCH_DIR={TORCH}"], check=True,
                   capture_output=True)
    planned = subprocess.run(["ninja", "-C", tmp_path / "build", "-n", "wheel"], capture_output=True, text=True)
    assert planned.returncode == 0, planned.stdout  # a source that is not there fails even so

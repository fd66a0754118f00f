"""What most tests run programs with: one process of each that has loaded everything, and a fork for each run."""

from prefork import PREFORKS
from program import BUILD, run_ziplora


def loaded_process(**options) -> int:
    assert run_ziplora("--version", **options).returncode == 0
    return PREFORKS[BUILD / "ziplora"].process.pid


def test_the_next_test_finds_it_loaded(monkeypatch):
    first = loaded_process()
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "tests/e2e/test_another.py::test_something (call)")
    assert loaded_process() == first


def test_another_environment_needs_another_process(monkeypatch):
    first = loaded_process()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert loaded_process() != first

"""One undisturbed run of every verb that writes: what the torture's other tests compare with, and what ThreadSanitizer
watches (tools/sanitize.sh tsan)."""

import pytest
from jobs import JOBS, content


@pytest.mark.parametrize("name", JOBS)
def test_a_run_is_repeated_to_the_byte(name, inputs, whole, tmp_path):
    for file in inputs.iterdir():
        (tmp_path / file.name).symlink_to(file)
    done = JOBS[name].run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert content(tmp_path / JOBS[name].output) == whole[name].content != {}

"""Files that the disk has no room for: one error each, nothing half-written, and Python goes on.

A limit to the size of files stands in for a full disk: it too refuses bytes as they are written,
whichever library writes them.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import brian2
import numpy as np
import pytest

from scnnbio.backends.brian2.backend import lowered_program
from scnnbio.backends.brian2.compiling import compile_project
from scnnbio.errors import DataError
from scnnbio.experiment.weights import write_weights
from scnnbio.figures.style import save
from scnnbio.recording import Recording
from scnnbio.workflow.folder import write_json
from tests.backends.networks import experiment, small_network
from tests.recordings import small


def recording(path: Path) -> None:
    small().save(path)


def weights(path: Path) -> None:
    write_weights(path, {"learn": {"lgn_v1": np.random.default_rng(0).random((8, 2, 5, 5))}})


def network(path: Path) -> None:
    small_network().save(path)


def table(path: Path) -> None:
    write_json(path, list(range(2000)))


def figure(path: Path) -> None:
    from matplotlib.figure import Figure

    drawn = Figure()
    drawn.subplots().plot([0, 1])
    save(drawn, path, "line")


#: What is written → a file of it, and the error but for its place.
WRITERS = {
    recording: ("r.h5", "cannot be written (File too large); choose another folder"),
    weights: ("w.npz", "cannot be written (File too large); choose another folder"),
    network: ("network", "cannot be written (File too large); choose another folder"),
    table: ("t.json", "cannot be written (File too large); choose another folder"),
    figure: ("f", "figure 'line' cannot be written (File too large); choose another folder"),
}

_FULL = """
import resource, signal, sys
from pathlib import Path
from scnnbio.errors import DataError
from tests.test_full_disk import WRITERS

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for write, (name, _) in WRITERS.items():
    path = Path(sys.argv[1], name)
    for room in (0, 600, 1500, 3000, 5000, resource.RLIM_INFINITY):
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        try:
            write(path)
        except DataError as error:
            print(error, flush=True)
    print(name, "written", flush=True)
"""


@pytest.mark.slow
def test_a_full_disk_is_one_error_and_not_the_end_of_python(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = iter(done.stdout.splitlines())
    for name, message in WRITERS.values():
        failed = list(itertools.takewhile(lambda line, name=name: line != f"{name} written", lines))
        assert failed == [f"{tmp_path / name}: {message}"] * len(failed)
        assert len(failed) >= 3
    # Written in the end, with no draft beside it.
    assert {p.name for p in tmp_path.iterdir()} == {name for name, _ in WRITERS.values()}
    assert Recording.load(tmp_path / "r.h5").equals(small())


def test_sources_that_have_no_place(tmp_path: Path) -> None:
    case = experiment(small_network())
    (tmp_path / "file").touch()
    with (
        pytest.raises(DataError, match=r"the program's sources cannot be written .*; choose"),
        lowered_program(case, case.input_stream(), tmp_path / "file"),
    ):
        pass
    assert type(brian2.get_device()).__name__ == "RuntimeDevice"


@pytest.mark.slow
def test_a_disk_that_is_full_is_not_the_compilers_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCNNBIO_CACHE", str(tmp_path / "cache"))
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "makefile").write_text(
        'all:\n\t@echo "main.o: fatal error: can\'t write: No space left on device" >&2; exit 1\n'
    )
    with pytest.raises(DataError, match=r"cannot be written .*; free some space") as caught:
        compile_project(sources)
    assert caught.value.where == str(sources)

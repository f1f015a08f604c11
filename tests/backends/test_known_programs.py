"""Programs known by what they are written from: found again, and only where nothing differs.

A wrong hit would give wrong results in silence. So each change that matters to a program has
another name (the changes of ``test_program.py``, which shows that they matter), and what is found
is what was written, to the byte.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from scnnbio.backends.brian2 import compiling, known
from scnnbio.backends.brian2.backend import ready_program
from scnnbio.backends.brian2.borrowing import preferred
from scnnbio.backends.brian2.compiling import preferences
from scnnbio.backends.brian2.program_files import ProgramFiles
from scnnbio.connectors import ConvolutionConnector
from scnnbio.experiment import Experiment, Record
from scnnbio.experiment.portions import Portion
from scnnbio.stimuli import WhiteNoise
from tests.backends.test_program import CODE, DATA, TAU, cache, case  # noqa: F401


def name(shown: Experiment, **options: object) -> str | None:
    with preferred(preferences(**options)):  # type: ignore[arg-type]
        return known.name_of(shown.lowered)


@pytest.fixture(scope="module")
def base() -> str | None:
    return name(case(parameters=TAU))


#: Changes of what a program is compiled from, or of the arrays that it reads.
MATTER = CODE | {what: make for what, (where, make) in DATA.items() if where == "arrays"}


@pytest.mark.parametrize("change", MATTER)
def test_a_change_that_matters_has_another_name(base: str | None, change: str) -> None:
    assert name(MATTER[change]()) != base


def test_what_the_preferences_say_is_in_the_name(
    base: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = case(parameters=TAU)
    others = [name(shown, precision="single"), name(shown, threads=2)]
    monkeypatch.setattr(known, "_CODE", "edited")
    others.append(name(shown))
    monkeypatch.setattr(compiling, "compiler_identity", lambda: "another compiler")
    others.append(name(shown))
    assert len({base, *others}) == 5


def test_input_is_not_in_the_name(base: str | None) -> None:
    """Programs get their input, and the number of trials, through a pipe."""
    shown = case(parameters=TAU)
    stimulus = WhiteNoise(n_trials=7, duration=40.0, contrast=0.2)
    others = [dataclasses.replace(shown, stimulus=stimulus, inputs={}, seed=9, stage="other")]
    others += [Portion.of(shown, 1, 2), DATA["seed"][1](), DATA["trials"][1]()]
    assert {name(other) for other in others} == {base}
    longer = WhiteNoise(n_trials=3, duration=50.0)
    assert name(dataclasses.replace(shown, stimulus=longer, inputs={})) != base


def test_minus_zero_is_another_parameter() -> None:
    """It is equal to zero, but what a run returns is to be the same to the bit."""
    names = {name(case(parameters={**TAU, "i_offset": zero})) for zero in (0.0, -0.0)}
    assert len(names) == 2


class OfAUser(ConvolutionConnector):
    """A connector from outside scnnbio, whose code no digest holds."""


OfAUser.__module__ = "lab.connectors"


def test_nothing_is_kept_of_a_network_with_code_of_others() -> None:
    shown = case(None, parameters=TAU)
    first, *rest = shown.network.projections
    own = object.__new__(OfAUser)
    own.__dict__.update(vars(first.connector))
    projections = (dataclasses.replace(first, connector=own), *rest)
    network = dataclasses.replace(shown.network, projections=projections)
    assert name(dataclasses.replace(shown, network=network)) is None


def content(folder: Path) -> dict[str, bytes]:
    """What a run reads from a folder."""
    files = [folder / "main", *(folder / "static_arrays").iterdir()]
    return {file.name: file.read_bytes() for file in files}


def test_what_is_found_is_what_was_written(tmp_path: Path, made: list[Path]) -> None:
    shown = case(parameters=TAU, record=Record(spikes=("lgn", "v1"), snapshots=2))
    first, again = tmp_path / "first", tmp_path / "again"
    for folder in (first, again):
        folder.mkdir()
    inputs, settings = shown.input_stream(), preferences()
    written = ready_program(shown, inputs, first, settings)
    assert made == [first]
    assert ready_program(shown, inputs, again, settings) == written
    assert content(again) == content(first)
    assert not (again / "main.cpp").exists()
    assert written.outputs[:4] == ("spikes_lgn", "units_lgn", "spikes_v1", "units_v1")
    assert set(written.learned) == {"lgn_v1", "v1"}


def write(folder: Path) -> ProgramFiles:
    """A small program and its executable, in a folder and in the cache."""
    folder.mkdir()
    (folder / "main.cpp").write_text("int main() { return 0; }")
    (folder / "static_arrays").mkdir()
    (folder / "static_arrays" / "numbers").write_bytes(bytes(range(8)))
    key = compiling.compile_project(folder).key
    state = (("_array_v", "<f8", 3),)
    return ProgramFiles(key, ("spikes_v1",), {"v1": (0, False)}, state, {"lgn_v1": "_array_w"})


def test_a_damaged_program_is_written_again(tmp_path: Path, made: list[Path]) -> None:
    def ready(place: str) -> ProgramFiles:
        folder = tmp_path / place
        return known.make("name", folder, lambda: write(folder))

    def found(place: str) -> ProgramFiles | None:
        (tmp_path / place).mkdir()
        return known.find("name", tmp_path / place)

    assert found("none") is None
    first = ready("first")
    assert found("again") == first
    assert content(tmp_path / "again") == content(tmp_path / "first")
    file = tmp_path / "cache" / "brian2-known" / "name" / "program.npz"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert found("damaged") is None
    assert ready("mended") == first == found("mended again")
    assert len(made) == 1
    # So is one whose executable is gone.
    (main,) = (tmp_path / "cache").glob("brian2/*/main")
    main.unlink()
    assert found("no main") is None
    assert ready("compiled") == first == found("compiled again")
    assert len(made) == 2


def test_programs_that_were_not_used_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = tmp_path / "static_arrays"
    arrays.mkdir()
    (arrays / "numbers").write_bytes(bytes(1000))
    files = ProgramFiles("key", (), {}, (), {})
    monkeypatch.setattr(known, "_ALL", 4500)
    folder = tmp_path / "cache" / "brian2-known"
    for number in range(6):
        known._keep(f"p{number}", files, tmp_path)
    left = sorted(home.name for home in folder.iterdir())
    assert left[-1] == "p5"
    assert "p0" not in left
    assert sum(file.stat().st_size for file in folder.glob("*/program.npz")) <= 4500
    monkeypatch.setattr(known, "_LARGEST", 999)
    known._keep("large", files, tmp_path)
    assert not (folder / "large").exists()

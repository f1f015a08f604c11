"""Registries: names without imports, entries of installed packages, and what is wrong with them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import scnnbio
from scnnbio import backends
from scnnbio.errors import BackendMissing, DataError, FilesSkipped, SpecError
from scnnbio.experiment import Feature, documents
from scnnbio.experiment.networks import network_table
from scnnbio.recording import Recording, Spikes
from scnnbio.registry import Registry, functions, instances, named, subclasses
from scnnbio.testing.cases import Hebbian, Reversed, case
from scnnbio.validation import Evidence
from tests.packages import metadata, package

GROUP = "scnnbio.numbers"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path, and no module of it left behind."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def numbers() -> Registry[float]:
    own = {"pi": "math:pi", "e": "math:e"}
    return Registry("number", GROUP, own, instances(float))


def test_names_come_without_an_import(site: Path) -> None:
    package(site, "more-numbers", {GROUP: {"phi": "more_numbers:PHI"}}, "PHI = 1.618")
    known = numbers()
    assert list(known) == ["pi", "e", "phi"]
    assert len(known) == 3
    assert "phi" in known
    assert "rho" not in known
    assert [entry.package for entry in known.entries()] == [
        "scnnbio",
        "scnnbio",
        "more-numbers 1.0",
    ]
    assert "more_numbers" not in sys.modules
    assert known["phi"] == 1.618
    assert "more_numbers" in sys.modules
    assert known.choose("phi") is known["phi"] is known.get("phi")


def test_an_unknown_name_is_refused_with_the_nearest(site: Path) -> None:
    package(site, "more-numbers", {GROUP: {"phi": "more_numbers:PHI"}})
    with pytest.raises(SpecError, match=r"number: there is no number 'phj'; did you mean 'phi'\?"):
        numbers().choose("phj", "number")
    with pytest.raises(SpecError, match=r"there is no number \['pi'\]; there are pi, e, phi"):
        numbers().choose(["pi"])
    with pytest.raises(KeyError):
        numbers()["phj"]


BROKEN = {
    "absent": ("absent_package:X", "absent_package is not installed"),
    "lost": ("numbers_of_bob:LOST", "AttributeError: .* has no attribute 'LOST'"),
    "raising": ("raising_module:X", "ZeroDivisionError: division by zero"),
    "unreadable": ("unreadable_module:X", r"SyntaxError: .*unreadable_module.py, line 1\)"),
    "malformed": ("not a place", "ValueError: it is not written module:attribute"),
    "text": ("numbers_of_bob:TEXT", "'three' is not a float"),
    "module": ("numbers_of_bob", "<module .* is not a float"),
    "a.b": ("numbers_of_bob:GOOD", "a name is made of letters, digits, '-' and '_'"),
}


@pytest.fixture
def bob(site: Path) -> Path:
    """A package with one good entry and many broken ones."""
    points = {name: place for name, (place, _) in BROKEN.items()}
    package(
        site,
        "numbers-of-bob",
        {GROUP: {"good": "numbers_of_bob:GOOD", **points}},
        "GOOD, TEXT = 3.0, 'three'",
    )
    (site / "raising_module.py").write_text("1/0")
    (site / "unreadable_module.py").write_text("X = = 1")
    return site


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_entry_is_one_error_that_names_it(bob: Path, name: str) -> None:
    known, (place, why) = numbers(), BROKEN[name]
    said = (
        rf"^number '{name}': package numbers-of-bob 1\.0, entry point '{name}' of"
        rf" 'scnnbio\.numbers' \({place}\) cannot be used: {why};"
        " update or uninstall the package$"
    )
    with pytest.raises(DataError, match=said) as caught:
        known[name]
    assert known.fault(name) == str(caught.value)
    # Other names work.
    assert known["pi"] == pytest.approx(3.14159, abs=1e-5)
    assert known["good"] == 3.0
    assert not known.fault("good")


def test_a_name_that_is_given_twice_is_refused(site: Path) -> None:
    package(site, "alice", {GROUP: {"tau": "alice:TAU", "pi": "alice:PI"}}, "TAU = PI = 6.28")
    package(site, "bob", {GROUP: {"tau": "bob:TAU"}}, "TAU = 6.2")
    known = numbers()
    assert list(known) == ["pi", "e", "tau"]
    said = (
        r"number 'tau': the name is given twice: package alice 1\.0, entry point 'tau' of"
        r" 'scnnbio\.numbers' \(alice:TAU\) and package bob 1\.0, .*; uninstall one"
    )
    with pytest.raises(DataError, match=said):
        known["tau"]
    with pytest.raises(DataError, match=r"package scnnbio, .*\(math:pi\) and package alice"):
        known["pi"]
    assert known["e"] > 2


def test_a_damaged_package_is_left_out_with_a_warning(site: Path) -> None:
    package(site, "alice", {GROUP: {"tau": "alice:TAU"}}, "TAU = 6.28")
    nameless = metadata(site, "bob", {GROUP: {"x": "bob:X"}})
    (nameless / "METADATA").write_text("")
    garbled = metadata(site, "carl", {})
    (garbled / "entry_points.txt").write_text(f"[{GROUP}]\nno place")
    foreign = metadata(site, "dora", {})
    (foreign / "entry_points.txt").write_text("[another.tool]\nno place")
    with pytest.warns(FilesSkipped) as told:
        names = list(numbers())
    assert names == ["pi", "e", "tau"]
    text = "\n".join(str(one.message) for one in told)
    assert "x = bob:X" in text
    assert "no place" in text
    assert "another.tool" not in text


def test_the_first_of_two_installations_counts(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = site / "later"
    monkeypatch.syspath_prepend(later)
    # Prepended last, so that it is first on the path.
    package(site, "alice", {GROUP: {"tau": "alice:TAU", "old": "alice:OLD"}}, "TAU = 1.0")
    package(later, "alice", {GROUP: {"tau": "alice:TAU"}}, "TAU = 2.0", "2.0")
    known = numbers()
    assert list(known) == ["pi", "e", "tau"]
    assert known["tau"] == 2.0


class Base:
    kind = "base"

    def method(self) -> None: ...


class Named(Base):
    kind = "named"


def test_checks_say_what_is_wrong() -> None:
    assert subclasses(Base)("named", Named) == ""
    assert subclasses(Base, "kind")("named", Named) == ""
    assert "its 'kind' is 'named', and has to be the entry point's name 'other'" in subclasses(
        Base, "kind"
    )("other", Named)
    assert "is not a subclass of Base" in subclasses(Base)("x", Named())
    assert "is not a subclass of Base" in subclasses(Base)("x", int)
    assert subclasses(backends.Backend)("x", backends.Backend) == (
        "Backend is abstract: it does not define _simulate"
    )
    assert instances(Base, "kind")("named", Named()) == ""
    assert "its 'kind' is 'named'" in instances(Base, "kind")("x", Named())
    assert functions("f", len) == ""
    assert functions("f", 3) == "3 cannot be called"


def test_the_name_of_a_thing_is_that_of_its_entry(site: Path) -> None:
    code = "class Ours(dict): ...\nclass Other(dict): ..."
    package(site, "alice", {"scnnbio.tables": {"ours": "alice:Ours"}}, code)
    package(site, "bob", {"scnnbio.tables": {"broken": "bob:X"}}, "raise ImportError")
    tables: Registry[type] = Registry(
        "table",
        "scnnbio.tables",
        {"ordered": "collections:OrderedDict", "counter": "collections:Counter"},
        subclasses(dict),
    )
    import alice  # type: ignore[import-not-found]

    assert tables.name_of(alice.Ours) == "ours"
    assert tables.name_of(tables["counter"]) == "counter"
    assert tables.name_of(alice.Other) is None
    assert "bob" not in sys.modules


# --- backends


def test_a_package_adds_a_backend(site: Path) -> None:
    code = (
        "from scnnbio.backends.reference import ReferenceBackend\n"
        "class Mine(ReferenceBackend):\n    name = 'mine'\n    summary = 'mine'\n"
    )
    package(site, "my-backends", {"scnnbio.backends": {"mine": "my_backends:Mine"}}, code)
    assert backends.names()[-1] == "mine"
    assert type(backends.get("mine")).__name__ == "Mine"


def test_a_broken_backend_breaks_only_itself(site: Path, invoke) -> None:
    points = {"broken": "absent_package:X", "reference": "absent_package:Y"}
    package(site, "bobs-backends", {"scnnbio.backends": points}, None)
    with pytest.raises(BackendMissing, match=r"package bobs-backends 1\.0, entry point 'broken'"):
        backends.get("broken")
    with pytest.raises(BackendMissing, match="the name is given twice"):
        backends.get("reference")
    assert backends.get("event-driven").name == "event-driven"
    code, out, _ = invoke("backends")
    assert code == 0
    assert "bobs-backends" in out
    assert "absent_package is not installed" in " ".join(out.split())


def test_a_backend_in_the_tree_is_its_folder_and_one_line() -> None:
    """What of scnnbio's code mentions the folder of a backend, beside what is in it."""
    root = Path(scnnbio.__file__).parent
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for path in root.rglob("*.py")
        if root / "backends" / "nest" not in path.parents
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"backends[./]nest\b", line)
    ]
    assert found == ['backends/__init__.py: "nest": "scnnbio.backends.nest:NestBackend",']


# --- claims and figures


def test_one_of_a_tuple_is_found_by_its_name(site: Path) -> None:
    code = (
        "from types import SimpleNamespace as Thing\nALL = (Thing(name='one'), Thing(name='two'))\n"
    )
    points = {GROUP: {"two": "alice:ALL", "three": "alice:ALL"}}
    package(site, "alice", points, code)
    things: Registry[SimpleNamespace] = Registry(
        "thing", GROUP, {}, instances(SimpleNamespace, name="name"), load=named
    )
    assert things["two"].name == "two"
    with pytest.raises(DataError, match="LookupError: nothing in it is named 'three'"):
        things["three"]


def test_registries_are_told_apart_without_their_contents(site: Path) -> None:
    package(site, "bob", {GROUP: {"broken": "bob:X"}}, "1/0")
    one, other = numbers(), numbers()
    assert one != other
    assert one == one
    assert len({one, other}) == 2
    assert repr(one) == "<number: pi, e, broken>"


def test_another_packages_figure_that_fails_ends_no_run(site: Path) -> None:
    """The reason stands in the report; the figure itself is an error where it is asked for."""
    from scnnbio import figures

    code = (
        "from scnnbio.figures import FigureSpec\n"
        "def fail(results): raise RuntimeError('no ink')\n"
        "BAD = FigureSpec('bad', 'Bad', ('learn.spikes.v1',), fail)\n"
    )
    points = {"bad": "bobs_figures:BAD", "gone": "absent_package:X"}
    package(site, "bobs-figures", {"scnnbio.figures": points}, code)
    spikes = Spikes(np.ones(1), np.zeros(1, np.int32), np.zeros(1, np.int32))
    recording = Recording({"v1": spikes}, {"v1": (1, 1, 1)}, {"duration": np.array([10.0])})
    results = SimpleNamespace(evidence={"learn": Evidence(recording)}, claims=(), scores=())
    _, left_out = figures.draw_all(results)
    assert left_out["bad"] == "RuntimeError: no ink"
    assert "gone" not in left_out
    with pytest.raises(DataError, match=r"figure 'gone': package bobs-figures 1\.0"):
        figures.draw("gone", results)


# --- documents


def test_what_has_no_name_has_no_form_in_a_document() -> None:
    """It passed for something else, or for nothing, when the document was read again."""
    unnamed = [
        (scnnbio.plasticity.RULES, Hebbian()),
        (scnnbio.connectors.CONNECTORS, Reversed()),
    ]
    for kinds, thing in unnamed:
        said = rf"{type(thing).__name__} cannot be written .*; register .* in '{kinds.group}'"
        with pytest.raises(SpecError, match=said):
            documents.kind_of(kinds, thing)
    network = case(Feature.OTHER_RULE).network
    with pytest.raises(SpecError, match="a Hebbian cannot be written in a document"):
        network_table(network)
    network = case(Feature.OTHER_CONNECTIONS).network
    with pytest.raises(SpecError, match="a Reversed cannot be written in a document"):
        network_table(network)

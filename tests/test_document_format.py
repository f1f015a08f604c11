"""The page on the document format is current, and holds every key that documents use."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpydoc", reason="pip install 'scnnbio[docs]' brings what this test needs")

from docs.document_format import PAGE, keys, page
from scnnbio.connectors import CONNECTORS
from scnnbio.distributions import distribution_from
from scnnbio.errors import SpecError
from scnnbio.experiment import study_from
from scnnbio.experiment.connectors import connector_from
from scnnbio.experiment.study import STAGE_KEYS, STUDY_KEYS

ROOT = Path(__file__).parent.parent
#: Tables whose keys are names that the writer of a document chooses.
_CHOSEN = {
    "options",
    "profiles",
    "stages",
    "inputs",
    "parameters",
    "initial",
    "population",
    "traces",
}


def documented(section: str) -> dict[str, list[str]]:
    """Cells of each key in a section of the page."""
    text = PAGE.read_text(encoding="utf-8")
    start = re.search(rf"^##+ {re.escape(section)}\n", text, re.MULTILINE)
    assert start is not None, section
    body = re.split(r"^##+ ", text[start.end() :], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in body.splitlines() if line[:3] == "| `"]
    return {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in rows}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python docs/document_format.py"


def test_every_key_has_a_type_and_a_meaning() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert len(rows) > 200
    for row in rows:
        name, kind, _, _, meaning = re.split(r"(?<!\\)\|", row)[1:-1]
        assert kind.strip(), name
        assert meaning.strip(), row


def test_keys_of_a_document_and_of_a_stage_are_those_that_are_read() -> None:
    # The reader refuses all other keys, and names those that it knows.
    assert set(documented("The document")) == set(STUDY_KEYS)
    assert set(documented("Stages")) == set(STAGE_KEYS)


def test_the_defaults_of_a_document_are_those_of_the_page() -> None:
    network = {
        "populations": [{"name": "eye", "shape": [1, 1, 1], "neuron": "SpikeSource"}],
        "projections": [],
    }
    spikes = {
        "kind": "spikes",
        "time": [1.0],
        "unit": [0],
        "trial": [0],
        "size": [1, 1, 1],
        "duration": 5.0,
    }
    study = study_from(
        {"name": "least", "network": network, "stages": {"one": {"inputs": {"eye": spikes}}}}
    )
    (experiment,) = study.experiments
    told = documented("The document")
    assert told["dt"][2] == f"`{experiment.dt:g}`"
    assert told["seed"][2] == f"`{study.seed}`"
    assert told["title"][2] == f'`"{study.title}"`'
    assert documented("Stages")["reset"][2] == f"`{str(experiment.reset).lower()}`"


@pytest.mark.parametrize("kind", CONNECTORS.own)
def test_keys_of_connectors_are_those_that_are_read(kind: str) -> None:
    found = documented(f'Connectors: `"{kind}"`')
    assert set(found) == {key.name for key in keys(CONNECTORS.ours(kind))}
    with pytest.raises(SpecError) as caught:
        connector_from({"kind": kind, "zzz": 1}, (1, 4, 4), "connector", (1, 4, 4))
    assert "zzz" in str(caught.value)
    for name in found:
        # A key that the reader knows is not what it complains about.
        with pytest.raises(SpecError) as caught:
            connector_from({"kind": kind, name: {}, "zzz": 1}, (1, 4, 4), "connector", (1, 4, 4))
        assert "unknown key 'zzz'" in str(caught.value)


def test_distributions_are_those_that_are_read() -> None:
    seed = {"seed": 1}
    for table in (
        {"uniform": [0, 1]}, {"normal": [0, 1], "low": 0, "high": 1}, {"lognormal": [1, 0.1]}
    ):  # fmt: skip
        distribution_from({**table, **seed}, "x", 0)
        assert set(table) <= set(documented("Distributions"))


def used(table: Mapping[str, Any], chosen: bool = False) -> Iterator[str]:
    """Keys of tables in a document, without those that the writer names."""
    for key, value in table.items():
        if not chosen:
            yield key
        for inner in value if isinstance(value, list) else [value]:
            # The arguments of a model may be tables of names, to any depth.
            if isinstance(inner, Mapping) and key != "parameters":
                yield from used(inner, key in _CHOSEN and not chosen)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "experiments").glob("*.toml")), ids=lambda p: p.stem
)
def test_the_page_has_every_key_of_the_shipped_documents(path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    table.pop("profiles", None)
    table.pop("options", None)
    found = set(used(table)) - {"kind"}
    assert found
    missing = [key for key in sorted(found) if f"`{key}`" not in text and f"{key} =" not in text]
    assert not missing

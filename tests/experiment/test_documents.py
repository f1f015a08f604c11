"""Documents that are no UTF-8, or nothing, are named so; an unknown name gets the nearest one."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from scnnbio import units
from scnnbio.errors import DataError, SpecError, hint, nearest
from scnnbio.experiment import load
from scnnbio.experiment.networks import neuron_from
from scnnbio.figures import FIGURES
from scnnbio.neurons import LIBRARY, LIF
from scnnbio.population import Population
from scnnbio.validation import CLAIMS
from tests.experiment.small import study

TEXT = 'name = "own"\ntitle = "µ"\n'

#: Name → (content, what is said of it)
WRONG = {
    "BOM": (codecs.BOM_UTF8 + TEXT.encode(), "begins with a byte-order mark (BOM)"),
    "UTF-16 LE": (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "is UTF-16 text"),
    "UTF-16 BE": (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "is UTF-16 text"),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), "is UTF-16 text; save it as UTF-8"),
    "UTF-16 BE without a mark": (TEXT.encode("utf-16-be"), "is UTF-16 text; save it as UTF-8"),
    "UTF-32": (codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), "is UTF-32 text"),
    "empty": (b"", "is empty"),
    "only space": (b" \n\t\n", "is empty"),
    "only remarks": (b"# later\n", "is empty"),
    "Latin-1": (TEXT.encode("latin-1"), "is not UTF-8 text: byte 0xb5 in line 2; save it as UTF-8"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(range(256)), "is not text: it contains zero bytes"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_document_is_named(name: str, tmp_path: Path) -> None:
    content, said = WRONG[name]
    path = tmp_path / "own.toml"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        load(path)
    assert caught.value.where == str(path)
    assert caught.value.message.startswith(said)


def test_line_ends_of_other_systems_are_text(tmp_path: Path) -> None:
    study().save(tmp_path / "own.toml")
    text = (tmp_path / "own.toml").read_bytes()
    (tmp_path / "other.toml").write_bytes(text.replace(b"\n", b"\r\n"))
    one, other = load(tmp_path / "own.toml"), load(tmp_path / "other.toml")
    assert [e.digest() for e in one.experiments] == [e.digest() for e in other.experiments]


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("lif", LIBRARY, "LIF"),
        ("LIF-cond-exp", LIBRARY, "LIF_cond_exp"),
        ("shape", FIGURES, "shapes"),
        ("orientaton", ("contrast", "orientation"), "orientation"),
        ("V1_GRATING", ("v1_features", "v1_grating"), "v1_grating"),
        ("fano-factor", CLAIMS, "fano_factor"),
        ("zzz", CLAIMS, None),
        ("", CLAIMS, None),
        ("x", (), None),
    ],
)
def test_the_nearest_name(name: str, known: tuple[str, ...], meant: str | None) -> None:
    assert nearest(name, known) == meant
    assert hint(name, known).startswith("there are" if meant is None else f"did you mean {meant!r}")


#: What refuses an unknown name → how it ends.
REFUSALS = {
    "neuron": (lambda: neuron_from("lif_curr_alpha"), "did you mean 'LIF_curr_alpha'?"),
    "parameter": (
        lambda: Population("v1", (1, 2, 2), LIF, parameters={"frequency": 3}),
        "it has cm, ",
    ),
    "parameter in other letters": (
        lambda: Population("v1", (1, 2, 2), LIF, parameters={"Tau_m": 3}),
        "did you mean 'tau_m'?",
    ),
    "population": (lambda: study().stages[0].network.population("V1"), "did you mean 'v1'?"),
    "projection": (lambda: study().stages[0].network.projection("rival"), "did you mean 'rivals'?"),
    "unit": (lambda: units.plain("3 mv", "mV", where="x"), "did you mean 'mV'?"),
    "weights": (
        lambda: study().stages[0].network.with_weights({"lgn_v2": [1.0]}),
        "did you mean 'lgn_v1'?",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_who_refuses_a_name_suggests_one(name: str) -> None:
    refuse, ending = REFUSALS[name]
    with pytest.raises((SpecError, DataError)) as caught:
        refuse()
    assert ending in caught.value.message

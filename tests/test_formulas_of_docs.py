"""The pages' formulas are MathML, which a browser shows without a network."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("sphinx", reason="pip install 'scnnbio[docs]' brings what this test needs")

from sphinx.application import Sphinx

DOCS = Path(__file__).parent.parent / "docs"
PAGE = r"""# Formulas

In a line $w_\max - w$, and alone:

$$\frac{d}{d t} v = \frac{- v + v_{rest}}{\tau_{m}}$$
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page that was built as `make docs` builds them."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "index.md").write_text(PAGE, encoding="utf-8")
    out = folder / "_build"
    settings = {"extensions": ["myst_parser"], "html_theme": "basic"}
    app = Sphinx(folder, DOCS, out, out / "doctrees", "html", settings, warningiserror=True)
    app.build()
    return (out / "index.html").read_text(encoding="utf-8")


def test_formulas_are_mathml(built: str) -> None:
    inline, block = (
        ElementTree.fromstring(text)  # noqa: S314  (of the page above)
        for text in re.findall(r"<math.*?</math>", built, re.DOTALL)
    )
    name = "{http://www.w3.org/1998/Math/MathML}"
    words = "".join(inline.itertext()).split()
    assert "".join(words) == "wmax\N{MINUS SIGN}w"
    assert inline.get("display") != "block"
    assert block.get("display") == "block"
    # dv/dt, and (-v + v_rest)/tau.
    outer = list(block.iter(f"{name}mfrac"))
    assert ["".join("".join(part.itertext()).split()) for part in outer[1]] == [
        "\N{MINUS SIGN}v+vrest",
        "τm",
    ]


def test_a_page_asks_for_nothing_from_elsewhere(built: str) -> None:
    asked = re.findall(r"""<(?:script|link|img)[^>]+(?:src|href)=["'](https?:)?//""", built)
    assert asked == []
    assert re.search(r"mathjax[^\s\"]*\.js", built, re.IGNORECASE) is None

"""The site, built once as `make docs` builds it with its hands-on pages, then read."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest

pytest.importorskip("numpydoc", reason="pip install 'scnnbio[docs]' brings what this test needs")
pytest.importorskip("furo", reason="pip install 'scnnbio[docs]' brings what this test needs")
pytest.importorskip("myst_nb", reason="pip install 'scnnbio[docs]' brings what this test needs")

from docs.api_pages import documented, packages
from docs.gallery_page import PAGE, page
from docs.pictures import IMAGES

ROOT = Path(__file__).parent.parent
HANDS_ON = sorted(path.stem for path in (ROOT / "docs" / "hands_on").glob("*.md"))
#: Pages that only run where this is installed.
NEEDS = {"conversion": "torch", "surrogate": "torch", "simulators": "nest", "recorded": "pynwb"}


def test_the_gallery_is_up_to_date_and_has_every_image() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python docs/gallery_page.py"
    assert {path.stem for path in IMAGES.glob("*.png")} == set(
        re.findall(r"\(images/(\w+)\.png\)", page())
    )


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for folder in ("how_to", "hands_on", "background"):
        for path in (ROOT / "docs" / folder).glob("*.md"):
            assert f"\n{folder}/{path.stem}\n" in index, path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site; warnings are errors, and so is an error in a cell."""
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"),
            *("-d", str(out / "doctrees"), "docs", str(out / "html")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"},
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return out / "html"


class Page(HTMLParser):
    """Anchors, links and what is loaded, of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in ("img", "script", "link", "iframe", "source"):
            self.loaded += [given[name] for name in ("src", "href") if name in given]


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Every page that was built."""
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


@pytest.mark.slow
def test_every_link_within_the_site_leads_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    broken = []
    for path, found in pages.items():
        for link in found.links:
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = unquote(link).partition("#")
            target = (path.parent / name).resolve() if name else path
            if target.is_dir():
                target /= "index.html"
            anchors = pages[target].anchors if target in pages else {anchor}
            if not target.exists() or (anchor and anchor not in anchors):
                broken.append((str(path.relative_to(site)), link))
    assert len(pages) > 80
    assert not broken


@pytest.mark.slow
def test_links_to_other_sites_are_well_formed(pages: dict[Path, Page]) -> None:
    # They are not followed: a build needs no network.
    outside = {
        link for found in pages.values() for link in found.links if re.match(r"[a-z]+:", link)
    }
    assert outside
    assert all(re.fullmatch(r"https://[\w.-]+\.[a-z]+(/\S*)?", link) for link in outside), outside


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    for path, found in pages.items():
        for source in found.loaded:
            assert not re.match(r"(https?:)?//", source), (path, source)
            if not source.startswith(("data:", "#")):
                assert (path.parent / source.partition("?")[0]).exists(), (path, source)
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"""(url\(|@import )["']?(https?:)?//""", text), path


@pytest.mark.slow
def test_every_public_name_is_in_the_reference(site: Path) -> None:
    head, _, body = (site / "objects.inv").read_bytes().partition(b"zlib.\n")
    assert head.startswith(b"# Sphinx inventory version 2")
    names = {line.split(" ")[0] for line in zlib.decompress(body).decode().splitlines()}
    missing = []
    for package in packages():
        loaded = importlib.import_module(package)
        for name in getattr(loaded, "__all__", ()):
            value = getattr(loaded, name)
            # A package may gather what another one describes.
            home = getattr(value, "__module__", "") or ""
            places = {f"{home}.{name}", documented().get(id(value), "")}
            alias = home.startswith("scnnbio") and bool(places & names)
            if not isinstance(value, ModuleType) and f"{package}.{name}" not in names and not alias:
                missing.append(f"{package}.{name}")
    assert not missing


@pytest.mark.slow
@pytest.mark.parametrize("name", HANDS_ON)
def test_a_hands_on_page_shows_figures_and_answers(site: Path, name: str) -> None:
    text = (site / "hands_on" / f"{name}.html").read_text(encoding="utf-8")
    assert "<summary>Answers</summary>" in text
    assert 'id="exercises"' in text
    if importlib.util.find_spec(NEEDS.get(name, "scnnbio")) is None:
        pytest.skip(f"the page runs where {NEEDS[name]} is installed")
    drawn = re.findall(r'<img[^>]+src="(\.\./_images/[^"]+)"', text)
    assert drawn
    for source in drawn:
        assert (site / "hands_on" / source).stat().st_size > 2000
    # Standard error of a cell is a warning that a reader would ask about.
    assert "output stderr" not in text

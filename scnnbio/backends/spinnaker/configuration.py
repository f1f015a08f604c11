"""sPyNNaker's configuration: the user's own for a board, and one made for what needs no board.

sPyNNaker reads one file of a user and writes one into the home where it finds none. Here it never
sees the home: it is shown a folder of ours, which holds what the user configured.
"""

from __future__ import annotations

import configparser
import contextlib
import io
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from scnnbio.errors import BackendMissing, DataError

Sections = Mapping[str, Mapping[str, str]]

_NAME = "spynnaker.cfg"
#: Settings of [Machine], each of which leads to a board.
_LEADS_TO_A_BOARD = ("machine_name", "spalloc_server", "remote_spinnaker_url")
_WITHOUT = "without a board, take --set backend.target=emulated"
_HINT = (
    "write ~/.spynnaker.cfg with a section [Machine] that holds machine_name (the board's address)"
    f" and version (5 for a board of 48 chips), or spalloc_server; {_WITHOUT}"
)

#: A board of 48 chips that is not there.
VIRTUAL: Sections = {
    "Machine": {"virtual_board": "True", "version": "5"},
    "Mapping": {"validate_json": "False"},
    "Mode": {"mode": "Production"},
    # The database of what would be loaded is what the emulated cores are given.
    "Reports": {"keep_dataspec_database": "True", "write_network_graph": "False"},
}


def user_files() -> list[Path]:
    """Files in which sPyNNaker would find the user's configuration, those that exist."""
    home = Path(os.path.expanduser("~"))
    site = os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep)[0]
    places = (
        Path(site, f".{_NAME}"),
        Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config", f".{_NAME}"),
        home / f".{_NAME}",
    )
    return [place for place in places if place.is_file()]


def of_the_user() -> Sections:
    """What the user configured, for a run on a board.

    Returns
    -------
    mapping of str to mapping
        Settings by section.

    Raises
    ------
    BackendMissing
        If there is no configuration, or it leads to no board.
    DataError
        If it cannot be read, or there are two.
    """
    files = user_files()
    if not files:
        raise BackendMissing(f"no configuration of sPyNNaker: {_HINT}", where="backend.target")
    if len(files) > 1:
        raise DataError(
            f"and {files[1]} both configure sPyNNaker, which reads one: remove one of them",
            where=str(files[0]),
        )
    # A file in the working folder adds to it, as in any script.
    local = [Path(_NAME)] if Path(_NAME).is_file() else []
    sections: dict[str, dict[str, str]] = {}
    for path in [*files, *local]:
        for name, row in _parsed(path).items():
            sections.setdefault(name, {}).update(row)
    machine = sections.get("Machine", {})
    if _on(machine.get("virtual_board", "False")):
        raise BackendMissing(
            "it configures a virtual board, on which nothing runs: remove virtual_board, or take"
            " --set backend.target=virtual or emulated",
            where=str(files[0]),
        )
    if not any(machine.get(key, "None") not in ("", "None") for key in _LEADS_TO_A_BOARD):
        raise BackendMissing(f"it names no board: {_HINT}", where=str(files[0]))
    return sections


def _on(value: str) -> bool:
    return value.strip().lower() in ("true", "yes", "on", "1")


def _parsed(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(interpolation=None)
    # sPyNNaker takes machineName for machine_name.
    parser.optionxform = _snake_case  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise DataError(
            f"cannot be read as a configuration of sPyNNaker ({error}); correct it, or {_WITHOUT}",
            where=str(path),
        ) from None
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _snake_case(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


@contextlib.contextmanager
def surroundings(sections: Sections) -> Iterator[Path]:
    """Environment in which sPyNNaker reads these settings and no others, and writes nowhere else.

    Parameters
    ----------
    sections : mapping of str to mapping
        Settings by section.

    Yields
    ------
    Path
        A temporary folder, which is the home, the place of reports, and the working folder.
    """
    with tempfile.TemporaryDirectory(
        prefix="scnnbio-spinnaker-", ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        full = {section: dict(row) for section, row in sections.items()}
        full.setdefault("Reports", {}).setdefault("default_report_file_path", str(folder))
        parser = configparser.RawConfigParser()
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_dict(full)
        with (folder / f".{_NAME}").open("w", encoding="utf-8") as file:
            parser.write(file)
        empty = folder / "empty"
        empty.mkdir()
        environment = {
            "HOME": str(empty),
            "XDG_CONFIG_HOME": str(folder),
            "XDG_CONFIG_DIRS": str(empty),
        }
        with _environment(environment), contextlib.chdir(folder):
            yield folder


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep sPyNNaker's bars and log off the terminal, and its filters off everybody's logging."""
    handlers = [(h, h.filters[:], h.formatter) for h in logging.root.handlers]
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(disabled)
        logging.root.handlers[:] = [handler for handler, _, _ in handlers]
        for handler, filters, formatter in handlers:
            handler.filters[:], handler.formatter = filters, formatter

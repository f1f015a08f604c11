"""sPyNNaker's configuration: the user's for a board, and a fixed one for a virtual board.

sPyNNaker reads a configuration file of the user, and creates one in the home folder if there is
none. Here it never uses the home folder: environment variables point it to a temporary folder with
a copy of the user's settings.
"""

from __future__ import annotations

import configparser
import contextlib
import io
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from scnnbio.backends._scratch import scratch_folder
from scnnbio.errors import BackendMissing, DataError

Sections = Mapping[str, Mapping[str, str]]

_NAME = "spynnaker.cfg"
#: Settings of [Machine], each of which specifies a board.
_SPECIFIES_A_BOARD = ("machine_name", "spalloc_server", "remote_spinnaker_url")
_WITHOUT = "without a board, use --set backend.target=emulated"
_HINT = (
    "write ~/.spynnaker.cfg with a section [Machine] that holds machine_name (the board's address)"
    f" and version (5 for a board of 48 chips), or spalloc_server; {_WITHOUT}"
)

#: A virtual board of 48 chips.
VIRTUAL: Sections = {
    "Machine": {"virtual_board": "True", "version": "5"},
    "Mapping": {"validate_json": "False"},
    "Mode": {"mode": "Production"},
    # The emulated cores get their data from this database.
    "Reports": {"keep_dataspec_database": "True", "write_network_graph": "False"},
}


def user_files() -> list[Path]:
    """Existing files in which sPyNNaker would find the user's configuration."""
    home = Path(os.path.expanduser("~"))
    site = os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep)[0]
    places = (
        Path(site, f".{_NAME}"),
        Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config", f".{_NAME}"),
        home / f".{_NAME}",
    )
    return [place for place in places if place.is_file()]


def of_the_user() -> Sections:
    """The user's configuration for a run on a board.

    Returns
    -------
    mapping of str to mapping
        Settings by section.

    Raises
    ------
    BackendMissing
        If there is no configuration, or it does not specify a board.
    DataError
        If it cannot be read, or there are two.
    """
    files = user_files()
    if not files:
        raise BackendMissing(f"no configuration of sPyNNaker: {_HINT}", where="backend.target")
    if len(files) > 1:
        raise DataError(
            f"and {files[1]} both configure sPyNNaker, which reads only one: remove one of them",
            where=str(files[0]),
        )
    # A file in the working folder adds settings, as sPyNNaker does in any script.
    local = [Path(_NAME)] if Path(_NAME).is_file() else []
    sections: dict[str, dict[str, str]] = {}
    for path in [*files, *local]:
        for name, row in _parsed(path).items():
            sections.setdefault(name, {}).update(row)
    machine = sections.get("Machine", {})
    if _on(machine.get("virtual_board", "False")):
        raise BackendMissing(
            "it configures a virtual board, which cannot run networks: remove virtual_board, or use"
            " --set backend.target=virtual or emulated",
            where=str(files[0]),
        )
    if not any(machine.get(key, "None") not in ("", "None") for key in _SPECIFIES_A_BOARD):
        raise BackendMissing(f"it does not specify a board: {_HINT}", where=str(files[0]))
    return sections


def _on(value: str) -> bool:
    return value.strip().lower() in ("true", "yes", "on", "1")


def _parsed(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(interpolation=None)
    # sPyNNaker also accepts machineName for machine_name.
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
def isolated_environment(sections: Sections) -> Iterator[Path]:
    """Environment in which sPyNNaker reads only these settings, and writes to a temporary folder.

    Parameters
    ----------
    sections : mapping of str to mapping
        Settings by section.

    Yields
    ------
    Path
        The temporary folder for configuration and reports, which is also the working folder.
    """
    with scratch_folder("scnnbio-board-") as folder:
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
    """Suppress sPyNNaker's progress bars and log, and undo its changes to Python's logging."""
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

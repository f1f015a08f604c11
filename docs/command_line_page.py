"""The command line, written out from the commands themselves.

python docs/command_line_page.py    # writes docs/how_to/command_line.md
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from scnnbio.cli import app
from scnnbio.cli.ending import EXIT_CODES

PAGE = Path(__file__).parent / "how_to" / "command_line.md"
_HEAD = """# The command line

This page is written by `python docs/command_line_page.py` from the commands themselves; `scnnbio
-h` and `scnnbio COMMAND -h` print the same.

"""
_TAIL = """## Which backend

`run` and `check` take the fastest backend that can run the experiment here, if `--backend` names
none: `brian2-standalone`, which needs a C++ compiler; else `brian2`; else `reference`. A backend
that lacks a feature of the experiment, or an option that was set, is skipped. The choice depends
only on the experiment, the options and the installed software. These backends fire the same
spikes and differ only in speed. The command prints the backend before the run, with what a faster
one lacks, and again after it; `run.json` has it as `backend`, and whether the user or scnnbio
chose it as `backend_chosen_by`.

In a command that `mpiexec` starts in several processes, `nest` comes first, since it alone uses
all of them. `event-driven` and `spinnaker` fire other spikes, and run only if `--backend` names
them.

## Paths

A path in a document begins at the folder of the document. A path in `--set` or anywhere else on
the command line begins at the folder that the command runs in. Results hold the weights that the
document names and the absolute paths of pictures, so that `experiment.toml` of a folder of
results runs again from any folder.

## Origin of a folder of results

`run.json`, and `compare.json` of a comparison, hold

- `date`: when the run began, in UTC (ISO 8601);
- `command`: the words of the command line, or none if the run was started from Python;
- `files`: every file that was read (the document, weights, pictures of a stimulus), with its path,
  the SHA-256 digest of its content, and its role;
- `skipped`: files of the same folders that were not used, and why.

None of this is in `recording.h5`, `weights.npz` or `scores.json`: a run that is repeated gives
the same numbers there. `scnnbio resume` refuses to continue a run whose pictures have changed
since.

## Output

Results go to standard output; errors, notes and progress go to standard error. On a terminal,
progress is shown in bars. Elsewhere it is a line when a phase begins, one every ten seconds and
one when it ends; tables have one row a line, and no cell is cut. On a terminal that takes ASCII
alone, other signs are written in words or by the nearest sign.

An error is one line that begins with `error: ` and says what is wrong, where, and what to do.
Ctrl-C and SIGTERM end a command in the same way, and leave no file or folder half written. If
something was finished until then, the line names the command that goes on from there.

## Completion

```sh
scnnbio --install-completion    # for the shell that it runs in; --show-completion prints it
```

A shell then completes commands, options, and the names of experiments, backends and neurons.
"""


def page() -> str:
    """The page in Markdown."""
    return _HEAD + "\n".join([*_commands(), *_codes()]) + "\n" + _TAIL


def _commands() -> Iterator[str]:
    root: Any = typer.main.get_command(app)
    yield "`scnnbio` alone takes these options:\n"
    yield from _table(root.params)
    for name, command in root.commands.items():
        yield f"## scnnbio {name}\n"
        yield f"{command.help}\n"
        yield from _table(command.params)


def _table(params: list[Any]) -> Iterator[str]:
    rows = [(_words(param), _cell(param.help or "")) for param in params if param.name != "help"]
    if rows:
        yield "| | |\n|---|---|"
        yield from (f"| `{words}` | {said} |" for words, said in rows)
        yield ""


def _words(param: Any) -> str:
    if param.param_type_name == "argument":
        return param.metavar if param.required else f"[{param.metavar}]"
    value = "" if param.is_flag else f" {param.metavar or param.name.upper()}"
    names = [*sorted(param.opts, key=len), *param.secondary_opts]
    return _cell(", ".join(names) + value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _codes() -> Iterator[str]:
    yield "## Exit codes\n\n| code | meaning |\n|---|---|"
    yield from (f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items())
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

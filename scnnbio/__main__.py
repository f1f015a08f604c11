"""The ``scnnbio`` command, also as ``python -m scnnbio``."""

from __future__ import annotations

import signal
import sys

from scnnbio._later import own_process


def main() -> None:
    """Import the command line, in a process that is the command's own, and carry it out."""
    try:
        own_process()
        from scnnbio import cli
    except KeyboardInterrupt:  # before the command line is there to say so
        print("error: interrupted", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    cli.main()


if __name__ == "__main__":
    main()

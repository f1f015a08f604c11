"""The ``scnnbio`` command, also as ``python -m scnnbio``."""

from __future__ import annotations

import signal
import sys

from scnnbio._later import own_process


def main() -> None:
    """Import the command line, in this command's own process, and run it."""
    try:
        own_process()
        from scnnbio import cli
    except KeyboardInterrupt:  # before the command line, which would report it, is imported
        print("error: interrupted", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    cli.main()


if __name__ == "__main__":
    main()

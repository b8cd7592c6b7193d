"""``python -m memsim``, and the command ``memsim``."""

import os


def main() -> None:
    """Run the command line; Ctrl-C while it is loaded ends the process without a word."""
    try:
        from memsim.cli import main as begin
    except KeyboardInterrupt:
        os._exit(130)
    begin()


if __name__ == "__main__":
    main()

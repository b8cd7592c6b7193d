"""The command line. Each command's module is imported when the command is used."""

from memsim.cli.main import main

__all__ = ["main"]

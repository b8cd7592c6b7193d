"""The block playground: a page in which a block is edited and its traffic seen at once."""

from memsim.playground.page import playground

__all__ = ["playground"]

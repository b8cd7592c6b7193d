"""The version, told in this one place: the package, its builds and its files take it from here."""

__version__ = "0.1.0"

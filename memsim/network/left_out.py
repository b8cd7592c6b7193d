"""What a network leaves out, because none of its outputs depends on it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LeftOut"]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A layer of a graph, or parameters of it, that are not in the network made of it.

    Attributes
    ----------
    name : str
        Of the layer; of the module that holds the parameters, where no layer reads them.
    kind : str
        Of the layer's operator; empty for parameters alone.
    macs : int
        Of the whole batch.
    params : int
        Learned parameters that nothing in the network reads.

    Examples
    --------
    >>> print(LeftOut("aux", "conv", 6912, 108))
    aux (conv, 6,912 MACs, 108 parameters)
    """

    name: str
    kind: str
    macs: int
    params: int

    def __str__(self) -> str:
        facts = [self.kind] if self.kind else []
        facts += [f"{self.macs:,} MACs"] if self.macs else []
        if self.params:
            facts.append(f"{self.params:,} parameter{'s' if self.params > 1 else ''}")
        return f"{self.name} ({', '.join(facts)})"

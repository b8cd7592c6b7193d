"""The network model: layers, tensors, operators, patterns, metrics."""

from memsim.network.graph import Layer, Network, Node
from memsim.network.tensor import DTYPES, Tensor

__all__ = ["DTYPES", "Layer", "Network", "Node", "Tensor"]

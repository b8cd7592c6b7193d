"""Orders of layers: the same network listed otherwise, so that its kernels run in another order.

A program's kernels follow the listing of the network's layers. What is chosen here is a listing;
everything downstream takes it as any other. The orders that need no cache are here, one file each.
"""

from memsim.program.ordering.steps import Found, Steps

__all__ = ["Found", "Steps"]

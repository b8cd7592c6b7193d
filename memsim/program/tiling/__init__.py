"""Tiling: how a kernel's output is cut into tasks.

A task computes a strip of output rows x a block of output channels of one image, or whole maps
of several: then the images are further rows of one product, as libraries compute linear layers and
small maps. Which tile a kernel gets depends on the kernel and the machine alone, never on the
cache.
"""

from memsim.program.tiling.orders import LARGER_OUTER, ORDERS, check_order, order_of, orders_of
from memsim.program.tiling.tiling import APART, IMAGES, TOGETHER, Tiling, least_touches, tile

__all__ = [
    "APART",
    "IMAGES",
    "LARGER_OUTER",
    "ORDERS",
    "TOGETHER",
    "Tiling",
    "check_order",
    "least_touches",
    "order_of",
    "orders_of",
    "tile",
]

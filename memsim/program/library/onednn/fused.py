"""PyTorch for inference: folded, fused, packed once, channels last.

Batch norms are folded into the convolution before them and the activation after it is applied
as its output is written; weights are packed when the network is built, in the layout that
oneDNN's brgemm kernels ask for; maps are nhwc, so nothing is reordered. Concats copy, residual
additions and their activations are kernels of their own, in place.

References
----------
PyTorch 2.13, aten/src/ATen/native/mkldnn/Conv.cpp (``mkldnn::_convolution_pointwise``,
``mkldnn::_reorder_convolution_weight``).
"""

from __future__ import annotations

from typing import ClassVar

from memsim.network.graph import Layer
from memsim.program.library.onednn import brgemm, depthwise
from memsim.program.library.onednn.aten import record_read
from memsim.program.library.onednn.blocking import Blocking, choose
from memsim.program.library.onednn.forward import Forward
from memsim.program.library.onednn.geometry import ITEM, Geometry


class FusedForward(Forward):
    """Convolution, batch norm and activation are one kernel."""

    name: ClassVar[str] = "fused"
    last: ClassVar[bool] = True

    def build(self) -> None:
        """Pack the weights, layer by layer; the memory of the plain ones becomes free.

        So the heap is full of holes of the weights' sizes before the first pass, and feature
        maps of different sizes find different holes rather than each other's memory.
        """
        layers = [layer for layer in self.network if self.convolves(layer)]
        plain = [self.scratch(Geometry.of(layer).weights * ITEM) for layer in layers]
        self.blockings: dict[str, Blocking] = {}
        for layer, address in zip(layers, plain, strict=True):
            geometry = Geometry.of(layer)
            if geometry.depthwise:
                size = depthwise.packed_bytes(geometry)
            else:
                blocking = choose(geometry, self.runtime.processor)
                self.blockings[layer.name] = blocking
                size = brgemm.packed_bytes(geometry, blocking)
            self._parameters[layer.name] = self.scratch(size)
            self.free(address)

    def convolve(self, layer: Layer) -> None:
        geometry = Geometry.of(layer)
        chain = self._followers(layer)
        with self.trace.call(layer.name, "conv"):
            self.enter("conv", layer.name, (geometry, len(chain)))
            size = geometry.oc * geometry.groups * ITEM  # a folded norm always leaves one
            record_read(self.trace, self.parameters(f"{layer.name}.bias", size), size)
            (source,) = self.maps(layer)
            weights = self._parameters[layer.name]
            target = self.produce(chain[-1]).map
            where = (source.address, weights, target.address)
            if geometry.depthwise:
                depthwise.record_depthwise(self.trace, geometry, *where, last=True)
            else:
                brgemm.record_brgemm(self.trace, geometry, self.blockings[layer.name], *where)
        self.consume(layer)
        for each in (layer, *chain[:-1]):
            self.done.add(each.name)

    def _followers(self, layer: Layer) -> list[Layer]:
        """The layer itself and what is computed with it: a batch norm, then an activation."""
        chain = [layer]
        for folds in (True, False):
            readers = self.network.readers[chain[-1].name]
            if len(readers) != 1 or chain[-1].name in self.network.outputs:
                break
            follower = self.network[readers[0]]
            if not (follower.op.folds if folds else follower.op.activates):
                if folds:
                    continue
                break
            chain.append(follower)
        return chain

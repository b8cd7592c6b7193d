"""What a module costs, counted without memsim: distinct parameters, and MACs by operator.

The forward pass runs on tensors that carry only shapes; a dispatch mode below the module sees every
ATen operator with its operands. PyTorch's own ``FlopCounterMode`` has the formulas; the few
operators with multiplications that it does not know get theirs here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

__all__ = ["Truth", "count", "import_torchvision"]

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, "
    "SymInt pooled_width, int sampling_ratio, bool aligned) -> Tensor",
    "roi_pool(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, "
    "SymInt pooled_width) -> (Tensor, Tensor)",
    "ps_roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, "
    "SymInt pooled_width, int sampling_ratio) -> (Tensor, Tensor)",
    "ps_roi_pool(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, "
    "SymInt pooled_width) -> (Tensor, Tensor)",
    "deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, "
    "SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, "
    "SymInt dilation_w, SymInt groups, SymInt offset_groups, bool use_mask) -> Tensor",
)
"""torchvision's operators as its C++ sources declare them (torchvision 0.28)."""

_library: Any = None


def import_torchvision() -> ModuleType:
    """torchvision, whether or not its C++ operators load beside this PyTorch.

    Its wheel on PyPI is built for a PyTorch with CUDA. Beside one without, the extension does not
    load and the import fails on the first operator. Their schemas alone, with the shape functions
    that torchvision brings, are enough for all that is not computed.
    """
    global _library
    try:
        import torchvision
    except RuntimeError:  # "operator torchvision::nms does not exist"
        _library = torch.library.Library("torchvision", "DEF")
        for schema in SCHEMAS:
            _library.define(schema)
        import torchvision
        from torchvision import _meta_registrations as shapes

        for schema in SCHEMAS:
            name = schema.partition("(")[0]
            if not name.endswith("nms"):  # the module itself has registered those
                function = getattr(shapes, f"meta_{name}")
                torch.library.register_fake(f"torchvision::{name}", function, lib=_library)
        torchvision.extension._has_ops = lambda: True
    return torchvision


def _matrix_vector(matrix: Sequence[int], *_: Any, **__: Any) -> int:
    return 2 * math.prod(matrix)


def _added_matrix_vector(_: Any, matrix: Sequence[int], *__: Any, **___: Any) -> int:
    return 2 * math.prod(matrix)


def _deformed(_: Any, weight: Sequence[int], *__: Any, out_shape: Sequence[int], **___: Any) -> int:
    """Of the convolution alone; the interpolation between pixels is not one of its MACs."""
    return 2 * math.prod(weight) * out_shape[0] * out_shape[2] * out_shape[3]


def _recurrent(input_: Sequence[int], *weights: Any, **_: Any) -> int:
    """One direction of one layer of an LSTM: both matrices at every step of every sequence."""
    return 2 * input_[0] * input_[1] * (math.prod(weights[0]) + math.prod(weights[1]))


def _more() -> dict[Any, Any]:
    """FlopCounterMode's formulas for operators that it lacks."""
    aten = torch.ops.aten
    formulas = {
        aten.mv: _matrix_vector,
        aten.dot: _matrix_vector,
        aten.addmv: _added_matrix_vector,
        aten.mkldnn_rnn_layer: _recurrent,
    }
    if hasattr(torch.ops.torchvision, "deform_conv2d"):
        formulas[torch.ops.torchvision.deform_conv2d] = _deformed
    return formulas


@dataclass
class Truth:
    """What one forward pass in evaluation mode does.

    Attributes
    ----------
    params : int
        Elements of the distinct Parameters that some operator reads.
    all_params : int
        Elements of all distinct Parameters of the module.
    macs : int
        Half of FlopCounterMode's operations, for the whole batch.
    unused : list of str
        Names of the Parameters that no operator reads.
    operators : Counter
        How often each ATen operator runs.
    macs_by_operator : dict
    constant_macs : int
        Those of ``macs`` whose operands depend on no input: a position bias that a small network
        makes of coordinates, at every pass. What folds constants does them once and for all.
    """

    params: int = 0
    all_params: int = 0
    macs: int = 0
    unused: list[str] = field(default_factory=list)
    operators: Counter[str] = field(default_factory=Counter)
    macs_by_operator: dict[str, int] = field(default_factory=dict)
    constant_macs: int = 0


class _Watch(TorchDispatchMode):
    """Sees the operators, which tensors they read, and which of them follow from an input."""

    def __init__(self, inputs: Sequence[torch.Tensor], formulas: dict[Any, Any]) -> None:
        super().__init__()
        self.read: set[int] = set()
        self.operators: Counter[str] = Counter()
        self.following = {id(each): each for each in inputs}  # held, so that no id comes again
        self.formulas = formulas
        self.constant_flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        self.operators[str(func)] += 1
        read = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
        self.read.update(map(id, read))
        result = func(*args, **kwargs)
        if any(id(each) in self.following for each in read):
            written = [each for each in tree_leaves(result) if isinstance(each, torch.Tensor)]
            if str(func).partition(".")[2].partition(".")[0].endswith("_"):
                written += read[:1]
            self.following.update((id(each), each) for each in written)
        elif func._overloadpacket in self.formulas:
            formula = self.formulas[func._overloadpacket]
            self.constant_flops += formula(*args, **kwargs, out_val=result)
        return result


def count(module: torch.nn.Module, examples: Sequence[torch.Tensor]) -> Truth:
    """Run the module's forward pass on shapes alone and count.

    Parameters
    ----------
    module : torch.nn.Module
    examples : sequence of tensors
        Its inputs; their values are not read.
    """
    module.eval()
    flops = FlopCounterMode(display=False, custom_mapping=_more())
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # a fused operator without a formula
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    learned = [each for each in module.parameters() if each.requires_grad]
    for each in learned:  # FlopCounterMode follows gradients, which there are none of here
        each.requires_grad_(False)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), fake:
            inputs = [fake.from_tensor(each) for each in examples]
            watch = _Watch(inputs, flops.flop_registry)
            with flops, watch:
                module(*inputs)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for each in learned:
            each.requires_grad_(True)
    named = dict(module.named_parameters())  # each once, however many modules hold it
    by_operator: Counter[str] = Counter()
    for operator, number in flops.get_flop_counts().get("Global", {}).items():
        by_operator[str(operator)] += number // 2
    return Truth(
        params=sum(each.numel() for each in named.values() if id(each) in watch.read),
        all_params=sum(each.numel() for each in named.values()),
        macs=flops.get_total_flops() // 2,
        unused=[name for name, each in named.items() if id(each) not in watch.read],
        operators=watch.operators,
        macs_by_operator=dict(by_operator),
        constant_macs=watch.constant_flops // 2,
    )

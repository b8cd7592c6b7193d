"""Import networks that people have, and hold their numbers against counts made without memsim.

    python -m benchmarks.zoo                     # what is not in the table yet
    python -m benchmarks.zoo --again failed      # once more what failed or differed
    python -m benchmarks.zoo 'timm:*vit*' --again all
    python -m benchmarks.zoo --choose            # the list of timm models from all that it has

It needs ``torch``, ``timm`` and ``torchvision`` (random weights; nothing is downloaded). Every
model is imported in a process of its own with a limit of time and memory. ``results/zoo.csv`` has a
row per model as it was measured, ``results/zoo.md`` is the table that it makes.
"""

from __future__ import annotations

import argparse
import csv
import fnmatch
import multiprocessing
import re
import resource
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import zoo_notes, zoo_truth

HERE = Path(__file__).parent
LIST = HERE / "zoo_models.txt"
TABLE = HERE / "results" / "zoo.csv"
PAGE = HERE / "results" / "zoo.md"

LARGEST = 60_000_000
"""Parameters of a model that is not the only one of its kind."""

SECONDS = 300
MEMORY = 12 << 30
"""Limits of one process; a model of 100 M parameters has 0.4 GB of weights."""

COLUMNS = ("model", "input", "imported", "error", "params", "true_params", "all_params", "macs",
           "true_macs", "constant_macs", "layers", "seconds", "peak_mb", "unused",
           "unknown")  # fmt: skip

Row = dict[str, str]
Case = tuple[Any, list[Any]]
"""A module and its example inputs."""


# -- what there is --------------------------------------------------------------------------------


def families(name: str) -> str:
    """A name's stem: what comes before its sizes, so that ``resnet18`` and ``resnet50`` are one.

    >>> families("resnet18"), families("efficientnetv2_rw_t"), families("vit_tiny_patch16_224")
    ('resnet', 'efficientnetv2_rw', 'vit_patch_')
    """
    stem = re.sub(r"(?<![a-z]v)\d+[a-z]?(?=_|$)|_(nano|pico|femto|atto|tiny|small|base|large|huge)"
                  r"|_(xx?[sl]|[smltx]\d?)(?=_|$)|(?<=[a-z])\d+", "", name)  # fmt: skip
    return re.sub("_+", "_", stem)


def choose(per_module: int) -> Iterator[str]:
    """Of every module of timm its smallest model, then the smallest of other stems."""
    import timm
    import torch
    from timm.models._registry import _model_to_module

    sizes: dict[str, list[tuple[int, str]]] = {}
    for name in timm.list_models():
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                model = timm.create_model(name)
            except Exception:  # not every model can be made without its memory
                continue
        size = sum(each.numel() for each in model.parameters())
        sizes.setdefault(_model_to_module[name], []).append((size, name))
    for module in sorted(sizes):
        seen: set[str] = set()
        for size, name in sorted(sizes[module]):
            if not seen or (
                families(name) not in seen and len(seen) < per_module and size <= LARGEST
            ):
                seen.add(families(name))
                yield f"timm:{name}"


def torchvision_names() -> Iterator[str]:
    """All of torchvision but its quantised models; detectors by their parts."""
    models = zoo_truth.import_torchvision().models
    for kind in ("", "segmentation", "optical_flow", "video"):
        module = getattr(models, kind) if kind else models
        for name in models.list_models(module=module):
            yield f"torchvision:{kind}/{name}" if kind else f"torchvision:{name}"
    for name in models.list_models(module=models.detection):
        for part in PARTS[name.partition("_")[0].removesuffix("300")]:
            yield f"torchvision:detection/{name}.{part}"


PARTS = {
    "fasterrcnn": ("backbone", "rpn.head", "roi_heads.box_head", "roi_heads.box_predictor"),
    "maskrcnn": ("backbone", "rpn.head", "roi_heads.box_head", "roi_heads.box_predictor",
                 "roi_heads.mask_head", "roi_heads.mask_predictor"),
    "keypointrcnn": ("backbone", "rpn.head", "roi_heads.box_head", "roi_heads.box_predictor",
                     "roi_heads.keypoint_head", "roi_heads.keypoint_predictor"),
    "fcos": ("backbone", "head"),
    "retinanet": ("backbone", "head"),
    "ssd": ("backbone", "head"),
    "ssdlite320": ("backbone", "head"),
}  # fmt: skip
"""A detector's modules whose shapes follow from the image's; what lies between depends on data."""

ROIS = 100
"""Boxes that a head of a second stage looks at."""


def make(model: str) -> Case:
    """A model by its name in the list, with inputs on which it runs.

    Its weights are not even drawn: nobody reads their values.
    """
    from torch.overrides import TorchFunctionMode

    class Undrawn(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
            if getattr(function, "__name__", "") in ("uniform_", "normal_", "erfinv_"):
                return args[0] if args else kwargs["tensor"]
            return function(*args, **(kwargs or {}))

    source, _, name = model.partition(":")
    with Undrawn():
        return {"timm": timm_case, "torchvision": torchvision_case}[source](name)


def timm_case(name: str) -> Case:
    import timm
    import torch

    module = timm.create_model(name, pretrained=False).eval()
    return module, [torch.zeros(1, *module.default_cfg.get("input_size", (3, 224, 224)))]


def torchvision_case(name: str) -> Case:
    import torch

    models = zoo_truth.import_torchvision().models
    kind, _, name = name.rpartition("/")
    if kind == "detection":
        name, _, part = name.partition(".")
        detector = models.get_model(name, weights=None, weights_backbone=None).eval()
        return detector_case(detector, part)
    options = {"weights_backbone": None} if kind == "segmentation" else {}
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    module = models.get_model(name, weights=None, **options).eval()
    if kind == "optical_flow":
        return module, [torch.zeros(1, 3, 128, 128), torch.zeros(1, 3, 128, 128)]
    if kind == "video":
        frames = (3, 32, 224, 224) if name.startswith("swin3d") else (3, 16, 112, 112)
        frames = (3, 16, 224, 224) if name.startswith(("mvit", "s3d")) else frames
        return module, [torch.zeros(1, *frames)]
    size = 299 if name == "inception_v3" else 518 if name == "vit_h_14" else 224
    return module, [torch.zeros(1, 3, size, size)]


def detector_case(detector: Any, part: str) -> Case:
    """A part of a detector: a backbone on an image, a head on the maps that its backbone gives."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    class OnMaps(torch.nn.Module):
        """A head that takes its list of maps as arguments."""

        def __init__(self, head: Any) -> None:
            super().__init__()
            self.head = head

        def forward(self, *maps: Any) -> Any:
            return self.head(list(maps))

    size = 320 if "lite" in type(detector.backbone).__name__.lower() else 300
    size = size if type(detector).__name__ == "SSD" else 512
    image = torch.zeros(1, 3, size, size)
    if part == "backbone":
        return detector.backbone, [image]
    module = detector.get_submodule(part)
    with torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True) as fake:
        maps = detector.backbone(fake.from_tensor(image))
        shapes = [
            tuple(each.shape) for each in (maps.values() if isinstance(maps, dict) else [maps])
        ]
    if part in ("head", "rpn.head"):
        return OnMaps(module), [torch.zeros(shape) for shape in shapes]
    channels, square = detector.backbone.out_channels, 14
    if part == "roi_heads.box_head":
        square = 7
    if part == "roi_heads.box_predictor":
        with torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True) as fake:
            read = torch.zeros(ROIS, channels, 7, 7)
            features = tuple(detector.roi_heads.box_head(fake.from_tensor(read)).shape)
        return module, [torch.zeros(features)]
    if part == "roi_heads.keypoint_predictor":
        channels = module.kps_score_lowres.in_channels
    return module, [torch.zeros(ROIS, channels, square, square)]


# -- one model ------------------------------------------------------------------------------------


def measured(model: str) -> Row:
    """The row of one model."""
    import memsim
    from memsim.formats.foreign.unknown import unknown_operators

    module, inputs = make(model)
    row: dict[str, Any] = {
        "model": model,
        "input": " ".join("x".join(map(str, each.shape[1:])) for each in inputs),
    }
    try:
        truth = zoo_truth.count(module, inputs)
    except Exception as error:
        row["error"] = f"no truth: {first_line(error)}"
        return row
    row |= {"true_params": truth.params, "all_params": truth.all_params, "true_macs": truth.macs,
            "constant_macs": truth.constant_macs or "",
            "unused": " ".join(truth.unused)}  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.process_time()
    try:
        network = memsim.from_torch(module, inputs, allow_unknown=True)
    except Exception as error:
        row["error"] = first_line(error)
        if not isinstance(error, memsim.MemsimError):
            row["error"] += f" at {traceback.extract_tb(error.__traceback__)[-1].name}"
        return row | {"imported": "no", "seconds": f"{time.process_time() - start:.2f}"}
    seconds = time.process_time() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    unknown = Counter(layer.op.op for layer in network if layer.op.kind == "opaque")
    return row | {
        "imported": "partly" if unknown_operators(network) else "yes",
        "params": network.params,
        "macs": network.macs,
        "layers": len(network),
        "seconds": f"{seconds:.2f}",
        "peak_mb": (after.ru_maxrss - before.ru_maxrss) >> 10,
        "unknown": " ".join(f"{name}:{count}" for name, count in unknown.most_common()),
    }


def first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else ""
    text = re.sub(r"\S*/site-packages/|\x1b\[\d*m", "", text)  # nor the colours of a terminal
    own = type(error).__module__.startswith("memsim")
    return (text if own else f"{type(error).__name__}: {text}")[:240]


def warm() -> None:
    """Import here what every process would import: they are copies of this one."""
    import torch

    import memsim

    torch.set_num_threads(1)
    zoo_truth.import_torchvision()
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    zoo_truth.count(module, [torch.zeros(1, 3, 8, 8)])
    memsim.from_torch(module, torch.zeros(1, 3, 8, 8))


def alone(work: Callable[[str], Row], model: str) -> Row:
    """The row of one model, from a process that may die."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def run() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        warnings.simplefilter("ignore")
        try:
            row = work(model)
        except Exception as error:
            row = {"model": model, "error": f"no truth: {first_line(error)}"}
        sender.send(row)

    process = context.Process(target=run)
    process.start()
    sender.close()
    row: Row = {"model": model, "imported": "no", "error": f"took longer than {SECONDS} s"}
    try:
        if receiver.poll(SECONDS):
            row = receiver.recv()
    except EOFError:
        row["error"] = "its process died"
    if process.is_alive():
        process.join(1)
        process.kill()
    process.join()
    return {key: str(value) for key, value in row.items()}


# -- the table ------------------------------------------------------------------------------------


def read() -> dict[str, Row]:
    if not TABLE.exists():
        return {}
    with TABLE.open(newline="") as file:
        return {row["model"]: dict.fromkeys(COLUMNS, "") | row for row in csv.DictReader(file)}


def write(rows: dict[str, Row], order: Sequence[str]) -> None:
    kept = [rows[model] for model in order if model in rows]
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    PAGE.write_text(page(kept))


def verdict(row: Row) -> str:
    """``equal``, ``explained``, ``differs``, ``partly`` (not all known), ``no`` or ``no truth``."""
    if not row["true_params"]:
        return "no truth"
    if row["imported"] != "yes":
        return row["imported"] or "no"
    if (row["params"], row["macs"]) == (row["true_params"], row["true_macs"]):
        return "equal"
    return "explained" if zoo_notes.explained(row) else "differs"


def page(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    verdicts = Counter(map(verdict, rows))
    listed = ", ".join(f"{count} {name}" for name, count in verdicts.most_common())
    lines = [
        "# Networks that people have",
        "",
        *zoo_notes.INTRODUCTION,
        f"{len(rows)} models: {listed}.",
        "",
        f"| {' | '.join(HEADINGS)} |",
        "| :-- | :-- | :-- | --: | --: | --: | --: | --: | --: | --: | :-- |",
    ]
    for row in rows:
        why = row["error"] or (f"unknown: {row['unknown']}" if row["unknown"] else "")
        if verdict(row) in ("equal", "explained", "differs"):
            why = zoo_notes.note(row) or ("" if verdict(row) == "equal" else "**differs**")
        numbers = [grouped(row[each]) for each in ("params", "true_params", "macs", "true_macs")]
        rest = [row["layers"], row["seconds"], row["peak_mb"], why.replace("|", "\\|")]
        cells = [row["model"], row["input"], row["imported"], *numbers, *rest]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


HEADINGS = ("model", "input", "imported", "parameters", "counted", "MACs", "counted", "layers", "s",
            "MB", "why")  # fmt: skip


def grouped(number: str) -> str:
    return f"{int(number):,}" if number else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="names or patterns; all of the list if left out")
    parser.add_argument("--again", choices=("failed", "all"), help="what is measured once more")
    parser.add_argument("--choose", type=int, metavar="N", help="write the list: N a timm module")
    options = parser.parse_args()
    warm()
    if options.choose:
        LIST.write_text("\n".join([*choose(options.choose), *torchvision_names()]) + "\n")
        return
    order = LIST.read_text().split()
    rows = read()
    for model in order:
        if options.models and not any(fnmatch.fnmatch(model, each) for each in options.models):
            continue
        done = model in rows and (
            verdict(rows[model]) in ("equal", "explained") or not options.again
        )
        if done and options.again != "all":
            continue
        rows[model] = dict.fromkeys(COLUMNS, "") | alone(measured, model)
        row = rows[model]
        print(f"{model}: {verdict(row)}, {row['seconds']} s {row['error'] or row['unknown']}"[:200])
        sys.stdout.flush()
        write(rows, order)
    write(rows, order)


if __name__ == "__main__":
    main()

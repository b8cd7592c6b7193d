"""Export networks to ONNX in every way that people do, and compare the MACs of all files.

    python -m benchmarks.onnx_exports                # what is not in the table yet
    python -m benchmarks.onnx_exports --again failed
    python -m benchmarks.onnx_exports 'timm:swin*' --again all --keep /tmp/files

It needs ``torch``, ``timm``, ``torchvision``, ``onnxscript`` (for the new exporter) and, for the
simplified files, ``onnxslim`` and ``onnxsim``. ``results/onnx_exports.csv`` has a row per file,
``results/onnx_exports.md`` is the table that it makes.
"""

from __future__ import annotations

import argparse
import csv
import fnmatch
import logging
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import zoo, zoo_truth

TABLE = Path(__file__).parent / "results" / "onnx_exports.csv"
PAGE = TABLE.with_suffix(".md")

NETWORKS = (
    "timm:resnet18",
    "timm:mobilenetv3_small_050",
    "timm:efficientnet_b0",
    "timm:regnety_002",
    "timm:resnest14d",
    "timm:skresnet18",
    "timm:hrnet_w18_small",
    "timm:dla46x_c",
    "timm:ese_vovnet19b_slim_dw",
    "timm:ghostnet_050",
    "timm:repvgg_a0",
    "timm:test_nfnet",
    "timm:convnext_atto",
    "timm:mixer_s16_224",
    "timm:vit_tiny_patch16_224",
    "timm:swin_tiny_patch4_window7_224",
    "timm:mobilevit_xxs",
    "torchvision:densenet121",
    "torchvision:squeezenet1_1",
    "torchvision:shufflenet_v2_x0_5",
    "torchvision:segmentation/deeplabv3_mobilenet_v3_large",
    "torchvision:segmentation/lraspp_mobilenet_v3_large",
)

COLUMNS = ("model", "form", "exported", "imported", "macs", "true_macs", "params", "true_params",
           "nodes", "seconds", "error")  # fmt: skip

Row = zoo.Row

FORMS = {
    f"{exporter}, {what}": (exporter == "new", what)
    for exporter in ("old", "new")
    for what in ("static", "dynamic batch", "dynamic size", "onnxslim", "onnxsim")
}
"""By name, the exporter (``dynamo=True`` or not), and what is dynamic or simplifies."""


def export(module: Any, inputs: Sequence[Any], form: str, path: Path) -> None:
    """Write the file of one form, and that which it is made from, where they are not there."""
    import torch

    if path.exists():
        return
    new, what = FORMS[form]
    if what in SIMPLIFIED:
        static = form.replace(what, "static")
        source = file_of(path.parent, path.name.partition("-")[0], static)
        export(module, inputs, static, source)
        SIMPLIFIED[what](str(source), str(path))
        return
    options: dict[str, Any] = {"input_names": ["image"], "output_names": ["output"]}
    axes = {"dynamic batch": {0: "batch"}, "dynamic size": {2: "height", 3: "width"}}.get(what)
    if axes and new:
        options["dynamic_shapes"] = (dict.fromkeys(axes, torch.export.Dim.DYNAMIC),)
        if what == "dynamic batch":  # a batch of one is taken for a constant
            inputs = [torch.zeros(2, *each.shape[1:]) for each in inputs]
    elif axes:
        options["dynamic_axes"] = {"image": axes}
    if new:
        options["external_data"] = False
    else:
        options["opset_version"] = 17
    torch.onnx.export(First(module), tuple(inputs), str(path), dynamo=new, verbose=False, **options)


def slimmed(source: str, path: str) -> None:
    import onnx
    import onnxslim

    onnx.save(onnxslim.slim(source), path)


def simplified(source: str, path: str) -> None:
    import onnx
    import onnxsim

    model, sound = onnxsim.simplify(onnx.load(source))
    if not sound:
        raise ValueError("onnxsim could not validate its model")
    onnx.save(model, path)


SIMPLIFIED = {"onnxslim": slimmed, "onnxsim": simplified}


def file_of(folder: Path, model: str, form: str) -> Path:
    plain = re.sub("[^a-z0-9_]+", "_", model)
    return folder / f"{plain}-{re.sub('[^a-z0-9_]+', '_', form)}.onnx"


def First(module: Any) -> Any:
    """The module with one tensor as its output: segmentation networks give a dict."""
    import torch

    class Wrapped(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, image: Any) -> Any:
            result = self.inner(image)
            return next(iter(result.values())) if isinstance(result, dict) else result

    return Wrapped().eval()


def of(folder: Path) -> Callable[[str], Row]:
    """The work on one file, told as ``model|form``."""

    def row(told: str) -> Row:
        import onnx

        import memsim

        logging.disable(logging.CRITICAL)
        model, form = told.split("|")
        module, inputs = zoo.make(model)
        wrapped = First(module)
        truth = zoo_truth.count(wrapped, inputs)
        found: dict[str, Any] = {"model": model, "form": form, "true_macs": truth.macs,
                                 "true_params": truth.params}  # fmt: skip
        path = file_of(folder, model, form)
        try:
            export(module, inputs, form, path)
        except Exception as error:
            return found | {"exported": "no", "error": zoo.first_line(error)}
        found |= {
            "exported": "yes",
            "nodes": len(onnx.load(path, load_external_data=False).graph.node),
        }
        start = time.process_time()
        image = tuple(inputs[0].shape[1:]) if "dynamic size" in form else None
        try:
            network = memsim.load(str(path), input_shape=image)
        except Exception as error:
            text = zoo.first_line(error).replace(f"{path}:", "").strip()
            return found | {"imported": "no", "error": text}
        return found | {
            "imported": "yes",
            "macs": network.macs,
            "params": network.params,
            "seconds": f"{time.process_time() - start:.2f}",
        }

    return row


def verdict(row: Row) -> str:
    """``equal``, ``differs``, ``no``, or ``no file``."""
    if row["exported"] != "yes":
        return "no file"
    if row["imported"] != "yes":
        return "no"
    return "equal" if row["macs"] == row["true_macs"] else "differs"


def read() -> dict[str, Row]:
    if not TABLE.exists():
        return {}
    with TABLE.open(newline="") as file:
        return {f"{row['model']}|{row['form']}": row for row in csv.DictReader(file)}


def write(rows: dict[str, Row]) -> None:
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(
            file, COLUMNS, restval="", lineterminator="\n", extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(rows[told] for told in sorted(rows))
    PAGE.write_text(page(rows))


def page(rows: dict[str, Row]) -> str:
    """One line a network, one column a form."""
    import onnx
    import torch

    lines = [
        "# One network, ten files",
        "",
        f"Exports by PyTorch {torch.__version__.partition('+')[0]} (old: `dynamo=False`; new:",
        f"`dynamo=True`), read with `onnx` {onnx.__version__}: MACs of every file beside those",
        "that `FlopCounterMode` counts in the module. *Equal* is equal to the MAC; a file that",
        "could not be written or read has a note below.",
        "`benchmarks/onnx_exports.py` makes the table.",
        "",
        f"| network | MACs | {' | '.join(FORMS)} |",
        f"| :-- | --: |{' :-- |' * len(FORMS)}",
    ]
    notes = []
    for model in NETWORKS:
        told = [rows.get(f"{model}|{form}") for form in FORMS]
        known = [row for row in told if row is not None]
        if not known:
            continue
        cells = []
        for row in told:
            word = verdict(row) if row else ""
            cells.append(f"{int(row['macs']):,}" if row and word == "differs" else word)
            if row and row["error"]:
                notes.append(f"- {model}, {row['form']}: {row['error']}")
        lines.append(f"| {model} | {int(known[0]['true_macs']):,} | {' | '.join(cells)} |")
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="names or patterns; all if left out")
    parser.add_argument("--again", choices=("failed", "all"), help="what is done once more")
    parser.add_argument("--keep", type=Path, help="a folder for the files, which then stay")
    options = parser.parse_args()
    zoo.warm()
    rows = read()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        for model in NETWORKS:
            if options.models and not any(fnmatch.fnmatch(model, each) for each in options.models):
                continue
            for form in FORMS:
                told = f"{model}|{form}"
                done = told in rows and (verdict(rows[told]) == "equal" or not options.again)
                if done and options.again != "all":
                    continue
                row = zoo.alone(of(folder), told)
                row = row | {"model": model, "form": form}
                rows[told] = dict.fromkeys(COLUMNS, "") | row
                print(f"{told}: {verdict(rows[told])} {rows[told]['error']}"[:200])
                sys.stdout.flush()
                write(rows)
    write(rows)


if __name__ == "__main__":
    main()

"""``memsim import``."""

from __future__ import annotations

from typing import Any

import click

from memsim.cli.formats import ARCHITECTURES, Kinds, send
from memsim.cli.options import Chosen, input_options
from memsim.cli.output import output_option

WRITTEN = Kinds("an architecture", ARCHITECTURES, "net.yaml", usual="yaml", printed=True)


@click.command("import")
@click.argument("source")
@input_options
@WRITTEN.option()
@output_option()
def command(source: str, format_: str | None, output: str | None, **how: Any) -> None:
    """Write SOURCE as an architecture file, in YAML or in JSON.

    SOURCE is an ONNX file, a SCALE-Sim topology (.csv), or package.module:name, where name is
    a torch.nn.Module or makes one; the current directory is searched first, and its code runs.

    \b
    memsim import model.onnx -o model.yaml
    memsim import torchvision.models:resnet18 --input 3x224x224 -o resnet18.yaml
    memsim import my.models:detector --submodule backbone -o backbone.yaml
    """
    from memsim.formats import dump

    format_ = WRITTEN.chosen(format_, output)
    network = Chosen(source, **how).load()
    send(dump(network, format_), output)
    if output is not None:
        facts = f"{len(network)} layers, {network.params:,} parameters, {network.macs:,} MACs"
        click.echo(f"{output}: {network.name}, {facts}")

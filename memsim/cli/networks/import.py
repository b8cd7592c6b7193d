"""``memsim import``."""

from __future__ import annotations

from typing import Any

import click

from memsim.cli.options import Chosen, input_options
from memsim.cli.output import output_option, text_file


@click.command("import")
@click.argument("source")
@input_options
@output_option()
def command(source: str, output: str | None, **how: Any) -> None:
    """Write SOURCE as an architecture file.

    SOURCE is an ONNX file, a SCALE-Sim topology (.csv), or package.module:name, where name is
    a torch.nn.Module or makes one; the current directory is searched first, and its code runs.

    \b
    memsim import model.onnx -o model.yaml
    memsim import torchvision.models:resnet18 --input 3x224x224 -o resnet18.yaml
    memsim import my.models:detector --submodule backbone -o backbone.yaml
    """
    from memsim.files import write_text
    from memsim.formats import dump

    text_file(output, ".yaml", ".yml")
    network = Chosen(source, **how).load()
    text = dump(network)
    if output is None:
        click.echo(text, nl=False)
        return
    write_text(output, text)
    facts = f"{len(network)} layers, {network.params:,} parameters, {network.macs:,} MACs"
    click.echo(f"{output}: {network.name}, {facts}")

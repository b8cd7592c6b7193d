"""``memsim import``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from memsim.cli.once import once
from memsim.cli.options import Chosen, allows_unknown, input_options, parse_shape, tell_notes

if TYPE_CHECKING:
    from memsim.network.graph import Network


@click.command("import")
@click.argument("source")
@input_options
@once("-o", "--output", metavar="FILE", help="Write to a file, not to the terminal.")
def command(
    source: str, input_: str | None, batch: int | None, dtype: str | None, output: str | None
) -> None:
    """Write SOURCE as an architecture file.

    SOURCE is an ONNX file, a SCALE-Sim topology (.csv), or package.module:name, where name is
    a torch.nn.Module or makes one; the current directory is searched first, and its code runs.

    \b
    memsim import model.onnx -o model.yaml
    memsim import torchvision.models:resnet18 --input 3x224x224 -o resnet18.yaml
    """
    from memsim.files import check_writable, write_text
    from memsim.formats import dump

    if output is not None:
        check_writable(output)
    network = _network(source, input_, batch, dtype)
    text = dump(network)
    if output is None:
        click.echo(text, nl=False)
        return
    write_text(output, text)
    facts = f"{len(network)} layers, {network.params:,} parameters, {network.macs:,} MACs"
    click.echo(f"{output}: {network.name}, {facts}")


def _network(source: str, input_: str | None, batch: int | None, dtype: str | None) -> Network:
    from memsim.formats.foreign.torch.source import is_source, read_torch

    if not is_source(source):
        return Chosen(source, input_, batch, dtype).load()
    shape = parse_shape(input_) if input_ is not None else None
    network = read_torch(source, shape, batch=batch, allow_unknown=allows_unknown())
    tell_notes(network)
    return network if dtype is None else network.with_options(dtype=dtype)

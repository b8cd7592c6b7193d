"""``memsim pytorch-traffic``."""

from __future__ import annotations

import click

from memsim.cli.completion import complete
from memsim.cli.once import once
from memsim.cli.options import Chosen, network_options
from memsim.cli.output import Delivery, report_options
from memsim.cli.sizes import sizes_option


@click.command("pytorch-traffic")
@network_options
@once(
    "--mode",
    default="fused",
    show_default=True,
    help="eager or fused, as memsim measure runs them; eager_in_place, fused_adds_apart.",
)
@once(
    "--library",
    default="onednn-avx2",
    show_default=True,
    help="onednn-avx2, onednn-avx512 or onednn-avx: whose kernels.",
    shell_complete=complete("libraries"),
)
@sizes_option("Sizes of the last level", "  [default: powers of two, 256KiB to 32MiB]")
@once("--ways", type=int, default=16, show_default=True, help="Of the last level.")
@report_options
def command(
    network: Chosen,
    mode: str,
    library: str,
    sizes: list[str],
    ways: int,
    delivery: Delivery,
) -> None:
    """DRAM traffic of NETWORK when PyTorch runs it on a CPU, for many caches at once.

    It counts what a counter of cache events would. memsim run --library NAME tells the same
    kernels' traffic by layer, role and cause, and their time.

    \b
    memsim pytorch-traffic resnet18 --mode eager --cache 1MiB,4MiB
    memsim pytorch-traffic hardnet68 --format json -o traffic.json
    """
    loaded = network.load()
    from memsim.simulate import pytorch_traffic
    from memsim.simulate.pytorch import SIZES

    chosen = sizes or SIZES
    delivery.send(pytorch_traffic(loaded, mode, chosen, ways=ways, library=library))

"""``memsim report``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any, Unpack

import click

from memsim.cli.apart import load_all
from memsim.cli.formats import PAGES, Kinds, send
from memsim.cli.once import once
from memsim.cli.options import Chosen, networks_options, only_option, options_of
from memsim.cli.output import output_option
from memsim.errors import InputError, Problem
from memsim.progress import counted, stage
from memsim.simulate.options import Options

if TYPE_CHECKING:
    from memsim.results.curve import CurveResult

WRITTEN = Kinds("a page", PAGES, "report.html", usual="html")


@click.command("report")
@networks_options(required=False, files=True, all_with="gallery")
@options_of("report", hint="its sliders move through all sizes")
@only_option
@once("--explain", is_flag=True, help="Tell as well why, and what to change: some seconds more.")
@once("--gallery", is_flag=True, help="A folder instead: a page each, and one to compare them.")
@WRITTEN.option()
@output_option("The HTML file, or the folder.")
def command(
    networks: list[Chosen],
    format_: str | None,
    output: str | None,
    only: str | None,
    explain: bool,
    gallery: bool,
    **options: Unpack[Options],
) -> None:
    """NETWORKS in the browser: one HTML file that answers for every cache size.

    The file needs nothing else, no network either. Sliders set the cache and the bandwidth;
    traffic is exact at every size, latency at the points of a grid that the page tells.
    Of several lowerings and data types the page shows one, and switches between them.
    In the place of networks the file of a sweep: a page on which its numbers are drawn along any
    of its axes.

    A gallery is a folder that needs no server: a page of each network and a front page on which
    they are compared at a cache size that moves. It shows all networks that ship with memsim, or
    where some are named those instead.

    \b
    memsim report hardnet68 -o report.html
    memsim report hardnet68 densenet121 --machine textbook -o report.html
    memsim report hardnet68 --lowering fused,eager --dtype fp16,int8 -o r.html
    memsim report sweep.nc -o sweep.html
    memsim report --gallery --machine edge -o site
    """
    if gallery:
        if format_ is not None:
            message = "is of one file, and a gallery is a folder"
            raise InputError(Problem(message, "--format", "leave it out"))
        _write_gallery(networks, output, {**options, "only": only, "explain": explain or None})
        return
    if not networks:
        hint = "name one, such as hardnet68; --gallery shows all that ship with memsim"
        raise InputError(Problem("there is no network to report on", hint=hint))
    if explain and only is not None:
        message = "tells of all traffic, not of a part"
        raise InputError(Problem(message, "--explain", "leave --only out"))
    from memsim.page import page, sweep_page
    from memsim.sweeps.files import is_sweep, load_sweep

    WRITTEN.chosen(format_, output)
    if any(is_sweep(network.name) for network in networks):
        _check_alone(networks, {**options, "only": only, "explain": explain or None})
        send(sweep_page(load_sweep(networks[0].name)), output)
        return
    variants = list(
        product(
            _names(options.pop("lowering", None), "--lowering"),
            _names(networks[0].dtype, "--dtype"),
        )
    )
    if explain and len(variants) > 1:
        message = f"tells of one program, and there are {len(variants)}"
        raise InputError(Problem(message, "--explain", "choose one lowering and data type"))
    from memsim.simulate.verbs import every_size

    results, loaded = [], []
    for lowering, dtype in variants:
        loaded = load_all([replace(network, dtype=dtype) for network in networks])
        options["lowering"] = lowering
        listed = counted(loaded, "networks")
        results.append([every_size(each, "report", only=only, **options) for each in listed])
    told = []
    if explain:
        from memsim.explanations.question import Question
        from memsim.explanations.verb import explanation_of

        told = [
            explanation_of(Question(chosen.name, chosen.how_said, options, network))
            for chosen, network in zip(networks, loaded, strict=True)
        ]
    with stage("page"):
        text = page(results[0], told, results[1:])
    send(text, output)


def _write_gallery(networks: list[Chosen], output: str | None, options: dict[str, Any]) -> None:
    """Write a folder with a page of each network, or of each that ships with memsim."""
    if options.pop("explain"):
        message = "tells of one network at one size, and a gallery of many"
        raise InputError(Problem(message, "--explain", "ask it of a report"))
    from memsim.cli.progress import progress_bar
    from memsim.page.gallery import write_gallery
    from memsim.page.gallery.folder import check_folder
    from memsim.simulate.verbs import every_size
    from memsim.sweeps.files import is_sweep

    if output is None:
        message = "a gallery needs a folder to be written to"
        raise InputError(Problem(message, path="-o", hint="such as -o site"))
    check_folder(output)
    for network in networks:
        if is_sweep(network.name):
            raise InputError(Problem("is a sweep, and a gallery is of networks", network.name))

    def results() -> Iterator[CurveResult]:
        for number, network in enumerate(networks):
            told(number, len(networks))
            yield every_size(network.load(), "report", **options)

    with progress_bar("networks") as told:
        write_gallery(output, results())


def _names(text: str | None, option: str) -> list[str | None]:
    """Names between commas; where none is said, what holds without."""
    if text is None:
        return [None]
    names: list[str | None] = [name.strip() for name in text.split(",")]
    if "" in names or len(set(names)) < len(names):
        raise InputError(Problem("expected different names between commas", option, "such as a,b"))
    return names


def _check_alone(files: list[Chosen], options: Mapping[str, Any]) -> None:
    """Refuse what a sweep's file has settled, and more than one file."""
    if len(files) > 1:
        message = f"a page is of networks or of one sweep, not of {len(files)} files"
        raise InputError(Problem(message, hint="such as memsim report sweep.nc -o sweep.html"))
    said = [*files[0].said, *(name for name, value in options.items() if value is not None)]
    problems = [
        Problem("is settled in a sweep's file", name.strip("_"), "choose its values on the page")
        for name in said
    ]
    if problems:
        raise InputError(*problems)

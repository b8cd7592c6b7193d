"""The processor: what a measurement has to say about the machine it was made on."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from memsim.readable import format_bytes_exact

CPUINFO = Path("/proc/cpuinfo")
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


def facts(cpuinfo: Path = CPUINFO, caches: Path = CACHES) -> dict[str, str]:
    """Model, vector instructions, clock and caches of the first core.

    Parameters
    ----------
    cpuinfo, caches : path
        Where Linux tells; what is not there is left out.

    Returns
    -------
    dict of str to str
        ``cpu``, ``vectors``, ``clock``, ``caches``, ``cores``, ``system``.
    """
    cpu = _cpuinfo(cpuinfo)
    about = {"cpu": cpu.get("model name") or platform.processor() or platform.machine()}
    flags = cpu.get("flags", "").split()
    vectors = [name for name in ("avx", "avx2", "avx512f", "amx_tile", "asimd") if name in flags]
    if vectors:
        about["vectors"] = vectors[-1]
    if cpu.get("cpu MHz"):
        about["clock"] = f"{float(cpu['cpu MHz']):.0f} MHz when it was read"
    levels = cache_sizes(caches)
    if levels:
        about["caches"] = ", ".join(
            f"{name} {format_bytes_exact(size)}" for name, size in levels.items()
        )
    about["cores"] = str(os.cpu_count() or "unknown")
    about["system"] = (
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )
    return about


def flags(cpuinfo: Path = CPUINFO) -> frozenset[str]:
    """What the first core can, as Linux names it; nothing where it does not tell."""
    return frozenset(_cpuinfo(cpuinfo).get("flags", "").split())


def cache_sizes(caches: Path = CACHES) -> dict[str, int]:
    """Bytes of each data cache that the first core sees: ``L1``, ``L2``, ``L3``."""
    sizes: dict[str, int] = {}
    for entry in sorted(caches.glob("index*")):
        try:
            level = (entry / "level").read_text().strip()
            kind = (entry / "type").read_text().strip()
            text = (entry / "size").read_text().strip()
        except OSError:
            continue
        size = re.fullmatch(r"(\d+)([KMG]?)", text)
        if size and kind != "Instruction":
            sizes[f"L{level}"] = int(size[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[size[2]]
    return sizes


def _cpuinfo(path: Path) -> dict[str, str]:
    """What is said of the first processor."""
    try:
        lines = path.read_text("utf-8", errors="replace").split("\n\n")[0].splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}

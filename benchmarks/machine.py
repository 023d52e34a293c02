"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("bytewax", "talipp", "TA-Lib", "nautilus_trader", "numpy")


def machine_line() -> str:
    """Processor, usable cores, Python and system."""
    return (
        f"{_processor()}, {usable_cores()} cores, {platform.python_implementation()} {platform.python_version()},"
        f" {platform.system()} {platform.machine()}"
    )


def versions_line() -> str:
    """The libraries compared."""
    return ", ".join(f"{name} {version(name)}" for name in LIBRARIES)


def usable_cores() -> int:
    """How many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor"
    )

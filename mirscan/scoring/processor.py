"""What this machine computes with: bfloat16 units, GPUs, cores."""

import os
import platform
from functools import cache
from pathlib import Path

from mirscan.errors import InputError

PRECISIONS = ("auto", "float32", "bfloat16")


@cache
def processor_flags() -> frozenset[str]:
    """Feature flags of this processor as Linux lists them; empty on other systems."""
    for line in _read_cpuinfo().splitlines():
        if line.startswith(("flags", "Features")):
            return frozenset(line.split(":", 1)[1].split())
    return frozenset()


@cache
def processor_name() -> str:
    """The processor's name as the system gives it."""
    for line in _read_cpuinfo().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def bfloat16_unit() -> str | None:
    """The instruction set that multiplies bfloat16 here, the faster one first; None where there is none."""
    return next((flag for flag in ("amx_bf16", "avx512_bf16") if flag in processor_flags()), None)


def check_precision(precision: str) -> None:
    """Raise InputError for a precision that no machine has."""
    if precision not in PRECISIONS:
        raise InputError(f"precision {precision!r}: unknown; expected one of {', '.join(PRECISIONS)}")


def choose_precision(precision: str, has_gpu: bool) -> str:
    """float32 or bfloat16 for `precision`; "auto" is bfloat16 wherever the hardware multiplies it.

    Raises InputError for an unknown precision, and for bfloat16 on a processor that only emulates it, at a tenth of the speed.
    """
    check_precision(precision)
    has_unit = has_gpu or bfloat16_unit() is not None
    if precision == "bfloat16" and not has_unit:
        raise InputError(f"precision 'bfloat16': {processor_name()} has neither amx_bf16 nor avx512_bf16; use --precision float32 or auto")
    return "bfloat16" if precision != "float32" and has_unit else "float32"


def may_have_gpu() -> bool:
    """Whether an NVIDIA device is visible, without loading any library."""
    return any(Path("/dev").glob("nvidia[0-9]*")) and os.environ.get("CUDA_VISIBLE_DEVICES") not in ("", "-1")


def _read_cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

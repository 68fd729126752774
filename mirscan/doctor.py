"""What this installation is and whether it works: versions, processor, memory, cache, and a self-check of some ten seconds."""

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mirscan
from mirscan.cache_folder import cache_folder, temporary_folder
from mirscan.cores import usable_cores
from mirscan.errors import RunError
from mirscan.run.first_run import MIRNA, TRANSCRIPT, scan_one_site
from mirscan.run.summary import package_versions
from mirscan.scoring.processor import bfloat16_unit, may_have_gpu, processor_flags, processor_name

# What kernels and networks run faster with.
_FEATURES = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve")


@dataclass(frozen=True)
class Check:
    """One self-check: whether it passed, the seconds it took, and where it failed why."""

    name: str
    passed: bool
    seconds: float
    reason: str = ""


def describe_machine() -> dict[str, str]:
    """Versions and what mirscan finds here, by name."""
    features = [flag for flag in _FEATURES if flag in processor_flags()]
    cache = cache_folder()
    return {
        "mirscan": f"{mirscan.__version__} in {Path(mirscan.__file__).parent}",
        "python": f"{platform.python_version()} on {platform.platform()}",
        **package_versions(),
        "processor": f"{processor_name()}, {usable_cores()} of {os.cpu_count()} cores usable",
        "features": ", ".join(features) or "none of those looked for",
        "precision": f"bfloat16 by {bfloat16_unit()}" if bfloat16_unit() else "float32",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.1f} GB",
        "gpu": _gpu_names() if may_have_gpu() else "none visible",
        "cache": str(cache) if cache else "none can be written; every start compiles for a quarter of a minute (set NUMBA_CACHE_DIR)",
        "temporary": _temporary(),
    }


def _temporary() -> str:
    try:
        folder = temporary_folder()
    except RunError as error:
        return str(error)
    return f"{folder}, {shutil.disk_usage(folder).free / 1e9:.1f} GB free"


def run_checks() -> Iterator[Check]:
    """Every self-check, as it is done; none raises."""
    for name, check in _CHECKS.items():
        started = time.monotonic()
        try:
            check()
        # Whatever is wrong with an installation is an answer here.
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            yield Check(name, False, time.monotonic() - started, reason)
        else:
            yield Check(name, True, time.monotonic() - started)


def _check_scan() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sites = mirscan.query_run(scan_one_site(mirscan.scan, Path(folder), "base"), sites=True).to_pylist()
    start = TRANSCRIPT.index("CUACCUCA")
    _expect("sites", [(site["start"], site["end"], site["seed"]) for site in sites], [(start, start + 8, "8mer")])


def _check_duplex() -> None:
    energy = mirscan.draw_duplex(MIRNA, TRANSCRIPT[2:27]).splitlines()[-1]
    _expect("energy", energy.split(",")[0], "energy -32.50 kcal/mol")


def _check_model() -> None:
    mirscan.load_model("fast")


_CHECKS: dict[str, Callable[[], None]] = {
    "a scan finds a known site and writes its files": _check_scan,
    "a known duplex has its energy": _check_duplex,
    "the model fast gives what its card says": _check_model,
}


def _expect(what: str, found, expected) -> None:
    if found != expected:
        raise RunError(f"{what}: found {found}, expected {expected}")


def _gpu_names() -> str:
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    return ", ".join(tf.config.experimental.get_device_details(device).get("device_name", device.name) for device in devices) or (
        "visible, but TensorFlow cannot use it; pip install 'mirscan[gpu]'"
    )

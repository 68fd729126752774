"""Dask clusters: processes of this machine, a scheduler that runs already, or one that a file describes."""

import importlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from mirscan.cores import usable_cores
from mirscan.errors import InputError, MirscanError, RunError
from mirscan.run.settings import RunOptions
from mirscan.sequence.text import read_toml, read_utf8

# kind -> (module, class, how to install it)
KINDS = {
    "local": ("distributed", "LocalCluster", "distributed"),
    "slurm": ("dask_jobqueue", "SLURMCluster", "mirscan[cluster]"),
    "pbs": ("dask_jobqueue", "PBSCluster", "mirscan[cluster]"),
    "lsf": ("dask_jobqueue", "LSFCluster", "mirscan[cluster]"),
    "sge": ("dask_jobqueue", "SGECluster", "mirscan[cluster]"),
    "kubernetes": ("dask_kubernetes.operator", "KubeCluster", "mirscan[cluster]"),
    "cuda": ("dask_cuda", "LocalCUDACluster", "mirscan[gpu]"),
}
LOOPBACK = "127.0.0.1"
# Ctrl-C and the end of a terminal reach every process in it; the main process alone answers them and ends the others.
IGNORE_TERMINAL = "import signal\nfor number in (signal.SIGINT, signal.SIGHUP):\n    signal.signal(number, signal.SIG_IGN)"
# Without an address Dask's web servers, which are there with and without a dashboard, would listen to the whole network.
_LOOPBACK_PORTS = {"dashboard_address": f"{LOOPBACK}:0", "worker_dashboard_address": f"{LOOPBACK}:0"}
CONNECT_SECONDS = 30
LEAST_MEMORY = 256 << 20
_SCHEDULER = {
    # A worker that dies takes one try of its part with it; the executor counts the tries, so the scheduler must not.
    "distributed.scheduler.allowed-failures": 0,
    # One part a worker: the next one goes to whoever is free first.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.admin.log-format": "%(name)s: %(message)s",
}
# Dask's own upkeep, measured with two idle workers: 3.5 % of two cores as it comes, 1.1 % so.
_QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.tick.interval": "1s",
}
_FILE_KEYS = {"kind", "workers", "maximum", "threads", "arguments"}


def check_cluster(options: RunOptions) -> None:
    """Raise InputError or RunError, before anything is written, for a memory limit or a cluster file that cannot be meant."""
    if options.memory_limit is not None or options.is_distributed:
        _load_dask()
    if options.memory_limit is not None:
        from dask.utils import parse_bytes

        try:
            n_bytes = parse_bytes(options.memory_limit)
        except (ValueError, AttributeError):
            raise InputError(f"--memory-limit {options.memory_limit}: expected a size, as in 4GiB") from None
        if n_bytes < LEAST_MEMORY:
            least = f"{LEAST_MEMORY >> 20} MiB or more; a worker takes 300 MB, with a network 1.3 GB"
            raise InputError(f"--memory-limit {options.memory_limit}: expected {least}")
    if options.is_distributed:
        _check_dask_settings(options)
    if options.cluster:
        _cluster_class(options.cluster, read_cluster_file(options.cluster))


def _load_dask() -> None:
    """Import Dask, which reads its settings then."""
    with _refusing():
        importlib.import_module("distributed")


@contextmanager
def _refusing() -> Iterator[None]:
    """RunError where Dask does not start; with settings that it cannot read it raises whatever it meets."""
    try:
        yield
    except MirscanError:
        raise
    except Exception as error:
        # Of a chain, the first error says what is wrong.
        while error.__cause__ is not None:
            error = error.__cause__
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300].rstrip(": ")
        settings = sorted(name for name in os.environ if name.startswith("DASK_")) or ["the YAML files of ~/.config/dask"]
        raise RunError(f"Dask does not start ({reason}); mend {' or '.join(settings)}") from None


def _check_dask_settings(options: RunOptions) -> None:
    """Settings of Dask, from its files or DASK_... variables, that would end in a traceback when workers start."""
    import dask

    folder = dask.config.get("temporary-directory", None)
    if folder and not os.access(folder, os.W_OK):
        raise RunError(f"Dask's temporary-directory {folder}: not a folder that can be written; mend DASK_TEMPORARY_DIRECTORY or unset it")
    if options.workers and dask.config.get("distributed.comm.require-encryption", None):
        raise RunError(
            "Dask's comm.require-encryption is set, and workers of --workers talk within this machine without TLS; unset "
            "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION, or start a scheduler with certificates and use --scheduler"
        )


@contextmanager
def open_client(options: RunOptions, n_parts: int, tell: Callable[[str], None]) -> Iterator[tuple]:
    """(client, threads of one worker, workers there may be) of the cluster that `options` name; all that was started here is stopped at the
    end.

    Workers there may be: as many tasks must be handed out, since a cluster that adapts grows for the tasks it sees. 0 for a scheduler that
    runs already: as many as it has.
    """
    import dask
    import distributed

    with dask.config.set(_SCHEDULER | _QUIET):
        if options.scheduler:
            with _refusing():
                client = _connect(options.scheduler)
            with client:
                yield client, options.threads or 1, 0
            return
        with ExitStack() as stack:
            with _refusing():
                cluster, threads, most_workers = _read_cluster(options) if options.cluster else _local_cluster(options, n_parts)
                stack.enter_context(cluster)
                client = stack.enter_context(distributed.Client(cluster, timeout=CONNECT_SECONDS))
            if options.dashboard:
                tell(f"dashboard: {client.dashboard_link}")
            yield client, threads, most_workers


def _connect(address: str):
    import distributed

    try:
        return distributed.Client(address, timeout=CONNECT_SECONDS, name="mirscan")
    except (OSError, ValueError) as error:
        raise RunError(f"--scheduler {address}: no Dask scheduler answers there ({str(error).splitlines()[0]})") from None
    except TypeError:
        # What distributed raises for tls:// without certificates.
        raise RunError(
            f"--scheduler {address}: TLS needs certificates; set DASK_CONFIG to a folder whose YAML names them (workflows/README.md)"
        ) from None


def _local_cluster(options: RunOptions, n_parts: int) -> tuple:
    import dask
    from distributed import LocalCluster

    workers = min(options.workers, n_parts)
    threads = options.threads or max(1, usable_cores() // workers)
    # The variables must be set before numpy and TensorFlow are imported, so the nanny sets them for the process it spawns.
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    with dask.config.set({"distributed.nanny.pre-spawn-environ": {**dict.fromkeys(names, str(threads)), "TF_NUM_INTEROP_THREADS": "1"}}):
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host=LOOPBACK,
            memory_limit=options.memory_limit or "auto",
            **_LOOPBACK_PORTS,
            silence_logs=logging.CRITICAL,
            preload=IGNORE_TERMINAL,
        )
    return cluster, threads, workers


def read_cluster_file(path: str) -> dict:
    """Entries of a cluster file: `kind`, `workers` (at least), `maximum` (adapt up to), `threads`, `arguments` of the cluster's class.

    TOML, or YAML where the name ends in .yaml or .yml. Raises InputError for anything else.
    """
    try:
        entries = _parse(path)
    except InputError as error:
        raise InputError(f"--cluster {error}") from None
    if not isinstance(entries, dict) or entries.get("kind") not in KINDS:
        found = entries.get("kind") if isinstance(entries, dict) else entries
        raise InputError(f"--cluster {path}: kind {found!r}; expected one of {', '.join(KINDS)}")
    unknown = sorted(set(map(str, entries)) - _FILE_KEYS)
    if unknown:
        raise InputError(f"--cluster {path}: unknown entry {unknown[0]!r}; expected {', '.join(sorted(_FILE_KEYS))}")
    for key in ("workers", "maximum", "threads"):
        if not isinstance(entries.get(key, 1), int) or entries.get(key, 1) < 1:
            raise InputError(f"--cluster {path}: {key} = {entries[key]!r}; expected a whole number from 1")
    if not isinstance(entries.get("arguments", {}), dict):
        raise InputError(
            f"--cluster {path}: arguments is {entries['arguments']!r}; expected a table of the arguments of the cluster's class"
        )
    return entries


def _parse(path: str):
    if not path.endswith((".yaml", ".yml")):
        return read_toml(path)
    import yaml

    try:
        # safe_load: plain values only, so a file cannot run code.
        return yaml.safe_load(read_utf8(path))
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from None


def _cluster_class(path: str, entries: dict):
    module, name, package = KINDS[entries["kind"]]
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise RunError(f'--cluster {path}: kind "{entries["kind"]}" needs a package ({error}); pip install "{package}"') from None


def _read_cluster(options: RunOptions) -> tuple:
    entries = read_cluster_file(options.cluster)
    make = _cluster_class(options.cluster, entries)
    arguments = entries.get("arguments", {})
    if entries["kind"] in ("local", "cuda"):
        arguments = {"host": LOOPBACK, "silence_logs": logging.CRITICAL, **_LOOPBACK_PORTS, **arguments}
    try:
        cluster = make(**arguments)
    except (TypeError, ValueError, RuntimeError, OSError) as error:
        raise RunError(
            f"--cluster {options.cluster}: {make.__name__} refused its arguments ({' '.join(str(error).split())[:300]})"
        ) from None
    workers, maximum = entries.get("workers"), entries.get("maximum")
    if maximum:
        cluster.adapt(minimum=workers or 0, maximum=maximum)
    elif workers:
        cluster.scale(workers)
    return cluster, entries.get("threads", options.threads or 1), maximum or workers or 0

"""A whole scan: plan -> parts -> finish, resumable, here or on a cluster.

settings.py    what is scanned (ScanSettings) and how to run it (RunOptions)
runs.py        scan and resume
plan.py        inputs, settings and parts, written before anything is scanned
inputs.py      the run's own copies of its inputs
background.py  shuffled transcripts, scanned before all else; stages.py lists the two kinds of parts
partition.py   one part; knows nothing of where it runs
executors.py   all parts, in this process or through Dask; clusters.py opens the cluster
finish.py      parts -> BED, genes; summary.py writes run.json
status.py      how far a run is; estimate.py what it would cost
"""

import importlib

# Loaded on first use: the command line reads the settings alone, and must not wait for Arrow and NumPy.
_PUBLIC = {
    "Event": "progress",
    "RunOptions": "settings",
    "RunStatus": "status",
    "ScanResult": "summary",
    "ScanSettings": "settings",
    "estimate_scan": "estimate",
    "read_status": "status",
    "resume": "runs",
    "scan": "runs",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'mirscan.run' has no attribute {name!r}")
    return getattr(importlib.import_module(f"mirscan.run.{_PUBLIC[name]}"), name)

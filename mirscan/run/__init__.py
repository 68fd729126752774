"""A whole scan: plan -> parts -> finish, resumable, here or on a cluster."""

from mirscan.run.estimate import estimate_scan
from mirscan.run.progress import Event
from mirscan.run.runs import resume, scan
from mirscan.run.settings import RunOptions, ScanSettings
from mirscan.run.status import RunStatus, read_status
from mirscan.run.summary import ScanResult

__all__ = ["Event", "RunOptions", "RunStatus", "ScanResult", "ScanSettings", "estimate_scan", "read_status", "resume", "scan"]

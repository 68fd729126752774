"""run.json read back: light, for programs that only read a run."""

from mirscan.run.sealed import unseal
from mirscan.store.names import REPORT
from mirscan.store.protocol import Store


def read_report(store: Store) -> dict | None:
    """The content of run.json; None if the run is not finished or a result is gone or has another size than it says."""
    try:
        report = unseal(store.read(REPORT))
        is_whole = all(store.size(name) == size for name, size in report["result"]["files"].items())
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return report if is_whole else None

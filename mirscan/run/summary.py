"""run.json: what was run, with what, how long, and what came out."""

import json
import platform
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

from mirscan.run.finish import Finished
from mirscan.run.nothing_found import explain_nothing
from mirscan.run.partition import PartContext, peak_memory_mb
from mirscan.run.report_file import read_report
from mirscan.run.sealed import seal, unseal
from mirscan.run.settings import RunOptions
from mirscan.store.names import (
    BACKGROUND,
    BED,
    BED_INDEX,
    BED_INDEX_LONG,
    FAMILIES,
    GENES,
    GENES_TEXT,
    REPORT,
    SIZES,
    TRANSCRIPT_FILES,
    part_record,
    part_sites,
)
from mirscan.store.protocol import Store

PACKAGES = ("numpy", "numba", "pyarrow", "pysam", "keras", "tensorflow", "tensorflow-cpu", "dask", "ViennaRNA")
_OUTPUTS = (BED, BED_INDEX, BED_INDEX_LONG, GENES, GENES_TEXT, BACKGROUND, *TRANSCRIPT_FILES, SIZES, FAMILIES)


@dataclass(frozen=True)
class ScanResult:
    """What a scan found. `top_pairs` are the strongest GENES rows as dicts; `files` maps each result's name to its bytes.

    `notices`: what reading lost, merged or renamed, each with its count and the first name.
    `scorer`: model, engine, device and precision, empty without a model. `scoring`: pairs asked for and computed, and with a prefilter
    survivors, cut pairs and what an audit of some of them found. `peak_memory_mb`: of this process and of each that made parts.
    `isoform_rule`: which isoform speaks for a gene, the strongest, or all, weighted.
    """

    out: str
    n_transcripts: int
    n_bases: int
    n_mirnas: int
    n_candidates: int
    n_sites: int
    n_by_seed: dict[str, int]
    n_genes: int
    n_pairs: int
    top_pairs: list[dict]
    files: dict[str, int]
    seconds: dict[str, float]
    warnings: list[str]
    notices: dict[str, dict]
    scorer: dict
    scoring: dict[str, float]
    peak_memory_mb: dict[str, int]
    isoform_rule: str


def write_report(context: PartContext, options: RunOptions, finished: Finished, seconds: dict[str, float]) -> ScanResult:
    """Write run.json, the mark of a finished run, and return what it says."""
    store, plan = context.store, context.plan
    records = [unseal(store.read(part_record(number))) for number in range(len(plan.parts))]
    n_sites = sum(record["rows"] for record in records)
    counts = {rule: sum(record["by_seed"].get(rule, 0) for record in records) for rule in context.table.rules}
    names = [*(part_sites(number) for number in range(len(plan.parts))), *(name for name in _OUTPUTS if store.exists(name))]
    result = ScanResult(
        out=store.root,
        n_transcripts=plan.n_transcripts,
        n_bases=plan.n_bases,
        n_mirnas=plan.n_mirnas,
        n_candidates=sum(record["candidates"] for record in records),
        n_sites=n_sites,
        n_by_seed=counts,
        n_genes=finished.n_genes,
        n_pairs=finished.n_pairs,
        top_pairs=finished.top,
        files={name: store.size(name) for name in names},
        seconds={name: round(value, 3) for name, value in seconds.items()},
        warnings=[*plan.warnings, *_warn_of_mixed_scorers(records), *_explain_nothing(context, n_sites)],
        notices=plan.notices,
        scorer=records[0].get("scorer", {}),
        scoring=_sum_counts(records),
        peak_memory_mb=_peak_memory(records),
        isoform_rule=plan.settings.isoform_rule,
    )
    report = {
        "result": asdict(result),
        "settings": plan.settings.to_dict(),
        "options": asdict(options),
        "identity": plan.identity,
        "inputs": plan.inputs,
        "expected_candidates": plan.expected_candidates,
        "parts": len(plan.parts),
        "seconds_of_parts": round(sum(record["seconds"] for record in records), 3),
        "seconds_of_scores": round(sum(record["score_seconds"] for record in records), 3),
        # Of this process alone; together with the wall time it tells a busy machine from a slow program.
        "cpu_seconds": round(time.process_time(), 3),
        "versions": {"python": platform.python_version(), **package_versions()},
        "machine": platform.node(),
        "arguments": sys.argv,
        "finished": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
    store.write(REPORT, seal(report))
    return result


def read_result(store: Store) -> ScanResult | None:
    """What the finished run says, None if it is not finished or a file of it is gone or has another size."""
    report = read_report(store)
    try:
        return report and ScanResult(**report["result"])
    except TypeError:
        return None


def package_versions() -> dict[str, str]:
    """Versions of the packages that results may depend on, of those that are installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _sum_counts(records: list[dict]) -> dict[str, float]:
    """What the scorers of all parts counted, added up."""
    total = Counter()
    for record in records:
        total.update(record.get("scoring", {}))
    if not total:
        return {}
    from mirscan.scoring.cascade import CascadeCounts
    from mirscan.scoring.scorer import Counts

    return (CascadeCounts if "survivors" in total else Counts)(**total).summary()


def _peak_memory(records: list[dict]) -> dict[str, int]:
    """Highest resident memory in MB of this process ("main") and of the processes that made the parts, by host and process id."""
    peaks = {"main": peak_memory_mb()}
    for record in records:
        peaks[record["worker"]] = max(record["peak_mb"], peaks.get(record["worker"], 0))
    return peaks


def _explain_nothing(context: PartContext, n_sites: int) -> list[str]:
    if n_sites:
        return []
    return [f"no site was found; {reason}" for reason in explain_nothing(context.transcriptome, context.mirnas)]


def _warn_of_mixed_scorers(records: list[dict]) -> list[str]:
    kinds = {json.dumps(record.get("scorer"), sort_keys=True) for record in records}
    return (
        ["parts were scored in different ways, so scores may differ in the last digits: " + "; ".join(sorted(kinds))]
        if len(kinds) > 1
        else []
    )

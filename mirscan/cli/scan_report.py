"""What a scan shows on the terminal: the plan, a bar or plain lines, and the closing table."""

import contextlib
import time
from collections.abc import Iterator

from mirscan.notices import counted

# Seconds between lines where there is no terminal.
_LINE_EVERY = 20.0
# Pairs at the end.
_SHOWN = 5


@contextlib.contextmanager
def scan_progress(quiet: bool) -> Iterator:
    """A progress callback for `mirscan.scan`: a bar with rate and time left on a terminal, a line now and then elsewhere."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet:
        yield lambda event: None
    elif console.is_terminal:
        with _bar(console) as bar:
            yield _BarReport(bar).report
    else:
        yield _LineReport().report


def describe_plan(event) -> list[str]:
    """What is about to be done: inputs, rules, model, size."""
    plan, settings = event.plan, event.plan.settings
    lines = [
        f"{counted(plan.n_transcripts, 'transcript')}, {counted(plan.n_bases, 'base')} x {counted(plan.n_mirnas, 'miRNA')}; "
        f"seeds {', '.join(settings.seeds)}; model {settings.model}",
        f"about {counted(plan.expected_candidates, 'candidate site')} expected, in {counted(event.n_parts, 'part')}"
        + (f", {event.parts_done} of them done before" if event.parts_done else ""),
    ]
    if plan.background:
        lines.append(f"background of {counted(settings.background, 'shuffle')} of each transcript, as many scans more")
    return lines + [f"note: {warning}" for warning in plan.warnings]


def print_result(result, quiet: bool) -> None:
    """Sites by type, genes, the strongest pairs, and where the files lie."""
    if quiet:
        return
    total = max(result.n_sites, 1)
    print()
    sites, candidates = counted(result.n_sites, "site"), counted(result.n_candidates, "candidate")
    print(f"{sites} of {candidates}; {counted(result.n_pairs, 'gene x miRNA pair')} in {counted(result.n_genes, 'gene')}")
    for seed, count in result.n_by_seed.items():
        print(f"  {seed:16} {count:>12,}  {count / total:6.1%}")
    for line in _describe_scoring(result):
        print(line)
    for line in _describe_top(result.top_pairs[:_SHOWN], result.isoform_rule):
        print(line)
    print("files")
    for name, size, note in _list_files(result):
        print(f"  {result.out}/{name:18} {_size(size):>9}  {note}")
    print(f"done in {sum(result.seconds.values()):.1f} s ({', '.join(f'{stage} {value:.1f}' for stage, value in result.seconds.items())})")
    print(f"peak memory: {_describe_memory(result.peak_memory_mb)}")
    for warning in result.warnings:
        print(f"note: {warning}")


def _describe_scoring(result) -> Iterator[str]:
    """By what the sites were scored, what was saved, and what a prefilter cut and cost."""
    if not result.scoring:
        return
    scorer, counts = result.scorer, result.scoring
    how = ", ".join(scorer[key] for key in ("engine", "device", "precision") if key in scorer and scorer[key] != scorer["model"])
    distinct = f"{counted(counts['pairs'], 'window')}, {counts['computed']:,} of them distinct, which saves {counts['saved']:.1%}"
    yield f"scored by {scorer['model']} ({how}): {distinct}"
    if "survivors" in counts:
        lost = f"about {counts['lost_estimate']:,} ({counts['lost_share']:.2%}) of what {scorer['model']} would report are lost"
        yield f"prefilter {scorer['prefilter']['model']}: {counts['survivors']:,} survived, {counts['cut']:,} were cut"
        yield f"  {lost}, by an audit of {counts['audited']:,} cut ones"


def _describe_memory(peaks: dict[str, int]) -> str:
    """Of this process, and of each worker where others made the parts."""
    others = [peak for name, peak in peaks.items() if name != "main"]
    if len(others) == 1 and others[0] <= peaks["main"]:
        return f"{peaks['main']:,} MB"
    workers = f"{len(others)} worker{'s' if len(others) != 1 else ''}"
    return f"{peaks['main']:,} MB here, {', '.join(f'{peak:,} MB' for peak in others)} in {workers}"


def _describe_top(rows: list[dict], isoform_rule: str) -> Iterator[str]:
    """The strongest pairs, under what they are ranked by and what speaks for a gene."""
    if not rows:
        return
    by = "gene score, beside the predicted" if "gene_score" in rows[0] else "predicted"
    yield f"strongest pairs by {by} log2 fold change; each gene {_RULES[isoform_rule]}"
    widths = [max(least, *(len(row[name]) for row in rows)) for name, least in (("symbol", 12), ("mirna", 18))]
    for row in rows:
        yield f"  {row['symbol']:{widths[0]}} {row['mirna']:{widths[1]}} {_describe_pair(row)}"


def _describe_pair(row: dict) -> str:
    from mirscan.query.pair_text import count_types

    q = f"  q {row['q_value']:.2g}" if row.get("q_value") is not None else ""
    score = f"{row['gene_score']:.3f}  " if row.get("gene_score") is not None else ""
    return f"{score}{row['predicted_log2fc']:.3f}  {count_types(row)}{q}"


# What speaks for a gene.
_RULES = {"strongest": "by its strongest isoform", "weighted": "by all its isoforms, weighted"}
_NOTES = {
    "sites.bed.gz": "for genome browsers; indexed",
    "transcripts.fa.gz": "the transcripts under the names of the BED, for a browser to open first",
    "families.tsv": "the miRNAs that each row of a family stands for",
    "sites.bb": "bigBed",
    "sites.gff3.gz": "GFF3; indexed",
    "sites.tsv.gz": "every site, as text",
    "hub/hub.txt": "track hub of UCSC: put the folder on a web server",
    "igv_session.xml": "opens genome and sites in IGV",
    "genes.tsv.gz": "one row a gene and miRNA, as text",
    "genes.parquet": "the same, for programs",
    "background.parquet": "sites and pairs on shuffled transcripts, counted",
}


def _list_files(result) -> Iterator[tuple[str, int, str]]:
    parts = [size for name, size in result.files.items() if name.startswith("sites/")]
    yield "sites/", sum(parts), f"every site, {len(parts)} Parquet file{'s' if len(parts) != 1 else ''}"
    for name, note in _NOTES.items():
        if name in result.files:
            yield name, result.files[name], note
    yield "run.json", 0, "what was run, with which versions"


def _size(n_bytes: int) -> str:
    if not n_bytes:
        return ""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000 or unit == "GB":
            return f"{n_bytes:.1f} {unit}" if unit != "B" else f"{n_bytes} B"
        n_bytes /= 1000


def _bar(console):
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True)


class _BarReport:
    def __init__(self, bar):
        self._bar, self._tasks, self._started = bar, {}, time.monotonic()

    def report(self, event) -> None:
        if event.message:
            self._bar.console.print(event.message, markup=False, highlight=False)
        if event.plan is not None:
            for line in describe_plan(event):
                self._bar.console.print(line, markup=False, highlight=False)
        elif event.total:
            if event.stage not in self._tasks:
                self._tasks[event.stage] = self._bar.add_task(event.stage, total=event.total, note="")
            self._bar.update(self._tasks[event.stage], completed=event.done, note=_note(event, self._started))


class _LineReport:
    def __init__(self):
        self._started = self._stage_started = self._before = self._last = time.monotonic()
        self._stage = None

    def report(self, event) -> None:
        now = time.monotonic()
        if event.stage != self._stage:
            # A stage begins with the last word of the one before: its own first word may come when a part of it is done.
            self._stage, self._stage_started = event.stage, self._before
        self._before = now
        if event.message:
            print(event.message, flush=True)
        if event.plan is not None:
            print("\n".join(describe_plan(event)), flush=True)
        elif event.total and now - self._last >= _LINE_EVERY:
            self._last = now
            left = (now - self._stage_started) * max(event.total - event.done, 0) / max(event.done, 1)
            print(f"{event.stage} {event.done / event.total:.0%}, {_note(event, self._started)}, about {left:.0f} s left", flush=True)


def _note(event, started: float) -> str:
    if not event.rows:
        return f"{event.done:,} of {event.total:,} steps"
    return f"{counted(event.rows, 'site')}, {event.rows / max(time.monotonic() - started, 1e-3):,.0f}/s"

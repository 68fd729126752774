"""The task of a scan: how many known sites stand among the strongest N of all candidates of whole transcripts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from mirscan.errors import InputError
from mirscan.evaluation.metrics import within_auroc
from mirscan.evaluation.scan_sites import ScanSites, read_scan_sites
from mirscan.evaluation.standing import stand
from mirscan.notices import Notices, counted
from mirscan.search.candidates import count_candidates, iter_candidates
from mirscan.search.filters import keep_strongest
from mirscan.seeds.rules import GROUPS, read_rules
from mirscan.seeds.table import SeedTable, compile_seed_table
from mirscan.sequence.transcriptome import Transcriptome, read_transcriptome
from mirscan.windows import WindowLayout, fit_mirnas, gather_windows

# Lengths of the list at which shares are quoted.
SHARES_AT = (1_000, 3_000, 10_000, 30_000, 100_000)
SETS = ("canonical", "extended", "relaxed")
SEED_TYPE, ENERGY, RANDOM = "seed type", "duplex energy", "random"
# Candidates at once: some seconds of a network on one core.
_ROWS = 1 << 16


@dataclass(frozen=True)
class ScanScore:
    """One scorer on one set: `curve`, the expected share of all known sites among the N strongest candidates (ties in any order) by N.

    `within_mirna`, `within_mirna_and_seed`: AUROC of candidates in a known site against the others of the same miRNA (and rule).
    `share`: of sites that hold a candidate at all.
    """

    name: str
    is_control: bool
    curve: dict[int, float]
    share: float
    within_mirna: float
    within_mirna_and_seed: float


@dataclass(frozen=True)
class RuleRecall:
    """A rule by itself: its candidates, the share of them in known sites, and the share of known sites that hold one."""

    rule: str
    candidates: int
    per_10kb: float
    in_sites: float
    recall: float


@dataclass(frozen=True)
class ScanEvaluation:
    """Every scorer on every set. A site is found by a candidate of its miRNA whose middle base lies inside it."""

    sites: int
    transcripts: int
    bases: int
    mirnas: int
    candidates: dict[str, int]
    scores: dict[str, tuple[ScanScore, ...]]
    rules: tuple[RuleRecall, ...]
    notices: dict


def curve_lengths(n_candidates: int) -> np.ndarray:
    """1, 2, 3, 5, 7, 10, ... up to the whole list."""
    steps = np.outer(10 ** np.arange(12), (1, 2, 3, 5, 7)).ravel()
    return np.append(steps[steps < n_candidates], n_candidates)


def evaluate_scan(
    transcripts: str | Path | Sequence[str | Path],
    sites: str | Path,
    models: Sequence[str | Path] = ("base",),
    *,
    sets: Sequence[str] = SETS,
    where: str = "",
    mirnas: str | Path | None = None,
    all_transcripts: bool = False,
    all_types: bool = False,
    controls: bool = True,
    seed: int = 1,
    precision: str = "float32",
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ScanEvaluation:
    """Scan the transcripts that hold known sites (or all) with their miRNAs, score every candidate, and look where the sites stand.

    `sites`, `where` and `mirnas` as `read_scan_sites` has them. `sets`: groups of seed rules; each is a beginning of the list of rules by
    strength, so the widest one is scanned and scored once. As in a scan, overlapping matches of a miRNA count once (`keep_strongest`), each
    scorer telling which is the strongest; with `all_types` every type of every match counts. Controls: the seed type, the duplex energy of
    the window, chance (by `seed`). `progress` is told the candidates scored and their number.
    Raises InputError as `read_scan_sites` does and for an unknown group, ModelError for an unknown model.

    >>> from pathlib import Path
    >>> _ = Path("mrna.fa").write_text(">t\\n" + "GG" * 20 + "CTACCTCA" + "GG" * 20 + "\\n")
    >>> row = ["UGAGGUAGUAGGUUGUAUAGUU", "t", "30", "60"]
    >>> _ = Path("sites.tsv").write_text("\\n".join("\\t".join(line) for line in (["mirna_seq", "transcript", "start", "end"], row)))
    >>> evaluation = ms.evaluate_scan("mrna.fa", "sites.tsv", ["duplex"], sets=["canonical"], controls=False)
    >>> evaluation.sites, evaluation.candidates, evaluation.scores["canonical"][0].share
    (1, {'canonical': 1}, 1.0)
    """
    for name in sets:
        if name not in GROUPS:
            raise InputError(f"set {name!r}: unknown; expected one of {', '.join(GROUPS)}")
    sets = sorted(set(sets), key=lambda name: len(GROUPS[name]))
    notices = Notices()
    transcriptome = read_transcriptome(transcripts, notices=notices)
    known = read_scan_sites(sites, transcriptome, where, mirnas, notices)
    if not all_transcripts:
        used, number = np.unique(known.transcript, return_inverse=True)
        transcriptome = transcriptome.take(used)
        known = ScanSites(known.mirnas, known.mirna, number, known.start, known.end)
    scorers = _load(models, precision, threads)
    table = compile_seed_table(read_rules(GROUPS[sets[-1]]), known.mirnas, all_types)
    found = _scan(transcriptome, known, table, scorers, controls, seed, progress)
    links = _link(found, known)
    scores = {
        name: tuple(
            _measure(scorer, values, scorer not in scorers, found, links, _listed(found, values, len(GROUPS[name]), all_types), len(known))
            for scorer, values in found.scores.items()
        )
        for name in sets
    }
    return ScanEvaluation(
        sites=len(known),
        transcripts=len(transcriptome),
        bases=transcriptome.n_bases,
        mirnas=len(known.mirnas),
        candidates={name: int((found.rule < len(GROUPS[name])).sum()) for name in sets},
        scores=scores,
        rules=_rule_recalls(GROUPS[sets[-1]], found, links, len(known), transcriptome.n_bases * len(known.mirnas)),
        notices=notices.to_dict(),
    )


@dataclass(frozen=True)
class _Found:
    """All candidates (n,): numbers of transcript, miRNA and rule, start and end; scores (n,) by scorer, higher is stronger."""

    transcript: np.ndarray
    mirna: np.ndarray
    rule: np.ndarray
    start: np.ndarray
    end: np.ndarray
    scores: dict[str, np.ndarray]


@dataclass(frozen=True)
class _Links:
    """Couples of a candidate and a known site that it lies in."""

    candidate: np.ndarray
    site: np.ndarray


def _load(models: Sequence[str | Path], precision: str, threads: int | None) -> dict:
    from mirscan.scoring import load_scorer

    scorers = {}
    for model in models:
        scorer = load_scorer(model, precision=precision, threads=threads)
        scorers[scorer.card.name if scorer.card.name not in scorers else str(model)] = scorer
    return scorers


def _scan(
    transcriptome: Transcriptome, known: ScanSites, table: SeedTable, scorers: dict, controls: bool, seed: int, progress: Callable
) -> _Found:
    from mirscan.duplex import duplex_energies
    from mirscan.scoring import score_candidates

    layout = WindowLayout()
    fitted, random = fit_mirnas(known.mirnas.codes, layout), np.random.default_rng(seed)
    parts, done, total = [], 0, count_candidates(transcriptome, table)
    for batch in iter_candidates(transcriptome, known.mirnas, table, batch_rows=_ROWS):
        transcript, mirna, rule = (batch[name].indices.to_numpy().astype(np.int64) for name in ("transcript", "mirna", "seed"))
        part = [transcript, mirna, rule, batch["start"].to_numpy(), batch["end"].to_numpy()]
        part += [_column(score_candidates(batch, transcriptome, known.mirnas, scorer), "score") for scorer in scorers.values()]
        if controls:
            begin, end = transcriptome.begin[transcript], transcriptome.end[transcript]
            windows = gather_windows(transcriptome.codes, begin, end, begin + batch["anchor"].to_numpy(), layout)
            part += [-rule, -duplex_energies(fitted[mirna], windows), random.random(len(batch), np.float32)]
        parts.append(part)
        done += len(batch)
        progress(done, total)
    if not parts:
        raise InputError(f"no candidate of {', '.join(table.rules)} on {counted(len(transcriptome), 'transcript')}; expected at least one")
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    names = [*scorers, *((SEED_TYPE, ENERGY, RANDOM) if controls else ())]
    return _Found(*columns[:5], dict(zip(names, columns[5:], strict=True)))


def _column(table: pa.Table, name: str) -> np.ndarray:
    return table[name].combine_chunks().to_numpy(zero_copy_only=False)


def _link(found: _Found, known: ScanSites) -> _Links:
    n_mirnas = len(known.mirnas)
    keys = found.transcript * n_mirnas + found.mirna
    order = np.argsort(keys, kind="stable")
    wanted = known.transcript * n_mirnas + known.mirna
    first, last = (np.searchsorted(keys[order], wanted, side=side) for side in ("left", "right"))
    site = np.repeat(np.arange(len(known)), last - first)
    step = np.arange(len(site)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
    candidate = order[first[site] + step]
    middle = (found.start[candidate] + found.end[candidate]) // 2
    inside = (middle >= known.start[site]) & (middle < known.end[site])
    return _Links(candidate[inside], site[inside])


def _listed(found: _Found, strength: np.ndarray, n_rules: int, all_types: bool) -> np.ndarray:
    """(n,) bool: what a scan with the first `n_rules` rules reports where this is the strength (n,) of a candidate."""
    in_set = found.rule < n_rules
    if not all_types:
        rows = np.flatnonzero(in_set)
        columns = (found.transcript, found.mirna, found.start, found.end, found.rule, strength)
        # Every set is a beginning of the widest one.
        in_set[rows] = keep_strongest(*(column[rows] for column in columns), GROUPS["relaxed"])
    return in_set


def _measure(name: str, values: np.ndarray, is_control: bool, found: _Found, links: _Links, in_set: np.ndarray, n_sites: int) -> ScanScore:
    rows, lengths = np.flatnonzero(in_set), curve_lengths(int(in_set.sum()))
    shares = stand(values, in_set, links.candidate, links.site, n_sites).shares(lengths)
    labels = np.zeros(len(in_set))
    labels[links.candidate] = 1
    groups = found.mirna[rows] * (int(found.rule.max()) + 1) + found.rule[rows]
    return ScanScore(
        name=name,
        is_control=is_control,
        curve=dict(zip(lengths.tolist(), shares.tolist(), strict=True)),
        share=float(shares[-1]),
        within_mirna=within_auroc(labels[rows], values[rows], found.mirna[rows]),
        within_mirna_and_seed=within_auroc(labels[rows], values[rows], groups),
    )


def _rule_recalls(rules: Sequence[str], found: _Found, links: _Links, n_sites: int, searched: int) -> tuple[RuleRecall, ...]:
    recalls = []
    for number, rule in enumerate(rules):
        n, inside = int((found.rule == number).sum()), found.rule[links.candidate] == number
        in_sites = len(np.unique(links.candidate[inside])) / n if n else float("nan")
        recalls.append(RuleRecall(rule, n, 1e4 * n / searched, in_sites, len(np.unique(links.site[inside])) / n_sites))
    return tuple(recalls)

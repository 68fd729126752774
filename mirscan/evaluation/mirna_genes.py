"""Pairs of a miRNA and a gene, each bound or not, in several sets: the test of miRAW, DeepTarget and TargetFM.

A gene's score is that of its best candidate window, a gene without one is called unbound. Two accuracies are told: of windows, each with
the label of its pair, as those publications count, beside the better of the two constant answers; and of pairs.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mirscan.errors import InputError
from mirscan.evaluation.controls import left_out_rates
from mirscan.evaluation.evaluate import without_nan
from mirscan.evaluation.metrics import auroc
from mirscan.notices import Notices
from mirscan.pairs.read import describe_headings, match_headings, read_text_table
from mirscan.search.candidates import iter_candidates
from mirscan.sequence.mirnas import MirnaSet, mirnas_from_sequences
from mirscan.sequence.transcriptome import Transcriptome, read_transcriptome

RULE = "offset-9-mer-m7"
MIRNA_ONLY, LENGTH_ONLY, ANY_6MER = "miRNA only, left out", "length only", "any 6mer"
# Headings in lower case, the first that is present wins.
_HEADINGS = {
    "mirna": ("mirna_seq", "mirna_sequence"),
    "gene": ("ensg", "gene", "transcript"),
    "label": ("label",),
    "set": ("test_set", "set"),
}
_PAIR_METRICS = ("accuracy", "precision", "recall", "specificity", "f1", "auroc")

# Windows at once: a miRNA has some dozens, and TensorFlow computes whole batches, the last one filled up.
_BATCH = 64


@dataclass(frozen=True)
class GeneScore:
    """One scorer: numbers by set and their means. `window_accuracy` and `constant` are of windows (nan for controls), the rest of pairs."""

    name: str
    is_control: bool
    by_set: dict[str, dict[str, float]]
    mean: dict[str, float]


@dataclass(frozen=True)
class GeneEvaluation:
    """Every scorer on every set; `windows` by set, `without` pairs that hold no candidate."""

    rule: str
    pairs: dict[str, int]
    windows: dict[str, int]
    without: dict[str, int]
    scores: tuple[GeneScore, ...]
    notices: dict


@dataclass(frozen=True)
class _Pairs:
    """Row i of all sets: pair number `pair[i]`, label and set; pair p is miRNA `mirna[p]` on transcript `transcript[p]`."""

    mirnas: MirnaSet
    mirna: np.ndarray
    transcript: np.ndarray
    pair: np.ndarray
    label: np.ndarray
    sets: np.ndarray


def evaluate_mirna_genes(
    pairs: str | Path,
    transcripts: str | Path | Sequence[str | Path],
    models: Sequence[str | Path] = ("base",),
    *,
    rule: str = RULE,
    threshold: float = 0.5,
    precision: str = "float32",
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> GeneEvaluation:
    """Score every candidate of `rule` of each pair, and call genes bound from `threshold` up.

    `pairs`: a table with the miRNA's sequence, the gene as the FASTA names it, label 0 or 1, and a set (one set without that column).
    `progress` is told the miRNAs done and their number. Raises InputError for a table that is none, and where no gene is in the FASTA.

    >>> from pathlib import Path
    >>> _ = Path("utr.fa").write_text(">bound\\n" + "GG" * 20 + "CTACCTCA" + "GG" * 20 + "\\n>free\\n" + "GG" * 40 + "\\n")
    >>> rows = [("UGAGGUAGUAGGUUGUAUAGUU", "bound", "1"), ("UGAGGUAGUAGGUUGUAUAGUU", "free", "0")]
    >>> _ = Path("genes.tsv").write_text("\\n".join("\\t".join(row) for row in [("mirna_seq", "gene", "label"), *rows]))
    >>> evaluation = ms.evaluate_mirna_genes("genes.tsv", "utr.fa", ["duplex"], rule="8mer", threshold=0.0)
    >>> evaluation.scores[0].mean["accuracy"], evaluation.windows
    (1.0, {'all': 1})
    """
    from mirscan.scoring import load_scorer

    notices = Notices()
    transcriptome = read_transcriptome(transcripts, notices=notices)
    table = _read(Path(pairs), transcriptome, notices)
    scorers = {str(model): load_scorer(model, precision=precision, threads=threads, batch_size=_BATCH) for model in models}
    of_pair, values, has_6mer = _score(table, transcriptome, scorers, rule, progress)
    sets = list(dict.fromkeys(table.sets.tolist()))
    rows_of = {name: np.flatnonzero(table.sets == name) for name in sets}
    n_windows = np.bincount(of_pair, minlength=len(table.mirna))
    scores = [_measure(scorer, rows_of, table, of_pair, values[scorer], threshold) for scorer in scorers]
    scores += [_measure_control(name, rows_of, table, control) for name, control in _controls(table, transcriptome, has_6mer).items()]
    return GeneEvaluation(
        rule=rule,
        pairs={name: len(rows) for name, rows in rows_of.items()},
        windows={name: int(n_windows[table.pair[rows]].sum()) for name, rows in rows_of.items()},
        without={name: int((n_windows[table.pair[rows]] == 0).sum()) for name, rows in rows_of.items()},
        scores=tuple(scores),
        notices=notices.to_dict(),
    )


def _read(path: Path, transcriptome: Transcriptome, notices: Notices) -> _Pairs:
    understood = describe_headings(_HEADINGS)
    raw = read_text_table(path, understood)
    names = match_headings(path, raw, _HEADINGS, ("mirna", "gene", "label"), understood)
    column = {role: pc.cast(raw[name], pa.string()).combine_chunks() for role, name in names.items()}
    wrong = pc.invert(pc.is_in(column["label"], pa.array(["0", "1"])))
    if pc.any(wrong).as_py():
        row = pc.index(wrong, True).as_py()
        raise InputError(f"{path}, line {row + 2}: label is {column['label'][row].as_py()!r}; expected 0 or 1")
    place = pc.index_in(column["gene"], transcriptome.names)
    known = place.is_valid()
    n_absent = len(place) - pc.sum(known).as_py()
    if n_absent == len(place):
        raise InputError(f"{path}: none of its genes ({column['gene'][0]} is the first) is in the FASTA ({transcriptome.names[0]}, ...)")
    notices.add("pairs whose gene was not given were left out", count=n_absent)
    column = {role: values.filter(known) for role, values in column.items()}
    letters = pc.replace_substring(pc.utf8_upper(column["mirna"]), "U", "T").dictionary_encode()
    sequences = letters.dictionary.to_pylist()
    keys = np.stack([letters.indices.to_numpy().astype(np.int64), place.filter(known).to_numpy().astype(np.int64)])
    (mirna, transcript), pair = np.unique(keys, axis=1, return_inverse=True)
    label = (column["label"].to_numpy(zero_copy_only=False) == "1").astype(np.float32)
    sets = column["set"].to_numpy(zero_copy_only=False) if "set" in column else np.full(len(label), "all")
    return _Pairs(mirnas_from_sequences(sequences, sequences), mirna, transcript, pair.reshape(-1), label, sets.astype(str))


def _score(table: _Pairs, transcriptome: Transcriptome, scorers: dict, rule: str, progress: Callable):
    """Pair number (w,) and score (w,) by scorer of every window; whether each pair holds a 6mer or better (pairs,)."""
    from mirscan.scoring import score_candidates

    of_pair, values = [np.zeros(0, np.int64)], {name: [np.zeros(0, np.float32)] for name in scorers}
    has_6mer = np.zeros(len(table.mirna), bool)
    mirnas = np.unique(table.mirna)
    for done, mirna in enumerate(mirnas, start=1):
        pairs = np.flatnonzero(table.mirna == mirna)
        own, alone = transcriptome.take(table.transcript[pairs]), table.mirnas.take([mirna])
        for batch in iter_candidates(own, alone, rule):
            of_pair.append(pairs[batch["transcript"].indices.to_numpy()])
            for name, scorer in scorers.items():
                scored = score_candidates(batch, own, alone, scorer)["score"].combine_chunks()
                values[name].append(scored.to_numpy(zero_copy_only=False).astype(np.float32))
        for batch in iter_candidates(own, alone, "canonical,6mer"):
            has_6mer[pairs[batch["transcript"].indices.to_numpy()]] = True
        progress(done, len(mirnas))
    return np.concatenate(of_pair), {name: np.concatenate(parts) for name, parts in values.items()}, has_6mer


def _measure(name: str, rows_of: dict, table: _Pairs, of_pair: np.ndarray, values: np.ndarray, threshold: float) -> GeneScore:
    best = np.full(len(table.mirna), -np.inf)
    np.maximum.at(best, of_pair, values)
    counts, called = (np.bincount(of_pair[rows], minlength=len(table.mirna)) for rows in (slice(None), values >= threshold))
    by_set = {}
    for title, rows in rows_of.items():
        label, pair = table.label[rows] == 1, table.pair[rows]
        n, up = counts[pair], called[pair]
        total = max(int(n.sum()), 1)
        right = np.where(label, up, n - up).sum() / total
        positive = n[label].sum() / total
        windows = {"window_accuracy": float(right), "constant": float(max(positive, 1 - positive))}
        by_set[title] = windows | pair_metrics(label, best[pair] >= threshold, best[pair])
    return GeneScore(name, False, by_set, _mean(by_set))


def pair_metrics(label: np.ndarray, called: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Accuracy, precision, recall, specificity, F1 of calls (n,) bool against labels (n,) bool, and AUROC of the scores (n,)."""
    hits, n_called, n_positive = int((label & called).sum()), int(called.sum()), int(label.sum())
    n_negative = len(label) - n_positive
    false = n_called - hits
    return {
        "accuracy": (hits + n_negative - false) / max(len(label), 1),
        "precision": hits / n_called if n_called else float("nan"),
        "recall": hits / n_positive if n_positive else float("nan"),
        "specificity": 1 - false / n_negative if n_negative else float("nan"),
        "f1": 2 * hits / (n_called + n_positive) if n_called + n_positive else float("nan"),
        "auroc": auroc(label.astype(np.float32), scores),
    }


def _controls(table: _Pairs, transcriptome: Transcriptome, has_6mer: np.ndarray) -> dict[str, Callable]:
    """Functions of the rows of a set: calls and scores of predictors that see no site, or no more than whether there is one."""
    lengths = transcriptome.lengths[table.transcript]

    def mirna_only(rows):
        rates = left_out_rates(table.label[rows], table.mirna[table.pair[rows]])
        return rates >= table.label[rows].mean(), rates

    def length_only(rows):
        own = lengths[table.pair[rows]]
        return own >= np.median(own), own.astype(np.float64)

    def any_6mer(rows):
        own = has_6mer[table.pair[rows]]
        return own, own.astype(np.float64)

    return {MIRNA_ONLY: mirna_only, LENGTH_ONLY: length_only, ANY_6MER: any_6mer}


def _measure_control(name: str, rows_of: dict, table: _Pairs, control: Callable) -> GeneScore:
    by_set = {title: pair_metrics(table.label[rows] == 1, *control(rows)) for title, rows in rows_of.items()}
    return GeneScore(name, True, by_set, _mean(by_set))


def _mean(by_set: dict[str, dict[str, float]]) -> dict[str, float]:
    names = next(iter(by_set.values()))
    return {name: float(np.mean([numbers[name] for numbers in by_set.values()])) for name in names}


def gene_table(evaluation: GeneEvaluation) -> str:
    """The means over the sets, and each set of the models, as Markdown."""
    names = ("window_accuracy", "constant", *_PAIR_METRICS)
    head = f"| scorer | set | {' | '.join(name.replace('_', ' ') for name in names)} |\n| --- | --- |{' ---: |' * len(names)}"
    lines = [_line(score.name, f"mean of {len(score.by_set)}", score.mean, names) for score in evaluation.scores]
    lines += [
        _line(score.name, title, numbers, names)
        for score in evaluation.scores
        if not score.is_control and len(score.by_set) > 1
        for title, numbers in score.by_set.items()
    ]
    return "\n".join([head, *lines])


def _line(name: str, title: str, numbers: dict[str, float], names: tuple[str, ...]) -> str:
    cells = [f"{numbers[key]:.3f}" if np.isfinite(numbers.get(key, np.nan)) else "" for key in names]
    return f"| {name} | {title} | {' | '.join(cells)} |"


def write_gene_evaluation(evaluation: GeneEvaluation, path: str | Path) -> None:
    """Everything as JSON."""
    Path(path).write_text(json.dumps(without_nan(asdict(evaluation)), indent=1) + "\n")

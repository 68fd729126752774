"""From a recipe's files to the arrays of a training, with everything that was dropped, cut or shared counted."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mirscan.notices import Notice, counted
from mirscan.pairs.clean import MIN_VALIDATION_ROWS, CleaningCounts, check_pairs, check_weights, clean_pairs, count_idle
from mirscan.pairs.columns import POSITIVE, group_codes, labels_of
from mirscan.pairs.hardness import HardChoice, choose_by_hardness, labels_by_hardness, with_hardness
from mirscan.pairs.leakage import LeakageReport, leakage_report, refuse_leak
from mirscan.pairs.read import read_pairs
from mirscan.pairs.splits import split_pairs
from mirscan.seeds.seed_class import usual_anchor
from mirscan.train.batches import EncodedPairs, cached_array, encode_table, with_duplex
from mirscan.train.objective import positive_rate
from mirscan.train.recipe import Recipe
from mirscan.windows import WindowLayout, encode_pairs

# On held-out Hejret train the upper end of a miRNA's random scores told more about it than their middle; 400 targets place it well.
_BACKGROUND_QUANTILE = 0.95
_BACKGROUND_TARGETS = 400
# Mining: the base rate at which a negative's score is its chance, and the least chance, so that no weight grows more than fivefold.
_MINED_AMONG = 10
_LEAST_CHANCE = 0.2


@dataclass(frozen=True)
class TrainingData:
    """Encoded pairs of both sides; `validation_table` keeps names and sequences; `summary` is what goes into metrics.json."""

    train: EncodedPairs
    validation: EncodedPairs
    validation_table: pa.Table
    layout: WindowLayout
    summary: dict


def load_training_data(recipe: Recipe, cache: Path, say: Callable[[str], None]) -> TrainingData:
    """Read, clean, split, check and encode the pairs of a recipe; `say` gets one line for each step worth knowing."""
    train, cleaning = clean_pairs(read_pairs(recipe.pairs, recipe.weights or None))
    # A word behind --validation of one file is one more file to train on.
    files = f" of {', '.join(Path(path).name for path in recipe.pairs)}" if len(recipe.pairs) > 1 else ""
    say(_describe(f"training{files}", cleaning))
    if recipe.hardness:
        train = with_hardness(train, recipe.hardness)
    parts = []
    if recipe.also_split or not recipe.validation:
        train, part = split_pairs(train, recipe.split, recipe.validation_fraction, recipe.seed)
        parts.append(("given" if recipe.split == "column" else recipe.split, part))
    # Each file by itself: a pair of two files counts in the ranking of both.
    for path in recipe.validation:
        part, validation_cleaning = clean_pairs(read_pairs(path))
        say(_describe(Path(path).name, validation_cleaning))
        parts.append(("given", part))
    if 0 < recipe.max_pairs < train.num_rows:
        rows = np.random.default_rng([recipe.seed, 0x5AB5E7]).choice(train.num_rows, recipe.max_pairs, replace=False)
        train = train.take(pa.array(np.sort(rows)))
    if recipe.hardness:
        train = _choose_hard(recipe, train, say)
    validation = pa.concat_tables([part for _, part in parts], promote_options="default")
    check_pairs(train, "training")
    check_weights(train)
    if n_idle := count_idle(train):
        say(str(Notice("training pairs have weight 0 and count for nothing", n_idle, "")))
    check_pairs(validation, "validation", MIN_VALIDATION_ROWS)
    leakage = leakage_report(train, validation)
    say(f"{counted(train.num_rows, 'pair')} to train on, {validation.num_rows:,} to validate on; {leakage}")
    if not recipe.allow_leak:
        for split, part in parts:
            refuse_leak(leakage_report(train, part), split)
    return _encode(recipe, train, validation, cleaning, leakage, cache, say)


def _encode(
    recipe: Recipe,
    train: pa.Table,
    validation: pa.Table,
    cleaning: CleaningCounts,
    leakage: LeakageReport,
    cache: Path,
    say: Callable[[str], None],
) -> TrainingData:
    layout = WindowLayout(
        recipe.target_length, recipe.anchor if recipe.anchor is not None else recipe.target_length // 2, recipe.mirna_length
    )
    other_length = _count_other_lengths(train, layout)
    if other_length:
        say(f"{Notice(f'training sites are not {layout.length} nt long and were cut or padded with N at both ends', other_length, '')}")
    encoded = encode_table(train, layout)
    if recipe.right_shift:
        encoded = replace(encoded, right_shift=_by_file(recipe, recipe.right_shift, train).astype(np.int64))
    if recipe.hardness:
        encoded = replace(encoded, asked=labels_by_hardness(encoded.labels, train["hardness"].to_numpy(), _hard_choice(recipe)))
    if recipe.teacher:
        encoded = replace(encoded, labels=_taught_labels(recipe, train, encoded.labels, cache, say))
    if recipe.mining:
        encoded = replace(encoded, difficulty=_difficulty(recipe, train, cache, say))
    held_out = encode_table(validation, layout)
    if recipe.anchor is None:
        positive = encoded.labels >= 0.5
        layout = replace(layout, anchor=usual_anchor(encoded.mirna_codes[positive], encoded.target_codes[positive], layout.anchor))
        say(f"a scan will place the base opposite miRNA nt 1 at place {layout.anchor} of the window, where most positives have it")
    if recipe.duplex:
        report = _percent_reporter(say)
        encoded, held_out = with_duplex(encoded, cache, report), with_duplex(held_out, cache)
    summary = {
        "training_pairs": len(encoded),
        "training_positive_rate": positive_rate(encoded.labels),
        "validation_pairs": len(held_out),
        "validation_positive_rate": positive_rate(held_out.labels),
        "soft_labels": bool(np.any((encoded.labels > 0) & (encoded.labels < 1))),
        "sites_of_other_length": other_length,
        "cleaning": asdict(cleaning),
        "leakage": asdict(leakage),
    }
    return TrainingData(encoded, held_out, validation, layout, summary)


def _hard_choice(recipe: Recipe) -> HardChoice:
    return HardChoice(
        recipe.hard_ratio,
        recipe.hard_above,
        recipe.hardest,
        recipe.discard_above,
        recipe.positive_label,
        recipe.first_label,
        recipe.label_step,
        recipe.hardness_step,
        recipe.smooth_up_to,
    )


def _choose_hard(recipe: Recipe, pool: pa.Table, say: Callable[[str], None]) -> pa.Table:
    hardness, random = pool["hardness"].to_numpy(), np.random.default_rng([recipe.seed, 0x4A4D])
    rows = choose_by_hardness(labels_of(pool), hardness, _hard_choice(recipe), random)
    say(f"{len(rows):,} of {pool.num_rows:,} pairs by hardness: mean {hardness[rows].mean():.3f}, of the pool {hardness.mean():.3f}")
    return pool.take(pa.array(rows))


def _by_file(recipe: Recipe, numbers: tuple[float, ...], pairs: pa.Table) -> np.ndarray:
    """The number (n,) of the file that each pair came from."""
    names = pa.array([Path(path).name for path in recipe.pairs])
    return np.array(numbers)[pc.index_in(pairs["source"].combine_chunks(), names).to_numpy()]


def _taught_labels(recipe: Recipe, train: pa.Table, labels: np.ndarray, cache: Path, say: Callable[[str], None]) -> np.ndarray:
    """Labels mixed with the teacher's outputs, which are kept in `cache` between a training and its resumption.

    Outputs, not scores: a calibration by steps makes the strongest pairs equal, and of these a scan's list is made.
    """
    from mirscan.scoring import load_scorer

    scorer = load_scorer(recipe.teacher, threads=recipe.threads or None)
    scores, mirna_codes, target_codes = _model_scores(scorer, "outputs", train, cache, say)
    if recipe.teacher_background:
        scores = _less_background(scorer, scores, mirna_codes, target_codes, recipe)
    share = _by_file(recipe, recipe.teacher_shares, train) if recipe.teacher_shares else recipe.teacher_share
    return (share * scores + (1 - share) * labels).astype(np.float32)


def _model_scores(scorer, what: str, pairs: pa.Table, cache: Path, say: Callable[[str], None]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(`what`, "score" or "outputs" (n,), miRNA codes, target codes) of the pairs; kept in `cache`."""
    mirna_codes, target_codes = encode_pairs(pairs["mirna"], pairs["target"], scorer.layout)

    def score() -> np.ndarray:
        say(f"{scorer.card.name} scores {counted(pairs.num_rows, 'training pair')}")
        return getattr(scorer, what)(mirna_codes, target_codes)

    return cached_array(cache, what, (scorer.card.sha256.encode(), mirna_codes, target_codes), score), mirna_codes, target_codes


def _difficulty(recipe: Recipe, train: pa.Table, cache: Path, say: Callable[[str], None]) -> np.ndarray:
    """Chance (n,) float32 of each pair beside others of its weight: 1 for positives, for negatives what the model makes of them.

    Where one pair in `_MINED_AMONG` is a positive, that is the probability that the model's score then stands for.
    """
    from mirscan.scoring import load_scorer

    scores = _model_scores(load_scorer(recipe.mining, threads=recipe.threads or None), "score", train, cache, say)[0]
    chances = 1 / (1 + np.exp(math.log(_MINED_AMONG) - _log_odds(scores)))
    return np.where(labels_of(train) >= POSITIVE, 1, np.maximum(chances, _LEAST_CHANCE)).astype(np.float32)


def _less_background(scorer, scores: np.ndarray, mirna_codes: np.ndarray, target_codes: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Scores with a part of each miRNA's background taken off, in log odds.

    The background is the _BACKGROUND_QUANTILE of a miRNA's scores for targets drawn at random from the training pairs, against the
    mean of that over the miRNAs, so the average pair keeps its score.
    """
    mirnas, which = np.unique(mirna_codes, axis=0, return_inverse=True)
    targets = target_codes[np.random.default_rng([recipe.seed, 0xBAC6]).choice(len(target_codes), _BACKGROUND_TARGETS)]
    random_scores = scorer.outputs(np.repeat(mirnas, len(targets), axis=0), np.tile(targets, (len(mirnas), 1)))
    background = np.quantile(_log_odds(random_scores).reshape(len(mirnas), -1), _BACKGROUND_QUANTILE, axis=1)
    background -= background.mean()
    return 1 / (1 + np.exp(recipe.teacher_background * background[which.reshape(-1)] - _log_odds(scores)))


def _log_odds(scores: np.ndarray) -> np.ndarray:
    scores = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.log(scores / (1 - scores))


def _count_other_lengths(pairs: pa.Table, layout: WindowLayout) -> int:
    return int(pc.sum(pc.not_equal(pc.utf8_length(pairs["target"]), layout.length)).as_py() or 0)


def _describe(what: str, counts: CleaningCounts) -> str:
    conflicts = f"{counted(counts.conflicting_rows, 'row')} of {counted(counts.conflicting_pairs, 'pair')} with both labels"
    dropped = f"; dropped {conflicts} and {counted(counts.duplicate_rows, 'duplicate')}"
    return f"{what}: {counted(counts.rows_read, 'pair')} read" + (dropped if counts.rows_kept < counts.rows_read else "")


def _percent_reporter(say: Callable[[str], None]) -> Callable[[int, int], None]:
    """A line at every tenth of the duplex energies, where there are many."""
    tenths = set()

    def report(done: int, total: int) -> None:
        tenth = 10 * done // total
        if total > 200_000 and tenth not in tenths:
            tenths.add(tenth)
            say(f"duplex energies: {done:,} of {total:,} pairs")

    return report


def example_pairs(pairs: pa.Table, n: int = 5) -> list[tuple[str, str]]:
    """`n` (miRNA, target) pairs for a card: of different miRNAs where there are, positives and negatives in turn."""
    labels = labels_of(pairs) >= 0.5
    _, first_of_mirna = np.unique(group_codes(pairs["mirna"]), return_index=True)
    is_first = np.isin(np.arange(len(labels)), first_of_mirna)
    ranked = np.lexsort((np.arange(len(labels)), ~is_first))
    positives, negatives = ranked[labels[ranked]], ranked[~labels[ranked]]
    rows = [int(row) for couple in zip(positives[:n], negatives[:n], strict=False) for row in couple][:n]
    return [(pairs["mirna"][row].as_py(), pairs["target"][row].as_py()) for row in rows]

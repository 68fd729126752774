"""What methods are compared on: a pool to train on, pairs to validate on, and test sets, made once and kept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from mirscan.benchmark.settings import BenchmarkSettings
from mirscan.errors import InputError
from mirscan.pairs.clean import clean_pairs
from mirscan.pairs.columns import POSITIVE, labels_of
from mirscan.pairs.negatives import NegativeSettings, write_negatives
from mirscan.pairs.read import read_pairs
from mirscan.pairs.scan_negatives import ScanDraw
from mirscan.pairs.splits import split_pairs

_VALIDATION, _TEST = 0.05, 1 / 3
_SEED = 1
# Negatives a positive of the widest evaluation set.
_WIDE = 100
# Negatives a positive that growing negatives may draw from: more than the published training came to.
_OWN = 20


@dataclass(frozen=True)
class Ground:
    """Files of a ground; `pools` by the kind of their negatives; `tests` by the heading of their column. `others`: scores (n,) of published
    networks on the first test set."""

    name: str
    pools: dict[str, Path]
    validation: Path
    tests: dict[str, Path]
    others: dict[str, np.ndarray]


def prepare_ground(name: str, settings: BenchmarkSettings, folder: Path) -> Ground:
    """The ground of that name in `folder`, made if it is not there; InputError for a file that the data folder lacks."""
    folder.mkdir(parents=True, exist_ok=True)
    return _MAKERS[name](settings, folder)


def data_file(settings: BenchmarkSettings, name: str, folder: str = "sites") -> Path:
    """A file of the data folder, compressed or not."""
    path = Path(settings.data) / folder / name
    found = [candidate for candidate in (path, path.with_name(path.name + ".gz")) if candidate.is_file()]
    if not found:
        raise InputError(f"{path}: not there; expected a data folder with the published sets, or --quick")
    return found[0]


def _chimeras(settings: BenchmarkSettings, folder: Path) -> Ground:
    paths = [folder / f"{name}.parquet" for name in ("pool", "validation", "evaluation_wide")]
    if not all(path.is_file() for path in paths):
        positives = folder / "positives.parquet"
        _write(_positives(read_pairs(data_file(settings, "train_set_1_1_CLASH2013_paper.tsv")), settings.positives), positives)
        whole, wide = folder / "whole.parquet", NegativeSettings("other-mirna", _WIDE, allow_fewer=True, seed=_SEED)
        write_negatives(positives, NegativeSettings("other-mirna", settings.pool_ratio, allow_fewer=True, seed=_SEED), whole)
        train, validation = split_pairs(read_pairs(whole), "cluster", _VALIDATION, _SEED)
        _write(train, paths[0])
        _write(draw_pairs(validation, settings.train_ratio, _SEED), paths[1])
        write_negatives(data_file(settings, "evaluation_set_1_1_CLASH2013_paper.tsv"), wide, paths[2])
    published = {
        "evaluation 1:1": "evaluation_set_1_1_CLASH2013_paper.tsv",
        "evaluation 1:10": "evaluation_set_1_10_CLASH2013_paper.tsv",
        "test 1:1": "test_set_1_1_CLASH2013_paper.tsv",
        "test 1:10": "test_set_1_10_CLASH2013_paper.tsv",
        "Hejret test": "AGO2_CLASH_Hejret2023_test.tsv",
    }
    tests = {title: data_file(settings, name) for title, name in published.items()}
    return Ground("chimeras", {"given": paths[0]}, paths[1], {"evaluation 1:100": paths[2], **tests}, {})


def _clip(settings: BenchmarkSettings, folder: Path) -> Ground:
    source, mrna = data_file(settings, "encori_chr1_scan_1_20.tsv"), data_file(settings, "human_mrna.fa", "reference")
    paths = [folder / f"{name}.parquet" for name in ("pool", "validation", "test", "own", "scan")]
    if not all(path.is_file() for path in paths):
        pairs = read_pairs(source)
        # Rows of the published scores, which are in the order of the file.
        pairs = pairs.append_column("row", pa.array(np.arange(pairs.num_rows)))
        rest, test = split_pairs(clean_pairs(pairs)[0], "family", _TEST, _SEED)
        train, validation = split_pairs(rest, "family", _VALIDATION, _SEED)
        n_positive = int((labels_of(train) >= POSITIVE).sum())
        if 0 < settings.positives < n_positive:
            train = draw_pairs(train, _OWN, _SEED, settings.positives / n_positive)
        for table, path in zip((train, validation, test), paths, strict=False):
            _write(table, path)
        write_negatives(paths[0], NegativeSettings("other-mirna", _OWN, allow_fewer=True, seed=_SEED), paths[3])
        # Anywhere in the window, as the positives: a network would read the place otherwise.
        candidates = NegativeSettings("scan", _OWN, (str(mrna),), scan=ScanDraw("relaxed", "anywhere"), allow_fewer=True, seed=_SEED)
        write_negatives(paths[0], candidates, paths[4])
    pool, validation, test, own, scan = paths
    return Ground(
        "clip", {"given": pool, "own": own, "scan": scan}, validation, {"held-out families 1:20": test}, _published_scores(source, test)
    )


def _published_scores(source: Path, test: Path) -> dict[str, np.ndarray]:
    path = source.with_name("encori_published_scores.parquet")
    if not path.is_file():
        return {}
    rows, scores = pa.parquet.read_table(test, columns=["row"])["row"], pa.parquet.read_table(path)
    return {name.rsplit("_", 1)[0]: scores[name].take(rows).to_numpy() for name in scores.column_names}


_MAKERS: dict[str, Callable[[BenchmarkSettings, Path], Ground]] = {"chimeras": _chimeras, "clip": _clip}


def _positives(pairs: pa.Table, wanted: int) -> pa.Table:
    rows = np.flatnonzero(labels_of(pairs) >= POSITIVE)
    if 0 < wanted < len(rows):
        rows = np.sort(np.random.default_rng(_SEED).choice(rows, wanted, replace=False))
    return pairs.take(pa.array(rows))


def draw_pairs(pool: pa.Table, ratio: float, seed: int, positives: float = 1.0) -> pa.Table:
    """A part of the positives of `pool`, with `ratio` of its negatives each, or as many as there are."""
    random, labels = np.random.default_rng([seed, 0xD4A3]), labels_of(pool)
    up, down = np.flatnonzero(labels >= POSITIVE), np.flatnonzero(labels < POSITIVE)
    up = random.choice(up, max(round(positives * len(up)), 1), replace=False)
    down = random.choice(down, min(round(ratio * len(up)), len(down)), replace=False)
    return pool.take(pa.array(np.sort(np.concatenate([up, down]))))


def _write(table: pa.Table, path: Path) -> None:
    temporary = path.with_name("writing." + path.name)
    pa.parquet.write_table(table.drop_columns([name for name in ("source",) if name in table.column_names]), temporary)
    temporary.rename(path)

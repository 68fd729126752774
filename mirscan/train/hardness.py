"""measure_hardness: networks learn from a draw of a pool, and every pair of the pool is scored by how wrong they are about it.

A scout is one small network, a committee several; with folds each pair is scored by networks that did not train on its site, so that
what was learned by heart does not look easy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from mirscan.errors import InputError
from mirscan.notices import counted
from mirscan.pairs.clean import clean_pairs
from mirscan.pairs.columns import POSITIVE, cluster_codes, labels_of
from mirscan.pairs.hardness import hardness_of, pool_checksum, write_hardness
from mirscan.pairs.read import read_pairs
from mirscan.train.batches import cached_array
from mirscan.train.checkpoint import CHECKPOINT_FILE
from mirscan.train.fit import WORK_FOLDER, train_model
from mirscan.train.loop import StepReport
from mirscan.train.recipe import Recipe
from mirscan.trained_models import CARD_FILE
from mirscan.windows import encode_pairs

KINDS = ("scout", "committee")
# The sizes of resnet_deep that the published committee has.
_SIZES = {"mini": {"first_filters": 8}, "small": {"first_filters": 16}, "large": {"first_filters": 32, "dropout": 0.2}}
_BASELINES = 3
_PUBLISHED = {"optimizer": "adam", "schedule": "constant", "learning_rate": 1e-3, "batch_size": 1024, "mirna_length": 20}


@dataclass(frozen=True)
class Measurement:
    """How hardness is measured: `kind` of KINDS, `folds` (0: networks also score what they trained on), `draw_ratio` negatives a
    positive of the draw that they learn from."""

    kind: str = "scout"
    folds: int = 0
    draw_ratio: float = 20.0
    seed: int = 1


def published_networks(kind: str) -> list[Recipe]:
    """The networks of the work on hard samples: a mini ResNet, or mini, small and large with three plain CNNs."""
    residual = [Recipe(architecture="resnet_deep", settings=settings, epochs=30, patience=5, **_PUBLISHED) for settings in _SIZES.values()]
    if kind == "scout":
        return residual[:1]
    plain = [Recipe(architecture="mirbind_cnn", epochs=30, patience=5, seed=1 + number, **_PUBLISHED) for number in range(_BASELINES)]
    return [*residual, *plain]


def measure_hardness(
    paths: str | Path | Sequence[str | Path],
    out: str | Path,
    measurement: Measurement = Measurement(),
    networks: Sequence[Recipe] = (),
    *,
    say: Callable[[str], None] = lambda line: None,
    report: Callable[[StepReport], None] = lambda step: None,
) -> np.ndarray:
    """Write the hardness of every pair of the pool `paths` to `out` (Parquet, with JSON and a picture beside it); returns it, (n,) float32.

    `networks` are recipes without pairs; none: the published ones. Networks are kept in a folder beside `out` until all is written, so the
    same call goes on after a kill. Raises InputError for a pool of one class or with too few negatives, and for a committee of one.

    >>> from pathlib import Path
    >>> from mirscan.train.recipe import Recipe
    >>> random = np.random.default_rng(1)
    >>> draw = lambda n: "".join(random.choice(list("ACGU"), n))
    >>> rows = [f"{draw(22)}\\t{draw(50)}\\t{label}" for label in (0, 0, 1) * 80]
    >>> _ = Path("pool.tsv").write_text("\\n".join(["mirna\\ttarget\\tlabel", *rows]))
    >>> scout = Recipe(architecture="mirscan_fast", epochs=1, validation_fraction=0.2)
    >>> len(ms.measure_hardness("pool.tsv", "hardness.parquet", Measurement(draw_ratio=1), [scout]))
    240
    """
    out, networks = Path(out), list(networks) or published_networks(measurement.kind)
    _check(out, measurement, networks)
    pool, _ = clean_pairs(read_pairs(paths))
    work = out.with_name(out.name + ".work")
    fold_of = _folds(pool, measurement)
    names = [f"{number}-{recipe.architecture}" for number, recipe in enumerate(networks, start=1)]
    by_network = {name: np.empty(pool.num_rows, np.float32) for name in names}
    for fold in range(max(measurement.folds, 1)):
        scored = np.flatnonzero(fold_of == fold)
        draw = _write_draw(pool, fold_of != fold if measurement.folds else np.ones(pool.num_rows, bool), measurement, work, fold)
        for name, recipe in zip(names, networks, strict=True):
            say(f"{name}" + (f", fold {fold + 1} of {measurement.folds}" if measurement.folds else ""))
            folder = _train(replace(recipe, pairs=(str(draw),)), work / f"{name}-fold-{fold}", say, report)
            by_network[name][scored] = _hardness(pool, scored, folder, recipe.threads)
    about = {"kind": measurement.kind, "folds": measurement.folds, "draw_ratio": measurement.draw_ratio, "seed": measurement.seed}
    hardness = write_hardness(out, pool, by_network, {**about, "recipes": [_short(recipe) for recipe in networks]})
    draw_hardness(labels_of(pool), hardness, out.with_suffix(".png"))
    return hardness


def _check(out: Path, measurement: Measurement, networks: list[Recipe]) -> None:
    if out.suffix != ".parquet":
        raise InputError(f"--out {out}: expected a name that ends in .parquet")
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: folder {out.parent} is not there; make it first")
    if measurement.kind not in KINDS:
        raise InputError(f"kind {measurement.kind!r}: unknown; expected one of {', '.join(KINDS)}")
    if measurement.kind == "committee" and len(networks) < 2:
        raise InputError("a committee of one network; expected at least two recipes, or the kind scout")
    if measurement.kind == "scout" and len(networks) > 1:
        raise InputError(f"a scout of {len(networks)} networks; expected one recipe, or the kind committee")
    if measurement.folds == 1:
        raise InputError("folds is 1; expected 0 (networks score their own pairs, too) or at least 2")


def _folds(pool: pa.Table, measurement: Measurement) -> np.ndarray:
    """Fold (n,) of each pair; pairs of one site or cluster share it. All 0 without folds."""
    if not measurement.folds:
        return np.zeros(pool.num_rows, np.int64)
    clusters = cluster_codes(pool)
    n_clusters = int(clusters.max()) + 1
    if n_clusters < measurement.folds:
        raise InputError(f"folds is {measurement.folds}, but the pool has {n_clusters} clusters of sites; expected fewer folds")
    return (np.random.default_rng([measurement.seed, 0xF01D]).permutation(n_clusters) % measurement.folds)[clusters]


def _write_draw(pool: pa.Table, allowed: np.ndarray, measurement: Measurement, work: Path, fold: int) -> Path:
    """A file of all allowed positives and `draw_ratio` of the allowed negatives for each."""
    labels = labels_of(pool)
    positives, negatives = np.flatnonzero(allowed & (labels >= POSITIVE)), np.flatnonzero(allowed & (labels < POSITIVE))
    wanted = round(measurement.draw_ratio * len(positives))
    if not len(positives) or not len(negatives):
        raise InputError("a pool without positives or without negatives has no hardness; expected both, see mirscan negatives")
    if wanted > len(negatives):
        raise InputError(
            f"draw_ratio is {measurement.draw_ratio:g}, but there are {counted(len(negatives), 'negative')} "
            f"for {counted(len(positives), 'positive')}; "
            "lower it, or make a larger pool with mirscan negatives"
        )
    drawn = np.random.default_rng([measurement.seed, fold, 0xD4A]).choice(negatives, wanted, replace=False)
    table = pool.take(pa.array(np.sort(np.concatenate([positives, drawn]))))
    # The pool is part of the name: what was begun on another pool is not gone on with.
    path = work / f"draw-{pool_checksum(table)[:12]}.parquet"
    if not path.is_file():
        work.mkdir(exist_ok=True)
        temporary = path.with_name("writing." + path.name)
        pa.parquet.write_table(table, temporary)
        temporary.rename(path)
    return path


def _train(recipe: Recipe, folder: Path, say: Callable[[str], None], report: Callable[[StepReport], None]) -> Path:
    """The model folder of a network, trained to the end, from where it stood. Its outputs stay as they are: hardness is not calibrated."""
    folder = folder.with_name(f"{folder.name}-{Path(recipe.pairs[0]).stem}")
    if not (folder / CARD_FILE).is_file():
        recipe = recipe.replace(calibration="none", split="cluster")
        train_model(recipe, folder, resume=(folder / WORK_FOLDER / CHECKPOINT_FILE).is_file(), say=say, report=report)
    return folder


def _hardness(pool: pa.Table, rows: np.ndarray, folder: Path, threads: int) -> np.ndarray:
    from mirscan.scoring import load_scorer

    scorer, part = load_scorer(str(folder), threads=threads or None), pool.take(pa.array(rows))
    codes = encode_pairs(part["mirna"], part["target"], scorer.layout)
    probabilities = cached_array(folder, "scores", (scorer.card.sha256.encode(), *codes), lambda: scorer.score(*codes))
    return hardness_of(labels_of(part), probabilities)


def _short(recipe: Recipe) -> dict:
    """What differs from a plain recipe."""
    plain = Recipe().to_dict()
    return {key: value for key, value in recipe.to_dict().items() if value != plain.get(key)}


def draw_hardness(labels: np.ndarray, hardness: np.ndarray, path: Path) -> None:
    """Histogram of the hardness (n,) of either class, counts on a logarithmic axis: nearly everything is easy."""
    from mirscan.evaluation.curves import new_figure, save_figure

    figure, panels = new_figure(2, width=9)
    for panel, name, rows in zip(panels, ("positives", "negatives"), (labels >= POSITIVE, labels < POSITIVE), strict=True):
        panel.hist(hardness[rows], bins=40, range=(0, 1), color="tab:blue")
        panel.set(xlabel="hardness", ylabel="pairs", yscale="log", title=f"{rows.sum():,} {name}, mean {hardness[rows].mean():.3f}")
    save_figure(figure, path)

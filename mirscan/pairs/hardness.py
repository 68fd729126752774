"""Hardness of single pairs: a file that belongs to one pool of pairs, and the training pairs and labels that are chosen by it.

Hardness is 1 - the probability that networks give to a pair's true class. Choice and labels follow the work on instance-hardness-based
label smoothing (github.com/Janowie/dl_for_mirna_mediated_targeting); each of its constants is a field of `HardChoice`.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from mirscan.errors import InputError
from mirscan.notices import counted
from mirscan.pairs.columns import POSITIVE, labels_of
from mirscan.pairs.read import string_buffers
from mirscan.tables import HARDNESS

_STEPS = 20
_EXAMPLES = 10
# Hardness is a float32; .3 must fall into the step that begins at .3.
_TINY = 1e-6


@dataclass(frozen=True)
class HardChoice:
    """Which pairs of a pool to train on, and what to ask for.

    All positives, all hard negatives (hardness above `above`, or the `hardest` if that is not 0) and others at random make `ratio`
    negatives a positive. Negatives harder than `discard_above` are left out: they may be sites that nobody found. Positives are asked
    for `positive_label`; a negative for `first_label`, and `label_step` more with each `step` of hardness up to `up_to`.
    """

    ratio: float = 20.0
    above: float = 0.1
    hardest: int = 0
    discard_above: float = 1.0
    positive_label: float = 0.95
    first_label: float = 0.05
    label_step: float = 0.05
    step: float = 0.1
    up_to: float = 1.0


def pool_checksum(pairs: pa.Table) -> str:
    """Checksum of miRNAs, targets and labels of a table in its order: hardness belongs to such a pool only."""
    check = hashlib.blake2b(digest_size=16)
    for name in ("mirna", "target"):
        for array in string_buffers(pairs[name].cast(pa.string()).combine_chunks()):
            check.update(np.ascontiguousarray(array))
    check.update(np.ascontiguousarray(labels_of(pairs)))
    return check.hexdigest()


def hardness_of(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """1 - the probability (n,) of the true class, float32."""
    return np.where(labels >= POSITIVE, 1 - probabilities, probabilities).astype(np.float32)


def write_hardness(path: str | Path, pool: pa.Table, by_network: dict[str, np.ndarray], about: dict) -> np.ndarray:
    """Write the hardness of each pair of `pool` as HARDNESS with a JSON file of histogram and examples beside it; returns the mean (n,).

    `by_network` gives the hardness (n,) by each network's name; `about` says how they were trained.
    """
    path, names = Path(path), list(by_network)
    mean = np.mean([by_network[name] for name in names], axis=0, dtype=np.float64).astype(np.float32)
    spread = np.std([by_network[name] for name in names], axis=0, dtype=np.float64).astype(np.float32)
    columns = {
        "mirna": pool["mirna"].combine_chunks().cast(pa.string()),
        "target": pool["target"].combine_chunks().cast(pa.string()),
        "label": pool["label"].combine_chunks(),
        "hardness": pa.array(mean),
        "spread": pa.array(spread),
    }
    metadata = {"pool": pool_checksum(pool), "networks": json.dumps(names), "about": json.dumps(about)}
    temporary = path.with_name("writing." + path.name)
    pa.parquet.write_table(pa.table(columns, schema=HARDNESS.schema(metadata)), temporary, compression="zstd")
    os.replace(temporary, path)
    summary = {"pool": metadata["pool"], "networks": names, **about, **describe_hardness(pool, mean)}
    path.with_suffix(".json").write_text(json.dumps(summary, indent=1) + "\n")
    return mean


def describe_hardness(pool: pa.Table, hardness: np.ndarray) -> dict:
    """Mean, histogram in steps of .05 and the ten hardest pairs of each class."""
    positive = labels_of(pool) >= POSITIVE
    description = {"mean": round(float(hardness.mean()), 5), "steps": [round(x, 2) for x in np.linspace(0, 1, _STEPS + 1).tolist()]}
    for name, rows in (("positives", np.flatnonzero(positive)), ("negatives", np.flatnonzero(~positive))):
        hardest = rows[np.argsort(-hardness[rows], kind="stable")[:_EXAMPLES]]
        examples = pool.take(pa.array(hardest)).select(["mirna", "target"]).to_pylist()
        description[name] = {
            "pairs": len(rows),
            "mean": round(float(hardness[rows].mean()), 5),
            "histogram": np.histogram(hardness[rows], _STEPS, (0, 1))[0].tolist(),
            "hardest": [{**example, "hardness": round(float(hardness[row]), 4)} for example, row in zip(examples, hardest, strict=True)],
        }
    return description


def with_hardness(pool: pa.Table, path: str | Path) -> pa.Table:
    """`pool` with the column `hardness` of a file; InputError where it cannot be read or was measured on other pairs."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; make it with mirscan hardness")
    try:
        file = pa.parquet.read_table(path, columns=["hardness"])
        checksum = (file.schema.metadata or {})[b"pool"].decode()
    except (pa.ArrowInvalid, pa.ArrowKeyError, KeyError):
        raise InputError(f"{path}: not a file of hardness; expected Parquet as mirscan hardness writes it") from None
    found = pool_checksum(pool)
    if checksum != found:
        raise InputError(
            f"{path}: measured on {counted(file.num_rows, 'pair')} with checksum {checksum[:12]}, but the pool has "
            f"{pool.num_rows:,} with {found[:12]}; give the same files in the same order, or run mirscan hardness on these"
        )
    return pool.append_column("hardness", file["hardness"])


def choose_by_hardness(labels: np.ndarray, hardness: np.ndarray, choice: HardChoice, random: np.random.Generator) -> np.ndarray:
    """Rows (rising) to train on as HardChoice says; of more hard negatives than fit the hardest. InputError where there are too few."""
    positives = np.flatnonzero(labels >= POSITIVE)
    negatives = np.flatnonzero((labels < POSITIVE) & (hardness <= choice.discard_above))
    wanted = round(choice.ratio * len(positives))
    if wanted > len(negatives):
        raise InputError(
            f"hardness: {counted(wanted, 'negative')} wanted ({choice.ratio:g} for each of {counted(len(positives), 'positive')}), "
            f"the pool has {len(negatives):,} of hardness up to {choice.discard_above:g}; lower hard_ratio, "
            "or make a larger pool with mirscan negatives"
        )
    ranked = negatives[np.argsort(-hardness[negatives], kind="stable")]
    n_hard = min(wanted, choice.hardest or int((hardness[negatives] > choice.above).sum()))
    others = random.choice(ranked[n_hard:], wanted - n_hard, replace=False)
    return np.sort(np.concatenate([positives, ranked[:n_hard], others]))


def labels_by_hardness(labels: np.ndarray, hardness: np.ndarray, choice: HardChoice) -> np.ndarray:
    """What to ask of a network (n,) float32."""
    n_steps = round(choice.up_to / choice.step)
    step = np.minimum(np.floor((hardness + _TINY) / choice.step), n_steps - 1)
    asked = np.where(labels >= POSITIVE, choice.positive_label, choice.first_label + choice.label_step * step)
    return asked.astype(np.float32)

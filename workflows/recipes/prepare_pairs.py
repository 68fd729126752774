"""The pairs that the shipped networks are trained and chosen on, and the held-out families of ENCORI: a folder of Parquet.

    python workflows/recipes/prepare_pairs.py DATA
    python workflows/recipes/prepare_pairs.py DATA --hard       # later: clash_hard, when pairs/clash_hardness.parquet is there

writes DATA/pairs. DATA holds sites/, distillation/, reference/human_mrna.fa.gz and reference/mirbase22_hsa_mature.fa.gz, public files;
their sources stand in models/README.md. Hejret train is split by gene cluster and ENCORI by miRNA family, of which a third is the test:
nothing was trained on it or chosen by it. ENCORI's training part lacks what shares a stretch of `_WORD` nt with a held-out site of Hejret
or CLASH. other_mirnas are windows for a teacher to score, with miRNAs of families that no study holds; hejret_other sites of Hejret train
with miRNAs of other clusters, each as often as among the positives; clash_hard those of CLASH train with other miRNAs which networks took
for sites, and as many at random.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mirscan.pairs.clean import clean_pairs
from mirscan.pairs.columns import labels_of
from mirscan.pairs.hardness import HardChoice, labels_by_hardness
from mirscan.pairs.negatives import NegativeSettings, write_negatives
from mirscan.pairs.read import read_pairs
from mirscan.pairs.scan_negatives import ScanDraw
from mirscan.pairs.splits import split_pairs
from mirscan.sequence.mirnas import read_mirnas

_WORD = 20
_TEST_PART, _VALIDATION_PART = 1 / 3, 0.15
HEJRET, CLASH, ENCORI = "AGO2_CLASH_Hejret2023_train.tsv.gz", "train_set_1_1_CLASH2013_paper.tsv.gz", "encori_chr1_scan_1_20.tsv.gz"
CLASH_VALIDATION = "evaluation_set_1_1_CLASH2013_paper.tsv.gz"
HELD_OUT = ("AGO2_CLASH_Hejret2023_test.tsv.gz", "test_set_1_1_CLASH2013_paper.tsv.gz", CLASH_VALIDATION)
HELD_OUT_PAIRS = (*HELD_OUT, "test_set_1_10_CLASH2013_paper.tsv.gz", "evaluation_set_1_10_CLASH2013_paper.tsv.gz")
STUDIES = ("hejret_train", "clash_train", "encori_train", "encori_validation", "encori_test")
MIRNAS = "mirbase22_hsa_mature.fa.gz"
SOFT = "mirbind2_soft_labels.parquet"
# Random windows, each with any miRNA of the three studies; of those without a seed match a tenth, with ten times the weight.
_RANDOM_RATIO, _RANDOM, _SEEDLESS = 40, 1_000_000, 0.1
_SOFT = 500_000
# Windows of each miRNA that no study holds: with the 6mer of its seed, and at random.
_WITH_SEED, _AT_RANDOM = 90, 120
# Negatives of Hejret a positive, by the rule of its own.
_OTHER_CLUSTERS = 10
# The hardest of the CLASH pool, and as many of the rest; negatives are asked for .05 more with each tenth of hardness.
_HARDEST, _BY_HARDNESS = 100_000, HardChoice(first_label=0.0, label_step=0.05)
# Candidates of a relaxed scan a positive, to validate on.
_SCAN_RATIO = 40
_COMPLEMENT = str.maketrans("ACGT", "TGCA")
_KEPT = ("mirna", "target", "label", "weight", "family", "cluster")


def main(data: Path) -> None:
    out = data / "pairs"
    out.mkdir(exist_ok=True)
    for name, pairs in {**split_studies(data / "sites"), "soft_labels": draw_soft_labels(data / "distillation" / SOFT)}.items():
        write(pairs, out / f"{name}.parquet")
    transcripts = (str(data / "reference/human_mrna.fa.gz"),)
    random = NegativeSettings("random-window", _RANDOM_RATIO, transcripts, seedless=_SEEDLESS)
    positives = [out / f"{name}.parquet" for name in ("hejret_train", "clash_train", "encori_train")]
    write(drawn(positives, random, out, with_positives=False).slice(0, _RANDOM), out / "random_windows.parquet")
    write(pair_other_mirnas(data), out / "other_mirnas.parquet")
    other = NegativeSettings("other-cluster", _OTHER_CLUSTERS, allow_fewer=True)
    write(drawn(positives[:1], other, out, with_positives=False), out / "hejret_other.parquet")
    scan = NegativeSettings("scan", _SCAN_RATIO, transcripts, scan=ScanDraw("relaxed", "anywhere"))
    positives = [out / "hejret_validation.parquet", data / "sites" / CLASH_VALIDATION]
    write(drawn(positives, scan, out, with_positives=True), out / "scan_validation.parquet")


def choose_hard(hardness: Path, sites: Path) -> pa.Table:
    """The hardest negatives of a file of hardness, and as many of the others at random, with the labels to ask for.

    The published sets share sites, so some of the pool's negatives are pairs of an evaluation or test set: they are left out.
    """
    pool = pq.read_table(hardness)
    held_out = {pair for name in HELD_OUT_PAIRS for pair in pairs_of(read_pairs(sites / name))}
    negative = labels_of(pool) < 0.5
    pool = pool.filter(pa.array([free and pair not in held_out for free, pair in zip(negative, pairs_of(pool), strict=True)]))
    order = np.argsort(-pool["hardness"].to_numpy(), kind="stable")
    others = np.random.default_rng(1).choice(order[_HARDEST:], _HARDEST, replace=False)
    chosen = pool.take(pa.array(np.sort(np.append(order[:_HARDEST], others))))
    labels = labels_by_hardness(labels_of(chosen), chosen["hardness"].to_numpy(), _BY_HARDNESS)
    return chosen.set_column(chosen.column_names.index("label"), "label", pa.array(labels))


def pairs_of(pairs: pa.Table) -> list[tuple[str, str]]:
    """(start of the miRNA, site) of each pair; some files hold 20 nt of a miRNA."""
    return [(mirna[:20], site) for mirna, site in zip(pairs["mirna"].to_pylist(), pairs["target"].to_pylist(), strict=True)]


def split_studies(sites: Path) -> dict[str, pa.Table]:
    """Training, validation and test part of each study, by name."""
    studies, _ = clean_pairs(read_pairs([sites / HEJRET, sites / CLASH]))
    training, validation = split_pairs(studies, "cluster", 0.1, seed=1)
    encori, _ = clean_pairs(read_pairs(sites / ENCORI))
    rest, encori_test = split_pairs(encori, "family", _TEST_PART, seed=1)
    encori_train, encori_validation = split_pairs(rest, "family", _VALIDATION_PART, seed=1)
    hejret_validation = of_source(validation, HEJRET)
    kept_apart = [*(read_pairs(sites / name) for name in HELD_OUT), hejret_validation]
    return {
        "hejret_train": of_source(training, HEJRET),
        "hejret_validation": hejret_validation,
        "clash_train": of_source(training, CLASH),
        "encori_train": far_from(encori_train, kept_apart),
        "encori_validation": encori_validation,
        "encori_test": encori_test,
    }


def far_from(pairs: pa.Table, others: Sequence[pa.Table]) -> pa.Table:
    """The pairs whose sites share no word of `_WORD` nt with a site of the others."""
    words = {word for table in others for site in set(table["target"].to_pylist()) for word in words_of(site)}
    return pairs.filter(pa.array([words.isdisjoint(words_of(site)) for site in pairs["target"].to_pylist()]))


def words_of(site: str) -> list[str]:
    return [site[first : first + _WORD] for first in range(len(site) - _WORD + 1)]


def of_source(pairs: pa.Table, name: str) -> pa.Table:
    return pairs.filter(pc.equal(pairs["source"], name))


def draw_soft_labels(path: Path) -> pa.Table:
    """Every so manyth soft label, at random."""
    labels = pq.read_table(path)
    rows = np.sort(np.random.default_rng(1).choice(labels.num_rows, _SOFT, replace=False))
    return labels.take(pa.array(rows)).drop(["source"])


def pair_other_mirnas(data: Path) -> pa.Table:
    """Random windows with human miRNAs of families that are in no study: what a network thinks of them is not knowledge. Labels are 0."""
    studies = [pq.read_table(data / "pairs" / f"{name}.parquet", columns=["mirna"]) for name in STUDIES]
    known = {mirna[1:8] for table in studies for mirna in table["mirna"].unique().to_pylist()}
    mirnas = [mirna for mirna in read_mature(data / "reference" / MIRNAS) if mirna[1:8] not in known]
    windows = pq.read_table(data / "pairs" / "random_windows.parquet", columns=["target"])["target"].to_pylist()
    random, text = np.random.default_rng(5), "|".join(windows)
    rows = [np.append(holding_seed(mirna, text, len(windows[0]) + 1, random), random.choice(len(windows), _AT_RANDOM)) for mirna in mirnas]
    pairs = {
        "mirna": np.repeat(mirnas, [len(own) for own in rows]),
        "target": [windows[row] for own in rows for row in own],
    }
    return pa.table({**pairs, "label": np.zeros(len(pairs["mirna"]), np.float32)})


def read_mature(path: Path) -> list[str]:
    """Different sequences of a FASTA file, as DNA."""
    mirnas = read_mirnas(path)
    return list(dict.fromkeys(mirnas.sequence(row).replace("U", "T") for row in range(len(mirnas.names))))


def holding_seed(mirna: str, text: str, stride: int, random: np.random.Generator) -> np.ndarray:
    """Numbers of the first windows with the 6mer after a random place of `text`, which has a window every `stride` letters."""
    word, at, rows = mirna[1:7].translate(_COMPLEMENT)[::-1], int(random.integers(len(text))), []
    while len(rows) < _WITH_SEED and (at := text.find(word, at)) >= 0:
        rows.append(at // stride)
        at = rows[-1] * stride + stride
    return np.array(rows, np.int64)


def drawn(positives: list[Path], settings: NegativeSettings, folder: Path, with_positives: bool) -> pa.Table:
    path = folder / "drawn.parquet"
    print(write_negatives(positives, settings, path, with_positives=with_positives))
    pairs = pq.read_table(path)
    path.unlink()
    return pairs


def write(pairs: pa.Table, path: Path) -> None:
    """The columns that a training reads; few miRNAs and families are many rows."""
    columns = {name: pairs[name] for name in (*_KEPT, "site", "teacher_permille") if name in pairs.column_names}
    long = {"target", "site"}
    packed = {
        name: column.dictionary_encode() if pa.types.is_string(column.type) and name not in long else column
        for name, column in columns.items()
    }
    pq.write_table(pa.table(packed), path, compression="zstd", compression_level=12)
    print(f"{path}: {pairs.num_rows:,} pairs")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    if "--hard" in sys.argv[2:]:
        write(choose_hard(folder / "pairs/clash_hardness.parquet", folder / "sites"), folder / "pairs/clash_hard.parquet")
    else:
        main(folder)

"""The pairs that the shipped networks are trained, chosen and tested on, from the public files: one folder of Parquet.

    python benchmarks/prepare_pairs.py DATA OUT

DATA holds sites/ (see models/README.md for where each file comes from) and reference/human_mrna.fa.gz. Hejret train is split by gene
cluster, ENCORI by miRNA family (a third is the test, never trained on or chosen by). What shares a stretch of `_WORD` nt with a site of
Hejret's or CLASH's held-out files is left out of ENCORI's training part, and of the negatives' known sites nothing.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mirscan.pairs.clean import clean_pairs
from mirscan.pairs.negatives import NegativeSettings, write_negatives
from mirscan.pairs.read import read_pairs
from mirscan.pairs.scan_negatives import ScanDraw
from mirscan.pairs.splits import split_pairs

_WORD = 20
_TEST_PART, _VALIDATION_PART = 1 / 3, 0.15
HEJRET, CLASH, ENCORI = "AGO2_CLASH_Hejret2023_train.tsv.gz", "train_set_1_1_CLASH2013_paper.tsv.gz", "encori_chr1_scan_1_20.tsv.gz"
HELD_OUT = (
    "AGO2_CLASH_Hejret2023_test.tsv.gz",
    "test_set_1_1_CLASH2013_paper.tsv.gz",
    "evaluation_set_1_1_CLASH2013_paper.tsv.gz",
)
# Random windows a positive, by how miRNAs are drawn: alike, so that none is liked for itself, and as often as among the positives.
_NEGATIVES = {"natural": 40, "mirna": 40}


def main(data: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    sites = data / "sites"
    studies, _ = clean_pairs(read_pairs([sites / HEJRET, sites / CLASH]))
    training, validation = split_pairs(studies, "cluster", 0.1, seed=1)
    held_out = [read_pairs(sites / name) for name in HELD_OUT]
    parts = {
        "hejret_train": of_source(training, HEJRET),
        "clash_train": of_source(training, CLASH),
        "hejret_validation": of_source(validation, HEJRET),
        "clash_extra_validation": of_source(validation, CLASH),
    }
    encori, _ = clean_pairs(read_pairs(sites / ENCORI))
    rest, parts["encori_test"] = split_pairs(encori, "family", _TEST_PART, seed=1)
    rest, parts["encori_validation"] = split_pairs(rest, "family", _VALIDATION_PART, seed=1)
    kept_apart = {site for table in [*held_out, parts["hejret_validation"]] for site in table["target"].to_pylist()}
    words = {word for site in kept_apart for word in words_of(site)}
    near = np.array([not words.isdisjoint(words_of(site)) for site in rest["target"].to_pylist()])
    parts["encori_train"] = rest.filter(pa.array(~near))
    for name, table in parts.items():
        pq.write_table(table, out / f"{name}.parquet", compression="zstd")
        print(f"{name}: {table.num_rows:,} pairs, {sum(label >= 0.5 for label in table['label'].to_pylist()):,} positive")
    print(f"left out of ENCORI's training part for a shared stretch of {_WORD} nt: {int(near.sum()):,}")
    positives = [out / f"{name}.parquet" for name in ("hejret_train", "clash_train", "encori_train")]
    for strata, ratio in _NEGATIVES.items():
        settings = NegativeSettings(
            "random-window", ratio, (str(data / "reference/human_mrna.fa.gz"),), scan=ScanDraw(strata=strata), seedless=0.1
        )
        print(write_negatives(positives, settings, out / f"random_{strata}.parquet", with_positives=False))


def of_source(pairs: pa.Table, name: str) -> pa.Table:
    return pairs.filter(pa.compute.equal(pairs["source"], name))


def words_of(site: str) -> list[str]:
    return [site[first : first + _WORD] for first in range(len(site) - _WORD + 1)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

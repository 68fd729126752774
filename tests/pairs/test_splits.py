import numpy as np
import pyarrow as pa
import pytest

from mirscan.errors import InputError
from mirscan.pairs.columns import seed_families
from mirscan.pairs.leakage import LeakageReport, leakage_report, refuse_leak
from mirscan.pairs.splits import split_pairs


def pairs_table(n=300, **columns):
    random = np.random.default_rng(1)
    letters = np.array(list("ACGT"))
    mirnas = ["".join(letters[random.integers(0, 4, 20)]) for _ in range(30)]
    sites = ["".join(letters[random.integers(0, 4, 50)]) for _ in range(n)]
    table = {"mirna": [mirnas[i % 30] for i in range(n)], "target": sites, "label": np.arange(n) % 2, "source": ["a.tsv"] * n}
    return pa.table({**table, **columns})


@pytest.mark.parametrize("by", ["family", "cluster", "chromosome", "random"])
def test_split_pairs__groups_stay_together_and_rows_are_neither_lost_nor_doubled(by):
    pairs = pairs_table(cluster=[str(i // 3) for i in range(300)], chromosome=[str(i % 20) for i in range(300)])
    train, validation = split_pairs(pairs, by, 0.2, seed=3)
    assert sorted(train["target"].to_pylist() + validation["target"].to_pylist()) == sorted(pairs["target"].to_pylist())
    assert 30 <= validation.num_rows <= 70
    column = {"family": "mirna", "cluster": "cluster", "chromosome": "chromosome", "random": "target"}[by]
    assert not set(train[column].to_pylist()) & set(validation[column].to_pylist())
    again, _ = split_pairs(pairs, by, 0.2, seed=3)
    other, _ = split_pairs(pairs, by, 0.2, seed=4)
    assert again.equals(train) and not other.equals(train)


def test_split_pairs__by_column_leaves_test_rows_out():
    words = ["train", "Train", "val", "test"] * 75
    train, validation = split_pairs(pairs_table(split=words), "column", 0.1, seed=0)
    assert train["split"].to_pylist() == ["train", "Train"] * 75 and validation["split"].to_pylist() == ["val"] * 75


@pytest.mark.parametrize(
    ("by", "columns", "message"),
    [
        ("column", {}, "no column split"),
        ("column", {"split": ["train"] * 300}, "150|300 train and 0 validation pairs; the column says train"),
        ("chromosome", {}, "not every pair has one"),
        ("cluster", {"cluster": ["1"] * 300}, "1 group of 300 pairs cannot give 0.1 of them"),
    ],
)
def test_split_pairs__impossible_split_says_why(by, columns, message):
    with pytest.raises(InputError, match=message):
        split_pairs(pairs_table(**columns), by, 0.1, seed=0)


def test_seed_families__same_seed_same_family_across_files():
    mirnas = ["TGAGGTAGTAGG", "TGAGGTAGCCCC", "TGAGGTAGTTTT", "TAAAAAAAAAAA"]
    table = pa.table({"mirna": mirnas, "family": ["let-7", None, "let-7", None]})
    assert seed_families(table).to_pylist() == ["let-7", "let-7", "let-7", "AAAAAAA"]
    assert seed_families(table.select(["mirna"])).to_pylist() == ["GAGGTAG"] * 3 + ["AAAAAAA"]


def test_leakage_report__counts_pairs_sites_mirnas_and_families():
    train = pa.table({"mirna": ["TGAGGTAGAA", "CCCCCCCCCC"], "target": ["A" * 50, "C" * 50], "label": [1, 0]})
    held_out = pa.table(
        {
            "mirna": ["TGAGGTAGAA", "TGAGGTAGAA", "TGAGGTAGCC", "GGGGGGGGGG"],
            "target": ["A" * 50, "C" * 50, "G" * 50, "T" * 50],
            "label": [1, 0, 1, 0],
        }
    )
    assert leakage_report(train, held_out) == LeakageReport(rows=4, shared_pairs=1, shared_sites=2, shared_mirnas=2, shared_families=3)


def test_refuse_leak__each_split_is_held_to_what_it_promises():
    sites = LeakageReport(rows=10, shared_pairs=0, shared_sites=4, shared_mirnas=9, shared_families=9)
    with pytest.raises(InputError, match=r"leak: training, too, has 4 sites of the 10 validation pairs \(split: given\); .*--allow-leak"):
        refuse_leak(sites, "given")
    with pytest.raises(InputError, match="9 families"):
        refuse_leak(sites, "family")
    refuse_leak(sites, "random")
    with pytest.raises(InputError, match="1 pair of the 10"):
        refuse_leak(LeakageReport(10, 1, 1, 1, 1), "random")

"""The compiled table: sharing, sizes, short miRNAs, expectations, refusals."""

import pickle
import random

import numpy as np
import pytest

from mirscan.errors import InputError
from mirscan.search.candidates import iter_candidates
from mirscan.seeds import table as table_module
from mirscan.seeds.rule import SeedRule, positions
from mirscan.seeds.rules import BUILT_IN, GROUPS, read_rules
from mirscan.seeds.table import compile_seed_table, expected_hits_per_base
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import transcriptome_from_sequences

LET_7 = "TGAGGTAGTAGGTTGTATAGTT"


def mirnas_of(sequences):
    return mirnas_from_sequences([f"m{i}" for i in range(len(sequences))], sequences)


def random_sequences(n, length=22, seed=0):
    generator = random.Random(seed)
    return ["".join(generator.choices("ACGT", k=length)) for _ in range(n)]


def compile_names(seeds, sequences, **options):
    return compile_seed_table(read_rules(seeds), mirnas_of(sequences), **options)


def test_expected_hits__canonical_is_the_arithmetic_of_6mer_words():
    # A 6mer or better holds one fixed word of 6: 1 in 4**6 a miRNA, whatever stands around it.
    assert expected_hits_per_base(compile_names("canonical", random_sequences(50))) == pytest.approx(50 / 4**6)


def test_expected_hits__all_types_count_every_type():
    expected = 1 / 4**8 + 1 / 4**7 + 1 / 4**7 + 1 / 4**6
    assert expected_hits_per_base(compile_names("canonical", [LET_7], all_types=True)) == pytest.approx(expected)


def test_expected_hits__equal_the_sites_in_every_word_of_ten_bases():
    # A de Bruijn sequence holds every word of 10 bases once.
    words = de_bruijn(4, 10)
    transcriptome = transcriptome_from_sequences(["t"], ["".join("ACGT"[i] for i in words + words[:9])])
    for name in ("8mer", "7mer-GU", "seed-mismatch", "seed-bulge", "offset-9-mer-m7", "10-mer-m6"):
        table = compile_names(name, [LET_7])
        found = sum(batch.num_rows for batch in iter_candidates(transcriptome, mirnas_of([LET_7]), table))
        assert found == pytest.approx(expected_hits_per_base(table) * 4**10, rel=0.001, abs=8), name


def de_bruijn(k, n):
    """A cyclic sequence over k letters that holds every word of n once (Fredricksen, Kessler and Maiorana)."""
    sequence, letters = [], [0] * (k * n)

    def extend(t, p):
        if t > n:
            if n % p == 0:
                sequence.extend(letters[1 : p + 1])
            return
        letters[t] = letters[t - p]
        extend(t + 1, p)
        for letter in range(letters[t - p] + 1, k):
            letters[t] = letter
            extend(t + 1, t)

    extend(1, 1)
    return sequence


def test_shared_seed__entries_are_in_the_order_of_mirnas():
    others = random_sequences(30)
    sequences = [x for other in others for x in (other, LET_7)]
    transcriptome = transcriptome_from_sequences(["t"], ["CTACCTCA"])
    batch = next(iter_candidates(transcriptome, mirnas_of(sequences), compile_names("8mer", sequences)))
    assert batch["mirna"].to_pylist() == [f"m{i}" for i in range(1, 60, 2)]


def test_shared_seed__many_mirnas_cost_entries_not_words():
    one, many = compile_names("relaxed", [LET_7]), compile_names("relaxed", [LET_7] * 1000)
    assert many.n_entries == 1000 * one.n_entries
    assert len(many.side_keys) == len(one.side_keys)


def test_too_short__is_listed_and_takes_part_in_other_rules():
    sequences = [LET_7[:9], LET_7[:12], LET_7]
    table = compile_names("relaxed,10-mer-m7", sequences)
    assert table.too_short == {"centered": ("m0", "m1"), "10-mer-m7": ("m0",)}
    transcriptome = transcriptome_from_sequences(["t"], ["CTACCTCA"])
    batch = next(iter_candidates(transcriptome, mirnas_of(sequences), table))
    assert batch.to_pydict()["seed"] == ["8mer"] * 3


def test_n_in_a_mirna__pairs_with_nothing():
    transcriptome = transcriptome_from_sequences(["t"], ["CTACCTCA"])
    sequences = ["TGANGTAG", "NGAGGTAG"]
    batches = list(iter_candidates(transcriptome, mirnas_of(sequences), compile_names("relaxed", sequences)))
    assert [row["mirna"] for batch in batches for row in batch.to_pylist()] == ["m1"]


def test_table__is_small_for_canonical_and_survives_pickling():
    table = compile_names("canonical", random_sequences(2000))
    assert table.nbytes < 6e6
    copy = pickle.loads(pickle.dumps(table))
    assert np.array_equal(copy.entries, table.entries)
    assert copy.rules == GROUPS["canonical"]


def test_all_rules__compile_together():
    table = compile_seed_table(tuple(BUILT_IN.values()), mirnas_of(random_sequences(3)))
    assert table.rules == tuple(BUILT_IN)
    # The two forms of `centered` lie too far from the seed for one word; so they, and what is weaker, are left to the scan.
    assert {table.rules[rule] for rule in table.shape_rule[table.checked]} == {"centered", "offset-9-mer-m7", "10-mer-m7", "10-mer-m6"}


def test_table__too_large_says_what_to_do(monkeypatch):
    monkeypatch.setattr(table_module, "MAX_ENTRIES", 1000)
    with pytest.raises(
        InputError, match=r"seed rules seed-mismatch: the table needs [\d,]+ entries; expected at most 1,000\. Take fewer miRNAs"
    ):
        compile_names("seed-mismatch", random_sequences(100))


def test_table__too_many_rules():
    rules = [SeedRule(f"r{i}", (positions(2, 8),)) for i in range(128)]
    with pytest.raises(InputError, match="128 seed rules; expected at most 127"):
        compile_seed_table(rules, mirnas_of([LET_7]))

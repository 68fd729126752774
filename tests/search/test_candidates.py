"""The stream of candidates: order, batches, threads, ranges, memory maps, schema and refusals."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mirscan.errors import InputError
from mirscan.search.candidates import count_candidates, find_candidates, iter_candidates
from mirscan.seeds.rules import GROUPS, read_rules
from mirscan.seeds.table import compile_seed_table
from mirscan.sequence.transcriptome import open_transcriptome, transcriptome_from_sequences
from mirscan.tables import CANDIDATES
from tests.search.sequences import build, rows_of
from tests.search.test_features import random_case

ALL_RULES = (*GROUPS["relaxed"], "offset-9-mer-m7")


@pytest.fixture(scope="module")
def case():
    return build(*random_case(4))


@pytest.fixture(scope="module")
def table(case):
    return compile_seed_table(read_rules(ALL_RULES), case[1])


def scan(case, table, **options):
    batches = list(iter_candidates(*case, table, **options))
    return batches, [row for batch in batches for row in rows_of(batch)]


def test_iter_candidates__names_of_rules_as_find_candidates(case):
    expected = find_candidates(*case, seeds="relaxed")
    assert pa.Table.from_batches(iter_candidates(*case, seeds="relaxed", batch_rows=100)).to_pylist() == expected.to_pylist()


def test_let_7__8mer_is_one_site_with_the_a_downstream():
    rows = find_candidates(*build(["TGAGGTAGTAGGTTGTATAGTT"], ["GGCTACCTCAGG"])).to_pylist()
    assert rows == [{"transcript": "t0", "gene": "t0", "mirna": "m0", "start": 2, "end": 10, "seed": "8mer", "anchor": 9}]


@pytest.mark.parametrize(
    ("transcript", "expected"),
    [
        ("CTACCTCA", (0, 8, "8mer", 7)),
        ("CTACCTC", (0, 7, "7mer-m8", 7)),
        ("TACCTCA", (0, 7, "7mer-A1", 6)),
        ("TACCTC", (0, 6, "6mer", 6)),
        ("ctaccuca", (0, 8, "8mer", 7)),
        ("NTACCTCN", (1, 7, "6mer", 7)),
        ("NCTACCTCAN", (1, 9, "8mer", 8)),
    ],
)
def test_ends__first_and_last_base_are_ordinary(transcript, expected):
    rows = find_candidates(*build(["TGAGGTAGTAGGTTGTATAGTT"], [transcript])).to_pylist()
    assert [(row["start"], row["end"], row["seed"], row["anchor"]) for row in rows] == [expected]


def test_ends__nothing_spans_two_transcripts():
    assert find_candidates(*build(["TGAGGTAGTAGGTTGTATAGTT"], ["CTAC", "CTCA", "A"])).num_rows == 0


def test_schema__is_candidates_with_descriptions(case):
    assert find_candidates(*case).schema.equals(CANDIDATES.schema(), check_metadata=True)


def test_dictionaries__hold_all_names(case, table):
    batch = scan(case, table)[0][0]
    assert batch["transcript"].dictionary.equals(case[0].names)
    assert batch["mirna"].dictionary.to_pylist() == list(case[1].names)
    assert batch["seed"].dictionary.to_pylist() == list(ALL_RULES)


def test_gene__distinct_values_shared_by_transcripts():
    transcriptome = transcriptome_from_sequences(["a", "b", "c"], ["CTACCTCA"] * 3, genes=["g1", "g2", "g1"])
    _, mirnas = build(["TGAGGTAG"], ["A"])
    genes = find_candidates(transcriptome, mirnas)["gene"].combine_chunks()
    assert genes.to_pylist() == ["g1", "g2", "g1"]
    assert genes.dictionary.to_pylist() == ["g1", "g2"]


@pytest.mark.parametrize("batch_rows", [1, 3, 64, 1000])
@pytest.mark.parametrize("options", [{}, {"min_distance": 7, "features": ["previous_distance", "local_au"]}])
def test_batches__are_bounded_and_never_change_rows(case, table, batch_rows, options):
    whole = pa.Table.from_batches(iter_candidates(*case, table, **options))
    batches = list(iter_candidates(*case, table, batch_rows=batch_rows, **options))
    assert pa.Table.from_batches(batches).to_pylist() == whole.to_pylist()
    crowded = max(np.unique([row[:2] for row in rows_of(whole)], axis=0, return_counts=True)[1])
    assert max(batch.num_rows for batch in batches) <= max(batch_rows, crowded)


@pytest.mark.parametrize("options", [{}, {"min_distance": 7}, {"batch_rows": 10}])
def test_threads__give_equal_batches_in_equal_order(case, table, options):
    one, two, five = (scan(case, table, threads=threads, **options)[0] for threads in (1, 2, 5))
    assert one == two == five
    assert len(one) >= 1


def test_range__parts_make_up_the_whole(case, table):
    n = len(case[0])
    parts = [scan(case, table, first=first, last=last)[1] for first, last in [(0, 0), (0, 1), (1, 7), (7, n)]]
    assert parts[0] == []
    assert [row for part in parts for row in part] == scan(case, table)[1]


def test_memory_map__equals_memory(case, table, tmp_path):
    case[0].save(tmp_path / "packed")
    assert scan((open_transcriptome(tmp_path / "packed"), case[1]), table)[1] == scan(case, table)[1]


def test_count__equals_rows_for_rules_resolved_in_the_table(case):
    for seeds in ("canonical", "extended", "6mer,centered"):
        table = compile_seed_table(read_rules(seeds), case[1])
        assert count_candidates(case[0], table) >= len(scan(case, table)[1]) > 0
    table = compile_seed_table(read_rules("extended"), case[1])
    assert count_candidates(case[0], table) == len(scan(case, table)[1])
    assert count_candidates(case[0], table, 2, 5) == len(scan(case, table, first=2, last=5)[1])
    assert count_candidates(case[0], table, 3, 3) == 0


def test_no_hits__is_an_empty_table():
    table = find_candidates(*build(["TGAGGTAG"], ["GGGG"]))
    assert table.num_rows == 0
    assert table.schema.names == list(CANDIDATES.names)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_rows": 0}, "batch_rows 0; expected 1 or more"),
        ({"mask_start": -1}, "mask_start -1; expected 0 or more"),
        ({"min_distance": -5}, "min_distance -5; expected 0 or more"),
        ({"first": 5, "last": 3}, "transcripts 5 to 3; expected a range inside 0 to 12"),
        ({"last": 99}, "transcripts 0 to 99"),
    ],
)
def test_options__out_of_range_are_refused_at_once(case, table, options, message):
    with pytest.raises(InputError, match=message):
        iter_candidates(*case, table, **options)


def test_table__of_other_mirnas_is_refused(case, table):
    with pytest.raises(InputError, match="compiled for 6 miRNAs; expected the 2 given"):
        iter_candidates(case[0], case[1].take([0, 1]), table)


def test_transcript__longer_than_32_bits_is_refused(case, table):
    huge = replace(case[0], begin=np.array([1]), end=np.array([2**31]), names=pa.array(["chr"]))
    with pytest.raises(InputError, match=r"transcript 'chr' has 2,147,483,647 nt; expected at most 2,147,483,584"):
        iter_candidates(huge, case[1], table)


def test_without_jit__same_rows():
    """The kernels as plain Python, which checks types and bounds that compiled code does not."""
    program = """
import sys
import numba
import mirscan.jit
# Whoever asks for it by Numba's variable is refused.
numba.config.DISABLE_JIT = int(sys.argv[1])
from mirscan.search.candidates import find_candidates
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import transcriptome_from_sequences
transcriptome = transcriptome_from_sequences("abcd", ["CTACCTCAACTACTACCTNAGCACTTTA", "TACCTC", "A", "CTACCATCAGGCACTTA"])
mirnas = mirnas_from_sequences("xy", ["TGAGGTAGTAGGTTGT", "TAAAGTGCN"])
for options in (
    {"seeds": "extended,seed-bulge,seed-mismatch,offset-9-mer-m7", "features": ["local_au", "supplementary", "previous_distance"]},
    {"seeds": "6mer,7mer-GU,offset-7mer", "all_types": True, "min_distance": 3},
):
    for row in find_candidates(transcriptome, mirnas, **options).to_pylist():
        print(row)
"""
    outputs = []
    for value in ("0", "1"):
        command = [sys.executable, "-W", "error", "-c", program, value]
        run = subprocess.run(command, cwd=Path(__file__).parents[2], env={"PATH": ""}, capture_output=True, text=True, check=True)
        outputs.append(run.stdout)
    assert outputs[0] == outputs[1]
    assert outputs[0].count("start") > 12

import bz2
import gzip
import lzma
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mirscan.errors import InputError
from mirscan.pairs.clean import CleaningCounts, check_pairs, clean_pairs
from mirscan.pairs.columns import labels_of
from mirscan.pairs.read import read_pairs
from mirscan.pairs.write import PairWriter

MIRNA, SITE = "UGAGGUAGUAGGUUGUAUAGUU", "ACGT" * 12 + "AC"
DNA = MIRNA.replace("U", "T")


def zstd(content: bytes) -> bytes:
    return pa.compress(content, "zstd", asbytes=True)


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    "heading",
    ["noncodingRNA\tgene\tlabel", "miRNA\tgene\tlabel", "mirna_seq\tsite_seq\tlabel", "mirna\tsite\tlabel", "mirna\ttarget\tlabel"],
)
def test_read_pairs__headings_of_every_study(tmp_path, heading):
    pairs = read_pairs(write(tmp_path / "p.tsv", heading, f"{MIRNA}\t{SITE}\t1", f"{MIRNA}\t{SITE.lower()}\t0"))
    assert pairs.select(["mirna", "target", "label"]).to_pydict() == {"mirna": [DNA] * 2, "target": [SITE] * 2, "label": [1.0, 0.0]}


def test_read_pairs__mirbench_extra_columns(tmp_path):
    heading = "gene\tnoncodingRNA\tnoncodingRNA_name\tnoncodingRNA_fam\tfeature\tlabel\tchr\tgene_cluster_ID"
    row = f"{SITE}\t{MIRNA}\thsa-let-7a-5p\tlet-7\t\t1\t1\t2391"
    unknown = f"{SITE}\t{MIRNA}\thsa-miR-x\tunknown\texon\t0\tX\t7"
    pairs = read_pairs(write(tmp_path / "p.tsv", heading, row, unknown))
    assert pairs["mirna_name"].to_pylist() == ["hsa-let-7a-5p", "hsa-miR-x"]
    assert pairs["family"].to_pylist() == ["let-7", None]
    assert pairs["chromosome"].to_pylist() == ["1", "X"]
    assert pairs["cluster"].to_pylist() == ["2391", "7"]
    assert pairs["source"].to_pylist() == ["p.tsv"] * 2


def test_read_pairs__miraw_keeps_the_name_apart_from_the_sequence(tmp_path):
    pairs = read_pairs(
        write(tmp_path / "p.tsv", "mirna\tmirna_seq\tensg\tsite_seq\tlabel\tsplit", f"hsa-let-7a\t{MIRNA}\tENSG1\t{SITE}\t1\ttrain")
    )
    assert pairs["mirna"].to_pylist() == [DNA]
    assert pairs["mirna_name"].to_pylist() == ["hsa-let-7a"]
    assert pairs["split"].to_pylist() == ["train"]


def test_read_pairs__gzipped_csv_with_carriage_returns(tmp_path):
    path = tmp_path / "p.csv.gz"
    path.write_bytes(gzip.compress(f"mirna,target,label\r\n{MIRNA},{SITE},1\r\n".encode()))
    assert read_pairs(path)["target"].to_pylist() == [SITE]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("pack", [bytes, bz2.compress, lzma.compress, zstd])
@pytest.mark.parametrize("delimiter", "\t,;")
def test_read_pairs__packing_marks_line_ends_and_delimiters(tmp_path, end, mark, pack, delimiter):
    lines = ['"mirna";"target";"label"', f"{MIRNA};{SITE}; 1 ", "", f"{MIRNA};{SITE.lower()};0", ""]
    path = tmp_path / "p.txt"
    path.write_bytes(pack(mark + end.join(lines).replace(";", delimiter).encode()))
    assert read_pairs(path).select(["mirna", "target", "label"]).to_pydict() == {
        "mirna": [DNA] * 2,
        "target": [SITE] * 2,
        "label": [1.0, 0.0],
    }


def test_read_pairs__headings_alone_are_no_pairs(tmp_path):
    with pytest.raises(InputError, match=r"p.tsv: headings mirna, target, label and no row; expected rows below headings: noncodingRNA"):
        read_pairs(write(tmp_path / "p.tsv", "mirna\ttarget\tlabel"))


def test_read_pairs__numeric_target_column_is_a_soft_label(tmp_path):
    pairs = read_pairs(write(tmp_path / "p.tsv", "mirna\tsite\ttarget", f"{MIRNA}\t{SITE}\t0.25"))
    assert labels_of(pairs).tolist() == [0.25]


def test_read_pairs__parquet_dictionaries_and_permille(tmp_path):
    table = pa.table(
        {
            "mirna": pa.array([MIRNA, "ACGU" * 5, MIRNA]).dictionary_encode(),
            "site": pa.array([SITE] * 3, pa.large_string()),
            "teacher_permille": pa.array([0, 671, 1000], pa.int16()),
        }
    )
    pq.write_table(table, tmp_path / "p.parquet")
    pairs = read_pairs(tmp_path / "p.parquet")
    assert pairs["mirna"].to_pylist() == [DNA, "ACGT" * 5, DNA]
    np.testing.assert_allclose(labels_of(pairs), [0, 0.671, 1], atol=1e-6)


def test_read_pairs__several_files_with_weights(tmp_path):
    first = write(tmp_path / "a.tsv", "mirna\ttarget\tlabel\tweight", f"{MIRNA}\t{SITE}\t1\t3")
    second = write(tmp_path / "b.tsv", "mirna\ttarget\tlabel", f"{MIRNA}\t{SITE}\t0")
    pairs = read_pairs([first, second], weights=[0.5, 2.0])
    assert pairs["weight"].to_pylist() == [1.5, 2.0]
    assert pairs["source"].to_pylist() == ["a.tsv", "b.tsv"]
    assert read_pairs([first, second])["weight"].to_pylist() == [3.0, 1.0]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["rna\tgene\tlabel", f"{MIRNA}\t{SITE}\t1"],
            r"p\.tsv, line 1: no column for mirna among rna, gene, label; understood: noncodingRNA",
        ),
        (["mirna\tlabel", f"{MIRNA}\t1"], r"line 1: no column for target"),
        (["mirna\ttarget\tlabel", f"{MIRNA}\t{SITE}\t1", f"{MIRNA}\t{SITE[:-1]}?\t0"], r"line 3: letter '\?' in the target sequence"),
        (["mirna\ttarget\tlabel", f"{MIRNA}\t{SITE}\t1", f"{MIRNA}\t{SITE}\t1.5"], r"line 3: label is 1\.5; expected 0 to 1"),
        (["mirna\ttarget\tlabel", f"{MIRNA}\t{SITE}\tyes"], r"line 2: label is 'yes'; expected a number"),
        (["mirna\ttarget\tlabel", f"{MIRNA}\t{SITE}\t"], r"line 2: label is .*; expected a number"),
        (["mirna\ttarget\tteacher_permille", f"{MIRNA}\t{SITE}\t1001"], r"line 2: teacher_permille is 1001; expected 0 to 1000"),
        (["mirna\ttarget\tlabel", f"UGAG\t{SITE}\t1"], r"line 2: mirna of 4 nt; expected 8 to 40"),
        (["mirna\ttarget\tlabel", f"{MIRNA}\tACGT\t1"], r"line 2: target of 4 nt; expected 8 to"),
        (["mirna\ttarget\tlabel", f"{MIRNA}\t{SITE}\t1\textra"], r"line 2: 4 columns; expected 3, as in the headings"),
        (["mirna\ttarget\tlabel\tweight", f"{MIRNA}\t{SITE}\t1\t-1"], r"line 2: a weight is -1; expected 0 to 1e\+09"),
        (["mirna\ttarget\tlabel\tweight", "", f"{MIRNA}\t{SITE}\t1\t1e39"], r"line 3: a weight is 1e\+39"),
        (["mirna\ttarget\tlabel\tweight", f"{MIRNA}\t{SITE}\t1\t0", f"{MIRNA}\t{SITE}\t0\t1e-99"], r"p.tsv: every weight is 0"),
        (["mirna\ttarget\tlabel", "", f"{MIRNA}\t{SITE}\t0,5"], r"line 3: label is '0,5'; expected a number"),
        (["mirna\ttarget\tlabel", f"{MIRNA}\t{SITE[:9]}\u200b{SITE}\t1"], r"letter U\+200B \(ZERO WIDTH SPACE\) in the target"),
        (["mirna\ttarget\tlabel\tfamily", f'{MIRNA}\t{SITE}\t1\t"a', f"{MIRNA}\t{SITE}\t1\tb"], r"line 2: a quote in column family is"),
        (["mirna\ttarget\tlabel\tlabel", f"{MIRNA}\t{SITE}\t1\t1"], r"two columns are called 'label'"),
        (["mirna\ttarget\t\u200blabel", f"{MIRNA}\t{SITE}\t1"], r"line 1: name .*label' holds U\+200B \(ZERO WIDTH SPACE\)"),
    ],
)
def test_read_pairs__bad_input_names_line_and_expectation(tmp_path, lines, message):
    with pytest.raises(InputError, match=message):
        read_pairs(write(tmp_path / "p.tsv", *lines))


def test_read_pairs__missing_empty_and_broken_files(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_pairs(tmp_path / "absent.tsv")
    os.mkfifo(tmp_path / "pipe.tsv")
    with pytest.raises(InputError, match=r"pipe.tsv: is a pipe; expected a file"):
        read_pairs(tmp_path / "pipe.tsv")
    (tmp_path / "empty.tsv").write_text("")
    with pytest.raises(InputError, match="the file is empty"):
        read_pairs(tmp_path / "empty.tsv")
    (tmp_path / "plain.tsv.gz").write_text("mirna\ttarget\tlabel\n")
    with pytest.raises(InputError, match="the name says gzip but the content is not"):
        read_pairs(tmp_path / "plain.tsv.gz")
    (tmp_path / "latin1.tsv").write_bytes(f"mirna\ttarget\tlabel\tfamily\n{MIRNA}\t{SITE}\t1\t".encode() + b"\xe9\n")
    with pytest.raises(InputError, match=r"cannot be read as a table: .*invalid UTF8 data; expected TSV, CSV \(packed or not\) in UTF-8"):
        read_pairs(tmp_path / "latin1.tsv")
    (tmp_path / "latin1.tsv").write_bytes(f"mirna\ttarget\tlabel\n{MIRNA}\t{SITE}\t1\n{MIRNA}\t".encode() + b"\xe9\n")
    with pytest.raises(InputError, match=r"line 3: 2 columns; expected 3, as in the headings"):
        read_pairs(tmp_path / "latin1.tsv")
    with pytest.raises(InputError, match="UTF-16 text without a mark"):
        (tmp_path / "wide.tsv").write_bytes(f"mirna\ttarget\tlabel\n{MIRNA}\t{SITE}\t1\n".encode("utf-16-le"))
        read_pairs(tmp_path / "wide.tsv")
    (tmp_path / "p.parquet").write_text("not parquet")
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_pairs(tmp_path / "p.parquet")
    with pytest.raises(InputError, match="no file of pairs"):
        read_pairs([])
    with pytest.raises(InputError, match="2 weights for 1 file"):
        read_pairs(write(tmp_path / "p.tsv", "mirna\ttarget\tlabel", f"{MIRNA}\t{SITE}\t1"), weights=[1, 2])


def test_check_pairs__too_few_rows_and_one_class(tmp_path):
    lines = [f"{MIRNA}\t{SITE}\t1"] * 120
    with pytest.raises(InputError, match="training: 99 pairs; expected at least 100"):
        check_pairs(read_pairs(write(tmp_path / "p.tsv", "mirna\ttarget\tlabel", *lines[:99])), "training")
    with pytest.raises(InputError, match="all 120 labels are positive; expected both classes"):
        check_pairs(read_pairs(write(tmp_path / "p.tsv", "mirna\ttarget\tlabel", *lines)), "training")


def test_clean_pairs__conflicts_go_duplicates_stay_once(tmp_path):
    other = "ACGT" * 5
    rows = [(MIRNA, 1), (other, 0), (DNA, 0), (other, 0), ("CCCC" * 5, 0.2), ("CCCC" * 5, 0.4), ("GGGG" * 5, 1)]
    pairs = read_pairs(write(tmp_path / "p.tsv", "mirna\ttarget\tlabel", *(f"{mirna}\t{SITE}\t{label}" for mirna, label in rows)))
    clean, counts = clean_pairs(pairs)
    assert clean["mirna"].to_pylist() == [other, "CCCC" * 5, "GGGG" * 5]
    np.testing.assert_allclose(labels_of(clean), [0, 0.2, 1])
    assert counts == CleaningCounts(rows_read=7, rows_kept=3, conflicting_pairs=1, conflicting_rows=2, duplicate_rows=2)


@pytest.mark.parametrize("ending", ["tsv", "tsv.gz", "parquet"])
def test_pair_writer__names_with_quotes_come_back(tmp_path, ending):
    columns = {"mirna": [DNA] * 2, "target": [SITE] * 2, "label": pa.array([1.0, 0.0], pa.float32()), "mirna_name": ['mi"R-1', "let-7"]}
    with PairWriter(tmp_path / f"p.{ending}", pa.table(columns).schema) as writer:
        writer.write(pa.table(columns))
    assert read_pairs(tmp_path / f"p.{ending}")["mirna_name"].to_pylist() == ['mi"R-1', "let-7"]

"""The small scripts of the workflow: joining FASTA files, picking targets."""

import gzip
import sys

import pytest

COLUMNS = [
    *("gene", "symbol", "mirna", "transcript", "n_sites", "n_8mer", "n_7mer_m8", "n_7mer_a1", "n_6mer", "n_other"),
    *("best_score", "combined_score", "n_windows", "predicted_log2fc", "rank"),
]


def test_prepare_fasta__joins_and_filters(script, tmp_path):
    (tmp_path / "a.fa").write_bytes(b"\n>t1 x\r\nACGT\r\nAC\r\n>t2\nSequence unavailable\n>t3_alt\nACGTAC\n>t4\nAC\n>t5\n")
    (tmp_path / "b.fa.gz").write_bytes(gzip.compress(b">t1 x\nacgtac\n>t6\nGGGGG"))
    counts = script("prepare_fasta").join_records([tmp_path / "a.fa", tmp_path / "b.fa.gz"], tmp_path / "out.fa", 5, "_alt")
    assert (tmp_path / "out.fa").read_bytes() == b">t1 x\nACGT\nAC\n>t6\nGGGGG\n"
    assert counts == {"kept": 2, "without a sequence": 2, "dropped by header": 1, "shorter than 5 nt": 1, "repeated": 1}


def test_prepare_fasta__name_with_another_sequence_is_left_for_the_scan_to_refuse(script, tmp_path):
    (tmp_path / "a.fa").write_text(">t1\nACGT\n>t1\nGGGG\n")
    script("prepare_fasta").join_records([tmp_path / "a.fa"], tmp_path / "out.fa", 1, "")
    assert (tmp_path / "out.fa").read_text() == (tmp_path / "a.fa").read_text()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"ACGT\n", "before the first header"),
        (b">\nACGT\n", "a header without a name"),
        (gzip.compress(b">t1\n" + bytes(9000), mtime=0)[:-9], "Compressed file ended"),
        (b"", "none of 0 records is left"),
        (b"PK\x03\x04", "is a zip archive"),
        (None, "no such file"),
    ],
)
def test_prepare_fasta__bad_file_is_one_line(script, tmp_path, monkeypatch, content, said):
    if content is not None:
        (tmp_path / "a.fa").write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["prepare_fasta.py", str(tmp_path / "a.fa"), "--out", str(tmp_path / "out.fa")])
    with pytest.raises(SystemExit, match=said):
        script("prepare_fasta").main()


def write_table(path, rows) -> None:
    """genes.tsv.gz of (symbol, miRNA, 8mers, 6mers, combined score, and perhaps rank) rows."""
    lines = [
        "\t".join(map(str, [symbol.lower(), symbol, mirna, "t", strong + weak, strong, 0, 0, weak, 0, score, score, 9, "", *(rank or [1])]))
        for symbol, mirna, strong, weak, score, *rank in rows
    ]
    path.write_bytes(gzip.compress(("\n".join(["\t".join(COLUMNS), *lines]) + "\n").encode()))


def picked(script, path, **settings) -> dict[str, list[str]]:
    _, strongest = script("select_targets").select_targets(path, **settings)
    return {mirna: [row[1] for _, _, row in sorted(heap, reverse=True)] for mirna, heap in strongest.items()}


def test_select_targets__without_scores_8mers_come_before_many_6mers(script, tmp_path):
    write_table(tmp_path / "genes.tsv.gz", [("A", "m1", 0, 9, ""), ("B", "m1", 1, 0, ""), ("C", "m1", 1, 0, ""), ("D", "m2", 0, 1, "")])
    assert picked(script, tmp_path / "genes.tsv.gz", per_mirna=2) == {"m1": ["B", "C"], "m2": ["D"]}


def test_select_targets__score_comes_before_sites(script, tmp_path):
    write_table(tmp_path / "genes.tsv.gz", [("A", "m1", 0, 1, 0.9), ("B", "m1", 5, 0, 0.2), ("C", "m1", 0, 1, 0.95)])
    assert picked(script, tmp_path / "genes.tsv.gz", per_mirna=3) == {"m1": ["C", "A", "B"]}


def test_select_targets__rank_comes_first(script, tmp_path):
    write_table(tmp_path / "genes.tsv.gz", [("A", "m1", 9, 1, 0.9, 2), ("B", "m1", 1, 0, 0.2, 1), ("C", "m1", 0, 1, 0.95, 3)])
    assert picked(script, tmp_path / "genes.tsv.gz", per_mirna=2) == {"m1": ["B", "A"]}


def test_select_targets__list_of_genes_is_matched_by_id_or_symbol(script, tmp_path, monkeypatch):
    write_table(tmp_path / "genes.tsv.gz", [(name, "m1", 1, 0, "") for name in 'AB"'])
    assert picked(script, tmp_path / "genes.tsv.gz", per_mirna=9, wanted={"b", '"'}) == {"m1": ["B", '"']}
    (tmp_path / "wanted.txt").write_text("nothing\n")
    monkeypatch.setattr(
        sys, "argv", ["select_targets.py", str(tmp_path / "genes.tsv.gz"), "--out", "x", "--genes", str(tmp_path / "wanted.txt")]
    )
    with pytest.raises(SystemExit, match=r"none of the 1 names in .*wanted.txt is in"):
        script("select_targets").main()

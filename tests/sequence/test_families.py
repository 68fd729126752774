import numpy as np
import pytest

from mirscan.errors import InputError
from mirscan.notices import Notices
from mirscan.sequence.families import families_text, group_families, read_families
from mirscan.sequence.mirnas import mirnas_from_sequences

SEQUENCES = {
    "hsa-miR-1-3p": "UGGAAUGUAAAGAAGUAUGUAU",
    "hsa-let-7a-5p": "UGAGGUAGUAGGUUGUAUAGUU",
    "hsa-miR-206": "UGGAAUGUAAGGAAGUGUGUGG",
    "hsa-let-7b-5p": "UGAGGUAGUAGGUUGUGUGGUU",
    "hsa-miR-613": "AGGAAUGUUCCUUCUUUGCC",
    "odd-1": "UGNAAUGUAAAGAAGUAUGUAU",
    "odd-2": "UGNAAUGUAAAGAAGUAUGUAU",
}


def test_group_families__by_nt_2_to_8_as_a_plain_dictionary_does():
    mirnas = mirnas_from_sequences(list(SEQUENCES), list(SEQUENCES.values()))
    grouped, families = group_families(mirnas)
    by_seed: dict[str, list[str]] = {}
    for name, sequence in SEQUENCES.items():
        by_seed.setdefault(sequence[1:8] if "N" not in sequence else name, []).append(name)
    assert [list(family.members) for family in families] == list(by_seed.values())
    assert list(grouped.names) == [family.name for family in families] == [members[0] for members in by_seed.values()]
    # miR-613 differs in nt 1 alone.
    assert families[0].members == ("hsa-miR-1-3p", "hsa-miR-206", "hsa-miR-613") and families[0].seed == "GGAATGT"
    assert np.array_equal(grouped.codes[0], mirnas.codes[0])


def test_group_families__names_of_a_table_and_of_two_seeds():
    mirnas = mirnas_from_sequences(list(SEQUENCES), list(SEQUENCES.values()))
    table = {"hsa-miR-206": "miR-1/206", "hsa-let-7a-5p": "let-7", "odd-1": "let-7"}
    grouped, families = group_families(mirnas, table)
    assert list(grouped.names) == ["miR-1/206", "let-7", "let-7:GNAATGT", "odd-2"]
    assert families_text(families).splitlines()[1] == "miR-1/206\tGGAATGT\t3\thsa-miR-1-3p,hsa-miR-206,hsa-miR-613"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("miR family\tSeed+m8\tSpecies ID\tMiRBase ID\nlet-7/98\tGAGGUAG\t9606\thsa-let-7a-5p\n", {"hsa-let-7a-5p": "let-7/98"}),
        ("MirGeneDB_ID\tFamily\nHsa-Let-7-P1b\tLET-7\n", {"Hsa-Let-7-P1b": "LET-7"}),
        ("# mine\nm1\tf1\n\nm2\tf1\n", {"m1": "f1", "m2": "f1"}),
    ],
)
def test_read_families__tables_as_they_are_published(tmp_path, text, expected):
    (tmp_path / "families.tsv").write_text(text)
    assert read_families(tmp_path / "families.tsv", Notices()) == expected


def test_read_families__dashes_and_second_families_are_said(tmp_path):
    notices = Notices()
    (tmp_path / "families.tsv").write_text("hsa\u2011let\u20117a\tlet\u20137\nm1\tf1\nm1\tf1\nm1\tf2\n", encoding="utf-8")
    assert read_families(tmp_path / "families.tsv", notices) == {"hsa-let-7a": "let-7", "m1": "f1"}
    assert [str(notice) for notice in notices] == [
        "1 row of the families was written with typographic dashes, now '-' (hsa-let-7a let-7)",
        "1 row of the families gives a miRNA another family; the first is kept (m1: f1, not f2)",
    ]


def test_read_families__mirgenedb_names_genes(tmp_path):
    mirnas = mirnas_from_sequences(["Hsa-Let-7-P1b_5p", "Hsa-Mir-1-P1_3p*"], [SEQUENCES["hsa-let-7a-5p"], SEQUENCES["hsa-miR-1-3p"]])
    assert list(group_families(mirnas, {"Hsa-Let-7-P1b": "LET-7", "Hsa-Mir-1-P1": "MIR-1"})[0].names) == ["LET-7", "MIR-1"]


@pytest.mark.parametrize(("text", "message"), [("m1\n", "line 1: found 'm1'; expected a miRNA and its family"), ("", "no rows in it")])
def test_read_families__bad_tables(tmp_path, text, message):
    (tmp_path / "families.tsv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_families(tmp_path / "families.tsv", Notices())

"""The user's own rules in TOML."""

import pytest

from mirscan.errors import InputError
from mirscan.search.candidates import find_candidates
from mirscan.seeds.rules import read_rules
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import transcriptome_from_sequences


def write(tmp_path, text, name="own.toml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_rule_file__every_key(tmp_path):
    path = write(
        tmp_path,
        """
        [wobbly]
        paired = "2-6,8"
        opposite_a = true
        wobbles = 1
        mismatches = [0, 1]
        description = "mine"
        paper = "none"
        [shifted]
        paired = ["4-11", "5-12"]
        [listed]
        paired = [2, 3, 4, 5, 6, 7]
        bulges = [1, 1]
        [fuzzy]
        paired = "1-9"
        edits = 1
        """,
    )
    rules = {rule.name: rule for rule in read_rules(path)}
    assert list(rules) == ["wobbly", "shifted", "listed", "fuzzy"]
    wobbly = rules["wobbly"]
    assert (wobbly.paired, wobbly.opposite_a, wobbly.wobbles, wobbly.mismatches) == (((2, 3, 4, 5, 6, 8),), True, (0, 1), (0, 1))
    assert (wobbly.description, wobbly.paper) == ("mine", "none")
    assert rules["shifted"].paired == (tuple(range(4, 12)), tuple(range(5, 13)))
    assert rules["listed"].bulges == (1, 1)
    assert rules["fuzzy"].edits == 1


def test_rule_file__own_rules_come_behind_built_in_ones(tmp_path):
    path = write(tmp_path, '[seed-2-6]\npaired = "2-6"\n')
    assert [rule.name for rule in read_rules(["canonical", path])] == ["8mer", "7mer-m8", "7mer-A1", "6mer", "seed-2-6"]
    transcriptome = transcriptome_from_sequences(["t"], ["GACCTCGTACCTCG"])
    mirnas = mirnas_from_sequences(["let-7"], ["TGAGGTAGTAGG"])
    found = find_candidates(transcriptome, mirnas, seeds=["canonical", path])
    assert list(zip(found["start"].to_pylist(), found["seed"].to_pylist(), strict=True)) == [(1, "seed-2-6"), (7, "6mer")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[own]\npaired = "2-8"\nwobble = 1\n', r"own.toml, rule 'own': key 'wobble' is unknown; expected paired, opposite_a, wobbles"),
        ("[own]\nwobbles = 1\n", "key 'paired' is missing"),
        ('[own]\npaired = "2-x"\n', "paired = '2-x'; expected miRNA positions such as"),
        ("[own]\npaired = 2\n", "paired = 2; expected"),
        ("[own]\npaired = [2, 2, 3, 4, 5, 6]\n", "expected distinct miRNA positions"),
        ('[own]\npaired = "0-7"\n', r"own.toml: seed rule 'own': paired positions \[0, 1"),
        ('[own]\npaired = "2-8000000"\n', "position 41; expected at most 40"),
        ('[own]\npaired = "2-8"\nopposite_a = "yes"\n', "opposite_a = 'yes'; expected true or false"),
        ('[own]\npaired = "2-8"\nwobbles = "one"\n', r"wobbles = 'one'; expected a number \(at most\) or \[least, most\]"),
        ('[own]\npaired = "2-8"\nwobbles = [1]\n', r"expected a number \(at most\) or \[least, most\]"),
        ('[own]\npaired = "2-8"\nedits = -1\n', "edits = -1; expected a number"),
        ('[own]\npaired = "2-8"\ndescription = 3\n', "description = 3; expected a text"),
        ('[8mer]\npaired = "2-8"\n', "rule '8mer': the name is taken"),
        ('[canonical]\npaired = "2-8"\n', "rule 'canonical': the name is taken"),
        ('["a, b"]\npaired = "2-8"\n', "expected a name of up to 40 letters"),
        ('paired = "2-8"\n', "found key 'paired' outside a rule"),
        ("", "no rules in it"),
        ("[own\n", r"own.toml: not a TOML file: .*line 1"),
    ],
)
def test_rule_file__bad(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_rules(write(tmp_path, text))


def test_rule_file__name_taken_by_another_file(tmp_path):
    first, second = (write(tmp_path, '[own]\npaired = "2-8"\n', name) for name in ("a.toml", "b.toml"))
    with pytest.raises(InputError, match=r"b.toml, rule 'own': the name is taken"):
        read_rules([first, second])


def test_rule_file__missing(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.toml: no such file"):
        read_rules(str(tmp_path / "nowhere.toml"))


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ('[loose]\npaired = "2-3"\nmismatches = 2\n', "1"),
        ('[loose]\npaired = "2-8"\nmismatches = 4\n', "0.24"),
        ('[loose]\npaired = "1-10"\nedits = 6\n', "0.22"),
    ],
)
def test_rule_file__accepting_almost_everything_is_refused_with_its_hits(tmp_path, text, hits):
    with pytest.raises(InputError, match=f"accepts almost everything, about {hits} sites per base for each miRNA; expected at most 0.062"):
        read_rules(write(tmp_path, text))

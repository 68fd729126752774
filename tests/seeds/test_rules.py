"""Rules and groups by name, and what a rule may be."""

import pytest

from mirscan.errors import InputError
from mirscan.seeds.rule import SeedRule, positions
from mirscan.seeds.rules import BUILT_IN, GROUPS, read_rules


def names(seeds):
    return [rule.name for rule in read_rules(seeds)]


def test_read_rules__names_come_strongest_first_and_once():
    assert names(["6mer", "8mer", "6mer"]) == ["8mer", "6mer"]


def test_read_rules__text_with_commas_and_groups():
    assert names("offset-6mer, canonical") == ["8mer", "7mer-m8", "7mer-A1", "6mer", "offset-6mer"]


def test_groups__each_holds_the_one_before():
    canonical, strict, extended, relaxed = (GROUPS[name] for name in ("canonical", "strict", "extended", "relaxed"))
    assert canonical == ("8mer", "7mer-m8", "7mer-A1", "6mer")
    assert strict == (*canonical, "6mer-A1", "offset-7mer", "offset-6mer")
    assert set(strict) < set(extended) < set(relaxed) < set(BUILT_IN)


@pytest.mark.parametrize("seeds", ["9mer", ["8mer", "9mer"]])
def test_read_rules__unknown_name_lists_the_known(seeds):
    with pytest.raises(InputError, match=r"seed rule '9mer' is unknown; expected 8mer, 7mer-m8, .*canonical.*\.toml"):
        read_rules(seeds)


def test_read_rules__nothing_given():
    with pytest.raises(InputError, match="no seed rule given"):
        read_rules(" , ")


@pytest.mark.parametrize("rule", BUILT_IN.values(), ids=BUILT_IN)
def test_built_in__has_description_and_paper(rule):
    assert rule.description
    assert any(character.isdigit() for character in rule.paper)


def test_min_mirna_length__shortest_alternative():
    assert BUILT_IN["8mer"].min_mirna_length == 8
    assert BUILT_IN["centered"].min_mirna_length == 14


@pytest.mark.parametrize(
    ("details", "message"),
    [
        ({"paired": ((),)}, "paired positions"),
        ({"paired": ((0, 1, 2),)}, "expected distinct miRNA positions from 1 upwards"),
        ({"paired": ((3, 2, 4),)}, "in order"),
        ({"paired": (positions(35, 41),)}, "position 41; expected at most 40"),
        ({"paired": (positions(1, 7),), "opposite_a": True}, "position 1 is paired and opposite_a is set"),
        ({"paired": (positions(2, 13),)}, "span more than 11 nt"),
        ({"paired": (positions(2, 12),), "bulges": (0, 1)}, "span more than 11 nt"),
        ({"paired": ((2, 3, 5, 6, 7, 8),), "bulges": (1, 1)}, "bulges and edits need contiguous positions"),
        ({"paired": ((2, 3),), "bulges": (1, 1)}, "a bulge needs at least 3"),
        ({"paired": (positions(2, 8),), "wobbles": (2, 1)}, "wobbles 2 to 1"),
        ({"paired": (positions(2, 8),), "mismatches": (0, 8)}, "from 0 to the 7 paired positions"),
        ({"paired": (positions(2, 8),), "bulges": (0, 2)}, "bulges 0 to 2; expected 0 or 1"),
        ({"paired": (positions(2, 8),), "edits": 1, "wobbles": (0, 1)}, "expected edits alone"),
        ({"paired": (positions(2, 8),), "edits": 7}, "edits 7; expected 0 to 6"),
    ],
)
def test_rule__impossible(details, message):
    with pytest.raises(InputError, match=message):
        SeedRule("own", **details)

"""Every rule, alone and with others, finds what its slow definition on strings finds."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirscan.search.candidates import find_candidates, iter_candidates
from mirscan.seeds.rule import SeedRule
from mirscan.seeds.rules import BUILT_IN, GROUPS
from mirscan.seeds.table import compile_seed_table
from tests.reference import DEFINITIONS, find_sites, has_a1, is_paired, is_wobble, perfect_target, read_pairs, read_word
from tests.search.sequences import build, expected_rows, rows_of, sequences

quick = settings(max_examples=60, deadline=None)


def assert_equal_to_reference(names, mirnas, transcripts, all_types=False):
    found = find_candidates(*build(mirnas, transcripts), seeds=names, all_types=all_types)
    assert rows_of(found) == expected_rows(find_sites(names, mirnas, transcripts, all_types))


def test_reference__defines_every_built_in_rule_in_order_of_strength():
    assert list(DEFINITIONS) == list(BUILT_IN)


@pytest.mark.parametrize("name", list(BUILT_IN))
@quick
@given(case=sequences(), all_types=st.booleans())
def test_rule__alone(name, case, all_types):
    assert_equal_to_reference([name], *case, all_types)


@pytest.mark.parametrize("group", list(GROUPS))
@quick
@given(case=sequences(), all_types=st.booleans())
def test_group__strongest_or_all(group, case, all_types):
    assert_equal_to_reference(GROUPS[group], *case, all_types)


@settings(max_examples=60, deadline=None)
@given(case=sequences(), all_types=st.booleans())
def test_all_rules__together(case, all_types):
    assert_equal_to_reference(list(BUILT_IN), *case, all_types)


@settings(max_examples=80, deadline=None)
@given(case=sequences(), names=st.sets(st.sampled_from(list(BUILT_IN)), min_size=2, max_size=4), all_types=st.booleans())
def test_some_rules__together(case, names, all_types):
    assert_equal_to_reference(names, *case, all_types)


def define(rule):
    """The string definition of a rule with pairs, opposite A, wobbles and mismatches."""

    def definition(mirna, transcript, anchor):
        for positions in rule.paired:
            first, last = positions[0], positions[-1]
            pairs = {k: pair for k in positions for pair in read_pairs(mirna, transcript, anchor, k, k)}
            end = anchor + 1 if rule.opposite_a else anchor - first + 2
            covered = read_word(transcript, anchor - last + 1, end)
            if not covered or len(pairs) < len(positions) or (rule.opposite_a and not has_a1(transcript, anchor)):
                continue
            wobbles = sum(is_wobble(pair) for pair in pairs.values())
            others = sum(not is_paired(pair) and not is_wobble(pair) for pair in pairs.values())
            splits = [(w, others + wobbles - w) for w in range(wobbles + 1)]
            if any(rule.wobbles[0] <= w <= rule.wobbles[1] and rule.mismatches[0] <= x <= rule.mismatches[1] for w, x in splits):
                return anchor - last + 1, end
        return None

    return definition


@st.composite
def own_rules(draw):
    def counts(most):
        low, high = sorted(draw(st.tuples(st.integers(0, most), st.integers(0, most))))
        return low, high

    shift = draw(st.integers(0, 6))
    paired = draw(st.lists(st.sets(st.integers(2 + shift, 9 + shift), min_size=5), min_size=1, max_size=2))
    return SeedRule(
        "own",
        tuple(tuple(sorted(positions)) for positions in paired),
        opposite_a=shift == 0 and draw(st.booleans()),
        wobbles=counts(2),
        mismatches=counts(1),
    )


@settings(max_examples=120, deadline=None)
@given(case=sequences(), rule=own_rules(), canonical=st.booleans(), own_is_stronger=st.booleans(), all_types=st.booleans())
def test_own_rule__gaps_wobbles_mismatches_and_far_positions(case, rule, canonical, own_is_stronger, all_types):
    others = [BUILT_IN[name] for name in GROUPS["canonical"]] if canonical else []
    rules = [rule, *others] if own_is_stronger else [*others, rule]
    definitions = {each.name: define(each) if each is rule else DEFINITIONS[each.name] for each in rules}
    transcriptome, mirnas = build(*case)
    table = compile_seed_table(rules, mirnas, all_types)
    rows = [row for batch in iter_candidates(transcriptome, mirnas, table) for row in rows_of(batch)]
    assert rows == expected_rows(find_sites(list(definitions), *case, all_types, definitions))


@pytest.mark.parametrize(
    ("site", "allowed", "required"),
    [
        ("CTACCTCA", True, False),  # nt 2-7 paired without a bulge, A opposite nt 1
        ("TACGCTCA", True, True),  # one target base more
        ("TCCTCA", True, True),  # one miRNA base unpaired
        ("TACGCTCC", False, False),  # no A
        ("TAGGCCTCA", False, False),  # two bases more
    ],
)
def test_own_rule__bulge_with_opposite_a(site, allowed, required):
    transcriptome, mirnas = build(["TGAGGTAGTAGG"], ["G" + site + "G"])
    for bulges, expected in (((0, 1), allowed), ((1, 1), required)):
        rule = SeedRule("own", (tuple(range(2, 8)),), opposite_a=True, bulges=bulges)
        batches = iter_candidates(transcriptome, mirnas, compile_seed_table([rule], mirnas))
        assert any(row[3] == 1 + len(site) for batch in batches for row in rows_of(batch)) == expected


def test_canonical__equals_regular_expressions_on_a_larger_input():
    generator = random.Random(1)
    transcripts = ["".join(generator.choices("ACGTN", (28, 21, 21, 29, 1), k=generator.randint(5, 4000))) for _ in range(40)]
    mirnas = ["".join(generator.choices("ACGT", k=22)) for _ in range(150)]
    expected = []
    for m, mirna in enumerate(mirnas):
        core, m8 = perfect_target(mirna, 2, 7), perfect_target(mirna, 8, 8)
        for t, transcript in enumerate(transcripts):
            for match in re.finditer(f"(?=({m8}?){core}(A?))", transcript):
                # At the m8 base itself the pattern matches with it, one base on without it: keep the longer.
                start = match.start()
                if not match[1] and transcript[start - 1 : start] == m8 and start > 0:
                    continue
                rule = {(1, 1): "8mer", (1, 0): "7mer-m8", (0, 1): "7mer-A1", (0, 0): "6mer"}[len(match[1]), len(match[2])]
                anchor = start + len(match[1]) + 6
                expected.append((t, start, m, anchor + len(match[2]), rule, anchor))
    assert len(expected) > 2000
    strength = list(DEFINITIONS)
    expected.sort(key=lambda row: (*row[:3], strength.index(row[4])))
    assert rows_of(find_candidates(*build(mirnas, transcripts))) == expected

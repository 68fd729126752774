"""The user's own seed rules from a TOML file: one table a rule, named after it.

[seed-2-6-two-wobbles]
paired = "2-6"             # or [2, 3, 4, 5, 6]; alternatives, the preferred first: ["4-14", "5-15"]
opposite_a = true          # an A opposite nt 1
wobbles = 2                # at most 2 G:U; [1, 2] is 1 or 2
mismatches = 0             # likewise
bulges = 0                 # 1: at most one unpaired base on either strand; [1, 1]: exactly one
edits = 0                  # instead of the three above: edit operations away from the perfect word
description = "..."
paper = "..."
"""

import os
import re
from collections.abc import Collection
from math import comb

from mirscan.errors import InputError
from mirscan.seeds.rule import SeedRule
from mirscan.seeds.shapes import expected_hits, shapes_of
from mirscan.sequence.mirnas import MAX_LENGTH
from mirscan.sequence.text import PLAIN_DASHES, read_toml

# The loosest published rule, 10-mer-m6, accepts 1 word in 24. Beyond 1 in 16 a rule says nothing and fills disks.
MAX_HITS_PER_BASE = 1 / 16
_RANGES = ("wobbles", "mismatches", "bulges")
_KEYS = ("paired", "opposite_a", *_RANGES, "edits", "description", "paper")
_NAME = re.compile(r"[A-Za-z0-9_.:+-]{1,40}")


def read_rule_file(path: str | os.PathLike, taken: Collection[str] = ()) -> tuple[SeedRule, ...]:
    """Rules of a TOML file, in its order.

    Raises InputError for a file that is not TOML, an unknown key, a value of the wrong kind, an impossible position, a name of `taken`
    (other rules and groups), and a rule that accepts more than `MAX_HITS_PER_BASE`.
    """
    tables = read_toml(path)
    if not tables:
        raise InputError(f"{path}: no rules in it; expected one table a rule, such as [my-rule]")
    return tuple(_parse_rule(path, name, table, taken) for name, table in tables.items())


def _parse_rule(path, name: str, table: object, taken: Collection[str]) -> SeedRule:
    where = f"{path}, rule {name!r}"
    if not isinstance(table, dict):
        raise InputError(f"{path}: found key {name!r} outside a rule; expected one table a rule, such as [my-rule]")
    if name in taken:
        raise InputError(f"{where}: the name is taken; expected one that no other rule or group has")
    if not _NAME.fullmatch(name):
        raise InputError(f"{where}: expected a name of up to 40 letters, digits and _ . : + -")
    for key in table:
        if key not in _KEYS:
            raise InputError(f"{where}: key {key!r} is unknown; expected {', '.join(_KEYS)}")
    if "paired" not in table:
        raise InputError(f"{where}: key 'paired' is missing; expected the miRNA positions that pair, such as \"2-8\"")
    values = {key: _parse_value(key, value, where) for key, value in table.items()}
    try:
        rule = SeedRule(name=name, **values)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return _refuse_loose(rule, where)


def _parse_value(key: str, value: object, where: str) -> object:
    if key == "paired":
        return _parse_paired(value, where)
    if key in _RANGES:
        most = [0, value] if _is_count(value) else value
        if isinstance(most, list) and len(most) == 2 and all(map(_is_count, most)):
            return tuple(most)
        raise InputError(f"{where}: {key} = {value!r}; expected a number (at most) or [least, most]")
    expected = {"opposite_a": bool, "edits": int}.get(key, str)
    if not isinstance(value, expected) or (expected is int and not _is_count(value)):
        raise InputError(f"{where}: {key} = {value!r}; expected {({bool: 'true or false', int: 'a number', str: 'a text'})[expected]}")
    return value


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _parse_paired(value: object, where: str) -> tuple[tuple[int, ...], ...]:
    alternatives = value if isinstance(value, list) and value and all(isinstance(item, str) for item in value) else [value]
    return tuple(_parse_positions(item, where) for item in alternatives)


def _parse_positions(value: object, where: str) -> tuple[int, ...]:
    if isinstance(value, list) and value and all(map(_is_count, value)):
        return tuple(value)
    parts = (
        [re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", part) for part in value.translate(PLAIN_DASHES).split(",")]
        if isinstance(value, str)
        else [None]
    )
    if not all(parts):
        raise InputError(f'{where}: paired = {value!r}; expected miRNA positions such as "2-8", "2-6,8" or [2, 3, 4]')
    # `SeedRule` refuses what lies beyond a miRNA; here only keep a slip like 2-8000000 from filling the memory.
    ends = [(int(part[1]), min(int(part[2] or part[1]), MAX_LENGTH + 1)) for part in parts]
    return tuple(position for first, last in ends for position in range(first, last + 1))


def _refuse_loose(rule: SeedRule, where: str) -> SeedRule:
    if rule.edits:
        length = len(rule.paired[0])
        hits = sum(comb(length, n) * 3**n for n in range(rule.edits + 1)) / 4**length  # substitutions alone: at least this many
    else:
        hits = expected_hits(shapes_of(rule, 0))
    if hits > MAX_HITS_PER_BASE:
        raise InputError(
            f"{where}: accepts almost everything, about {min(hits, 1.0):.2g} sites per base for each miRNA; expected at most "
            f"{MAX_HITS_PER_BASE:.2g}. Pair more positions or allow fewer wobbles, mismatches, bulges or edits."
        )
    return rule

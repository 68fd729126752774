"""Rules x miRNAs -> one lookup table. The scan reads it with one word code a stream and never learns what a rule is.

Entries are filed by the word around the *start* of a site: a stream is a window of offsets from the start, and a word in it lists all
(miRNA, shape) of sites that begin there, in the order of the output. The rules that compete for one place (miRNA, anchor) are
resolved here, when the table is compiled, wherever one word can hold them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mirscan.errors import InputError
from mirscan.seeds.rule import SeedRule
from mirscan.seeds.shapes import FREE, Shape, shapes_of
from mirscan.seeds.streams import Group, Stream, group_shapes, needed_backs, outranks_matrix, plan_streams
from mirscan.seeds.words import expand_group, sort_words
from mirscan.sequence.alphabet import G, N, U, complement
from mirscan.sequence.mirnas import MirnaSet

MAX_ENTRIES = 2**29
# The scan copies entries in blocks of this many, so it may read (never use) as many past the last.
COPY_WIDTH = 4


@dataclass(frozen=True)
class SeedTable:
    """The compiled table; arrays only, safe to share between threads and to send to other processes.

    A stream looks at `width` bases. With a code rolled over the bases start - left .. start + right, its word is the code without the
    last `skip` bases, and row `base + word` of `offsets` delimits its `entries` (miRNA << shape_bits | shape, ascending); bit row of
    `filled` says whether there are any. A word with an N is searched in `side_keys` (see `words.side_key`), whose rows follow those of
    the `n_words` words, unless the N is at a place, a bit of `known`, that every site covers.

    Shapes are numbered by rule, strongest first, then by anchor: `shape_rule`, `shape_back` (anchor - start), `shape_length`,
    `shape_stream`. `outranks[a, b]`: a place of shape b is dropped where shape a holds too; `checked[b]`: the table could not resolve
    that, the scan has to look.
    """

    rules: tuple[str, ...]
    n_mirnas: int
    left: int
    right: int
    base: np.ndarray
    width: np.ndarray
    skip: np.ndarray
    known: np.ndarray
    n_words: int
    filled: np.ndarray
    offsets: np.ndarray
    entries: np.ndarray
    side_keys: np.ndarray
    shape_bits: int
    shape_rule: np.ndarray
    shape_back: np.ndarray
    shape_length: np.ndarray
    shape_stream: np.ndarray
    outranks: np.ndarray
    checked: np.ndarray
    too_short: dict[str, tuple[str, ...]]

    @property
    def n_entries(self) -> int:
        """Entries of words without N."""
        return int(self.offsets[self.n_words])

    @property
    def max_rows_per_start(self) -> int:
        """Upper bound of the rows that begin at one base."""
        sizes = np.diff(self.offsets)
        main = sum(int(sizes[first:last].max()) for first, last in pairwise(_stream_ends(self)))
        return max(1, main, len(self.base) * int(sizes[self.n_words :].max(initial=0)))

    @property
    def nbytes(self) -> int:
        """Memory of the table in bytes."""
        return sum(value.nbytes for value in vars(self).values() if isinstance(value, np.ndarray))


def compile_seed_table(rules: Sequence[SeedRule], mirnas: MirnaSet, all_types: bool = False) -> SeedTable:
    """Compile rules (strongest first) and miRNAs into the table that the scan reads.

    A place, that is a miRNA and the target base opposite its nt 1, counts once, as its strongest rule; with `all_types` every rule
    it satisfies is kept. miRNAs too short for a rule are listed in `too_short` under the rule's name and take part in the others.

    Raises InputError for more than 127 rules, and where the table would hold more than `MAX_ENTRIES` entries (2 GB).
    """
    if len(rules) > 127:
        raise InputError(f"{len(rules)} seed rules; expected at most 127, which a column of 8-bit codes can name")
    # Numbered as rows are ordered: for one start and miRNA by strength of the rule, then by anchor.
    shapes = [shape for index, rule in enumerate(rules) for shape in shapes_of(rule, index)]
    shapes.sort(key=lambda shape: (shape.rule, shape.last_back, shape.preference))
    outranks = outranks_matrix(shapes, all_types)
    plan = _plan(shapes, outranks)
    jobs = [_expansion(group, shapes, plan, mirnas, all_types) for group in plan.groups]
    offsets, entries, side_keys = _fill(jobs, plan, rules)
    right = max(stream.last for stream in plan.streams)
    group_of = np.empty(len(shapes), dtype=np.int64)
    for index, group in enumerate(plan.groups):
        group_of[list(group.shapes)] = index
    across = group_of[:, None] != group_of[None, :]
    widths = np.array([stream.width for stream in plan.streams])
    return SeedTable(
        rules=tuple(rule.name for rule in rules),
        n_mirnas=len(mirnas),
        left=-min(stream.first for stream in plan.streams),
        right=right,
        base=plan.base[:-1].astype(np.uintp),
        width=widths.astype(np.uintp),
        known=np.array([_known_places(stream, shapes) for stream in plan.streams], dtype=np.uintp),
        skip=np.array([right - stream.last for stream in plan.streams], dtype=np.uintp),
        n_words=int(plan.base[-1]),
        filled=np.packbits(np.diff(offsets[: plan.base[-1] + 1]) > 0, bitorder="little"),
        offsets=offsets,
        entries=entries,
        side_keys=side_keys,
        shape_bits=plan.shape_bits,
        shape_rule=np.array([shape.rule for shape in shapes], dtype=np.int8),
        shape_back=np.array([shape.last_back for shape in shapes], dtype=np.int32),
        shape_length=np.array([shape.length for shape in shapes], dtype=np.int32),
        shape_stream=plan.shape_stream.astype(np.int64),
        outranks=outranks,
        checked=(outranks & across).any(axis=0),
        too_short=_too_short(rules, mirnas),
    )


@dataclass(frozen=True)
class _Plan:
    """Groups and streams of all shapes; `base` (n_streams + 1) is where the words of each stream begin."""

    groups: tuple[Group, ...]
    streams: tuple[Stream, ...]
    base: np.ndarray
    shape_bits: int
    shape_stream: np.ndarray
    needed: dict[int, tuple[int, int]]


def _plan(shapes: list[Shape], outranks: np.ndarray) -> _Plan:
    groups, needed, streams = group_shapes(shapes), {}, []
    for group in groups:
        needed_here = needed_backs(shapes, group, outranks)
        needed.update(needed_here)
        streams += plan_streams(shapes, needed_here)
    shape_stream = np.empty(len(shapes), dtype=np.int64)
    for index, stream in enumerate(streams):
        shape_stream[list(stream.shapes)] = index
    base = np.cumsum([0] + [4**stream.width for stream in streams])
    return _Plan(tuple(groups), tuple(streams), base, max(1, (len(shapes) - 1).bit_length()), shape_stream, needed)


def _expansion(group: Group, shapes: list[Shape], plan: _Plan, mirnas: MirnaSet, all_types: bool) -> tuple:
    """Arguments of `expand_group` that describe one group: its seeds, templates, and how a word lands in its stream."""
    rows = [(number, roles, positions) for number in group.shapes for roles, positions in shapes[number].templates]
    roles = np.full((len(rows), group.width), FREE, dtype=np.int64)
    positions = np.zeros((len(rows), group.width), dtype=np.int64)
    for index, (number, template_roles, template_positions) in enumerate(rows):
        first = shapes[number].first_back - group.first_back
        roles[index, first : first + len(template_roles)] = template_roles
        positions[index, first : first + len(template_roles)] = template_positions
    numbers = np.array([number for number, _, _ in rows])
    edits = np.array([shapes[number].edits for number in numbers])
    stamps = np.array([shapes[number].rule if all_types else 0 for number in numbers])
    marks = np.zeros(5**group.width if len(rows) > 1 else 0, dtype=np.uint32)
    largest = max(_n_words(row, edit) for row, edit in zip(roles, edits, strict=True))
    return (
        *_distinct_seeds(mirnas, np.unique(positions)),
        *(roles, positions, numbers, edits if edits.any() else None, stamps, int(stamps.max()) + 1),
        *_landing(group, shapes, plan),
        *(plan.base[:-1], plan.shape_bits, np.empty((3, largest), dtype=np.int64), marks),
    )


def _n_words(roles: np.ndarray, edits: int) -> int:
    """Upper bound of the words of one template: choices by role; under edits every base may be any."""
    return int(np.prod(np.array([4 if edits else 1, 1, 3, 1, 4, 5])[roles]))


def _landing(group: Group, shapes: list[Shape], plan: _Plan) -> tuple[np.ndarray, ...]:
    """For every shape: stream, group places that its stream drops (left, right), places that only its stream has (left, right)."""
    columns = np.zeros((5, len(shapes)), dtype=np.int64)
    columns[0] = plan.shape_stream
    for number in group.shapes:
        (first, last), back, stream = plan.needed[number], shapes[number].last_back, plan.streams[plan.shape_stream[number]]
        columns[1:, number] = group.last_back - last, first - group.first_back, back - last - stream.first, stream.last - (back - first)
    return tuple(columns)


def _distinct_seeds(mirnas: MirnaSet, used: np.ndarray) -> tuple[np.ndarray, ...]:
    """(pairs, wobbles, seed_begin, seed_mirnas): each distinct seed at the used miRNA positions, and the miRNAs that share it."""
    depth = int(used.max()) + 1
    seeds = np.full((len(mirnas), depth), N, dtype=np.uint8)  # column k is m_k; column 0 stands for no position
    known = min(depth - 1, mirnas.codes.shape[1])
    seeds[:, 1 : known + 1] = mirnas.codes[:, :known]
    seeds[:, np.setdiff1d(np.arange(depth), used)] = N
    # One number a seed: a sort of integers takes milliseconds where a sort of rows takes seconds.
    keys = seeds[:, used].astype(np.int64) @ 5 ** np.arange(len(used))
    _, first, seed_of = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")  # seeds in the order of their first miRNA, so that entries come nearly sorted
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    members = rank[seed_of]
    seed_begin = np.concatenate([[0], np.cumsum(np.bincount(members, minlength=len(order)))])
    distinct = seeds[first[order]]
    wobbles = np.where(distinct == G, U, np.where(distinct == U, G, N)).astype(np.uint8)
    return complement(distinct), wobbles, seed_begin, np.argsort(members, kind="stable")


def _fill(jobs: list[tuple], plan: _Plan, rules: Sequence[SeedRule]) -> tuple[np.ndarray, ...]:
    """(offsets, entries, side_keys): count every word, then write into known slots."""
    counts = np.zeros(plan.base[-1], dtype=np.uint32)
    no_keys, no_entries, n_side = np.empty(0, np.uint64), np.empty(0, np.uint32), 0
    for job in jobs:
        n_side = expand_group(*job, counts, no_keys, no_entries, n_side, no_entries)
        job[-1][:] = 0
    n_main = int(counts.sum(dtype=np.int64))
    if n_main + n_side > MAX_ENTRIES:
        names = ", ".join(rule.name for rule in rules)
        raise InputError(
            f"seed rules {names}: the table needs {n_main + n_side:,} entries; expected at most {MAX_ENTRIES:,}. "
            "Take fewer miRNAs (--species) or stricter rules."
        )
    offsets = np.zeros(len(counts) + 1, dtype=np.uint32)
    np.cumsum(counts, out=offsets[1:])
    entries = np.zeros(n_main + n_side + COPY_WIDTH, dtype=np.uint32)
    side_keys, side_entries = np.empty(n_side, np.uint64), np.empty(n_side, np.uint32)
    counts[:] = offsets[:-1]
    n_side = 0
    for job in jobs:
        n_side = expand_group(*job, counts, side_keys, side_entries, n_side, entries)
    sort_words(offsets, entries)
    return _append_side(side_keys, side_entries, offsets, entries)


def _append_side(side_keys: np.ndarray, side_entries: np.ndarray, offsets: np.ndarray, entries: np.ndarray) -> tuple[np.ndarray, ...]:
    """(offsets, entries, distinct keys) with the words that hold an N, in the order of their keys, behind the others."""
    order = np.lexsort((side_entries, side_keys))
    n_main = int(offsets[-1])
    entries[n_main : n_main + len(order)] = side_entries[order]
    keys, begins = np.unique(side_keys[order], return_index=True)
    ends = np.append(begins[1:], len(order)) if len(keys) else begins
    return np.append(offsets, (ends + n_main).astype(np.uint32)), entries, keys


def _known_places(stream: Stream, shapes: list[Shape]) -> int:
    """Bits of the places of a word that lie under the sites of all shapes of the stream, so never N; the last base is bit 0."""
    shortest = min(shapes[number].length for number in stream.shapes)
    return sum(1 << (stream.last - offset) for offset in range(shortest))


def _too_short(rules: Sequence[SeedRule], mirnas: MirnaSet) -> dict[str, tuple[str, ...]]:
    short = {rule.name: np.flatnonzero(mirnas.lengths < rule.min_mirna_length) for rule in rules}
    return {name: tuple(mirnas.names[i] for i in indices) for name, indices in short.items() if len(indices)}


def _stream_ends(table: SeedTable) -> np.ndarray:
    """First row of each stream, and the end of the last."""
    return np.append(table.base.astype(np.int64), table.n_words)


def expected_hits_per_base(table: SeedTable) -> float:
    """Expected sites of all miRNAs together per base of random sequence (each base 1/4)."""
    totals = np.diff(table.offsets[_stream_ends(table)].astype(np.int64))
    return float((totals / 4.0 ** table.width.astype(np.float64)).sum())

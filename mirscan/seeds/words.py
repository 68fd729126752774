"""Every target word that the shapes of a group accept for one miRNA seed: the enumerators behind the table.

A word is held as `code` (two bits a base, N as 0), `unknown` (one bit a base, set for N) and, to tell the words of one seed apart,
`code5` (base 5, N included). The base nearest the anchor is the lowest digit, as in a code that rolls 5' to 3'.
"""

import numpy as np

from mirscan.jit import helper, njit
from mirscan.seeds.shapes import ADENINE, FREE, MISMATCH, PAIR, WOBBLE
from mirscan.sequence.alphabet import A

N_BASES = 4


@helper
def _extend(place, choices, n_choices, n, code, unknown, code5):
    """Multiply the n words by the choices for the base at `place` (0 = nearest the anchor); returns the new number."""
    power = 1
    for _ in range(place):
        power *= 5
    # From the last word down: the products of word i land at or behind i, so nothing is overwritten before it is read.
    for word in range(n - 1, -1, -1):
        old_code, old_unknown, old_code5 = code[word], unknown[word], code5[word]
        for choice in range(n_choices):
            base = choices[choice]
            slot = word * n_choices + choice
            code[slot] = old_code | ((base & 3) << (2 * place))
            unknown[slot] = old_unknown | ((base >> 2) << place)
            code5[slot] = old_code5 + base * power
    return n * n_choices


@helper
def _choose(role, pair, wobble, choices):
    """Write the bases that a role accepts; returns how many. A miRNA base that is N neither pairs nor counts as a mismatch."""
    if role in (PAIR, WOBBLE):
        choices[0] = pair if role == PAIR else wobble
        return 1 if choices[0] < N_BASES else 0
    if role == ADENINE:
        choices[0] = A
        return 1
    if role == MISMATCH and pair >= N_BASES:
        return 0
    n = 0
    for base in range(5 if role == FREE else N_BASES):
        if role != MISMATCH or base != pair:
            choices[n] = base
            n += 1
    return n


@helper(allocates=True)
def _template_words(pairs, wobbles, roles, positions, code, unknown, code5):
    """Words of one template over the whole group window; returns their number."""
    choices = np.empty(5, np.int64)
    code[0] = unknown[0] = code5[0] = 0
    n = 1
    for place in range(len(roles)):
        position = positions[place]
        n_choices = _choose(roles[place], pairs[position], wobbles[position], choices)
        n = _extend(place, choices, n_choices, n, code, unknown, code5)
    return n


@helper
def _next_row(row, letter, target, level, edits, out):
    """One more letter of a word against the target: the next row of the edit-distance matrix; whether it can still end well.

    A cell from which even perfect further letters cost more than `edits` is set to edits + 1: rows that differ only there accept the
    same words, so a handful of distinct rows remain at each level (about 40 for 4 edits in 10 letters).
    """
    alive = False
    for j in range(len(target) + 1):
        value = level
        if j > 0:
            value = min(min(row[j], out[j - 1]) + 1, row[j - 1] + (target[j - 1] != letter))
        if value + abs(j - level) > edits:
            value = edits + 1
        else:
            alive = True
        out[j] = value
    return alive


@helper
def _edit_automaton(target, edits, rows, links):
    """Write the automaton that reads words of the target's length within `edits` of it; returns False where `links` is too short.

    rows (2, n, length + 1): work space for the states of two levels. links (n, 4): transitions of all states; state 0 is the start, -1
    the dead end. States of the last level accept and have no transitions.
    """
    size = len(target)
    for j in range(size + 1):
        rows[0, 0, j] = min(j, edits + 1)
    first, n_states = 0, 1
    for level in range(1, size + 1):
        here, following, base, n_following = rows[(level - 1) & 1], rows[level & 1], first + n_states, 0
        for state in range(n_states):
            for letter in range(N_BASES):
                links[first + state, letter] = -1
                if n_following == len(following) or base + n_following == len(links):
                    return False
                if not _next_row(here[state], letter, target, level, edits, following[n_following]):
                    continue
                same = _find_row(following, n_following)
                links[first + state, letter] = base + same
                n_following += same == n_following
        first, n_states = base, n_following
    return True


@helper
def _find_row(rows, number):
    """The first row that equals row `number`."""
    for row in range(number):
        j = 0
        while j < rows.shape[1] and rows[row, j] == rows[number, j]:
            j += 1
        if j == rows.shape[1]:
            return row
    return number


@helper(allocates=True)
def _edit_words(pairs, roles, positions, edits, code, unknown, code5):
    """Words of the length of a region, at most `edits` edit operations from its complement; free places around it are multiplied out."""
    length = len(roles)
    first = 0
    while roles[first] == FREE:
        first += 1
    last = length - 1
    while roles[last] == FREE:
        last -= 1
    size = last - first + 1
    target = np.empty(size, np.int64)  # the perfect word, 5' to 3'
    for place in range(first, last + 1):
        target[last - place] = pairs[positions[place]]
        if pairs[positions[place]] >= N_BASES:
            return 0
    n_states = 256
    links = np.empty((size * n_states, N_BASES), np.int64)
    while not _edit_automaton(target, edits, np.empty((2, n_states, size + 1), np.int64), links):
        n_states *= 4
        links = np.empty((size * n_states, N_BASES), np.int64)
    # Depth first through the automaton: state, next letter, code and code5 of the prefix at each depth.
    states, letters = np.zeros(size + 1, np.int64), np.zeros(size + 1, np.int64)
    prefix, prefix5 = np.zeros(size + 1, np.int64), np.zeros(size + 1, np.int64)
    shift, power = 2 * first, 5**first
    depth = n = 0
    while depth >= 0:
        letter = letters[depth]
        if letter == N_BASES:
            depth -= 1
            continue
        letters[depth] += 1
        state = links[states[depth], letter]
        if state < 0:
            continue
        word, word5 = prefix[depth] << 2 | letter, prefix5[depth] * 5 + letter
        if depth == size - 1:
            code[n], code5[n], unknown[n] = word << shift, word5 * power, 0
            n += 1
            continue
        depth += 1
        states[depth], letters[depth], prefix[depth], prefix5[depth] = state, 0, word, word5
    choices = np.empty(5, np.int64)
    for place in range(length):
        if roles[place] == FREE:
            n = _extend(place, choices, _choose(FREE, N_BASES, N_BASES, choices), n, code, unknown, code5)
    return n


@njit(allocates=False)
def expand_group(
    pairs, wobbles, seed_begin, seed_mirnas, roles, positions, shapes, edits, stamps, n_stamps,
    shape_stream, shape_drop_left, shape_drop_right, shape_left, shape_right, stream_base,
    shape_bits, buffers, marks, counts, side_keys, side_entries, n_side, entries,
):  # fmt: skip
    """Visit every (word, miRNA, shape) of a group once; returns the number of visits to words that hold an N.

    Without `entries` (size 0) it counts: `counts[code]` grows by the miRNAs of each word. With `entries` it writes: `counts[code]`
    is the next free slot of the word. Words with an N go to `side_keys` / `side_entries` from `n_side` on, where these have room.

    pairs, wobbles (n_seeds, positions + 1): target base that pairs with, wobbles on each miRNA position, N for none.
    seed_begin (n_seeds + 1), seed_mirnas: miRNAs of each seed. roles, positions (n_templates, width): strongest template first.
    edits (n_templates), or None where none has any. stamps (n_templates), below n_stamps: templates of one stamp compete for a word, the
    first wins. marks (5**width): last stamp seen.
    shape_*: stream of a shape, group places its stream does not look at, and the places only its stream looks at.
    """
    code, unknown, code5 = buffers[0], buffers[1], buffers[2]
    width = roles.shape[1]
    for seed in range(len(pairs)):
        for template in range(len(roles)):
            shape = shapes[template]
            # Where edits are None Numba leaves out what is for them, which takes as long to compile as all else here.
            if edits is None:
                n = _template_words(pairs[seed], wobbles[seed], roles[template], positions[template], code, unknown, code5)
            elif edits[template]:
                n = _edit_words(pairs[seed], roles[template], positions[template], edits[template], code, unknown, code5)
            else:
                n = _template_words(pairs[seed], wobbles[seed], roles[template], positions[template], code, unknown, code5)
            stamp = seed * n_stamps + stamps[template] + 1
            left, right = shape_left[shape], shape_right[shape]
            drop_right = shape_drop_right[shape]
            kept = width - drop_right - shape_drop_left[shape]
            for word in range(n):
                if len(marks):
                    if marks[code5[word]] == stamp:
                        continue
                    marks[code5[word]] = stamp
                # Places the stream does not look at are free for this shape: one word in the name of all.
                seen_code, seen_unknown = code[word] >> (2 * drop_right), unknown[word] >> drop_right
                if (seen_code << (2 * drop_right)) != code[word] or (seen_unknown << drop_right) != unknown[word]:
                    continue
                if seen_code >> (2 * kept) or seen_unknown >> kept:
                    continue
                if left + right == 0 and seen_unknown == 0:  # nothing to multiply out: three times faster for long lists of words
                    slot = stream_base[shape_stream[shape]] + seen_code
                    _file_entries(slot, seed_begin[seed], seed_begin[seed + 1], seed_mirnas, shape_bits, shape, counts, entries)
                    continue
                n_side = _emit(
                    seen_code, seen_unknown, kept, left, right, shape, shape_stream[shape], stream_base, seed_begin[seed],
                    seed_begin[seed + 1], seed_mirnas, shape_bits, counts, side_keys, side_entries, n_side, entries,
                )  # fmt: skip
    return n_side


@helper
def side_key(stream, unknown, code):
    """Key of a word that holds an N; one helper for the builder and the scan, so that the two cannot disagree."""
    return (np.uint64(stream) << np.uint64(56)) | (np.uint64(unknown) << np.uint64(32)) | np.uint64(code)


@helper
def _file_entries(word, first, last, mirnas, shape_bits, shape, counts, entries):
    if len(entries) == 0:
        counts[word] += last - first
        return
    slot = counts[word]
    for i in range(first, last):
        entries[slot] = (mirnas[i] << shape_bits) | shape
        slot += 1
    counts[word] = slot


@helper
def _emit(
    code, unknown, width, left, right, shape, stream, stream_base, first, last, mirnas, shape_bits,
    counts, side_keys, side_entries, n_side, entries,
):  # fmt: skip
    for free in range(5 ** (left + right)):
        full_code, full_unknown = code << (2 * right), unknown << right
        rest = free
        for place in range(left + right):
            base = rest % 5
            rest //= 5
            at = place if place < right else place + width
            full_code |= (base & 3) << (2 * at)
            full_unknown |= (base >> 2) << at
        if full_unknown:
            for i in range(first, last):
                if n_side < len(side_keys):
                    side_keys[n_side] = side_key(stream, full_unknown, full_code)
                    side_entries[n_side] = (mirnas[i] << shape_bits) | shape
                n_side += 1
        else:
            _file_entries(stream_base[stream] + full_code, first, last, mirnas, shape_bits, shape, counts, entries)
    return n_side


@njit(allocates=False)
def sort_words(offsets, entries):
    """Sort the entries of every word, in place: by miRNA, then by strength.

    Most words hold few and are nearly in order, so this is an insertion sort, with wider steps first where a word holds many.
    """
    for word in range(len(offsets) - 1):
        first, last = np.int64(offsets[word]), np.int64(offsets[word + 1])
        gap = 1
        while 9 * gap < last - first:
            gap = 3 * gap + 1
        while gap > 0:
            for i in range(first + gap, last):
                entry = entries[i]
                j = i
                while j - gap >= first and entries[j - gap] > entry:
                    entries[j] = entries[j - gap]
                    j -= gap
                entries[j] = entry
            gap //= 3

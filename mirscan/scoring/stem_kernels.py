"""Numba kernels that compute a network's stem from tables: see stem.py for what a stem is and why this is exact.

Sums are made in one order whatever the batch, so a pair's stem has the same bits wherever it stands.
"""

import numpy as np

from mirscan.jit import njit

WORD = 3  # nt in a table word: a table of 5^3 rows stays in the L2 cache, one of 5^4 does not
N_WORDS = 125
# Word tables that one pass adds up: kernels of up to 12 nt.
PARTS_AT_ONCE = 4
# Channels move in blocks of this many, a length the compiler knows.
BLOCK = 16


@njit
def build_letter_table(mirna, pair_terms, first_column, n_reached, target_terms, sums, letters):
    """`letters` (kernel, 5, K): what target letter b at kernel row d adds for this miRNA; N, the fifth letter, adds nothing.

    `pair_terms` (M, 4, R, kernel * 4 * C): for miRNA nt q the R stem columns from first_column[q] on, of which n_reached[q] count.
    `target_terms` and the work space `sums` (I, kernel * 4 * C).
    """
    n_columns, n_terms = sums.shape
    for column in range(n_columns):
        for term in range(n_terms):
            sums[column, term] = target_terms[column, term]
    for place in range(mirna.shape[0]):
        if mirna[place] > 3:
            continue
        terms = pair_terms[place, mirna[place]]
        for reached in range(n_reached[place]):
            source, goal = terms[reached], sums[first_column[place] + reached]
            for term in range(n_terms):
                goal[term] += source[term]
    n_channels = np.uintp(letters.shape[2] // n_columns)
    for row in range(letters.shape[0]):
        for base in range(4):
            start = np.uintp(4 * row + base) * n_channels
            for column in range(np.uintp(n_columns)):
                for channel in range(n_channels):
                    letters[row, base, column * n_channels + channel] = sums[column, start + channel]


@njit
def build_offset(mirna, constant, mirna_terms, offset):
    """`offset` (1 or J, K): the stem of this miRNA on a target of N alone; `constant` (1 or J, K), `mirna_terms` (M, 4, 1 or J, K)."""
    n_rows, n_columns = offset.shape
    for row in range(n_rows):
        for column in range(n_columns):
            offset[row, column] = constant[row, column]
        for place in range(mirna.shape[0]):
            if mirna[place] < 4:
                for column in range(n_columns):
                    offset[row, column] += mirna_terms[place, mirna[place], row, column]


@njit
def encode_words(target, pad, words, letters):
    """3-nt words and single letters of a target with N before and after it; entry p begins at nt p - pad."""
    length = target.shape[0]
    for entry in range(letters.shape[0]):
        place = entry - pad
        letters[entry] = target[place] if 0 <= place < length else 4
    for entry in range(words.shape[0]):
        words[entry] = 25 * letters[entry] + 5 * letters[entry + 1] + letters[entry + 2]


@njit
def make_word(part, word, letters, words):
    """Row of the word table: the sum of three rows of the letter table; those beyond the kernel are zero."""
    depth, last = WORD * part, letters.shape[0] - 1
    second, third = min(depth + 1, last), min(depth + 2, last)
    letter, second_letter, third_letter = word // 25, word // 5 % 5 if depth + 1 <= last else 4, word % 5 if depth + 2 <= last else 4
    for column in range(words.shape[2]):
        words[part, word, column] = (
            letters[depth, letter, column] + letters[second, second_letter, column] + letters[third, third_letter, column]
        )


@njit
def start_place(offset, row, words, first, second, third, fourth, best):
    """best = sum of a row of `offset` and of four word rows."""
    for column in range(best.shape[0]):
        best[column] = (
            offset[row, column] + words[0, first, column] + words[1, second, column] + words[2, third, column] + words[3, fourth, column]
        )


@njit
def join_place(offset, row, words, first, second, third, fourth, best):
    """best = the larger of itself and that sum."""
    for column in range(best.shape[0]):
        value = (
            offset[row, column] + words[0, first, column] + words[1, second, column] + words[2, third, column] + words[3, fourth, column]
        )
        best[column] = value if value > best[column] else best[column]


@njit
def activate(best, slope, has_affine, scale, shift):
    """Leaky ReLU (slope 0: ReLU; 1: none), then scale and shift of each column, in place. All of it rises, so it may follow the maximum."""
    if slope == 0.0:
        for column in range(best.shape[0]):
            best[column] = best[column] if best[column] > 0.0 else np.float32(0.0)
    elif slope < 1.0:
        for column in range(best.shape[0]):
            best[column] = best[column] if best[column] > 0.0 else slope * best[column]
    if has_affine:
        for column in range(best.shape[0]):
            best[column] = best[column] * scale[column] + shift[column]


@njit
def add_far_parts(offset, row, words, codes, start, extended):
    """extended (1, K): a row of `offset` plus the word rows that the first four parts do not cover."""
    for column in range(extended.shape[1]):
        extended[0, column] = offset[row, column]
    for part in range(PARTS_AT_ONCE, words.shape[0]):
        word = codes[start + WORD * part]
        for column in range(extended.shape[1]):
            extended[0, column] += words[part, word, column]


@njit
def write_columns(best, pool, n_channels, first, step, out):
    """Largest of `pool` neighbouring miRNA columns; pooled column i goes to out[first + i * step :], n_channels numbers.

    All arguments but the arrays are np.uintp: a signed index may be negative, and looking for that keeps the loops from being vectorised
    (3 times slower).
    """
    one, block = np.uintp(1), np.uintp(BLOCK)
    n_pooled, n_blocked = np.uintp(best.shape[0]) // n_channels // pool, n_channels // block * block
    for pooled in range(n_pooled):
        source, goal = pooled * pool * n_channels, first + pooled * step
        for start in range(np.uintp(0), n_blocked, block):
            for channel in range(block):
                out[goal + start + channel] = best[source + start + channel]
            for other in range(one, pool):
                begin = source + other * n_channels + start
                for channel in range(block):
                    value, largest = best[begin + channel], out[goal + start + channel]
                    out[goal + start + channel] = value if value > largest else largest
        for channel in range(n_blocked, n_channels):
            value = best[source + channel]
            for other in range(one, pool):
                value = max(value, best[source + other * n_channels + channel])
            out[goal + channel] = value


@njit
def round_to_bfloat16(bits, out):
    """Upper halves of float32 bit patterns, rounded to nearest, ties to even (finite values)."""
    for column in range(bits.shape[0]):
        value = bits[column]
        out[column] = np.uint16((value + np.uint32(0x7FFF) + ((value >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16))


@njit
def fill_stems(mirnas, index, targets, terms, form, scratch, out, out_bits, is_bfloat16):
    """Stems of pairs (mirnas[index[r]], targets[r]) into out (n, size) float32 or, as bfloat16, out_bits (n, size) uint16.

    `index` (n,) holds equal miRNAs side by side: tables are made once for each run of equal numbers. `terms`: (pair_terms, first_column,
    n_reached, target_terms, constant, mirna_terms, scale, shift, slope). `form`: (stride, pad, J, n_channels, pool_j, pool_i, step_j,
    step_i). `scratch`: (sums, letters, words, is_made, offset, extended, best, row, row_bits, word_codes, letter_codes); row_bits is row
    seen as uint32.
    """
    pair_terms, first_column, n_reached, target_terms, constant, mirna_terms, slope, has_affine, scale, shift = terms
    stride, pad, n_rows, n_channels, pool_j, pool_i, step_j, step_i = form
    sums, letters, words, is_made, offset, extended, best, row, row_bits, word_codes, letter_codes = scratch
    n_parts = is_made.shape[0]
    pool, channels, step = np.uintp(pool_i), np.uintp(n_channels), np.uintp(step_i)
    for pair in range(targets.shape[0]):
        if pair == 0 or index[pair] != index[pair - 1]:
            mirna = mirnas[index[pair]]
            build_letter_table(mirna, pair_terms, first_column, n_reached, target_terms, sums, letters)
            build_offset(mirna, constant, mirna_terms, offset)
            is_made[:] = False
        encode_words(targets[pair], pad, word_codes, letter_codes)
        goal = row if is_bfloat16 else out[pair]
        for place in range(n_rows // pool_j * pool_j):
            start = place * stride
            for part in range(n_parts):
                word = word_codes[start + WORD * part]
                if not is_made[part, word]:
                    is_made[part, word] = True
                    make_word(part, word, letters, words)
            # parts that the kernel does not have stay zero in `words`
            first, second = word_codes[start], word_codes[start + WORD]
            third, fourth = word_codes[start + 2 * WORD], word_codes[start + 3 * WORD]
            here, here_row = offset, place if offset.shape[0] > 1 else 0
            if n_parts > PARTS_AT_ONCE:
                add_far_parts(offset, here_row, words, word_codes, start, extended)
                here, here_row = extended, 0
            if place % pool_j == 0:
                start_place(here, here_row, words, first, second, third, fourth, best)
            else:
                join_place(here, here_row, words, first, second, third, fourth, best)
            if place % pool_j == pool_j - 1:
                activate(best, slope, has_affine, scale, shift)
                write_columns(best, pool, channels, np.uintp(place // pool_j * step_j), step, goal)
        if is_bfloat16:
            round_to_bfloat16(row_bits, out_bits[pair])

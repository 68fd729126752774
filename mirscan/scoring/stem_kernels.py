"""Numba kernels that compute a network's stem from tables: see stem.py for what a stem is and why this is exact.

Sums are made in one order whatever the batch, so a pair's stem has the same bits wherever it stands.
"""

import numpy as np

from mirscan.jit import helper, njit

WORD = 3  # nt in a table word: a table of 5^3 rows stays in the L2 cache, one of 5^4 does not
N_WORDS = 125
# Word tables that one pass adds up: kernels of up to 12 nt.
PARTS_AT_ONCE = 4
# Channels move in blocks of this many, a length the compiler knows.
BLOCK = 16


@helper
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


@helper
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


@helper
def encode_words(target, pad, words, letters):
    """3-nt words and single letters of a target with N before and after it; entry p begins at nt p - pad."""
    length = target.shape[0]
    for entry in range(letters.shape[0]):
        place = entry - pad
        letters[entry] = target[place] if 0 <= place < length else 4
    for entry in range(words.shape[0]):
        words[entry] = 25 * letters[entry] + 5 * letters[entry + 1] + letters[entry + 2]


@helper
def measure_unit(letters, offset):
    """The unit in which int16 holds every sum of a row of `offset` and one letter at each kernel row, whichever letters they are."""
    bound = np.float32(0.0)
    for column in range(offset.shape[1]):
        largest = np.float32(0.0)
        for row in range(offset.shape[0]):
            largest = max(largest, abs(offset[row, column]))
        for row in range(letters.shape[0]):
            term = np.float32(0.0)
            for letter in range(4):
                term = max(term, abs(letters[row, letter, column]))
            largest += term
        bound = max(bound, largest)
    # Each of at most fifty terms is rounded by half a unit.
    return bound / np.float32(32700.0) if bound > 0.0 else np.float32(1.0)


@helper
def count_units(values, unit, counts):
    """`values` as whole numbers of units, into `counts` (the same size) int16."""
    flat, out, per_unit = values.reshape(-1), counts.reshape(-1), np.float32(1.0) / unit
    for index in range(flat.shape[0]):
        out[index] = np.int16(np.rint(flat[index] * per_unit))


@helper
def make_word(part, word, letters, words):
    """Row of the word table: the sum of three rows of the letter table; those beyond the kernel are zero."""
    depth, last = WORD * part, letters.shape[0] - 1
    second, third = min(depth + 1, last), min(depth + 2, last)
    letter, second_letter, third_letter = word // 25, word // 5 % 5 if depth + 1 <= last else 4, word % 5 if depth + 2 <= last else 4
    for column in range(words.shape[2]):
        words[part, word, column] = (
            letters[depth, letter, column] + letters[second, second_letter, column] + letters[third, third_letter, column]
        )


@helper
def add_words(offset, row, words, first, second, third, fourth, total):
    """total = sum of a row of `offset` and of four word rows."""
    for column in range(total.shape[0]):
        total[column] = (
            offset[row, column] + words[0, first, column] + words[1, second, column] + words[2, third, column] + words[3, fourth, column]
        )


@helper
def take_larger(total, best):
    """best = the larger of itself and `total`, column by column."""
    for column in range(best.shape[0]):
        best[column] = total[column] if total[column] > best[column] else best[column]


@helper
def pool_columns(best, pool, n_channels, pooled):
    """pooled[c] = the largest of best[c], best[c + n_channels], ... `pool` of them.

    Computed for every c in one long loop, though only each pool-th column is used: many short loops would take longer.
    """
    n = best.shape[0] - (pool - 1) * n_channels
    for column in range(n):
        pooled[column] = best[column]
    for other in range(1, pool):
        further = best[other * n_channels :]
        for column in range(n):
            pooled[column] = further[column] if further[column] > pooled[column] else pooled[column]


@helper
def activate(best, unit, slope, has_affine, scale, shift, active):
    """active = leaky ReLU (slope 0: ReLU; 1: none) of best * unit, then scale and shift of each column.

    All of it rises, so it may follow the maximum.
    """
    for column in range(best.shape[0]):
        value = best[column] * unit
        active[column] = value if value > 0.0 else slope * value
    if has_affine:
        for column in range(active.shape[0]):
            active[column] = active[column] * scale[column] + shift[column]


@helper
def add_far_parts(offset, row, words, codes, start, extended):
    """extended (1, K): a row of `offset` plus the word rows that the first four parts do not cover."""
    for column in range(extended.shape[1]):
        extended[0, column] = offset[row, column]
    for part in range(PARTS_AT_ONCE, words.shape[0]):
        word = codes[start + WORD * part]
        for column in range(extended.shape[1]):
            extended[0, column] += words[part, word, column]


@helper
def write_columns(active, pool, n_channels, first, step, out):
    """The n_channels numbers of pooled miRNA column i go from active[i * pool * n_channels :] to out[first + i * step :].

    All arguments but the arrays are np.uintp: a signed index may be negative, and looking for that keeps the loops from being vectorised
    (3 times slower).
    """
    block = np.uintp(BLOCK)
    n_blocked = n_channels // block * block
    for column in range(np.uintp(active.shape[0]) // n_channels // pool):
        source, goal = column * pool * n_channels, first + column * step
        for start in range(np.uintp(0), n_blocked, block):
            for channel in range(block):
                out[goal + start + channel] = active[source + start + channel]
        for channel in range(n_blocked, n_channels):
            out[goal + channel] = active[source + channel]


@helper
def round_to_bfloat16(bits, out):
    """Upper halves of float32 bit patterns, rounded to nearest, ties to even (finite values)."""
    for column in range(bits.shape[0]):
        value = bits[column]
        out[column] = np.uint16((value + np.uint32(0x7FFF) + ((value >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16))


@njit(allocates=False)
def fill_stems(mirnas, index, targets, terms, form, scratch, out, out_bits, is_bfloat16):
    """Stems of pairs (mirnas[index[r]], targets[r]) into out (n, size) float32 or, as bfloat16, out_bits (n, size) uint16.

    `index` (n,) holds equal miRNAs side by side: tables are made once for each run of equal numbers. `terms`: (pair_terms, first_column,
    n_reached, target_terms, constant, mirna_terms, slope, has_affine, scale, shift). `form`: (stride, pad, J, n_channels, pool_j, pool_i,
    step_j, step_i, first). `scratch`: what is kept for a miRNA, (sums, letters, offset, letter_table, offset_table, words, is_made), and
    for a place, (extended, total, best, active, active_bits, halves, word_codes, letter_codes); active_bits is active seen as uint32.

    For bfloat16, which keeps 8 bits, the tables (letter_table to best) are int16 in units of the miRNA: half the size, a third less time.
    For float32 they are float32, and letter_table and offset_table are letters and offset themselves.
    """
    pair_terms, first_column, n_reached, target_terms, constant, mirna_terms, slope, has_affine, scale, shift = terms
    stride, pad, n_rows, n_channels, pool_j, pool_i, step_j, step_i, first_of_all = form
    (sums, letters, offset, letter_table, offset_table, words, is_made), of_place = scratch
    extended, total, best, active, active_bits, halves, codes, letter_codes = of_place
    n_parts = is_made.shape[0]
    pool, channels, step = np.uintp(pool_i), np.uintp(n_channels), np.uintp(step_i)
    unit = np.float32(1.0)
    for pair in range(targets.shape[0]):
        if pair == 0 or index[pair] != index[pair - 1]:
            mirna = mirnas[index[pair]]
            build_letter_table(mirna, pair_terms, first_column, n_reached, target_terms, sums, letters)
            build_offset(mirna, constant, mirna_terms, offset)
            if is_bfloat16:
                unit = measure_unit(letters, offset)
                count_units(letters, unit, letter_table)
                count_units(offset, unit, offset_table)
            is_made[:] = False
        encode_words(targets[pair], pad, codes, letter_codes)
        for place in range(n_rows // pool_j * pool_j):
            start = place * stride
            for part in range(n_parts):
                word = codes[start + WORD * part]
                if not is_made[part, word]:
                    is_made[part, word] = True
                    make_word(part, word, letter_table, words)
            # parts that the kernel does not have stay zero in `words`
            first, second, third, fourth = codes[start], codes[start + WORD], codes[start + 2 * WORD], codes[start + 3 * WORD]
            here, here_row = offset_table, place if offset_table.shape[0] > 1 else 0
            if n_parts > PARTS_AT_ONCE:
                add_far_parts(offset_table, here_row, words, codes, start, extended)
                here, here_row = extended, 0
            if place % pool_j == 0:
                add_words(here, here_row, words, first, second, third, fourth, best)
            else:
                add_words(here, here_row, words, first, second, third, fourth, total)
                take_larger(total, best)
            if place % pool_j == pool_j - 1:
                pooled = best
                if pool_i > 1:
                    pool_columns(best, pool_i, n_channels, total)
                    pooled = total
                activate(pooled, unit, slope, has_affine, scale, shift, active)
                first_out = np.uintp(first_of_all + place // pool_j * step_j)
                if is_bfloat16:
                    round_to_bfloat16(active_bits, halves)
                    write_columns(halves, pool, channels, first_out, step, out_bits[pair])
                else:
                    write_columns(active, pool, channels, first_out, step, out[pair])

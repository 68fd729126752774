"""Slow definitions of the seed rules on plain strings, written from the papers and sharing no code with mirscan.

A definition takes a miRNA (ACGT, 5'->3'), a transcript and an anchor, the 0-based position opposite miRNA nt 1, and gives the extent
(start, end) of the site or None. Letters are upper case with T for U; N is unknown and no site may cover one.
"""

PARTNER = {"A": "T", "C": "G", "G": "C", "T": "A", "N": "?"}


def perfect_target(mirna, first, last):
    """The target word that pairs with nt first..last; `?`, which no transcript holds, opposite an N."""
    if last > len(mirna):
        return "!"
    return "".join(PARTNER[base] for base in reversed(mirna[first - 1 : last]))


def read_word(transcript, start, end):
    """transcript[start:end], or nothing where it leaves the transcript or holds an N."""
    word = transcript[start:end] if 0 <= start <= end <= len(transcript) else ""
    return "" if "N" in word else word


def read_pairs(mirna, transcript, anchor, first, last):
    """(miRNA base, target base) of nt first..last, or nothing where a base is missing or unknown."""
    word = read_word(transcript, anchor - last + 1, anchor - first + 2)
    bases = mirna[first - 1 : last]
    if not len(word) == len(bases) == last - first + 1 or "N" in bases:
        return []
    return list(zip(bases, reversed(word), strict=True))


def is_wobble(pair):
    return pair in (("G", "T"), ("T", "G"))


def is_paired(pair):
    return PARTNER[pair[0]] == pair[1]


def has_a1(transcript, anchor):
    return transcript[anchor : anchor + 1] == "A"


def edit_distance(a, b):
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        above, row = row, [i]
        for j, other in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (letter != other)))
    return row[-1]


def contiguous(first, last, a1=False):
    def definition(mirna, transcript, anchor):
        start, end = anchor - last + 1, anchor - first + 2
        if read_word(transcript, start, end) != perfect_target(mirna, first, last):
            return None
        if a1:
            return (start, anchor + 1) if has_a1(transcript, anchor) else None
        return start, end

    return definition


def wobbled_7mer(mirna, transcript, anchor):
    pairs = read_pairs(mirna, transcript, anchor, 2, 8)
    others = [pair for pair in pairs if not is_paired(pair)]
    return (anchor - 7, anchor) if len(others) == 1 and is_wobble(others[0]) else None


def wobbled_8mer(mirna, transcript, anchor):
    return (anchor - 7, anchor + 1) if wobbled_7mer(mirna, transcript, anchor) and has_a1(transcript, anchor) else None


def mismatched_seed(mirna, transcript, anchor):
    pairs = read_pairs(mirna, transcript, anchor, 2, 8)
    return (anchor - 7, anchor) if sum(not is_paired(pair) for pair in pairs) == 1 else None


def bulged_seed(mirna, transcript, anchor):
    seed = perfect_target(mirna, 2, 8)
    long, short = read_word(transcript, anchor - 8, anchor), read_word(transcript, anchor - 6, anchor)
    if len(seed) == 7 and seed in [long[:i] + long[i + 1 :] for i in range(1, 7)] and len(long) == 8:
        return anchor - 8, anchor
    if len(seed) == 7 and short in [seed[:i] + seed[i + 1 :] for i in range(1, 6)]:
        return anchor - 6, anchor
    return None


def centered_site(mirna, transcript, anchor):
    return contiguous(4, 14)(mirna, transcript, anchor) or contiguous(5, 15)(mirna, transcript, anchor)


def edited(first, last, min_matches):
    def definition(mirna, transcript, anchor):
        start, end = anchor - last + 1, anchor - first + 2
        word, target = read_word(transcript, start, end), perfect_target(mirna, first, last)
        known = word and len(target) == last - first + 1 and "?" not in target
        return (start, end) if known and edit_distance(word, target) <= len(target) - min_matches else None

    return definition


# Strongest first, as `mirscan.seeds.rules.BUILT_IN`.
DEFINITIONS = {
    "8mer": contiguous(2, 8, a1=True),
    "7mer-m8": contiguous(2, 8),
    "7mer-A1": contiguous(2, 7, a1=True),
    "6mer": contiguous(2, 7),
    "6mer-A1": contiguous(2, 6, a1=True),
    "offset-7mer": contiguous(3, 9),
    "offset-6mer": contiguous(3, 8),
    "8mer-GU": wobbled_8mer,
    "7mer-GU": wobbled_7mer,
    "seed-bulge": bulged_seed,
    "seed-mismatch": mismatched_seed,
    "centered": centered_site,
    "offset-9-mer-m7": edited(2, 10, 7),
    "10-mer-m7": edited(1, 10, 7),
    "10-mer-m6": edited(1, 10, 6),
}


def find_sites(names, mirnas, transcripts, all_types=False, definitions=DEFINITIONS):
    """Sorted rows (transcript, start, miRNA, strength, anchor, end, rule); sequences are strings, numbers count from 0."""
    order = [name for name in definitions if name in names]
    rows = []
    for t, transcript in enumerate(transcripts):
        for m, mirna in enumerate(mirnas):
            for anchor in range(len(transcript) + len(mirna)):
                extents = [(strength, name, definitions[name](mirna, transcript, anchor)) for strength, name in enumerate(order)]
                found = [(t, extent[0], m, strength, anchor, extent[1], name) for strength, name, extent in extents if extent]
                rows += found if all_types else found[:1]
    return sorted(rows)


def one_of_overlapping(rows, strength, canonical=("8mer", "7mer-m8", "7mer-A1", "6mer")):
    """The sites among matches (dicts of transcript, mirna, start, end, seed): canonical ones, and others that overlap none of them and
    nothing of more `strength` (of a row) that is a site."""
    kept = []
    for row in sorted(rows, key=lambda row: (row["seed"] not in canonical, -strength(row))):
        near = (k for k in kept if (k["transcript"], k["mirna"]) == (row["transcript"], row["mirna"]))
        if row["seed"] in canonical or not any(k["start"] < row["end"] and row["start"] < k["end"] for k in near):
            kept.append(row)
    return [row for row in rows if row in kept]

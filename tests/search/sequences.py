"""Sequences on which seed rules happen: transcripts made of damaged target sites, with N, short records and sites at the ends."""

from hypothesis import strategies as st

from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import transcriptome_from_sequences
from tests.reference import perfect_target

letters = st.sampled_from("ACGT" * 5 + "N")
texts = st.text(letters, max_size=12)
mirna_sequences = st.lists(st.text(letters, min_size=8, max_size=20), min_size=1, max_size=3)


@st.composite
def damaged_sites(draw, mirnas):
    """A target site of one of the miRNAs with up to three substitutions, insertions or deletions, perhaps cut at either end."""
    mirna = draw(st.sampled_from(mirnas))
    site = perfect_target(mirna, 1, min(len(mirna), 16)).replace("?", "N")
    if draw(st.booleans()):
        site = site[:-1] + "A"
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(site) - 1))
        inserted, deleted = draw(st.sampled_from([(1, 1), (1, 0), (0, 1)]))
        site = site[:place] + draw(st.text(letters, min_size=inserted, max_size=inserted)) + site[place + deleted :]
    return site[draw(st.sampled_from([0, 0, 0, 3, 8])) :][: draw(st.sampled_from([99, 99, 9, 7]))]


@st.composite
def sequences(draw):
    """(miRNAs, transcripts) as lists of strings."""
    mirnas = draw(mirna_sequences)
    pieces = st.lists(st.one_of(texts, damaged_sites(mirnas), damaged_sites(mirnas)), max_size=3)
    transcripts = draw(st.lists(pieces.map("".join).map(lambda text: text or "A"), min_size=1, max_size=4))
    return mirnas, transcripts


def build(mirnas, transcripts):
    """The two inputs of a scan, named m0, m1, ... and t0, t1, ..."""
    names = [f"t{i}" for i in range(len(transcripts))]
    return transcriptome_from_sequences(names, transcripts), mirnas_from_sequences([f"m{i}" for i in range(len(mirnas))], mirnas)


def rows_of(table):
    """(transcript, start, miRNA, end, rule, anchor) of a CANDIDATES table or batch, with transcripts and miRNAs as numbers."""
    columns = [table[name].to_pylist() for name in ("transcript", "start", "mirna", "end", "seed", "anchor")]
    return [(int(t[1:]), start, int(m[1:]), end, seed, anchor) for t, start, m, end, seed, anchor in zip(*columns, strict=True)]


def expected_rows(sites):
    """The same of `reference.find_sites`."""
    return [(t, start, m, end, rule, anchor) for t, start, m, _, anchor, end, rule in sites]

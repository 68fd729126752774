"""The group-by of gene and miRNA as compiled code: one pass over sites in order, memory by the number of miRNAs."""

from typing import NamedTuple

import numpy as np

from mirscan.jit import njit

# Columns of the counts: all sites, then the four canonical types from strong to weak, then every other rule; and how many fit side by side.
N_SITES, N_8MER, N_7MER_M8, N_7MER_A1, N_6MER, N_OTHER, N_APART = range(7)
N_COUNTS = 7
# Ends of sites that a following site may still overlap are distinct positions within one site length; the longest miRNA has
# 40 nt, so 64 ends of one miRNA are never pending at once.
MAX_PENDING = 64
# Slots of `Open.cursor`.
TRANSCRIPT, GENE, N_MIRNAS_TRANSCRIPT, N_MIRNAS_GENE = range(4)


class Open(NamedTuple):
    """The transcript and the gene being read, by miRNA (m = number of miRNAs); only miRNAs in the lists hold valid values.

    `apart_end` (m,) is where the last of the sites counted as N_APART ends. `settled` (m,) is the greatest sum of weights of
    non-overlapping sites that end before the last start; `pending_end`, `pending_sum` (m, MAX_PENDING) hold the same for ends behind it.
    """

    cursor: np.ndarray
    counts: np.ndarray
    best: np.ndarray
    windows: np.ndarray
    apart_end: np.ndarray
    settled: np.ndarray
    pending_end: np.ndarray
    pending_sum: np.ndarray
    n_pending: np.ndarray
    mirnas: np.ndarray
    gene_transcript: np.ndarray
    gene_counts: np.ndarray
    gene_best: np.ndarray
    gene_sum: np.ndarray
    gene_windows: np.ndarray
    gene_mirnas: np.ndarray


class Rows(NamedTuple):
    """Finished rows of GENES, by index; all (capacity,), counts (capacity, N_COUNTS)."""

    gene: np.ndarray
    mirna: np.ndarray
    transcript: np.ndarray
    counts: np.ndarray
    best: np.ndarray
    combined: np.ndarray
    windows: np.ndarray


def new_open(n_mirnas: int) -> Open:
    """State before the first site."""
    m = n_mirnas
    cursor = np.array([-1, -1, 0, 0], dtype=np.int64)
    return Open(
        cursor=cursor,
        counts=np.zeros((m, N_COUNTS), np.int32),
        best=np.zeros(m, np.float32),
        windows=np.zeros(m, np.int32),
        apart_end=np.zeros(m, np.int32),
        settled=np.zeros(m),
        pending_end=np.zeros((m, MAX_PENDING), np.int32),
        pending_sum=np.zeros((m, MAX_PENDING)),
        n_pending=np.zeros(m, np.int32),
        mirnas=np.zeros(m, np.int32),
        gene_transcript=np.full(m, -1, np.int32),
        gene_counts=np.zeros((m, N_COUNTS), np.int32),
        gene_best=np.zeros(m, np.float32),
        gene_sum=np.zeros(m),
        gene_windows=np.zeros(m, np.int32),
        gene_mirnas=np.zeros(m, np.int32),
    )


def new_rows(capacity: int) -> Rows:
    """Unfilled rows."""
    integers = [np.empty(capacity, np.int32) for _ in range(4)]
    counts = np.empty((capacity, N_COUNTS), np.int32)
    return Rows(*integers[:3], counts, np.empty(capacity, np.float32), np.empty(capacity, np.float32), integers[3])


@njit
def add_sites(transcript, mirna, start, end, kind, score, windows, gene_of_transcript, is_scored, state, rows):
    """Take in sites ordered by transcript and start; return how many GENES rows were finished.

    Arrays are (n,); `kind` is the column of the counts that a site adds to, `windows` the candidates of its miRNA on its
    transcript. `rows` has room for n rows and one for every miRNA.
    """
    n_rows = 0
    for site in range(len(start)):
        t, m = transcript[site], mirna[site]
        if t != state.cursor[TRANSCRIPT]:
            close_transcript(is_scored, state)
            if state.cursor[GENE] != gene_of_transcript[t]:
                n_rows = close_gene(state, rows, n_rows)
                state.cursor[GENE] = gene_of_transcript[t]
            state.cursor[TRANSCRIPT] = t
        if state.counts[m, N_SITES] == 0:
            state.mirnas[state.cursor[N_MIRNAS_TRANSCRIPT]] = m
            state.cursor[N_MIRNAS_TRANSCRIPT] += 1
            state.best[m] = score[site]
            state.windows[m] = windows[site]
        state.counts[m, N_SITES] += 1
        state.counts[m, kind[site]] += 1
        count_apart(m, start[site], end[site], state)
        if is_scored:
            state.best[m] = max(state.best[m], score[site])
            add_weight(m, start[site], end[site], score[site], state)
    return n_rows


@njit
def count_apart(m, start, end, state):
    """Count the most sites of miRNA `m` that fit side by side: of overlapping ones the first to end leaves most room."""
    if state.counts[m, N_APART] == 0 or start >= state.apart_end[m]:
        state.counts[m, N_APART] += 1
        state.apart_end[m] = end
    else:
        state.apart_end[m] = min(state.apart_end[m], end)


@njit
def add_weight(m, start, end, score, state):
    """Extend the best set of non-overlapping sites of miRNA `m`: weighted interval scheduling in order of starts."""
    kept = 0
    for slot in range(state.n_pending[m]):
        if state.pending_end[m, slot] <= start:
            state.settled[m] = max(state.settled[m], state.pending_sum[m, slot])
        else:
            state.pending_end[m, kept] = state.pending_end[m, slot]
            state.pending_sum[m, kept] = state.pending_sum[m, slot]
            kept += 1
    # 1 - prod(1 - p) is greatest where the sum of -log(1 - p) is.
    weight = np.inf if score >= 1 else -np.log1p(-np.float64(score))
    total = state.settled[m] + weight
    for slot in range(kept):
        if state.pending_end[m, slot] == end:
            state.pending_sum[m, slot] = max(state.pending_sum[m, slot], total)
            state.n_pending[m] = kept
            return
    state.pending_end[m, kept] = end
    state.pending_sum[m, kept] = total
    state.n_pending[m] = kept + 1


@njit
def close_transcript(is_scored, state):
    """Let the finished isoform stand for its gene wherever it is the better one; the first wins a tie."""
    for place in range(state.cursor[N_MIRNAS_TRANSCRIPT]):
        m = state.mirnas[place]
        total = state.settled[m]
        for slot in range(state.n_pending[m]):
            total = max(total, state.pending_sum[m, slot])
        is_first = state.gene_transcript[m] < 0
        if is_first:
            state.gene_mirnas[state.cursor[N_MIRNAS_GENE]] = m
            state.cursor[N_MIRNAS_GENE] += 1
        is_better = total > state.gene_sum[m] if is_scored else has_stronger_sites(state.counts[m], state.gene_counts[m])
        if is_first or is_better:
            state.gene_transcript[m] = state.cursor[TRANSCRIPT]
            state.gene_counts[m] = state.counts[m]
            state.gene_best[m] = state.best[m]
            state.gene_sum[m] = total
            state.gene_windows[m] = state.windows[m] if state.windows[m] > 0 else state.counts[m, N_SITES]
        state.counts[m] = 0
        state.settled[m] = 0
        state.n_pending[m] = 0
    state.cursor[N_MIRNAS_TRANSCRIPT] = 0


@njit
def has_stronger_sites(counts, other):
    """More 8mers; if equal, more 7mer-m8, and so on down to the other rules."""
    for kind in range(N_8MER, N_OTHER + 1):
        if counts[kind] != other[kind]:
            return counts[kind] > other[kind]
    return False


@njit
def close_gene(state, rows, n_rows):
    """Write the rows of the finished gene in the order of miRNAs; return the number of rows then filled."""
    n_mirnas = state.cursor[N_MIRNAS_GENE]
    state.gene_mirnas[:n_mirnas] = np.sort(state.gene_mirnas[:n_mirnas])
    for place in range(n_mirnas):
        m = state.gene_mirnas[place]
        rows.gene[n_rows] = state.cursor[GENE]
        rows.mirna[n_rows] = m
        rows.transcript[n_rows] = state.gene_transcript[m]
        rows.counts[n_rows] = state.gene_counts[m]
        rows.best[n_rows] = state.gene_best[m]
        rows.combined[n_rows] = -np.expm1(-state.gene_sum[m])
        rows.windows[n_rows] = state.gene_windows[m]
        state.gene_transcript[m] = -1
        n_rows += 1
    state.cursor[N_MIRNAS_GENE] = 0
    return n_rows


@njit
def finish_sites(is_scored, state, rows):
    """Write the rows of the last gene; `rows` has room for one of every miRNA."""
    close_transcript(is_scored, state)
    return close_gene(state, rows, 0)

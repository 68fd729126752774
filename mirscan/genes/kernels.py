"""The group-by of gene and miRNA as compiled code: one pass over sites in order, memory by the number of miRNAs."""

from typing import NamedTuple

import numpy as np

from mirscan.jit import helper, njit

U = np.uintp
# Columns of the counts: all sites, then the four canonical types from strong to weak, then every other rule; how many fit side by side;
# and the sites by region.
N_SITES, N_8MER, N_7MER_M8, N_7MER_A1, N_6MER, N_OTHER, N_APART, N_5UTR, N_CDS, N_3UTR = range(10)
N_COUNTS = 10
# Ends of sites that a following site may still overlap are distinct positions within one site length or reach; the longest miRNA has
# 40 nt, so 64 ends of one miRNA are never pending at once.
MAX_PENDING = 64
# Slots of `Open.cursor`.
TRANSCRIPT, GENE = range(2)


class Open(NamedTuple):
    """The transcript and the gene being read, by miRNA (m = number of miRNAs); those without a site have a count of 0, those without one
    in the gene a `gene_transcript` of -1.

    `apart_end` (m,) is where the last of the sites counted as N_APART ends. There are c sums of weights, each over the sites that make it
    greatest without lying closer than its reach: `settled` (m, c) over sites that end before the last start; `pending_end`,
    `pending_sum` (c, MAX_PENDING, m) hold the same for ends behind it.
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
    gene_transcript: np.ndarray
    gene_counts: np.ndarray
    gene_best: np.ndarray
    gene_sums: np.ndarray
    gene_windows: np.ndarray


class Rows(NamedTuple):
    """Finished rows of GENES, by index; all (capacity,), counts (capacity, N_COUNTS), sums (c, capacity) of the weights."""

    gene: np.ndarray
    mirna: np.ndarray
    transcript: np.ndarray
    counts: np.ndarray
    best: np.ndarray
    sums: np.ndarray
    windows: np.ndarray


def new_open(n_mirnas: int, n_sums: int) -> Open:
    """State before the first site, for `n_sums` kinds of weights."""
    m = n_mirnas
    return Open(
        cursor=np.array([-1, -1], np.int64),
        counts=np.zeros((m, N_COUNTS), np.int32),
        best=np.zeros(m, np.float32),
        windows=np.zeros(m, np.int32),
        apart_end=np.zeros(m, np.int32),
        settled=np.zeros((m, n_sums)),
        pending_end=np.zeros((n_sums, MAX_PENDING, m), np.int32),
        pending_sum=np.zeros((n_sums, MAX_PENDING, m)),
        n_pending=np.zeros((m, n_sums), np.int32),
        gene_transcript=np.full(m, -1, np.int32),
        gene_counts=np.zeros((m, N_COUNTS), np.int32),
        gene_best=np.zeros(m, np.float32),
        gene_sums=np.zeros((m, n_sums)),
        gene_windows=np.zeros(m, np.int32),
    )


def new_rows(capacity: int, n_sums: int) -> Rows:
    """Unfilled rows."""
    integers = [np.empty(capacity, np.int32) for _ in range(4)]
    counts = np.empty((capacity, N_COUNTS), np.int32)
    return Rows(*integers[:3], counts, np.empty(capacity, np.float32), np.empty((n_sums, capacity)), integers[3])


@njit(allocates=False)
def add_sites(transcript, mirna, start, end, kind, region, score, weights, reach, windows, gene_of_transcript, state, rows):
    """Take in sites ordered by transcript and start; return how many GENES rows were finished.

    Arrays are (n,); `kind` is the column of the counts that a site adds to, `region` 0 to 2 (5'UTR, CDS, 3'UTR), `windows` the candidates
    of its miRNA on its transcript. `weights` (c, n): what a site adds to each sum, in which no two sites start closer than `reach` (c,).
    `rows` has room for n rows and one for every miRNA.
    """
    n_rows = 0
    for site in range(len(start)):
        # Unsigned, as Numba tests signed ones for being counted from the end.
        t, m = transcript[site], np.uintp(mirna[site])
        if t != state.cursor[TRANSCRIPT]:
            close_transcript(state)
            if state.cursor[GENE] != gene_of_transcript[t]:
                n_rows = close_gene(state, rows, n_rows)
                state.cursor[GENE] = gene_of_transcript[t]
            state.cursor[TRANSCRIPT] = t
        add_site(m, kind[site], region[site], score[site], windows[site], state)
        count_apart(m, start[site], end[site], state)
        for number in range(U(len(reach))):
            add_weight(number, m, start[site], max(end[site], start[site] + reach[number]), weights[number, site], state)
    return n_rows


@helper
def add_site(m, kind, region, score, windows, state):
    """Count a site of miRNA `m`."""
    if state.counts[m, N_SITES] == 0:
        state.best[m] = score
        state.windows[m] = windows
    state.counts[m, N_SITES] += 1
    state.counts[m, kind] += 1
    state.counts[m, N_5UTR + region] += 1
    state.best[m] = max(state.best[m], score)


@helper
def count_apart(m, start, end, state):
    """Count the most sites of miRNA `m` that fit side by side: of overlapping ones the first to end leaves most room."""
    if state.counts[m, N_APART] == 0 or start >= state.apart_end[m]:
        state.counts[m, N_APART] += 1
        state.apart_end[m] = end
    else:
        state.apart_end[m] = min(state.apart_end[m], end)


@helper
def add_weight(number, m, start, end, weight, state):
    """Extend the best set of non-overlapping sites of miRNA `m` for one sum: weighted interval scheduling in order of starts."""
    # A slice, a second name for an array, or a second way out is counted by Numba with atomic steps, which cost more than all else here.
    kept, settled = U(0), state.settled[m, number]
    for slot in range(U(state.n_pending[m, number])):
        if state.pending_end[number, slot, m] <= start:
            settled = max(settled, state.pending_sum[number, slot, m])
        else:
            state.pending_end[number, kept, m] = state.pending_end[number, slot, m]
            state.pending_sum[number, kept, m] = state.pending_sum[number, slot, m]
            kept += U(1)
    state.settled[m, number] = settled
    slot = U(0)
    while slot < kept and state.pending_end[number, slot, m] != end:
        slot += U(1)
    best = settled + weight if slot == kept else max(state.pending_sum[number, slot, m], settled + weight)
    state.pending_end[number, slot, m] = end
    state.pending_sum[number, slot, m] = best
    state.n_pending[m, number] = max(kept, slot + U(1))


@helper
def close_transcript(state):
    """Let the finished isoform stand for its gene wherever it is the better one; the first wins a tie."""
    for m in range(len(state.counts)):
        if state.counts[m, N_SITES] == 0:
            continue
        settle(m, state)
        is_first = state.gene_transcript[m] < 0
        if is_first or is_better(m, state):
            state.gene_transcript[m] = state.cursor[TRANSCRIPT]
            state.gene_best[m] = state.best[m]
            state.gene_windows[m] = state.windows[m] if state.windows[m] > 0 else state.counts[m, N_SITES]
            for column in range(N_COUNTS):
                state.gene_counts[m, column] = state.counts[m, column]
            for number in range(state.settled.shape[1]):
                state.gene_sums[m, number] = state.settled[m, number]
        clear(m, state)


@helper
def settle(m, state):
    """Let the sums of miRNA `m` take in the sites at the end of the transcript."""
    for number in range(state.settled.shape[1]):
        for slot in range(state.n_pending[m, number]):
            state.settled[m, number] = max(state.settled[m, number], state.pending_sum[number, slot, m])


@helper
def clear(m, state):
    """Forget the sites of miRNA `m` on the finished transcript."""
    for column in range(N_COUNTS):
        state.counts[m, column] = 0
    for number in range(state.settled.shape[1]):
        state.settled[m, number] = 0
        state.n_pending[m, number] = 0


@helper
def is_better(m, state):
    """Whether the finished isoform has the greater last sum; if equal, the one before, and so on down to its sites."""
    for number in range(state.settled.shape[1] - 1, -1, -1):
        if state.settled[m, number] != state.gene_sums[m, number]:
            return state.settled[m, number] > state.gene_sums[m, number]
    return has_stronger_sites(m, state)


@helper
def has_stronger_sites(m, state):
    """Whether it has more 8mers; if equal, more 7mer-m8, and so on down to the other rules."""
    for kind in range(N_8MER, N_OTHER + 1):
        if state.counts[m, kind] != state.gene_counts[m, kind]:
            return state.counts[m, kind] > state.gene_counts[m, kind]
    return False


@helper
def close_gene(state, rows, n_rows):
    """Write the rows of the finished gene in the order of miRNAs; return the number of rows then filled."""
    for m in range(len(state.gene_transcript)):
        if state.gene_transcript[m] < 0:
            continue
        rows.gene[n_rows] = state.cursor[GENE]
        rows.mirna[n_rows] = m
        rows.transcript[n_rows] = state.gene_transcript[m]
        rows.best[n_rows] = state.gene_best[m]
        rows.windows[n_rows] = state.gene_windows[m]
        for column in range(N_COUNTS):
            rows.counts[n_rows, column] = state.gene_counts[m, column]
        for number in range(state.settled.shape[1]):
            rows.sums[number, n_rows] = state.gene_sums[m, number]
        state.gene_transcript[m] = -1
        n_rows += 1
    return n_rows


@njit(allocates=False)
def finish_sites(state, rows):
    """Write the rows of the last gene; `rows` has room for one of every miRNA."""
    close_transcript(state)
    return close_gene(state, rows, 0)

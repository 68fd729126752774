"""Negatives for any positives: six ways to make them, one stream of tables, written as it comes."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from mirscan.errors import InputError
from mirscan.notices import Notices, counted, tallied
from mirscan.pairs.elsewhere import SEED_MATCHES, RandomDraw, iter_random_windows, iter_same_transcript, iter_shuffles
from mirscan.pairs.known_sites import KnownSites, find_known_sites
from mirscan.pairs.partners import BATCH, iter_other_clusters, iter_other_mirnas
from mirscan.pairs.positives import Positives, negatives_table, read_positives, site_clusters
from mirscan.pairs.scan_negatives import PLACEMENTS, STRATA, ScanDraw, iter_scan_candidates
from mirscan.pairs.write import PairWriter
from mirscan.sequence.transcriptome import Transcriptome, read_transcriptome
from mirscan.store.explained import explained_errors
from mirscan.tables import NEGATIVES

MAX_RATIO = 1000


@dataclass(frozen=True)
class NegativeSettings:
    """What to make. `kind` is one of `KINDS`; `transcripts` and what follows them are for the kinds that cut windows.

    `seed_match`: any, with, without (same-transcript). `scan`: how candidates are drawn, its layout also the length of other windows and
    its strata natural or mirna those of random-window. `seedless`: part kept of random windows without a seed match (`RandomDraw`).
    `allow_fewer`: write what there is where the ratio cannot be met.
    """

    kind: str
    ratio: int = 1
    transcripts: tuple[str, ...] = ()
    seed_match: str = "any"
    scan: ScanDraw = field(default_factory=ScanDraw)
    allow_fewer: bool = False
    seed: int = 1
    seedless: float = 1.0

    def __post_init__(self):
        for name, value, known in (
            ("kind", self.kind, tuple(KINDS)),
            ("seed match", self.seed_match, SEED_MATCHES),
            ("placement", self.scan.placement, PLACEMENTS),
            ("strata", self.scan.strata, STRATA),
        ):
            if value not in known:
                raise InputError(f"{name} {value!r}: unknown; expected one of {', '.join(known)}")
        if not 1 <= self.ratio <= MAX_RATIO:
            raise InputError(f"ratio {self.ratio}: expected 1 to {MAX_RATIO:,} negatives a positive")
        if self.kind == "random-window" and self.scan.strata == "seed":
            raise InputError("random-window: strata seed is of scan candidates; expected natural or mirna")
        if not 0 < self.seedless <= 1:
            raise InputError(f"seedless {self.seedless:g}: expected the part that is kept, above 0 and up to 1")
        if KINDS[self.kind].needs_transcripts and not self.transcripts:
            raise InputError(f"{self.kind}: windows are cut from transcripts; give them with --transcripts FASTA")


@dataclass(frozen=True)
class _Places:
    """The transcripts and where the positives lie on them."""

    transcriptome: Transcriptome
    known: KnownSites


Make = Callable[[Positives, NegativeSettings, np.random.Generator, _Places | None], Iterator[pa.Table]]


@dataclass(frozen=True)
class _Kind:
    make: Make
    needs_transcripts: bool = False


KINDS = {
    "other-mirna": _Kind(lambda positives, settings, random, _: iter_other_mirnas(positives, settings.ratio, random)),
    "other-cluster": _Kind(lambda positives, settings, random, _: iter_other_clusters(positives, settings.ratio, random)),
    "same-transcript": _Kind(
        lambda positives, settings, random, places: iter_same_transcript(
            positives, settings.ratio, random, places.transcriptome, places.known, settings.scan.layout.length, settings.seed_match
        ),
        needs_transcripts=True,
    ),
    "random-window": _Kind(
        lambda positives, settings, random, places: iter_random_windows(
            positives,
            settings.ratio,
            random,
            places.transcriptome,
            places.known,
            RandomDraw(settings.scan.layout.length, settings.scan.strata, settings.seedless),
        ),
        needs_transcripts=True,
    ),
    "shuffled": _Kind(lambda positives, settings, random, _: iter_shuffles(positives, settings.ratio, random)),
    "scan": _Kind(
        lambda positives, settings, random, places: iter_scan_candidates(
            positives, settings.ratio, random, places.transcriptome, places.known, settings.scan
        ),
        needs_transcripts=True,
    ),
}


@dataclass(frozen=True)
class Written:
    """What a file of negatives holds; `located` positives were found on a transcript (None: not looked for)."""

    path: Path
    positives: int
    negatives: int
    wanted: int
    located: int | None


def write_negatives(
    paths: str | Path | Sequence[str | Path],
    settings: NegativeSettings,
    out: str | os.PathLike,
    mirnas: str | os.PathLike | None = None,
    with_positives: bool = True,
    observe: Callable[[pa.Table], None] | None = None,
    notices: Notices | None = None,
) -> Written:
    """Write the positives of `paths` and negatives for them to `out` (.parquet, .tsv or .tsv.gz) as NEGATIVES.

    `mirnas`: FASTA that widens the pool of miRNAs. Every table is shown to `observe`, positives first, whether or not they are written.
    Equal inputs, settings and seed give equal bytes. Raises InputError as `read_positives` does, where the transcripts hold none of
    the sites, and where the ratio cannot be met; then no file is left.

    >>> from pathlib import Path
    >>> from mirscan.pairs.negatives import NegativeSettings
    >>> site = "GG" * 10 + "CTACCTCA" + "GG" * 11
    >>> rows = ["mirna\\ttarget\\tlabel", f"UGAGGUAGUAGGUUGUAUAGUU\\t{site}\\t1", f"UGGAAUGUAAAGAAGUAUGUAU\\t{site[::-1]}\\t1"]
    >>> _ = Path("positives.tsv").write_text("\\n".join(rows))
    >>> ms.write_negatives("positives.tsv", NegativeSettings("other-mirna"), "pairs.tsv").negatives
    2
    """
    positives = read_positives(paths, mirnas)
    places = _locate(positives, settings)
    located = None if places is None else len(np.unique(places.known.row))
    with tallied(notices) as tally:
        if positives.dropped:
            tally.add("rows were negative, contradictory or repeated, and were left out", count=positives.dropped)
        if located is not None and located < len(positives):
            missing = int(np.setdiff1d(np.arange(len(positives)), places.known.row)[0])
            site = positives.sites[int(positives.site[missing])].as_py()
            tally.add("positives lie on none of the transcripts, so nothing is kept away from them", site, len(positives) - located)
    # A positive without a place has no transcript of its own; every other kind serves them all.
    wanted = settings.ratio * (located if settings.kind == "same-transcript" else len(positives))
    n = 0
    with explained_errors(os.fspath(out)), PairWriter(out, NEGATIVES.schema()) as writer:
        for table in iter_positives(positives):
            if with_positives:
                writer.write(table)
            _show(observe, table)
        for table in KINDS[settings.kind].make(positives, settings, np.random.default_rng([settings.seed, 0x4E6]), places):
            writer.write(table)
            _show(observe, table)
            n += table.num_rows
        if not n or (n < wanted and not settings.allow_fewer):
            raise InputError(_too_few(settings, len(positives), n, wanted))
    return Written(Path(out), len(positives), n, wanted, located)


def iter_positives(positives: Positives) -> Iterator[pa.Table]:
    """The positives themselves as NEGATIVES rows with label 1."""
    for first in range(0, len(positives), BATCH):
        rows = slice(first, first + BATCH)
        site = positives.site[rows]
        sites, clusters = positives.sites.take(pa.array(site)), site_clusters(positives, site)
        yield negatives_table(positives.pool, "positive", positives.mirna[rows], sites, clusters, label=1.0)


def _show(observe: Callable[[pa.Table], None] | None, table: pa.Table) -> None:
    if observe is not None:
        observe(table)


def _locate(positives: Positives, settings: NegativeSettings) -> _Places | None:
    if not KINDS[settings.kind].needs_transcripts:
        return None
    transcriptome = read_transcriptome(list(settings.transcripts))
    known = find_known_sites(positives, transcriptome)
    if not len(known.row):
        raise InputError(
            f"{', '.join(settings.transcripts)}: none of the {counted(len(positives.sites), 'site')} is "
            f"on its {counted(len(transcriptome), 'transcript')},"
            " letter for letter; expected the transcripts that the sites come from"
        )
    return _Places(transcriptome, known)


def _too_few(settings: NegativeSettings, n_positives: int, n: int, wanted: int) -> str:
    drawn_for = f"ratio {settings.ratio}, {counted(n_positives, 'positive')}"
    what = f"{settings.kind}: {counted(wanted, 'negative')} wanted ({drawn_for}), there are {n:,}"
    if not n:
        return f"{what}; expected positives of more than one family and site, or another kind of negatives"
    return f"{what}; lower --ratio, or take what there is with --allow-fewer"

"""A gene and a miRNA of a finished run: its sites with what lies around them, and the duplex of each as text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from mirscan.duplex import align_duplexes, draw_duplex
from mirscan.duplex.energy import MAX_MIRNA_LENGTH
from mirscan.errors import InputError, RunError
from mirscan.notices import counted
from mirscan.query.finished_run import FinishedRun
from mirscan.query.names import find_genes, find_mirnas
from mirscan.run.inputs import MIRNAS, compile_run_table, open_run_mirnas, open_run_regions, open_run_transcriptome
from mirscan.run.settings import ScanSettings
from mirscan.search.candidates import iter_candidates
from mirscan.search.features import FEATURES
from mirscan.sequence.alphabet import N, decode, encode
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.transcriptome import Transcriptome
from mirscan.tables import SITE_ACCESSIBILITY
from mirscan.windows import WindowLayout, window_bounds

_OPEN = tuple(column.name for column in SITE_ACCESSIBILITY)


@dataclass(frozen=True)
class PairSite:
    """One site. `row`: its columns in the run; `context`: the features of `mirscan.search.features` by name, and its accessibility where
    the run knows it.

    `window` is the RNA 5'->3' from `window_start` (0-based) that a model sees, without what lies beyond the transcript's ends. `drawing` is
    the best duplex that holds the site (`count_unpaired`), so its energy may lie above that of the whole window, whose best duplex may lie
    beside it; positions are those of the transcript, 1-based.
    """

    row: dict
    context: dict
    window_start: int
    window: str
    drawing: str


@dataclass(frozen=True)
class Pair:
    """Sites of a miRNA on one isoform of a gene, 5'->3'. `row`: the columns of GENES; `length` of the isoform in nt."""

    row: dict
    mirna_sequence: str
    length: int
    sites: tuple[PairSite, ...]


@dataclass(frozen=True)
class PairReader:
    """Looks up pairs of a run, whose own copies of its inputs must still be there."""

    run: FinishedRun
    settings: ScanSettings
    transcriptome: Transcriptome
    mirnas: MirnaSet

    @cached_property
    def _transcripts(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.transcriptome.names.to_pylist())}

    @cached_property
    def _mirnas(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.mirnas.names)}

    def read(self, gene: str, mirna: str) -> Pair:
        """The pair of a gene and a miRNA, named as `find_genes` and `find_mirnas` take them.

        Raises InputError where a name fits several or none, or the pair has no site.
        """
        gene, mirna = _only(find_genes(self.run, [gene]), gene), _only(find_mirnas(self.run, [mirna]), mirna)
        found = self.run.sql("SELECT * FROM genes WHERE gene = ? AND mirna = ?", [gene, mirna]).to_pylist()
        if not found:
            raise InputError(f"{gene} and {mirna}: no site of this pair in {self.run.store.root}")
        return self.describe(found[0], self.sites_of([found[0]]))

    def sites_of(self, rows: Sequence[dict]) -> list[dict]:
        """SITES of the isoforms that these GENES rows describe, in one query."""
        wanted = pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in ("transcript", "mirna")})
        statement = "SELECT sites.* FROM sites JOIN wanted USING (transcript, mirna) ORDER BY transcript, mirna, start"
        return self.run.sql(statement, wanted=wanted).to_pylist()

    def describe(self, row: dict, sites: Sequence[dict]) -> Pair:
        """The pair of a GENES row; `sites` holds at least its SITES rows."""
        transcript, mirna = self.index_of(row["transcript"], row["mirna"])
        places = {(place["start"], place["end"], place["seed"]): place for place in self.search(transcript, mirna)}
        own = (site for site in sites if site["transcript"] == row["transcript"] and site["mirna"] == row["mirna"])
        sequence, length = _rna(self.mirnas.sequence(mirna)), int(self.transcriptome.lengths[transcript])
        described = (self._describe(site, places[site["start"], site["end"], site["seed"]], transcript, sequence) for site in own)
        return Pair(row, sequence, length, tuple(described))

    def transcript_index(self, name: str) -> int:
        """Its place in `transcriptome`."""
        return self._transcripts[name]

    def index_of(self, transcript: str, mirna: str) -> tuple[int, int]:
        """Their places in `transcriptome` and `mirnas`."""
        return self._transcripts[transcript], self._mirnas[mirna]

    def search(self, transcript: int, mirna: int) -> Iterator[dict]:
        """The candidates of a pair, found again: they have the anchor and the features that SITES may lack."""
        settings, only = self.settings, self.mirnas.take([mirna])
        batches = iter_candidates(
            self.transcriptome,
            only,
            compile_run_table(settings, only, self.run.store),
            first=transcript,
            last=transcript + 1,
            mask_start=settings.mask_start,
            min_distance=settings.min_distance,
            regions=open_run_regions(settings, self.run.store, self.transcriptome),
            features=FEATURES,
            all_types=settings.all_types,
        )
        for batch in batches:
            yield from batch.to_pylist()

    def _describe(self, site: dict, place: dict, transcript: int, mirna: str) -> PairSite:
        begin = int(self.transcriptome.begin[transcript])
        first, last = site["window_start"], site["window_end"]
        if first is None:
            low, high = (int(bound) - begin for bound in self.transcriptome.bounds(transcript))
            first, last = (int(bound) for bound in window_bounds(place["anchor"], low, high, WindowLayout()))
        window = _rna(decode(self.transcriptome.codes[begin + first : begin + last]))
        context = {name: place[name] for name in FEATURES} | {name: site[name] for name in _OPEN if name in site}
        upto = max(place["anchor"] + 1, site["end"]) - first
        mirna = mirna[:MAX_MIRNA_LENGTH]
        unpaired = count_unpaired(mirna, window[:upto], place["anchor"] - first)
        return PairSite(site, context, first, window, draw_duplex(mirna, window[:upto], first + 1, unpaired))


def count_unpaired(mirna: str, target: str, anchor: int) -> int:
    """How many bases at the 5' end of `target` must not pair, so that the best duplex of the rest holds as many pairs of the seed as can
    be: nt 2-8 with the bases they lie opposite where `target[anchor]` is opposite nt 1.

    >>> count_unpaired("UGAGGUAGUAGGUUGUAUAGUU", "CUACCUACAAAACUACCUCA", 19)
    0
    """
    mirna_codes, target_codes = encode(mirna), encode(target)
    masked = np.where(np.arange(len(target)) < np.arange(len(target))[:, None], np.uint8(N), target_codes)
    partners = align_duplexes(np.tile(mirna_codes, (len(target), 1)), masked)[1]
    seed = np.arange(1, 8)
    return int(np.argmax((partners[:, seed] == anchor - seed).sum(axis=1)))


def open_pairs(run: FinishedRun) -> PairReader:
    """A reader of a run's pairs; raises RunError where its folder work/ is gone, since the sequences lie there."""
    if not run.store.exists(MIRNAS):
        raise RunError(f"{run.store.root}: its folder work/ is gone, and the sequences with it; the same `mirscan scan` makes it anew")
    settings = ScanSettings.from_dict(run.report["settings"], run.store.root)
    return PairReader(run, settings, open_run_transcriptome(run.store), open_run_mirnas(run.store))


def _only(found: Sequence[str], word: str) -> str:
    if len(found) > 1:
        raise InputError(f"{word}: fits {counted(len(found), 'name')}, {', '.join(found[:5])} among them; expected one")
    return found[0]


def _rna(letters: str) -> str:
    return letters.replace("T", "U")

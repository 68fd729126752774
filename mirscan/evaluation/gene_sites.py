"""The sites of the miRNAs of experiments on their genes: one scan that fits and evaluations share."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa

from mirscan.errors import InputError
from mirscan.expression.ids import GeneIds, gene_ids
from mirscan.expression.isoform_weights import read_isoform_shares
from mirscan.expression.studies import Experiment, StudyFiles, distinct_strands, read_study
from mirscan.genes.aggregation import GeneAggregator, GeneNames, Repression, name_genes
from mirscan.genes.fitting import Change
from mirscan.genes.isoforms import IsoformMixer
from mirscan.genes.methods import FOOTPRINT
from mirscan.genes.repression import Source, Sources
from mirscan.genes.site_features import KINDS, LOG_ODDS, Places, SiteFeatures
from mirscan.genome.conservation import BaseValues
from mirscan.notices import Notices, counted
from mirscan.search.candidates import iter_candidates
from mirscan.search.filters import keep_apart
from mirscan.search.kernels import Rows
from mirscan.seeds.rules import read_rules
from mirscan.seeds.table import compile_seed_table
from mirscan.sequence.coding import CodingRegions, read_coding, whole_as_utr
from mirscan.sequence.mirnas import MirnaSet, mirnas_from_sequences
from mirscan.sequence.transcriptome import Transcriptome, read_transcriptome

NO_MODEL = "none"


@dataclass(frozen=True)
class GeneSites:
    """Every site of the strands of `experiments` on the transcripts, isoforms of a gene together; `coding` None for 3'UTRs alone.

    `sources`: the files that the scores of `places` and the `conservation` of the transcripts' bases are of; `n_kinds`: how many of `KINDS`
    were looked for, the first. `shares` (n,) of isoforms in the mRNAs of their genes, see `read_isoform_shares`; None where the strongest
    speaks.
    """

    transcriptome: Transcriptome
    coding: CodingRegions | None
    mirnas: MirnaSet
    experiments: tuple[Experiment, ...]
    places: Places
    sources: Sources
    n_kinds: int = len(KINDS)
    shares: np.ndarray | None = None
    conservation: BaseValues | None = None

    @property
    def features(self) -> SiteFeatures:
        """Features of the sites."""
        known = whole_as_utr(self.transcriptome.lengths) if self.coding is None else self.coding
        return SiteFeatures(self.transcriptome, known, self.mirnas.codes, KINDS, self.conservation)

    @property
    def is_scored(self) -> bool:
        """Whether a network scored the sites."""
        return LOG_ODDS in self.sources

    @property
    def names(self) -> GeneNames:
        """What the indices of the sites mean."""
        packed = self.transcriptome
        return name_genes(packed.names, packed.genes, packed.symbols, pa.array(self.mirnas.names), KINDS)

    @property
    def changes(self) -> list[Change]:
        """The experiments as a fit takes them."""
        numbers = {name: number for number, name in enumerate(self.mirnas.names)}
        return [
            Change(
                mirna=numbers[experiment.guide.guide],
                gene=experiment.gene,
                value=experiment.change,
                passenger=numbers.get(experiment.guide.passenger, -1),
                against=experiment.study if experiment.is_against_others else "",
            )
            for experiment in self.experiments
        ]

    def apart(self) -> Places:
        """The sites that can hold a complex at the same time: of nearer ones the strongest rule, then the more 5' one."""
        places = self.places
        rows = Rows(places.transcript, places.mirna, places.start, places.end, places.seed, places.start)
        kept = keep_apart(rows, FOOTPRINT)
        return Places(*(column[kept] for column in places))

    def aggregate(self, repression: Repression | None) -> pa.RecordBatch:
        """GENES of all sites."""
        is_mixed = repression is not None and self.shares is not None
        make = partial(GeneAggregator, is_scored=self.is_scored, repression=repression, has_shares=is_mixed)
        aggregator = IsoformMixer(self.names, self.shares, make) if is_mixed else make(self.names)
        batches = [aggregator.add(*self.places), aggregator.finish()]
        return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def read_gene_sites(
    studies: Sequence[StudyFiles],
    transcripts: str | os.PathLike | Sequence[str | os.PathLike],
    coding: str | os.PathLike | None = None,
    ids: Iterable[str | os.PathLike] = (),
    model: str = NO_MODEL,
    threads: int | None = None,
    notices: Notices | None = None,
    progress: Callable[[int], None] = lambda sites: None,
    isoform_weights: str | os.PathLike | None = None,
) -> GeneSites:
    """Read studies and transcripts, and find (with a `model` score) the sites of their miRNAs.

    Raises InputError as the readers do, ModelError for an unknown model.
    """
    notices = Notices() if notices is None else notices
    transcriptome = _grouped(read_transcriptome(transcripts, notices=notices))
    experiments = _read_experiments(studies, transcriptome, ids, notices)
    strands = distinct_strands(experiments)
    mirnas = mirnas_from_sequences(strands, strands)
    regions = None if coding is None else read_coding(coding, transcriptome, notices)
    shares = None if isoform_weights is None else read_isoform_shares(isoform_weights, transcriptome, notices)
    scorer = _scorer(model, threads)
    places = _find(transcriptome, mirnas, scorer, progress)
    sources = {} if scorer is None else {LOG_ODDS: Source.of_scores(scorer.card)}
    return GeneSites(transcriptome, regions, mirnas, experiments, places, sources, shares=shares)


def take_gene_sites(
    studies: Sequence[StudyFiles], scanned: GeneSites, ids: Iterable[str | os.PathLike] = (), notices: Notices | None = None
) -> GeneSites:
    """The sites of the studies' miRNAs among those of a scan, whose miRNAs may have any names.

    Raises InputError for a guide that was not scanned; a passenger strand that was not is left out.
    """
    experiments = _read_experiments(studies, scanned.transcriptome, ids, Notices() if notices is None else notices)
    numbers: dict[str, int] = {}
    for number in range(len(scanned.mirnas)):
        numbers.setdefault(scanned.mirnas.sequence(number), number)
    absent = [experiment for experiment in experiments if experiment.guide.guide not in numbers]
    if absent:
        first = f"{absent[0].guide.guide} of {absent[0].study} {absent[0].name}"
        raise InputError(
            f"guides of {len(absent)} of {counted(len(experiments), 'experiment')} are not among the {counted(len(numbers), 'miRNA')} "
            f"of the run (first: {first}); expected a run with all guides, or fewer --columns"
        )
    strands = [strand for strand in distinct_strands(experiments) if strand in numbers]
    place_of = np.full(len(scanned.mirnas), -1, np.int32)
    place_of[[numbers[strand] for strand in strands]] = np.arange(len(strands))
    kept = place_of[scanned.places.mirna] >= 0
    places = Places(*(column[kept] for column in scanned.places))
    return replace(
        scanned,
        mirnas=mirnas_from_sequences(strands, strands),
        experiments=experiments,
        places=places._replace(mirna=place_of[places.mirna]),
    )


def _read_experiments(studies, transcriptome: Transcriptome, ids, notices: Notices) -> tuple[Experiment, ...]:
    known: GeneIds = gene_ids(transcriptome, ids, notices)
    what = counted(len(transcriptome), "transcript")
    experiments = tuple(experiment for files in studies for experiment in read_study(files, known, what, notices))
    if not experiments:
        raise InputError("no experiment is given; expected --studies, or --expression and --guides")
    return experiments


def _grouped(transcriptome: Transcriptome) -> Transcriptome:
    """Isoforms of a gene one after the other."""
    codes = transcriptome.genes.dictionary_encode().indices.to_numpy()
    return transcriptome if np.all(np.diff(codes) >= 0) else transcriptome.take(np.argsort(codes, kind="stable"))


def _scorer(model: str, threads: int | None):
    if model == NO_MODEL:
        return None
    from mirscan.scoring import load_scorer

    return load_scorer(model, threads=threads)


def _find(transcriptome: Transcriptome, mirnas: MirnaSet, scorer, progress: Callable[[int], None]) -> Places:
    table = compile_seed_table(read_rules(KINDS), mirnas)
    parts, found = [], 0
    for batch in iter_candidates(transcriptome, mirnas, table, batch_rows=1 << 18):
        score = np.full(len(batch), np.nan, np.float32)
        if scorer is not None:
            from mirscan.scoring import score_candidates

            score = score_candidates(batch, transcriptome, mirnas, scorer)["score"].combine_chunks().to_numpy(zero_copy_only=False)
        indices = [batch[name].indices.to_numpy() for name in ("transcript", "mirna", "seed")]
        parts.append(Places(indices[0], indices[1], batch["start"].to_numpy(), batch["end"].to_numpy(), indices[2], score))
        found += len(batch)
        progress(found)
    if not parts:
        raise InputError("none of the miRNAs has a site on the transcripts; expected miRNAs and transcripts of one species, both 5'->3'")
    return Places(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

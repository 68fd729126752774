"""What a scan is asked to do: settings that change the result, and options that only say how to run."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mirscan.errors import InputError
from mirscan.genome.settings import (
    AnnotationPath,
    GenomePath,
    IsoformsWord,
    RegionSettings,
    RegionWords,
    RenameWord,
    SkipBad,
    check_regions,
)
from mirscan.sequence.headers import header_reader
from mirscan.sequence.text import PLAIN_DASHES
from mirscan.settings import Settings, about

DEFAULT_SEEDS = ("8mer", "7mer-m8", "7mer-A1", "6mer")
DEFAULT_MODEL = "base"
# Words of --model that are no model folder: no score at all, and the duplex energy as score.
NO_MODEL, DUPLEX = "none", "duplex"
ENERGY, ACCESSIBILITY = "energy", "accessibility"
# Rows a part should have. Without a model a part of a million takes some seconds; with one, a quarter of a million takes about as many as
# a worker may lose without harm.
PART_ROWS_PLAIN, PART_ROWS_SCORED = 1_000_000, 250_000
# Positions are int32; a batch of a million windows takes tens of gigabytes in a network.
MAX_NT, MAX_BATCH, MAX_THREADS = 2**31, 1 << 20, 1024
MAX_SHUFFLES = 100_000
# Formats of the sites; bed and parquet are written in any case.
FORMATS = ("bed", "parquet", "tsv", "gff3", "bigbed", "hub", "igv")
_INPUT, _WHAT, _FILTER, _HOW = "Input", "What counts", "Filters", "How to run"


@dataclass(frozen=True)
class ScanSettings(Settings):
    """Everything that decides which rows come out. Two runs of equal settings on equal inputs write equal bytes."""

    mirnas: Annotated[str, about("miRNAs as FASTA (.gz too): miRBase, MirGeneDB or your own.", _INPUT)]
    transcripts: Annotated[
        tuple[str, ...], about("3'UTRs or other transcripts as FASTA (.gz too); may be given several times.", _INPUT, flags=("--utrs",))
    ] = ()
    genome: GenomePath | None = None
    annotation: AnnotationPath | None = None
    region: RegionWords = ("3utr",)
    isoforms: IsoformsWord = "all"
    rename_contigs: RenameWord | None = None
    skip_bad: SkipBad = False
    species: Annotated[str, about("Keep miRNAs whose name begins so, as in hsa.", _INPUT)] | None = None
    by_family: Annotated[bool, about("One row for miRNAs that share nt 2-8; families.tsv lists them.", _INPUT)] = False
    families: (
        Annotated[str, about("miRNAs and families: names for --by-family; TargetScan's table tells how conserved they are.", _INPUT)] | None
    ) = None
    gene_map: Annotated[str, about("Table of transcript, gene and optionally symbol.", _INPUT)] | None = None
    header: (
        Annotated[str, about("Regular expression with the groups transcript, gene and symbol, for headers of no known kind.", _INPUT)]
        | None
    ) = None
    circular: Annotated[bool, about("Every transcript is a circle: sites and windows run on across its junction.", _INPUT)] = False
    cds: (
        Annotated[
            str,
            about("TSV (transcript, cds_start, cds_end; 0-based) or BED: where the coding sequence lies on --utrs of whole mRNAs.", _INPUT),
        ]
        | None
    ) = None
    isoform_weights: (
        Annotated[str, about("Table of transcript and TPM or fraction: the prediction for a gene is the mean over its isoforms.", _INPUT)]
        | None
    ) = None
    seeds: Annotated[
        tuple[str, ...],
        about("Rules, groups (canonical, extended, relaxed) or TOML files, separated by commas.", _WHAT, commas=True),
    ] = DEFAULT_SEEDS
    all_types: Annotated[bool, about("Report every type of a place and all overlapping matches, not only the strongest.", _WHAT)] = False
    model: Annotated[str, about("Name or folder of a trained model, duplex, or none.", _WHAT)] = DEFAULT_MODEL
    gene_model: Annotated[str, about("Name or file of the model that predicts repression.", _WHAT)] = "repression"
    gene_method: Annotated[Literal["repression", "occupancy", "sum", "noisy-or", "best"], about("What genes are ranked by.", _WHAT)] = (
        "repression"
    )
    min_score: Annotated[float, about("Keep sites with at least this calibrated score.", _FILTER, ge=0, le=1)] = 0.0
    precision: Annotated[Literal["auto", "float32", "bfloat16"], about("Numbers a network computes with.", _WHAT)] = "auto"
    batch_size: (
        Annotated[int, about("Windows a network scores at once; default: fits the processor.", _HOW, unit="windows", ge=1, le=MAX_BATCH)]
        | None
    ) = None
    prefilter: Annotated[bool, about("Let the model's cheap first look discard hopeless candidates.", _WHAT)] = False
    mask_start: Annotated[
        int,
        about(
            "Letters at the start of a transcript that no match may use (ribosome shadow; 14 as TargetScan).",
            _FILTER,
            unit="nucleotides",
            ge=0,
            le=MAX_NT - 1,
        ),
    ] = 0
    min_distance: Annotated[int, about("Nucleotides between two sites of one miRNA.", _FILTER, unit="nucleotides", ge=0, le=MAX_NT - 1)] = 0
    regions: Annotated[str, about("BED on the transcripts: scan only there.", _FILTER)] | None = None
    features: Annotated[
        tuple[str, ...],
        about(
            "More columns, separated by commas: local_au, end_distance, supplementary, previous_distance, low_complexity, energy, "
            "accessibility (needs mirscan[accessibility]).",
            _WHAT,
            commas=True,
        ),
    ] = ()
    conservation: Annotated[str, about("bigWig of phyloP or phastCons on --genome: its mean over each site.", _WHAT)] | None = None
    background: Annotated[
        int,
        about(
            "Scan so many shuffles of each transcript, too: p_value and q_value for sites and genes. Costs as many scans.",
            _WHAT,
            unit="shuffles",
            ge=0,
            le=MAX_SHUFFLES,
        ),
    ] = 0
    background_seed: Annotated[int, about("Number that the shuffles follow from.", _WHAT, ge=0, le=2**32 - 1)] = 1
    part_rows: Annotated[int, about("Candidates a part should have.", _HOW, ge=1)] | None = None

    def check(self):
        header_reader(self.header)
        self._check_input()
        if self.min_score and not self.is_scored:
            raise InputError("--min-score needs a model; leave it out or choose a --model")
        if self.gene_method != "repression" and not self.is_scored:
            raise InputError(f"--gene-method {self.gene_method} adds up scores; expected repression without a model, or choose a --model")
        if self.prefilter and not self.has_model_folder:
            raise InputError(f"--prefilter needs a network to spare; expected a --model other than {self.model}")
        if self.circular:
            self._check_circles()
        from mirscan.tables import FEATURES

        known = [*(column.name for column in FEATURES), ACCESSIBILITY]
        for name in self.features:
            if name not in known:
                raise InputError(f"--features {name}: unknown; expected {', '.join(known)}")

    def _check_circles(self) -> None:
        """A circle has no start and no end, so what counts from one means nothing there."""
        given = [f"--{name.replace('_', '-')}" for name in ("mask_start", "min_distance", "regions") if getattr(self, name)]
        given += [f"--features {name}" for name in ("end_distance", "previous_distance") if name in self.features]
        if given:
            raise InputError(f"--circular: {given[0]} counts from the ends of a transcript, and a circle has none; leave one of them out")

    def _check_input(self) -> None:
        check_regions(self.region)
        if bool(self.genome) != bool(self.annotation):
            raise InputError("--genome and --annotation belong together; give both, or --utrs")
        if bool(self.genome) == bool(self.transcripts):
            raise InputError("expected transcripts as --utrs, or --genome and --annotation to cut them from, not both")
        if self.conservation and not self.genome:
            raise InputError("--conservation is about places on a genome; expected --genome and --annotation in place of --utrs")
        if self.isoform_weights and self.genome and self.isoforms in ("longest", "representative"):
            raise InputError(f"--isoforms {self.isoforms} leaves one isoform of a gene, so there is nothing for --isoform-weights to weigh")
        if self.genome and (self.gene_map or self.header or self.circular):
            raise InputError("--gene-map, --header and --circular are about --utrs; an annotation names its genes itself")

    @property
    def cut(self) -> RegionSettings | None:
        """What is cut from a genome; None where transcripts are given."""
        if self.genome is None:
            return None
        return RegionSettings(self.genome, self.annotation, self.region, self.isoforms, self.rename_contigs, self.skip_bad)

    @property
    def site_columns(self) -> tuple[str, ...]:
        """The optional columns of SITES."""
        from mirscan.tables import SITE_ACCESSIBILITY

        return (
            *self.features,
            *(column.name for column in SITE_ACCESSIBILITY if ACCESSIBILITY in self.features),
            *(("conservation",) if self.conservation else ()),
            *(("p_value", "q_value") if self.background else ()),
            *(("region",) if self.cds else ()),
        )

    @property
    def isoform_rule(self) -> str:
        """What speaks for a gene of several isoforms: the one with the strongest prediction, or the mean over all by their weights."""
        return "weighted" if self.isoform_weights else "strongest"

    @property
    def is_scored(self) -> bool:
        """Whether candidates get a score at all."""
        return self.model != NO_MODEL

    @property
    def has_model_folder(self) -> bool:
        """Whether the score comes from a trained model rather than from mirscan's own code."""
        return self.model not in (NO_MODEL, DUPLEX)

    @property
    def drops_rows(self) -> bool:
        """Whether fewer sites than candidates come out."""
        return self.min_score > 0 or self.prefilter or self.joins_overlaps

    @property
    def joins_overlaps(self) -> bool:
        """Whether overlapping matches of a miRNA are one site, the strongest: canonical ones are not, and others need a score to tell."""
        from mirscan.seeds.rules import GROUPS

        return self.is_scored and not self.all_types and not {*self.seeds} <= {"canonical", *GROUPS["canonical"]}

    @property
    def needs_whole_transcripts(self) -> bool:
        """Whether sites of one transcript must be seen together."""
        return self.min_distance > 0 or "previous_distance" in self.features or self.joins_overlaps

    @property
    def rows_per_part(self) -> int:
        """Candidates a part should have."""
        return self.part_rows or (PART_ROWS_SCORED if self.is_scored else PART_ROWS_PLAIN)

    @property
    def scan_features(self) -> tuple[str, ...]:
        """The features that the scan computes; others are computed for sites alone."""
        return tuple(name for name in self.features if name not in (ENERGY, ACCESSIBILITY))


def make_settings(mirnas: str | os.PathLike, transcripts: str | os.PathLike | Sequence[str | os.PathLike] = (), **settings) -> ScanSettings:
    """ScanSettings from what a caller is likely to have: one path or many, words as a list or separated by commas."""
    for name in ("seeds", "features", "region"):
        if name in settings:
            settings[name] = _split_words(settings[name])
    return ScanSettings(mirnas=mirnas, transcripts=transcripts, **settings)


def _split_words(words: str | Iterable[str]) -> tuple[str, ...]:
    stripped = [word.strip() for text in ([words] if isinstance(words, str) else words) for word in text.split(",")]
    # A name of a rule as a paper typesets it; a file may really be called so.
    return tuple(word if word.endswith(".toml") else word.translate(PLAIN_DASHES) for word in stripped)


@dataclass(frozen=True)
class RunOptions(Settings):
    """How to run; none of it changes a byte of the result."""

    workers: Annotated[int, about("Processes of a local Dask cluster; 0: this process.", _HOW, ge=0)] = 0
    threads: Annotated[int, about("Threads of this process; default: all cores.", _HOW, ge=1, le=MAX_THREADS)] | None = None
    scheduler: Annotated[str, about("Address of a running Dask scheduler, tcp://host:8786.", _HOW)] | None = None
    cluster: Annotated[str, about("TOML file that describes a cluster (SLURM, PBS, LSF, SGE, Kubernetes, CUDA).", _HOW)] | None = None
    resources: Annotated[str, about("What a part takes of a worker of --scheduler or --cluster, as in GPU=1.", _HOW)] | None = None
    memory_limit: Annotated[str, about("Memory of one worker, as in 4GiB.", _HOW)] | None = None
    part_timeout: (
        Annotated[float, about("Seconds after which a part is taken from a hanging worker.", _HOW, unit="seconds", gt=0)] | None
    ) = None
    retries: Annotated[int, about("Tries of a part before it counts as failed.", _HOW, ge=1)] = 3
    dashboard: Annotated[bool, about("Print the address of the Dask dashboard.", _HOW)] = False
    format: Annotated[
        tuple[str, ...],
        about(f"More files of the sites, separated by commas: {', '.join(FORMATS)}.", "Output", commas=True),
    ] = ()
    assembly: Annotated[str, about("UCSC's name of the genome, as dm6, for a track hub.", "Output")] | None = None
    overwrite: Annotated[bool, about("Replace what a former run left in --out.", _HOW)] = False

    def check(self):
        check_formats(self.format, self.assembly)
        if self.memory_limit is not None and not self.workers:
            raise InputError(
                "--memory-limit is about --workers; a cluster file has its own entry, a scheduler's workers have their own limit"
            )
        if sum(map(bool, (self.workers, self.scheduler, self.cluster))) > 1:
            raise InputError("--workers, --scheduler and --cluster exclude each other; give one")
        if parse_resources(self.resources) and not (self.scheduler or self.cluster):
            raise InputError("--resources is about workers of --scheduler or --cluster; give one of them, or leave it out")

    @property
    def is_distributed(self) -> bool:
        return bool(self.workers or self.scheduler or self.cluster)


def check_formats(formats: Sequence[str], assembly: str | None) -> None:
    """Raise InputError for an unknown format, and for a hub without the name of its genome."""
    for word in formats:
        if word not in FORMATS:
            raise InputError(f"--format {word}: unknown; expected {', '.join(FORMATS)}")
    if "hub" in formats and not assembly:
        raise InputError("--format hub needs UCSC's name of the genome, as in --assembly dm6")


def parse_resources(text: str | None) -> dict[str, float] | None:
    """What a task takes of a worker.

    >>> parse_resources("GPU=1")
    {'GPU': 1.0}
    """
    if text is None:
        return None
    try:
        pairs = (item.split("=") for item in text.split(","))
        return {name.strip(): float(amount) for name, amount in pairs}
    except ValueError:
        raise InputError(f"--resources {text}: expected NAME=NUMBER, as in GPU=1") from None

"""What of a genome is taken: declared once for scans and for `mirscan extract`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mirscan.errors import InputError
from mirscan.settings import Settings, about

REGION_NAMES = ("3utr", "5utr", "cds", "transcript", "lncrna")
_PANEL = "Genome and annotation"

GenomePath = Annotated[str, about("Genome as FASTA (bgzip with .fai and .gzi too).", _PANEL)]
AnnotationPath = Annotated[str, about("Genes of the genome as GTF, GFF3 or BED12 (.gz too).", _PANEL)]
RegionWords = Annotated[
    tuple[str, ...], about(f"What of each transcript: {', '.join(REGION_NAMES)}; may be given several times.", _PANEL, flags=("--region",))
]
IsoformsWord = Annotated[Literal["all", "longest", "principal", "representative"], about("Which isoforms of a gene.", _PANEL)]
RenameWord = Annotated[
    str, about("chr adds or removes the prefix of contigs; a file holds the annotation's name and the genome's on each line.", _PANEL)
]
SkipBad = Annotated[bool, about("Leave out and count what is wrong in the annotation or does not fit the genome.", _PANEL)]


@dataclass(frozen=True)
class RegionSettings(Settings):
    """Which bases of a genome become transcripts to scan."""

    genome: GenomePath
    annotation: AnnotationPath
    region: RegionWords = ("3utr",)
    isoforms: IsoformsWord = "all"
    rename_contigs: RenameWord | None = None
    skip_bad: SkipBad = False

    def check(self):
        check_regions(self.region)


def check_regions(words: tuple[str, ...]) -> None:
    """Raise InputError for a region that is unknown or given twice, and for none."""
    for word in words:
        if word not in REGION_NAMES:
            raise InputError(f"--region {word}: unknown; expected {', '.join(REGION_NAMES)}")
    if not words or len(set(words)) < len(words):
        raise InputError(f"--region {' '.join(words)}: expected one or several different ones of {', '.join(REGION_NAMES)}")

"""`mirscan extract`: what a scan of a genome would scan, as files."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mirscan.errors import InputError
from mirscan.genome.extract import cut_genome
from mirscan.genome.projection import project_transcriptome
from mirscan.genome.settings import RegionSettings
from mirscan.notices import Notices, tallied
from mirscan.output.transcripts import write_fasta, write_transcript_bed

FASTA, BED = "transcripts.fa.gz", "transcripts.bed.gz"


@dataclass(frozen=True)
class Extracted:
    """What lies in the folder `out`: the paths, and how much of what."""

    out: str
    files: tuple[str, ...]
    n_transcripts: int
    n_genes: int
    n_bases: int


def extract(
    genome: str | os.PathLike,
    annotation: str | os.PathLike,
    out: str | os.PathLike = "mirscan-extract",
    notices: Notices | None = None,
    **settings,
) -> Extracted:
    """Write the regions that `scan` would scan of a genome: bgzip FASTA with indexes, and BED12 with a tabix index, into the folder `out`.

    `settings` are the fields of `RegionSettings`. The FASTA is `transcripts` of a scan that knows places, genes and regions again.
    Raises InputError as `cut_genome` does, and where `out` is a file; files of these names are replaced, when all are written.

    >>> extracted = ms.extract("examples/fly.fa.gz", "examples/fly.gtf.gz", "fly-utrs", region=["3utr"])
    >>> extracted.n_transcripts, extracted.n_bases
    (72, 35732)
    """
    asked = RegionSettings(genome=genome, annotation=annotation, **settings)
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; expected a folder. Choose another --out.")
    with tallied(notices) as tally:
        transcriptome = cut_genome(asked, tally).transcriptome
        projection = project_transcriptome(transcriptome)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".unfinished-") as scratch:
        write_fasta(transcriptome, Path(scratch, FASTA))
        write_transcript_bed(transcriptome, projection, Path(scratch, BED))
        files = sorted(Path(scratch).iterdir())
        for path in files:
            os.replace(path, out / path.name)
    n_genes = len(transcriptome.genes.unique())
    return Extracted(
        os.fspath(out), tuple(os.fspath(out / path.name) for path in files), len(transcriptome), n_genes, transcriptome.n_bases
    )

"""`mirscan extract`."""

from typing import Annotated

import typer

from mirscan.cli.options import with_settings
from mirscan.genome.settings import RegionSettings
from mirscan.notices import counted


@with_settings(settings=RegionSettings)
def extract(
    settings,
    out: Annotated[str, typer.Option("--out", "-o", help="Folder for transcripts.fa.gz and transcripts.bed.gz.")] = "mirscan-extract",
) -> None:
    """Write the 3'UTRs or other regions of a genome that a scan would scan, as FASTA and BED12."""
    from mirscan.notices import Notices
    from mirscan.output.extracted import extract as write_extracted

    notices = Notices()
    extracted = write_extracted(out=out, notices=notices, **settings)
    print(f"{counted(extracted.n_transcripts, 'transcript')} of {counted(extracted.n_genes, 'gene')}, {counted(extracted.n_bases, 'base')}")
    for notice in notices:
        print(f"note: {notice}")
    for path in extracted.files:
        print(path)

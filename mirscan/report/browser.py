"""The strongest pairs on the genome, for igv.js: where the run knows places there."""

import base64
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mirscan.query.pair import Pair
from mirscan.query.pair_text import describe_place
from mirscan.report.contents import Contents
from mirscan.report.pair_picture import OTHER_STYLE, STYLES
from mirscan.run.inputs import open_run_contigs
from mirscan.sequence.alphabet import complement, decode
from mirscan.sequence.headers import Place

# Bases shown on either side of a transcript.
_FLANK = 100
# igv.js shows names as HTML, and ends the name of a contig at a colon.
_CALM = str.maketrans({"<": "‹", ">": "›", "&": "+", '"': "'"})
_CALM_CONTIG = _CALM | {ord(":"): "_"}


def make_browser(contents: Contents, pairs: Sequence[Pair]) -> dict | None:
    """Reference, tracks and places to look at; None where the run knows no genome, or nothing is to be shown.

    A run holds the bases of its transcripts alone, so the reference has them and knows nothing of those between.
    """
    shown = [pair for pair in pairs if pair.sites and pair.sites[0].row.get("chrom")]
    if not shown:
        return None
    transcripts = {pair.row["transcript"]: _read_transcript(contents, pair.row["transcript"]) for pair in shown}
    placed = list(transcripts.values())
    sites = [_site(pair, site.row, describe_place(site)) for pair in shown for site in pair.sites]
    return {
        "reference": {"id": "run", "name": "Genome of the run", "fastaURL": _fasta(contents, placed), "indexed": False},
        "tracks": [
            {"name": "transcripts", "type": "annotation", "features": list(map(_feature, placed)), "displayMode": "EXPANDED", "height": 70},
            {"name": "sites", "type": "annotation", "features": sites, "displayMode": "EXPANDED", "height": 140},
        ],
        "loci": [_locus(pair, transcripts[pair.row["transcript"]]) for pair in shown],
    }


@dataclass(frozen=True)
class _Transcript:
    """A transcript on the genome; `bases` of its blocks, one behind the other on the plus strand."""

    name: str
    place: Place
    bases: str

    @property
    def contig(self) -> str:
        return self.place.contig.translate(_CALM_CONTIG)

    @property
    def start(self) -> int:
        return self.place.blocks[0][0]

    @property
    def end(self) -> int:
        return self.place.blocks[-1][1]


def _read_transcript(contents: Contents, name: str) -> _Transcript:
    packed, index = contents.reader.transcriptome, contents.reader.transcript_index(name)
    place = Place.parse(packed.places[index].as_py())
    codes = packed.codes[packed.begin[index] : packed.end[index]]
    return _Transcript(name, place, decode(complement(codes)[::-1] if place.strand == "-" else codes))


def _feature(transcript: _Transcript) -> dict:
    exons = [{"start": start, "end": end} for start, end in transcript.place.blocks]
    place = {"chr": transcript.contig, "start": transcript.start, "end": transcript.end, "strand": transcript.place.strand}
    return {**place, "name": transcript.name.translate(_CALM), "exons": exons}


def _site(pair: Pair, row: dict, description: str) -> dict:
    colour, _ = STYLES.get(row["seed"], OTHER_STYLE)
    return {
        "chr": row["chrom"].translate(_CALM_CONTIG),
        "start": row["genome_start"],
        "end": row["genome_end"],
        "name": f"{row['mirna']} {row['seed']}".translate(_CALM),
        "strand": row["strand"],
        "color": colour,
        "exons": list(row["blocks"]),
        "description": f"{pair.row['symbol']}: {description}".translate(_CALM),
    }


def _locus(pair: Pair, transcript: _Transcript) -> dict:
    place = f"{transcript.contig}:{max(transcript.start - _FLANK, 0) + 1}-{transcript.end + _FLANK}"
    return {"label": f"{pair.row['symbol']} and {pair.row['mirna']}, {place}", "place": place}


def _fasta(contents: Contents, transcripts: Sequence[_Transcript]) -> str:
    """Bases of every block as gzipped FASTA in a data URL, with places and lengths of contigs in the headers, as igv.js reads them."""
    known = {name.translate(_CALM_CONTIG): length for name, length in (open_run_contigs(contents.run.store) or {}).items()}
    # Where a run does not know the contigs, they end somewhere behind what is shown.
    seen = {transcript.contig: max(other.end for other in transcripts if other.contig == transcript.contig) for transcript in transcripts}
    lengths = {contig: end + _FLANK for contig, end in seen.items()} | known
    records = "".join(record for transcript in transcripts for record in _records(transcript, lengths[transcript.contig]))
    return "data:application/gzip;base64," + base64.b64encode(gzip.compress(records.encode(), 9, mtime=0)).decode()


def _records(transcript: _Transcript, length: int) -> Iterator[str]:
    first = 0
    for start, end in transcript.place.blocks:
        yield f">{transcript.contig}:{start + 1}-{end} @len={length}\n{transcript.bases[first : first + end - start]}\n"
        first += end - start

"""Where the coding sequence of each mRNA lies: a table or BED beside a FASTA of whole transcripts."""

import os
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mirscan.errors import InputError
from mirscan.notices import Notices, counted, tallied
from mirscan.sequence.text import decode_text, is_bed_header, open_text, split_row
from mirscan.sequence.transcriptome import Transcriptome
from mirscan.sequence.versions import finder_of

REGIONS = ("5utr", "cds", "3utr")
FIVE_UTR, CODING, THREE_UTR = range(3)
# Headings in lower case, the first that is present wins; BED has none and begins with these three columns.
_HEADINGS = {
    "transcript": ("transcript", "transcript_id", "refseq", "enst", "name", "id", "chrom", "#chrom"),
    "start": ("cds_start0", "cds_start", "start", "chromstart"),
    "end": ("cds_end", "cds_stop", "end", "chromend"),
}
_EXPECTED = "transcript, cds_start and cds_end (0-based, end exclusive), or a BED"


@dataclass(frozen=True)
class CodingRegions:
    """`start`, `end` (n,) int32: the coding sequence of each transcript with its stop codon, 0-based and half-open; `mrna_length` (n,): nt
    of the whole mRNA, of which the transcript may be a region.

    Where no coding sequence is known both are 0, so that the whole transcript counts as 3'UTR.
    """

    start: np.ndarray
    end: np.ndarray
    mrna_length: np.ndarray

    def take(self, rows: np.ndarray) -> "CodingRegions":
        """Those of the transcripts at these positions (n,), in this order."""
        return CodingRegions(self.start[rows], self.end[rows], self.mrna_length[rows])

    def regions_of(self, transcript: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Numbers in `REGIONS` (n,) int8 of sites by their transcript and first base."""
        return (start >= self.start[transcript]).astype(np.int8) + (start >= self.end[transcript]).astype(np.int8)


def whole_as_utr(lengths: np.ndarray) -> CodingRegions:
    """Transcripts of these lengths (n,) of which nothing is known to be coding."""
    nowhere = np.zeros(len(lengths), np.int32)
    return CodingRegions(nowhere, nowhere, lengths)


def coding_of_regions(transcriptome: Transcriptome) -> CodingRegions | None:
    """What the names of cut regions say: all of a cds is coding, all of a 5utr before it; None where nothing but 3'UTRs was cut."""
    names = transcriptome.regions.to_numpy(zero_copy_only=False)
    is_upstream, is_coding = names == REGIONS[FIVE_UTR], names == REGIONS[CODING]
    if not (is_upstream | is_coding).any():
        return None
    lengths = transcriptome.lengths.astype(np.int32)
    start, end = np.where(is_upstream, lengths, 0), np.where(is_upstream | is_coding, lengths, 0)
    return CodingRegions(start.astype(np.int32), end.astype(np.int32), _lengths_together(transcriptome))


def _lengths_together(transcriptome: Transcriptome) -> np.ndarray:
    """By region of a transcript (n,), nt of all that were cut from it; they are called TRANSCRIPT:REGION where there are several."""
    called = zip(transcriptome.names.to_pylist(), transcriptome.regions.to_pylist(), strict=True)
    number = pa.array([name.removesuffix(f":{region}") for name, region in called]).dictionary_encode().indices.to_numpy()
    return np.bincount(number, transcriptome.lengths).astype(np.int64)[number]


def read_coding(path: str | os.PathLike, transcriptome: Transcriptome, notices: Notices | None = None) -> CodingRegions:
    """The coding sequences of a transcriptome from a TSV or CSV with headings (transcript, cds_start, cds_end) or a BED of the transcripts.

    Starts are 0-based, ends exclusive, in both. Versions on one side alone do not matter. Transcripts that the file lacks are counted, and
    all of them is 3'UTR. Raises InputError for a line that is no interval inside its transcript, and for a file that names none of them.
    """
    path = os.fspath(path)
    find = finder_of(transcriptome.names.to_pylist())
    start, end = np.zeros(len(transcriptome), np.int32), np.full(len(transcriptome), -1, np.int32)
    lengths = transcriptome.lengths
    with tallied(notices) as tally:
        for where, name, first, last in _intervals(path, tally):
            number = find(name)
            if number is None:
                tally.add("coding sequences are of no transcript that is scanned", name)
                continue
            if not 0 <= first < last <= lengths[number]:
                raise InputError(f"{where}: coding sequence {first} to {last} of {name!r}; expected a part of its {lengths[number]:,} nt")
            if end[number] >= 0:
                raise InputError(f"{where}: a second coding sequence of {name!r}; expected one a transcript")
            start[number], end[number] = first, last
        missing = np.flatnonzero(end < 0)
        if len(missing) == len(transcriptome):
            raise InputError(f"{path}: none of the {counted(len(transcriptome), 'transcript')} is in it; expected the names of the FASTA")
        if len(missing):
            first_missing = transcriptome.names[int(missing[0])].as_py()
            tally.add("transcripts have no coding sequence and count as 3'UTR", first_missing, len(missing))
    return CodingRegions(start, np.maximum(end, 0), lengths)


def _intervals(path: str, notices: Notices):
    """(where, transcript, start, end) of each line."""
    with open_text(path) as handle:
        lines = [(number, line, decode_text(line, notices).rstrip("\n")) for number, line in enumerate(handle, 1)]
    delimiter = "\t" if any("\t" in text for _, _, text in lines) else ","
    places, n_rows = None, 0
    for number, line, text in lines:
        where = f"{path}, line {number}"
        fields = split_row(text, delimiter, where)
        if not any(fields) or (is_bed_header(line) and (places or len(fields) < 3)):
            continue
        if places is None:
            places = _places(fields, where)
            if not _are_numbers(fields, places):
                continue
        if len(fields) <= max(places) or not _are_numbers(fields, places):
            raise InputError(f"{where}: found {delimiter.join(fields)[:40]!r}; expected transcript, start and end of its coding sequence")
        n_rows += 1
        yield where, fields[places[0]], int(fields[places[1]]), int(fields[places[2]])
    if not n_rows:
        raise InputError(f"{path}: no rows in it; expected {_EXPECTED}")


def _places(fields: list[str], where: str) -> tuple[int, int, int]:
    """Columns of transcript, start and end: by the headings, else those of BED."""
    headings = [field.strip().lower() for field in fields]
    found = [next((headings.index(name) for name in names if name in headings), None) for names in _HEADINGS.values()]
    if None not in found:
        return tuple(found)
    if len(fields) < 3 or not _are_numbers(fields, (0, 1, 2)):
        raise InputError(f"{where}: headings {', '.join(fields[:8])}; expected {_EXPECTED}")
    return 0, 1, 2


def _are_numbers(fields: list[str], places: tuple[int, int, int]) -> bool:
    return all(place < len(fields) and fields[place].strip().isdecimal() for place in places[1:])

"""A value for each base of transcripts, such as phyloP or phastCons, from a bigWig of their genome."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mirscan.errors import InputError
from mirscan.genome.extract import with_other_prefix
from mirscan.genome.intervals import FAR, Intervals, join_intervals
from mirscan.genome.projection import Projection
from mirscan.jit import njit
from mirscan.notices import Notices, tallied


@dataclass(frozen=True)
class BaseValues:
    """`values` (total,) float32 of the bases of transcripts 5'->3', one transcript behind the other, NaN where a base has none; `begin`
    (n,) int64: where those of each transcript begin.
    """

    values: np.ndarray
    begin: np.ndarray

    def take(self, rows: np.ndarray) -> "BaseValues":
        """Those of the transcripts at these positions (n,), in this order."""
        return BaseValues(self.values, self.begin[rows])

    def means(self, transcript: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Mean (n,) float32 over the bases `start` to `end` of transcripts (n,) that have a value; NaN where none has."""
        out = np.empty(len(start), np.float32)
        _mean_values(self.values, self.begin[transcript], start, end, out)
        return out


def values_of(values: np.ndarray, lengths: np.ndarray) -> BaseValues:
    """The values (total,) of transcripts of these lengths (n,)."""
    return BaseValues(values, np.cumsum(lengths) - lengths)


def read_base_values(
    path: str | os.PathLike, projection: Projection, contigs: Mapping[str, int], notices: Notices | None = None
) -> np.ndarray:
    """Values (total,) float32 of a bigWig for every base of the transcripts of `projection`, as `BaseValues` has them.

    `contigs`: length of each contig of the genome in nt. Contigs may be called with chr in one and without in the other. Raises InputError
    where pybigtools is not installed, for a file that is no bigWig, one with none of the contigs, and one in which a contig has another
    length; contigs that it lacks and bases without a value are counted.
    """
    with tallied(notices) as tally:
        reader = _open_bigwig(os.fspath(path))
        names = _match_contigs(path, reader.chroms(), projection.contigs, contigs, tally)
        blocks = projection.blocks
        joined = join_intervals(_contigs_of_blocks(projection), blocks.start, blocks.end, len(names))
        pieces = [
            _read(reader, names[number], start, end) for number, start, end in zip(joined.lists, joined.start, joined.end, strict=True)
        ]
        values = _order(np.concatenate(pieces), joined, projection)
        tally.add("bases of the transcripts have no conservation", count=int(np.isnan(values).sum()))
        return values


def _open_bigwig(path: str):
    try:
        import pybigtools
    except ImportError:
        raise InputError("--conservation needs the package pybigtools; install it with `pip install 'mirscan[bigbed]'`") from None
    try:
        reader = pybigtools.open(path)
    except (ValueError, OSError, pybigtools.BBIReadError) as error:
        raise InputError(f"{path}: {error}; expected a bigWig, called .bw or .bigWig") from None
    if not reader.is_bigwig:
        raise InputError(f"{path}: is a bigBed; expected a bigWig of phyloP or phastCons")
    return reader


def _match_contigs(
    path, known: Mapping[str, int], wanted: tuple[str, ...], lengths: Mapping[str, int], notices: Notices
) -> list[str | None]:
    """The bigWig's name of each contig, None for those that it lacks."""
    names = [name if name in known else with_other_prefix(name, known) for name in wanted]
    missing = [name for name, found in zip(wanted, names, strict=True) if found is None]
    if len(missing) == len(wanted):
        raise InputError(f"{path}: its contigs are {_some(known)}, the genome's {_some(wanted)}; expected a bigWig on this genome")
    for name, found in zip(wanted, names, strict=True):
        if found is not None and known[found] != lengths[name]:
            raise InputError(
                f"{path}: contig {found!r} has {known[found]:,} nt, and {lengths[name]:,} in the genome; expected a bigWig on this assembly"
            )
    notices.add("contigs have no conservation", "".join(missing[:1]), len(missing))
    return names


def _some(names) -> str:
    return ", ".join(list(names)[:3]) + (", ..." if len(names) > 3 else "")


def _read(reader, contig: str | None, start: int, end: int) -> np.ndarray:
    if contig is None:
        return np.full(end - start, np.nan, np.float32)
    return reader.values(contig, start, end, fillna=None).astype(np.float32)


def _contigs_of_blocks(projection: Projection) -> np.ndarray:
    return projection.contig[projection.blocks.lists].astype(np.int64)


def _order(values: np.ndarray, joined: Intervals, projection: Projection) -> np.ndarray:
    """The values of the joined intervals as those of the transcripts, each 5'->3'."""
    lengths, blocks = projection.blocks.lengths, projection.blocks
    contig = _contigs_of_blocks(projection)
    at = np.searchsorted(joined.start + joined.lists * FAR, blocks.start + contig * FAR, side="right") - 1
    sizes = joined.end - joined.start
    source = (np.cumsum(sizes) - sizes)[at] + blocks.start - joined.start[at]
    out = np.empty(int(lengths.sum()), np.float32)
    _copy_blocks(values, source, blocks.end - blocks.start, blocks.first, projection.is_reverse, out)
    return out


@njit
def _copy_blocks(values, source, size, first, is_reverse, out):
    """Write the blocks of each transcript one behind the other, those of the reverse strand from the last base back."""
    at = 0
    for row in range(len(first) - 1):
        begin = at
        for block in range(first[row], first[row + 1]):
            out[at : at + size[block]] = values[source[block] : source[block] + size[block]]
            at += size[block]
        if is_reverse[row]:
            out[begin:at] = out[begin:at][::-1].copy()


@njit
def _mean_values(values, begin, start, end, out):
    for row in range(len(start)):
        total, n = 0.0, 0
        for at in range(begin[row] + start[row], begin[row] + end[row]):
            if not np.isnan(values[at]):
                total += values[at]
                n += 1
        out[row] = total / n if n else np.nan

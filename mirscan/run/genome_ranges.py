"""BED on the genome, sorted by place: parts put their sites aside by range of the genome, then each range is merged by itself."""

from pathlib import Path

import numpy as np

from mirscan.genes.site_features import Places
from mirscan.output.files import whole_file
from mirscan.output.genome_bed import ROW, merge_isoforms, place_rows, write_bed12
from mirscan.run.partition import PartContext
from mirscan.run.pieces import gather_piece, write_pieces
from mirscan.store.names import part_places, range_bed, range_bed_runs


class PartPlaces:
    """Takes in the sites of a part and puts them aside in the order of the genome; they are in memory until then."""

    def __init__(self, context: PartContext):
        self._context = context
        self._rows = [np.empty(0, ROW)]

    def write(self, sites: Places) -> None:
        self._rows.append(place_rows(self._context.projection, *sites))

    def close(self, path: Path) -> None:
        """Write the file `path`, one piece a range."""
        rows = np.concatenate(self._rows)
        self._rows.clear()
        rows = rows[np.argsort(rows["place"], kind="stable")]
        ends = np.searchsorted(rows["place"], self._context.genome_cuts)
        write_pieces(path, rows, np.append(ends, len(rows)))


def merge_range(context: PartContext, number: int) -> None:
    """Write the BED of range `number` from the sites of all parts."""
    store, n_ranges = context.store, len(context.genome_cuts) + 1
    names = [part_places(part) for part in range(len(context.plan.parts))]
    projection, words = context.projection, context.site_names
    rows = merge_isoforms(np.concatenate(gather_piece(store, names, number, n_ranges, ROW)), projection, words)
    bed, runs = store.scratch(range_bed(number)), store.scratch(range_bed_runs(number))
    with whole_file(bed) as file, whole_file(runs) as index:
        np.save(index, write_bed12(file, rows, projection, words))
    store.publish(bed, range_bed(number), is_lasting=False)
    store.publish(runs, range_bed_runs(number), is_lasting=False)

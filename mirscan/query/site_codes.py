"""Sites of a run as codes for a model: the windows are cut anew, since another model may want another layout."""

from collections.abc import Iterator

import numpy as np

from mirscan.errors import InputError
from mirscan.query.finished_run import FinishedRun
from mirscan.query.pair import PairReader, open_pairs
from mirscan.query.select import Filters, select_rows
from mirscan.windows import WindowLayout, fit_mirnas, gather_windows


def read_site_codes(run: FinishedRun, wanted: Filters, most: int, layout: WindowLayout) -> tuple[np.ndarray, np.ndarray]:
    """miRNA codes (n, layout.mirna_length) and windows (n, layout.length) of the `most` strongest sites that are wanted.

    Raises InputError where there is none, RunError where the run's folder work/ is gone.
    """
    sites = select_rows(run, wanted, sites=True, top=most).to_pylist()
    if not sites:
        raise InputError(f"{run.store.root}: no site fits --gene and --mirna")
    reader = open_pairs(run)
    places = list(_places(reader, sites))
    transcript, mirna, anchor = (np.array(column) for column in zip(*places, strict=True))
    packed = reader.transcriptome
    windows = gather_windows(packed.codes, *packed.bounds(transcript), packed.begin[transcript] + anchor, layout)
    return fit_mirnas(reader.mirnas.codes, layout)[mirna], windows


def _places(reader: PairReader, sites: list[dict]) -> Iterator[tuple[int, int, int]]:
    """(transcript, miRNA, anchor) of each site, by pair."""
    wanted: dict[tuple[str, str], set] = {}
    for site in sites:
        wanted.setdefault((site["transcript"], site["mirna"]), set()).add((site["start"], site["seed"]))
    for (transcript, mirna), own in wanted.items():
        indices = reader.index_of(transcript, mirna)
        for place in reader.search(*indices):
            if (place["start"], place["seed"]) in own:
                yield (*indices, place["anchor"])

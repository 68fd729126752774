"""What the strongest pairs are: tandem repeats must not win, and saturated scores must not tie."""

import numpy as np
import pyarrow as pa

from mirscan.run.finish import Finished, _note
from mirscan.tables import GENES


def batch(*pairs) -> pa.RecordBatch:
    """Pairs as (name, 8mers, 6mers, apart, combined score), each of a gene of its own."""
    columns = {name: [0] * len(pairs) for name in GENES.names}
    for name in ("gene", "symbol", "mirna", "transcript"):
        columns[name] = [pair[0] for pair in pairs]
    columns |= {"n_8mer": [p[1] for p in pairs], "n_6mer": [p[2] for p in pairs], "n_apart": [p[3] for p in pairs]}
    columns |= {"best_score": [p[4] for p in pairs], "combined_score": [p[4] for p in pairs]}
    arrays = []
    for field in GENES.schema():
        values = columns[field.name]
        is_name = pa.types.is_dictionary(field.type)
        arrays.append(pa.array(values, pa.string()).dictionary_encode() if is_name else pa.array(values, field.type))
    return pa.record_batch(arrays, schema=GENES.schema())


def ranked(*pairs) -> list[str]:
    finished = Finished(seconds={})
    _note(finished, batch(*pairs))
    return [row["gene"] for _, row in finished.top]


def test_top_pairs__repeat_of_overlapping_sites_counts_as_what_fits():
    assert ranked(("repeat", 51, 0, 2, None), ("six", 0, 40, 40, None), ("three", 3, 0, 3, None)) == ["three", "six", "repeat"]


def test_top_pairs__equal_scores_are_ranked_by_types():
    assert ranked(("weak", 1, 0, 1, 1.0), ("strong", 3, 0, 3, 1.0)) == ["strong", "weak"]


def test_top_pairs__next_lower_score_does_not_overtake():
    lower = float(np.nextafter(np.float32(1), np.float32(0)))
    assert ranked(("lower", 900, 0, 900, lower), ("higher", 1, 0, 1, 1.0)) == ["higher", "lower"]

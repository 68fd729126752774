"""Predictors that know less than a network should: what a model scores beyond them is what it has learned."""

import numpy as np
import pyarrow as pa

from mirscan.pairs.columns import POSITIVE, group_codes, labels_of
from mirscan.seeds.seed_class import best_seeds


def control_scores(pairs: pa.Table, mirna_codes: np.ndarray, target_codes: np.ndarray, training: pa.Table | None) -> dict[str, np.ndarray]:
    """Scores (n,) by name of control.

    `seed class only`: strongest canonical match in the window, 0-4. `duplex energy only`: energy of the duplex over that of the
    perfect duplex. `miRNA only, left out`: part of positives among the other pairs of the miRNA in this very set.
    `miRNA only, from training`: its part of positives in `training`.
    """
    from mirscan.duplex import duplex_energies, perfect_energies

    scores = {
        "duplex energy only": duplex_energies(mirna_codes, target_codes) / np.minimum(perfect_energies(mirna_codes), -1e-3),
        "seed class only": best_seeds(mirna_codes, target_codes)[0].astype(np.float32),
        "miRNA only, left out": left_out_rates(labels_of(pairs), group_codes(pairs["mirna"])),
    }
    if training is not None:
        scores["miRNA only, from training"] = training_rates(pairs, training)
    return scores


def left_out_rates(labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Part of positives among the other members of each pair's group; the overall part where there is no other."""
    positive = (labels >= POSITIVE).astype(np.float64)
    others = np.bincount(groups)[groups] - 1
    rates = (np.bincount(groups, positive)[groups] - positive) / np.maximum(others, 1)
    return np.where(others > 0, rates, positive.mean()).astype(np.float32)


def training_rates(pairs: pa.Table, training: pa.Table) -> np.ndarray:
    """Part of positives of each pair's miRNA in `training`; the overall part for a miRNA that is not there.

    miRNAs are compared over the shorter of the longest lengths of the two sets, since some studies cut theirs to 20 nt.
    """
    import pyarrow.compute as pc

    width = min(pc.max(pc.utf8_length(table["mirna"])).as_py() for table in (pairs, training))
    names = pa.chunked_array(
        [chunk for table in (training, pairs) for chunk in pc.utf8_slice_codeunits(table["mirna"], 0, width).chunks], type=pa.string()
    )
    codes, n = group_codes(names), training.num_rows
    positive = (labels_of(training) >= POSITIVE).astype(np.float64)
    size = np.bincount(codes[:n], minlength=codes.max() + 1)
    rates = np.bincount(codes[:n], positive, minlength=codes.max() + 1) / np.maximum(size, 1)
    return np.where(size > 0, rates, positive.mean())[codes[n:]].astype(np.float32)

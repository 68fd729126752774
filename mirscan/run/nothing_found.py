"""Why a scan may have found nothing, or nothing that makes sense: the mistakes that leave it without a word otherwise."""

import numpy as np

from mirscan.sequence.alphabet import N
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.transcriptome import Transcriptome

# No 3'UTR worth a scan is as short as a miRNA, no mature miRNA as long as this.
_SHORT_TARGET, _LONG_MIRNA = 40, 30


def suspect_inputs(transcriptome: Transcriptome, mirnas: MirnaSet) -> list[str]:
    """Sentences about inputs that look like something else, whatever a scan of them finds."""
    reasons = []
    lengths, median = transcriptome.lengths, int(np.median(mirnas.lengths))
    if (n_short := int((lengths < _SHORT_TARGET).sum())) * 2 > len(lengths):
        reasons.append(f"{n_short:,} of {len(lengths):,} targets are shorter than {_SHORT_TARGET} nt: are miRNAs given as --utrs?")
    if median > _LONG_MIRNA:
        reasons.append(f"half of the miRNAs are longer than {_LONG_MIRNA} nt ({median}): are --mirnas and --utrs exchanged?")
    return reasons


def explain_nothing(transcriptome: Transcriptome, mirnas: MirnaSet) -> list[str]:
    """Sentences about what may be wrong with inputs that gave no site, the likeliest first; never empty."""
    reasons = suspect_inputs(transcriptome, mirnas)
    n_known = transcriptome.n_bases - sum(
        int((transcriptome.codes[begin:end] == N).sum()) for begin, end in zip(transcriptome.begin, transcriptome.end, strict=True)
    )
    if n_known == 0:
        reasons.append("the targets hold no base but N: is the FASTA masked?")
    if unknown := int((mirnas.codes[:, 1:7] == N).any(axis=1).sum()):
        reasons.append(f"{unknown:,} of {len(mirnas):,} miRNAs have an N among nt 2-7, where every seed must pair")
    return reasons or [f"{len(mirnas):,} miRNAs and {n_known:,} bases may simply hold no match of these --seeds, --regions and filters"]

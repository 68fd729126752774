"""Why a scan may have found nothing, or nothing that makes sense: the mistakes that leave it without a word otherwise."""

import re
from collections import Counter

import numpy as np

from mirscan.notices import counted
from mirscan.sequence.alphabet import N
from mirscan.sequence.headers import is_transcript_id
from mirscan.sequence.mirnas import MIRNA_NAME, MirnaSet
from mirscan.sequence.transcriptome import Transcriptome

# No 3'UTR worth a scan is as short as a miRNA, no mature miRNA as long as this.
_SHORT_TARGET, _LONG_MIRNA = 40, 30
# Ensembl's prefix of a species (ENSMUST, ENSMUSG) and miRBase's, where both have one; FlyBase, WormBase and TAIR know one species each.
_ENSEMBL = {
    "": "hsa",
    **{"MUS": "mmu", "RNO": "rno", "MMU": "mml", "PTR": "ptr", "GGO": "ggo", "PPY": "ppy", "CJA": "cja", "BTA": "bta", "OAR": "oar"},
    **{"CHI": "chi", "SSC": "ssc", "ECA": "eca", "CAF": "cfa", "OCU": "ocu", "CPO": "cpo", "CGR": "cgr", "DNO": "dno", "MOD": "mdo"},
    **{"SHA": "sha", "MEU": "meu", "OAN": "oan", "GAL": "gga", "TGU": "tgu", "ACA": "aca", "XET": "xtr", "DAR": "dre", "ORL": "ola"},
    **{"TRU": "fru", "TNI": "tni", "SSA": "ssa", "GMO": "gmo", "ONI": "oni", "PMA": "pma", "CIN": "cin"},
}
_OTHER_IDS = {"FB": "dme", "WBGene": "cel", "AT": "ath"}
_STABLE_ID = re.compile(
    r"ENS(?P<ensembl>[A-Z]*)[TG]\d{6,}|(?P<other>FB(?=(?:tr|gn)\d{7})|WBGene(?=\d{8})|AT(?=[1-5CM]G\d{5})|[a-z]{3}(?=_circ_\d))"
)
# So many transcripts tell the species.
_SAMPLE = 1000


def suspect_inputs(transcriptome: Transcriptome, mirnas: MirnaSet) -> list[str]:
    """Sentences about inputs that look like something else, whatever a scan of them finds."""
    reasons = []
    lengths, median = transcriptome.lengths, int(np.median(mirnas.lengths))
    if (n_short := int((lengths < _SHORT_TARGET).sum())) * 2 > len(lengths):
        reasons.append(f"{n_short:,} of {len(lengths):,} targets are shorter than {_SHORT_TARGET} nt: are miRNAs given as --utrs?")
    if median > _LONG_MIRNA:
        reasons.append(f"half of the miRNAs are longer than {_LONG_MIRNA} nt ({median}): are --mirnas and --utrs exchanged?")
    return [*reasons, *_exchanged_names(transcriptome, mirnas), *_compare_species(transcriptome, mirnas)]


def _exchanged_names(transcriptome: Transcriptome, mirnas: MirnaSet) -> list[str]:
    """Sentences where names say that targets are miRNAs, or that miRNAs are transcripts."""
    targets = list(filter(MIRNA_NAME.match, transcriptome.names.to_pylist()))
    transcripts = list(filter(is_transcript_id, mirnas.names))
    return [
        f"{len(found):,} of {n:,} {what} (first: {found[0]}): {question}"
        for found, n, what, question in (
            (targets, len(transcriptome), "targets have names of miRNAs", "are miRNAs given as --utrs?"),
            (transcripts, len(mirnas), "miRNAs have names of transcripts", "are --mirnas and --utrs exchanged?"),
        )
        if found
    ]


def _compare_species(transcriptome: Transcriptome, mirnas: MirnaSet) -> list[str]:
    """A sentence where names say that miRNAs and transcripts are of different species; whole files of miRBase are of 271."""
    species, example = _species_of(transcriptome)
    named = [(name, found[1].lower()) for name in mirnas.names if (found := MIRNA_NAME.match(name))]
    foreign = [name for name, prefix in named if prefix != species]
    if species is None or not foreign:
        return []
    way_out = "are both of one species?" if len(foreign) == len(named) else f"--species {species} keeps its own"
    return [
        f"{len(foreign):,} of {len(mirnas):,} miRNAs are of another species (first: {foreign[0]}) "
        f"than the transcripts, of {species} by "
        f"their names (first: {example}); {way_out}"
    ]


def _species_of(transcriptome: Transcriptome) -> tuple[str | None, str]:
    """(miRBase's prefix of the species that most transcripts are of by their own ids or their genes', the first such id)."""
    first: dict[str, str] = {}
    n, counts = min(_SAMPLE, len(transcriptome)), Counter()
    for names in zip(transcriptome.names[:n].to_pylist(), transcriptome.genes[:n].to_pylist(), strict=True):
        found = next((found for name in names if (found := _STABLE_ID.match(name))), None)
        # A circle of circBase has miRBase's prefix itself.
        species = found and (_OTHER_IDS.get(found["other"], found["other"]) or _ENSEMBL.get(found["ensembl"]))
        if species:
            counts[species] += 1
            first.setdefault(species, found.string)
    species, count = next(iter(counts.most_common(1)), (None, 0))
    return (species, first[species]) if 2 * count > n else (None, "")


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
    return reasons or [
        f"{counted(len(mirnas), 'miRNA')} and {counted(n_known, 'base')} may simply hold no match of these --seeds, --regions and filters"
    ]

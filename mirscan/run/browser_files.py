"""What a browser needs beside the sites: the sequences under the names that the BED file has for them, and their lengths."""

from mirscan.output.bed import escape_chromosome
from mirscan.output.transcripts import write_fasta
from mirscan.run.inputs import open_run_contigs
from mirscan.run.partition import PartContext
from mirscan.store.names import SIZES, TRANSCRIPT_FILES, TRANSCRIPTS


def publish_sequences(context: PartContext) -> None:
    """Write the lengths of all contigs, and where sites are given on transcripts these as bgzip FASTA with its indexes."""
    store = context.store
    store.write(SIZES, "".join(f"{name}\t{length}\n" for name, length in contig_lengths(context).items()).encode())
    if context.projection is not None:
        return
    paths = write_fasta(context.transcriptome, store.scratch(TRANSCRIPTS))
    for path, name in zip(paths, TRANSCRIPT_FILES, strict=True):
        store.publish(path, name)


def contig_lengths(context: PartContext) -> dict[str, int]:
    """Lengths in nt by the names of BED's first column.

    Of a genome that only headers of FASTA tell of, no more is known than where the last transcript of a contig ends.
    """
    packed, projection = context.transcriptome, context.projection
    if projection is None:
        return dict(zip(map(escape_chromosome, packed.names.to_pylist()), packed.lengths.tolist(), strict=True))
    if (lengths := open_run_contigs(context.store)) is not None:
        return {escape_chromosome(name): length for name, length in lengths.items()}
    found = dict.fromkeys(map(escape_chromosome, projection.contigs), 0)
    for contig, end in zip(projection.contig.tolist(), projection.blocks.highest.tolist(), strict=True):
        name = escape_chromosome(projection.contigs[contig])
        found[name] = max(found[name], end)
    return found

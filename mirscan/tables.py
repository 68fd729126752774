"""Every table mirscan writes or passes on: name, type, unit and one sentence a column.

All coordinates are 0-based and half-open on the transcript; those of `GENOME_PLACE` on the forward strand of the genome.
"""

import io
from dataclasses import dataclass, replace

import pyarrow as pa

_NAME = pa.dictionary(pa.int32(), pa.string())
_RULE = pa.dictionary(pa.int8(), pa.string())


@dataclass(frozen=True)
class Column:
    """One column; `unit` is empty where a value has none, `nullable` False where no row lacks it, which Parquet stores and reads faster."""

    name: str
    type: pa.DataType
    unit: str
    description: str
    nullable: bool = True

    @property
    def field(self) -> pa.Field:
        return pa.field(self.name, self.type, self.nullable, {"description": self.description, "unit": self.unit})


def _never_null(*columns: Column) -> tuple[Column, ...]:
    return tuple(replace(column, nullable=False) for column in columns)


@dataclass(frozen=True)
class TableSpec:
    """A table's required columns and the optional ones that a run may add behind them."""

    name: str
    columns: tuple[Column, ...]
    optional: tuple[Column, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def schema(self, metadata: dict[str, str] | None = None, optional: tuple[str, ...] = ()) -> pa.Schema:
        """Arrow schema with the descriptions in the field metadata; `optional` names the extra columns to include."""
        extra = [column for column in self.optional if column.name in optional]
        return pa.schema([column.field for column in (*self.columns, *extra)], metadata={"table": self.name, **(metadata or {})})


_PLACE = _never_null(
    Column("transcript", _NAME, "", "Transcript: the first word of its FASTA header, or the first field where fields are separated by |"),
    Column("gene", _NAME, "", "Gene of the transcript: from the FASTA header or --gene-map; the transcript itself where neither tells"),
    Column("mirna", _NAME, "", "miRNA as named in the miRNA file"),
    Column("start", pa.int32(), "nt", "First base of the site on the transcript, 0-based"),
    Column("end", pa.int32(), "nt", "One past the last base of the site; an 8mer covers 8 nt with the A, a 7mer 7, a 6mer 6"),
    Column("seed", _RULE, "", "Name of the strongest seed rule that the place satisfies"),
)

FEATURES = (
    Column("local_au", pa.float32(), "", "A+U content within 30 nt either side, weighted by 1/distance (Grimson 2007), 0-1"),
    Column("end_distance", pa.int32(), "nt", "Distance from the site to the nearer end of the transcript"),
    Column("supplementary", pa.float32(), "", "3' supplementary pairing score around miRNA nt 13-16 (Grimson 2007)"),
    Column("previous_distance", pa.int32(), "nt", "Distance from the previous site of the same miRNA on the transcript; -1 for the first"),
    Column("low_complexity", pa.float32(), "", "DUST score of the site with 28 nt either side (Morgulis 2006), 0 without repetition"),
    Column("energy", pa.float32(), "kcal/mol", "Minimum free energy of the duplex of miRNA and window (Turner 2004, as RNAduplex)"),
)

# What --features accessibility adds.
SITE_ACCESSIBILITY = (
    Column(
        "seed_accessibility",
        pa.float32(),
        "log10",
        "Probability that the bases opposite miRNA nt 2-8 are all unpaired (RNAplfold, windows of 80 nt, pairs within 40 nt)",
    ),
    Column("site_accessibility", pa.float32(), "log10", "The same of the 15 bases opposite miRNA nt 1-15"),
)

CONSERVATION = Column(
    "conservation",
    pa.float32(),
    "",
    "Mean of the --conservation track (phyloP or phastCons) over the bases of the site that have a value; null where none has",
)

# Where a background ran.
SITE_SIGNIFICANCE = (
    Column(
        "p_value",
        pa.float32(),
        "probability",
        "Share of this miRNA's sites on shuffled transcripts whose score is as high, or without scores whose type is as strong",
    ),
    Column("q_value", pa.float32(), "probability", "False discovery rate (Benjamini & Hochberg) among the sites of this miRNA at that p"),
)
PAIR_SIGNIFICANCE = (
    Column(
        "p_value",
        pa.float32(),
        "probability",
        "Share of shuffled transcripts of like length and composition on which this miRNA is predicted as strong",
    ),
    Column("q_value", pa.float32(), "probability", "False discovery rate (Benjamini & Hochberg) among all genes for this miRNA at that p"),
)

BLOCK = pa.struct([pa.field("start", pa.int64(), nullable=False), pa.field("end", pa.int64(), nullable=False)])
REGION = Column(
    "region",
    _RULE,
    "",
    "What of the transcript was scanned (3utr, 5utr, cds, transcript or lncrna), or, with --cds, where on the mRNA a site begins",
)
# Where the place of every transcript on a genome is known.
GENOME_PLACE = (
    REGION,
    Column("chrom", _NAME, "", "Contig of the genome"),
    Column("genome_start", pa.int64(), "nt", "First base of the site on the genome, 0-based, whatever its strand"),
    Column("genome_end", pa.int64(), "nt", "One past its last base; introns may lie between"),
    Column("strand", _RULE, "", "Strand of the transcript, + or -"),
    Column(
        "blocks", pa.list_(BLOCK), "nt", "Start and end of each stretch of the site on the genome, ascending; several across a junction"
    ),
)

CANDIDATES = TableSpec(
    "CANDIDATES",
    (*_PLACE, Column("anchor", pa.int32(), "nt", "Transcript position opposite miRNA nt 1, 0-based; may lie past the last base")),
    FEATURES,
)

SITES = TableSpec(
    "SITES",
    (
        *_PLACE,
        Column("score", pa.float32(), "probability", "Calibrated score of the model named in the metadata, 0-1; null without a model"),
        Column("window_start", pa.int32(), "nt", "First transcript base of the window that was scored, 0-based"),
        Column("window_end", pa.int32(), "nt", "One past the last transcript base of the window"),
    ),
    (*FEATURES, *SITE_ACCESSIBILITY, CONSERVATION, *SITE_SIGNIFICANCE, *GENOME_PLACE),
)

GENES = TableSpec(
    "GENES",
    (
        *_never_null(
            Column("gene", _NAME, "", "Gene id"),
            Column("symbol", _NAME, "", "Gene symbol where the FASTA header or --gene-map gives one; else the gene id"),
            Column("mirna", _NAME, "", "miRNA as named in the miRNA file"),
            Column(
                "transcript",
                _NAME,
                "",
                "The isoform this row describes: the strongest prediction; in a tie the highest combined score, then the strongest sites",
            ),
            Column("n_sites", pa.int32(), "sites", "Sites on that isoform"),
            Column("n_8mer", pa.int32(), "sites", "Sites of type 8mer"),
            Column("n_7mer_m8", pa.int32(), "sites", "Sites of type 7mer-m8"),
            Column("n_7mer_a1", pa.int32(), "sites", "Sites of type 7mer-A1"),
            Column("n_6mer", pa.int32(), "sites", "Sites of type 6mer"),
            Column("n_other", pa.int32(), "sites", "Sites of every other rule"),
            Column("n_apart", pa.int32(), "sites", "The most of these sites that do not overlap; far below n_sites in tandem repeats"),
        ),
        Column("best_score", pa.float32(), "probability", "Highest score of a site; null without a model"),
        Column(
            "combined_score", pa.float32(), "probability", "1 - product of (1 - score) over sites that do not overlap; null without a model"
        ),
        Column("n_windows", pa.int32(), "windows", "Candidate windows of this miRNA considered on that isoform, before --min-score"),
        Column("predicted_log2fc", pa.float32(), "log2", "Change of the mRNA that the repression model predicts; negative is repressed"),
        Column("rank", pa.int32(), "", "Place among the genes of this miRNA, 1 the strongest; equals share the best place"),
        Column("percentile", pa.float32(), "percent", "Share of the genes of this miRNA that stand no higher; 100 for the strongest"),
    ),
    (
        Column("gene_score", pa.float32(), "", "Strength of the pair by --gene-method, where that is another than repression"),
        *PAIR_SIGNIFICANCE,
        Column("n_5utr", pa.int32(), "sites", "Sites that begin in the 5'UTR"),
        Column("n_cds", pa.int32(), "sites", "Sites that begin in the coding sequence"),
        Column("n_3utr", pa.int32(), "sites", "Sites that begin in the 3'UTR"),
        Column(
            "family_conservation",
            pa.int8(),
            "",
            "How conserved the miRNA's family is, by TargetScan's --families: 2 in most vertebrates, 1 in most mammals, 0 or -1 in fewer",
        ),
        Column(
            "isoform_share",
            pa.float32(),
            "",
            "With --isoform-weights: share of the row's isoform in the gene's mRNAs, 0-1; null for a gene without weights",
        ),
        REGION,
    ),
)

BACKGROUND = TableSpec(
    "BACKGROUND",
    (
        Column("mirna", _NAME, "", "miRNA as named in the miRNA file"),
        Column("seed", _RULE, "", "Type of the sites that are counted; null where pairs are counted"),
        Column(
            "transcripts", pa.int32(), "", "Number of the group of like transcripts whose pairs are counted; null where sites are counted"
        ),
        Column(
            "level", pa.int16(), "", "Strength in steps: 64 an octave of a pair's strength or of a site's odds, or the rank of its type"
        ),
        Column(
            "value",
            pa.float32(),
            "",
            "Least score of a site, or strength of a pair (-predicted_log2fc), at this level; null without scores",
        ),
        Column("n", pa.int64(), "", "How many there were on all shuffled transcripts"),
    ),
)

PAIRS = TableSpec(
    "PAIRS",
    (
        Column("mirna", pa.string(), "", "miRNA sequence 5'->3'"),
        Column("target", pa.string(), "", "Target window 5'->3'"),
        Column("label", pa.float32(), "probability", "1 bound, 0 not bound; values between are soft labels"),
    ),
    (
        Column("mirna_name", pa.string(), "", "miRNA name"),
        Column("family", pa.string(), "", "miRNA family"),
        Column("cluster", pa.string(), "", "Group of overlapping target sites or genes"),
        Column("chromosome", pa.string(), "", "Chromosome of the site"),
        Column("weight", pa.float32(), "", "Weight of the pair in training"),
        Column("source", pa.string(), "", "File the pair came from"),
    ),
)

NEGATIVES = TableSpec(
    "NEGATIVES",
    (
        *PAIRS.columns,
        Column("mirna_name", pa.string(), "", "miRNA name, or its sequence where the positives give none"),
        Column("family", pa.string(), "", "miRNA family: as the positives name it, else miRNA nt 2-8"),
        Column(
            "cluster",
            pa.string(),
            "",
            "Group of sites that belong together: by number, or the transcript of a cut window",
        ),
        Column("kind", pa.string(), "", "positive, or how the negative was made"),
        Column("seed", pa.string(), "", "Seed rule of a scan's candidate; empty for other kinds"),
        Column("transcript", pa.string(), "", "Transcript that the window was cut from; empty where it was not cut"),
        Column(
            "start", pa.int32(), "nt", "First base of the window on the transcript, 0-based, below 0 where it begins outside; else null"
        ),
        Column("weight", pa.float32(), "", "How many pairs of the transcriptome the row stands for: more than 1 where others were thinned"),
    ),
)

HARDNESS = TableSpec(
    "HARDNESS",
    (
        *PAIRS.columns,
        Column("hardness", pa.float32(), "", "1 - probability of the true class, mean over the networks, 0-1"),
        Column("spread", pa.float32(), "", "Standard deviation of that over the networks"),
    ),
)
# Mean repression by a site of each type, log2, by its column of GENES (Grimson 2007, as TargetScan counts sites).
SITE_WEIGHTS = {"n_8mer": 0.31, "n_7mer_m8": 0.16, "n_7mer_a1": 0.10, "n_6mer": 0.02}


def text_rows(table: pa.Table) -> bytes:
    """Rows between tabs, without a heading; null is an empty field. Text is quoted only where some of it would break the rows: quotes in
    names, and tabs and line ends in what a user's SQL makes.
    """
    import pyarrow.csv as pacsv

    def written(quoting_style: str) -> bytes:
        buffer = io.BytesIO()
        pacsv.write_csv(table, buffer, pacsv.WriteOptions(include_header=False, delimiter="\t", quoting_style=quoting_style))
        return buffer.getvalue()

    try:
        return written("none")
    except pa.ArrowInvalid:
        return written("needed")

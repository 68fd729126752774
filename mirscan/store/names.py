"""Every file of a run folder, by its name relative to it, with a sentence each."""

# The settings, inputs, versions and parts; it is written when planning is complete, so a folder that has it is a run.
PLAN = "plan.json"
# Who works here now; see lock.py.
LOCK = "lock.json"
# What finished runs say about themselves: versions, counts, seconds, warnings. Written last: its presence means finished.
REPORT = "run.json"
# All sites as BED9 with bgzip, and its index.
BED, BED_INDEX, BED_INDEX_LONG = "sites.bed.gz", "sites.bed.gz.tbi", "sites.bed.gz.csi"
# One row a gene and miRNA, for programs and for people.
GENES, GENES_TEXT = "genes.parquet", "genes.tsv.gz"
# Sites and pairs on shuffled transcripts, counted, where a background ran.
BACKGROUND = "background.parquet"
# The run as a page for a browser, where `mirscan report` wrote one.
PAGE = "report.html"
# Parquet parts of the sites, readable as one dataset.
SITES = "sites"
# What the run itself needs: inputs as they were planned, the records of parts. Not part of the result.
WORK = "work"
# The packed transcripts that every worker maps.
TRANSCRIPTOME = f"{WORK}/transcriptome"
# Copies of the small inputs, so that a run can be resumed without them.
INPUTS = f"{WORK}/inputs"
# Files being written; whatever lies here when a run starts is rubbish of one that died.
UNFINISHED = f"{WORK}/unfinished"
# The sequences that the BED file is about, where they are transcripts, and the lengths of what its first column names.
TRANSCRIPTS, SIZES = "transcripts.fa.gz", "chrom.sizes"
TRANSCRIPT_FILES = (TRANSCRIPTS, f"{TRANSCRIPTS}.fai", f"{TRANSCRIPTS}.gzi")
# The families of --by-family, with their members.
FAMILIES = "families.tsv"
# What `mirscan export` adds: GFF3, bigBed and text of the sites, a session of IGV, and a track hub of UCSC.
GFF3, BIGBED, SITES_TEXT, IGV_SESSION, HUB = "sites.gff3.gz", "sites.bb", "sites.tsv.gz", "igv_session.xml", "hub"
EXPORTS = (GFF3, f"{GFF3}.tbi", f"{GFF3}.csi", BIGBED, SITES_TEXT, IGV_SESSION)
# q-values of the sites of a run by miRNA and level, where a background ran.
SITE_RATES = f"{WORK}/sites.rates"
RESULTS = (BED, BED_INDEX, BED_INDEX_LONG, GENES, GENES_TEXT, BACKGROUND, *TRANSCRIPT_FILES, SIZES, FAMILIES, *EXPORTS, PAGE, REPORT)


def part_sites(part: int) -> str:
    """The SITES rows of a part."""
    return f"{SITES}/part-{part:05d}.parquet"


def part_record(part: int) -> str:
    """Counts and checksums of a part; written last, its presence means done."""
    return f"{WORK}/part-{part:05d}.json"


def part_windows(part: int) -> str:
    """Candidates per transcript and miRNA before --min-score, where some sites remain."""
    return f"{WORK}/part-{part:05d}.windows.parquet"


def part_failure(part: int) -> str:
    """Why a part failed the last time; absent when it did not."""
    return f"{WORK}/part-{part:05d}.failed.json"


def background_counts(part: int) -> str:
    """Counts of sites and pairs on the shuffled transcripts of a part of the background."""
    return f"{WORK}/background-{part:05d}.parquet"


def background_record(part: int) -> str:
    """As `part_record`, of a part of the background."""
    return f"{WORK}/background-{part:05d}.json"


def background_failure(part: int) -> str:
    """As `part_failure`, of a part of the background."""
    return f"{WORK}/background-{part:05d}.failed.json"


def part_bed(part: int) -> str:
    """A part's stretch of the BED on transcripts: BGZF blocks."""
    return f"{WORK}/part-{part:05d}.bed.blocks"


def part_bed_runs(part: int) -> str:
    """Where rows lie in that stretch, for the index; see output/tabix.py."""
    return f"{WORK}/part-{part:05d}.bed.runs"


def part_places(part: int) -> str:
    """A part's sites in the order of the genome, cut by range; see run/genome_ranges.py."""
    return f"{WORK}/part-{part:05d}.places"


def part_cut_sites(part: int) -> str:
    """Sites of genes that the part shares with its neighbours; absent where there are none."""
    return f"{WORK}/part-{part:05d}.cut.parquet"


def range_bed(number: int) -> str:
    """The BED of one range of the genome: BGZF blocks."""
    return f"{WORK}/range-{number:05d}.bed.blocks"


def range_bed_runs(number: int) -> str:
    """Where rows lie in it."""
    return f"{WORK}/range-{number:05d}.bed.runs"


def genes_table(stretch: str) -> str:
    """Rows of GENES without their ranks; a stretch is the genes of `part-00001` alone, or those cut at its end, `cut-00001`."""
    return f"{WORK}/{stretch}.genes.parquet"


def genes_strengths(stretch: str) -> str:
    """What these rows are ranked by, cut by miRNA; see run/ranks.py."""
    return f"{WORK}/{stretch}.strengths"


def genes_ranks(stretch: str) -> str:
    """The columns that all rows are needed for."""
    return f"{WORK}/{stretch}.ranks.parquet"


def genes_text(stretch: str) -> str:
    """The same rows with their ranks as text without headings: BGZF blocks."""
    return f"{WORK}/{stretch}.tsv.blocks"


def mirna_ranks(number: int) -> str:
    """Ranks of all pairs of some miRNAs, cut by stretch."""
    return f"{WORK}/mirnas-{number:05d}.ranks"


def part_levels(part: int) -> str:
    """Where a background ran: the sites of a part, counted by miRNA and level."""
    return f"{WORK}/part-{part:05d}.levels.parquet"


_STRETCH_ENDINGS = (
    *(".blocks", ".runs", ".places", ".cut.parquet", ".levels.parquet", ".rates"),
    *(".genes.parquet", ".strengths", ".ranks.parquet", ".ranks"),
)


def is_stretch(name: str) -> bool:
    """Whether a file is a stretch of a result or made on the way to one, of no use when the results are there."""
    return name.startswith(f"{WORK}/") and name.endswith(_STRETCH_ENDINGS)

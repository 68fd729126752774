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

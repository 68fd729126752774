"""Labelled pairs of a miRNA and a target site, as data.

read.py        files of pairs -> PAIRS table, whatever headings the study used
columns.py     its columns as arrays
clean.py       what a set must have; conflicts and duplicates
splits.py      train / validation by miRNA family, site cluster, chromosome, column or chance
leakage.py     what two sets share
hardness.py    how hard each pair is to learn; training pairs and labels by it

Negatives for any positives:

positives.py       distinct positives, the pool of miRNAs and their families
partners.py        a site with other miRNAs, a miRNA with other sites
elsewhere.py       other windows of the transcript or of any, shuffles of the site
known_sites.py     where positives lie on transcripts, what overlaps them
scan_negatives.py  candidates of a scan
negatives.py       the kinds, and the stream of them to a file
write.py           TSV or Parquet in batches
"""

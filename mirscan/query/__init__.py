"""Answers out of a finished run, by DuckDB over its Parquet files.

finished_run.py  open a run for reading; its tables as views
names.py         the names a user types -> genes and miRNAs of the run
select.py        filters, order and top N -> one SQL statement -> an Arrow table
pair.py          one gene and miRNA: sites, windows, duplex drawings; pair_text.py draws them for a terminal
compare.py       two runs side by side
formats.py       that table for a terminal, as TSV, BED, Parquet or JSON
"""

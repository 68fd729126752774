"""What a scan leaves behind: Parquet parts, BED and gene tables; everything streams and nothing is visible before it is whole."""

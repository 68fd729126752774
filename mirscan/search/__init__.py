"""Transcripts -> candidates: the kernels that read the seed table, streaming in bounded memory, features and filters."""

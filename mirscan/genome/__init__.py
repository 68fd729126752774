"""Genome and annotation: transcripts with their blocks, regions cut from them, and the way between transcript and genome."""

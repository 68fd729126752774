"""Letters and transcripts: FASTA files become packed arrays of base codes."""

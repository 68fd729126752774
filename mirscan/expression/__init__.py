"""What happens to mRNAs when a miRNA is added: tables of fold changes, the ids of their genes, the miRNAs of their experiments."""

"""What counts as a seed match: rules as data, the target words they accept, one lookup table for all of it."""

"""Batches: what a donor announces, what arrives, and the difference, explained."""

"""Papers: the one door to `labels/`."""

"""One scan, one action of one room; and the public passport behind each label."""

"""`make bench`: one table, each figure beside its raw limit, measured in the same run."""

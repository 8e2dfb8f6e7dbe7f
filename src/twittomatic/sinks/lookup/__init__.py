"""Keep each user's names and profiles in LMDB, with their history."""

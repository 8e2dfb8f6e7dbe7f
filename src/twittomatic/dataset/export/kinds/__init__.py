"""Kinds of files for tables: Parquet, CSV and JSON Lines, the latter two also compressed."""

"""Export a dataset: tables and graph files."""

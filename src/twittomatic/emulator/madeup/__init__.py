"""Synthetic data, reproducible from a seed."""

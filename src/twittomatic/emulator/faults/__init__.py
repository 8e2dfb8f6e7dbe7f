"""Injected faults, one module per layer."""

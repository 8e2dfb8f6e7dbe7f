"""Faults that the emulator injects, layer by layer."""

"""Measurements with bars: `python -m benchmarks.rpc`."""

"""Measurements with bars: `python -m benchmarks.rpc`, `benchmarks.attacks`, `benchmarks.storm`."""

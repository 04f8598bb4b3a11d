"""Whole clusters on one clock, with a modelled network and Hypothesis as the scheduler."""

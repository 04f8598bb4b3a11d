"""The two configuration files: text in, frozen settings or every error with its line out."""

from maasha.config.addresses import url
from maasha.config.edit import with_keys
from maasha.config.problems import ConfigurationErrors, Problem, Unfit
from maasha.config.rackd import RackdSettings, parse_rackd
from maasha.config.regiond import RegiondSettings, parse_regiond

__all__ = [
    "ConfigurationErrors",
    "Problem",
    "RackdSettings",
    "RegiondSettings",
    "Unfit",
    "parse_rackd",
    "parse_regiond",
    "url",
    "with_keys",
]

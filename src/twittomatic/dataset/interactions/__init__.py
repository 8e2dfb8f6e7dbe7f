"""Who retweets, quotes, mentions and answers whom, from the timelines.

A post refers to users (`references`). All references of a timeline to one user in one way are an interaction
(`aggregate`): how many there are, and when the first and the last of them were written.
"""

from twittomatic.dataset.interactions.aggregate import Interaction, read_interactions
from twittomatic.dataset.interactions.references import KINDS, Kind, Reference, references

__all__ = ["KINDS", "Interaction", "Kind", "Reference", "read_interactions", "references"]

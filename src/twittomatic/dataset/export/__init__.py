"""Write a dataset into files for other tools: tables, and graphs.

An output has a *table*, which its stem names, and a *kind*, its extension: `edges.parquet`. `names` reads
such a name, `choice` says which users and columns are wanted, `snapshot` is the dataset seen through this
choice, and `run` reads each table once and hands its batches to a writer for each output. `registry` lists
the tables and the kinds.
"""

from twittomatic.dataset.export.choice import Choice
from twittomatic.dataset.export.names import Format, parse_format
from twittomatic.dataset.export.run import Exported, Output, export

__all__ = ["Choice", "Exported", "Format", "Output", "export", "parse_format"]

"""Write a dataset into files for other tools: tables, and graphs.

The name of an output says what to write: its stem is a table or a graph, its extension the kind of file, as
in `edges.parquet`. `format` parses such names. A `Choice` selects users, edges and columns, and a `Snapshot`
is the dataset after this selection. `run` reads each table once and passes its batches to one writer per
output. `registry` lists the tables, the graphs and the kinds of files.
"""

from twittomatic.dataset.export.choice import Choice
from twittomatic.dataset.export.format import Format, parse_format
from twittomatic.dataset.export.run import Exported, Output, export

__all__ = ["Choice", "Exported", "Format", "Output", "export", "parse_format"]

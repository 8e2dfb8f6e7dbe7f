"""Pictures of the follow graph.

A `Picture` chooses the users to show (`choice`), computes their layout (`layout`) and finds their
communities; the result is a `Scene`. `png` draws it as an image: `raster` the edges, `labels` and `fonts` the
names, in the colors of `palette`. `page` writes it as HTML for a browser.
"""

from twittomatic.dataset.picture.picture import KINDS, SIZES, Picture, ReadProfiles
from twittomatic.dataset.picture.scene import Labels

__all__ = ["KINDS", "SIZES", "Labels", "Picture", "ReadProfiles"]

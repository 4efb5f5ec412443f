"""Which files of a source are images, and the class of each."""

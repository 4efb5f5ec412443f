"""The steps of `prepare`: from a folder of images to a catalogue with splits."""

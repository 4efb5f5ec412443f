"""The steps of `prepare`: from a listing to a catalogue whose splits are proven."""

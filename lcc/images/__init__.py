"""Image files as instruments and archives make them, decoded to sRGB pixels."""

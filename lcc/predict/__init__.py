"""The model in use: what it says of new images, and what leaves this project."""

"""The model, the augmentation, the one training loop and its checkpoints."""

"""Switches of what the network is trained on: augmentation, images, batches."""

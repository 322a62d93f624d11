"""Folders of pictures: which files belong to which class, and how they are decoded."""

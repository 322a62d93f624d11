"""Data of a user: folders of images, arrays, tables, tokens, spectrograms and data sets of other libraries."""

"""The measures of a study: one class of options a file, torch-free, each with its quantities, version and source."""

"""The documentation as a site: make site."""

project = "critlab"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "critlab"
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

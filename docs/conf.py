"""The documentation as a site: make site."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "critlab"
copyright = "The critlab authors"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "public_names",
    "command_pages",
    "notebooks",
]
exclude_patterns = ["_build", "_extensions"]
templates_path: list[str] = []
html_theme = "furo"
html_title = "critlab"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": True}
html_copy_source = False

myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3

# notebooks: every page with a kernel is run from top to bottom, and an error in a cell stops the build
nb_execution_mode = "cache"
nb_execution_timeout = 300
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_merge_streams = True

autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_default_options = {"exclude-members": "model_config, model_post_init, model_fields"}
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True
add_module_names = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

"""How Sphinx makes the site; `make docs` runs it on the pages that tools/site has put together."""

from __future__ import annotations

import sys
from pathlib import Path

# Pages are staged in build/docs/source, three folders below the project's.
PROJECT = next(
    folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file()
)
sys.path.insert(0, str(PROJECT))

from tools.project import repository, version as project_version  # noqa: E402, I001

project = "sidecar-magics"
author = "The sidecar-magics developers"
copyright = "The sidecar-magics developers"  # noqa: A001 - Sphinx calls it that
version = release = project_version()

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "tools.site.options",
]
exclude_patterns = ["data", "lesson.ipynb", "notebooks/data", "**.ipynb_checkpoints"]
nitpicky = False
# An option is written with two hyphens, not with a dash.
smartquotes = False

# Pages and notebooks: every cell runs, and an error that a cell does not announce ends the build.
myst_enable_extensions = ["colon_fence", "deflist", "html_image"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_show_tb = True
# It needs Spyglass, 1.7 GB; `make test-spyglass` runs it.
nb_execution_excludepatterns = ["notebooks/01_Spyglass.ipynb"]
nb_merge_streams = True
# Our errors have no traceback, and a statement in one is no Python.
nb_render_error_lexer = "text"

# The reference: what the docstrings say, without the types once more in the signatures.
default_role = "literal"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "pydata_sphinx_theme"
html_title = f"sidecar-magics {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {"changelog": [], "performance": []}
html_theme_options = {
    "icon_links": [
        {"name": "Source", "url": repository(), "icon": "fa-solid fa-code-branch"},
    ],
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "search_bar_text": "Search options, errors, pages",
}

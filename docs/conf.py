"""Sphinx configuration: ``sphinx-build -W docs build/docs``.

The lessons are run and the figures are drawn at every build: nothing shown can be out of date.
"""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

import memsim

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "memsim"
author = copyright = "the memsim authors"
version = release = memsim.__version__
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "commands",
    "drawn",
    "gallery",
    "lessons",
    "microscope",
    "peers",
    "playground",
    "registered",
]
source_suffix = {".md": "myst-nb"}
exclude_patterns = ["lessons/*.ipynb"]  # offered beside each lesson; the text is the page

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 2

nb_execution_mode = "force"
nb_execution_raise_on_error = nb_execution_show_tb = True
nb_execution_timeout = 300
nb_merge_streams = True
nb_code_prompt_show = "Show the solution"
nb_code_prompt_hide = "Hide the solution"

html_theme = "furo"
html_title = "memsim"
html_static_path = ["static"]
html_css_files = ["memsim.css"]
html_theme_options = {"navigation_with_keys": True}
html_copy_source = html_show_sourcelink = html_show_sphinx = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
nitpicky = False


def end_sessions(app: Sphinx, page: str, source: list[str]) -> None:
    """Drop the empty line that ends a session for doctest."""
    source[0] = re.sub(r"^(```pycon\n.*?)\n+```$", r"\1\n```", source[0], flags=re.M | re.S)


COMMAND = re.compile(r"memsim [a-z-]+(?: [A-Z]+)?(?: --[a-z-]+ [\w\\-]+)+")
"""A command in the prose of a page that memsim writes, for terminals too."""


def commands_as_code(app: Sphinx, page: str, source: list[str]) -> None:
    """Make code of the report's commands, or of two hyphens a dash would be made."""
    if page == "fidelity":
        source[0] = COMMAND.sub(lambda found: f"`{found[0]}`".replace("\\", ""), source[0])


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", end_sessions)
    app.connect("source-read", commands_as_code)

"""Slides of a lesson: ``jupyter nbconvert --to slides --config notebooks/slides.py LESSON.ipynb``.

A slide begins at every section, a slide below it at every subsection. What a class should not see
yet, or at all, is left out: solutions, checks (both by their tags), the cell that installs memsim.
"""

import re

from nbconvert.preprocessors import Preprocessor

LEFT_OUT = {"remove-cell", "hide-cell"}
KINDS = {"#": "slide", "##": "slide", "###": "subslide"}


class BySection(Preprocessor):
    """Cells as slides."""

    def preprocess(self, notebook, resources):
        cells = []
        for cell in notebook.cells:
            if LEFT_OUT.isdisjoint(cell.metadata.get("tags", ())) and "%pip" not in cell.source:
                cells += _parts(cell)
        notebook.cells = cells
        return notebook, resources


def _parts(cell):
    """A cell as it is; one of text cut at its headings."""
    texts = [cell.source]
    if cell.cell_type == "markdown":
        texts = [text for text in re.split(r"^(?=#{1,3} )", cell.source, flags=re.M) if text]
    for number, text in enumerate(texts):
        part = cell.copy()
        if number and "id" in cell:
            part.id = f"{cell.id}-{number}"
        mark = text.split(" ")[0] if cell.cell_type == "markdown" else ""
        part.source, part.metadata = text.strip(), cell.metadata.copy()
        part.metadata["slideshow"] = {"slide_type": KINDS.get(mark, "-")}
        yield part


c = get_config()  # noqa: F821  # what Jupyter gives a file of settings
c.SlidesExporter.preprocessors = [BySection]
c.SlidesExporter.exclude_input_prompt = c.SlidesExporter.exclude_output_prompt = True
c.SlidesExporter.reveal_scroll = True

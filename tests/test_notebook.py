"""The notebook of the docs runs as it stands, in a kernel of its own."""

import re
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
nbformat = pytest.importorskip("nbformat")

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"


def shown(notebook):
    """What the cells show as text, without colours."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [re.sub(r"\x1b\[[\d;]*m", "", output["data"]["text/plain"]) for output in outputs]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the kernel's libraries
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_notebook_runs_and_shows_what_is_kept_of_it(tmp_path):
    kept = nbformat.read(NOTEBOOK, as_version=4)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    table, frame = shown(notebook)
    assert table.count("pure_rl") == 4
    for now, before in zip((table, frame), shown(kept), strict=True):
        assert now.splitlines()[0].split() == before.splitlines()[0].split()  # its head, or its shape
    assert list(tmp_path.iterdir()) == []

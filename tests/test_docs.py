"""The documentation is whole, and what it shows runs."""

import re
from pathlib import Path

import pytest

import regimax as rx
from regimax import jobs
from regimax.cli import main
from regimax.sweep.plan import make_plan

DOCS = Path(__file__).parents[1] / "docs"
NAV = (DOCS.parent / "mkdocs.yml").read_text().partition("nav:")[2]
ROOMS = ("envs", "channels", "networks", "learners", "sources", "regimes", "probes", "report")
CONSTANTS = {"ILLEGAL", "PARTNERS", "PLACES", "HUMAN", "HUMAN_SCALED", "EFFORTS"}


def test_every_page_has_a_place():
    pages = {str(page.relative_to(DOCS)) for kind in ("md", "ipynb") for page in DOCS.rglob(f"*.{kind}")}
    assert pages == set(re.findall(r": (\S+\.(?:md|ipynb))", NAV))


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_is_in_the_reference(room):
    told = re.findall(rf"::: regimax\.{room}\.(\w+)", (DOCS / "reference" / f"{room}.md").read_text())
    public = set(getattr(rx, room).__all__) - CONSTANTS
    assert public <= set(told)
    assert set(told) - public <= {"statistics"}


def blocks(page, language="python"):
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def test_the_sweep_of_ones_own_shares_its_pretraining(capsys):
    names = {}
    for block in blocks("sweeps.md"):
        exec(compile(block, "sweeps.md", "exec"), names)
    plan = make_plan(names["sweep"])
    pretraining = [stage for stage in plan.stages.values() if stage.phase == "pretrain"]
    assert len(pretraining) == 2 * 2 * 8  # predicted and sham, at two numbers of looks, in eight worlds


def test_channels_of_the_page_are_planned():
    for block in blocks("channels.md"):
        names = {}
        exec(compile(block, "channels.md", "exec"), names)
        assert make_plan(names["sweep"]).cells


def test_everything_there_is_for_clusters_is_told_and_shown():
    page = (DOCS / "clusters.md").read_text()
    for name, path in jobs.files().items():
        assert f"--like {name} " in page
        assert f'--8<-- "src/regimax/jobs/{path.name}"' in page


COMMANDS = {
    tuple(word.strip("[]") for word in command.partition("#")[0].split()[1:])
    for page in ("../README.md", "start.md", "sweeps.md", "clusters.md", "throughput.md", "claims.md", "calibration.md")
    for block in blocks(page, "(?:bash)?")
    for line in re.sub(r"   +.*", "", block, flags=re.MULTILINE).splitlines()
    for command in map(str.strip, line.split(";"))
    if command.startswith("regimax ")
}


@pytest.mark.parametrize("command", sorted(COMMANDS), ids=" ".join)
def test_every_command_that_is_shown_has_its_options(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command[0], "--help"])
    assert ended.value.code == 0
    options = [word for word in command if word.startswith("--")]
    text = capsys.readouterr().out
    assert all(option in text for option in options)


def test_what_is_to_be_cited_is_this_version():
    told = dict(re.findall(r"(?m)^(\w[\w-]*): (.+)$", (DOCS.parent / "CITATION.cff").read_text()))
    assert (told["version"], told["type"], told["license"]) == (rx.__version__, "software", "Apache-2.0")


def test_the_sweep_of_continuous_actions_is_one_program():
    pytest.importorskip("gymnax")
    [block], names = blocks("continuous.md"), {}
    exec(compile(block, "continuous.md", "exec"), names)
    plan = make_plan(names["sweep"])
    assert (len(plan.cells), len(plan.programs)) == (16, 1)

"""Scripts and descriptions for clusters say what SLURM, Ray, Kubernetes and `regimax` understand."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from regimax import jobs
from regimax.cli import main

FILES = jobs.files()
SCRIPTS = {name: path for name, path in FILES.items() if path.suffix == ".sbatch"}
RAY_JOBS = {name: path for name, path in FILES.items() if path.suffix == ".yaml"}
RAY_JOB = json.loads((Path(__file__).parent / "rayjob.json").read_text())
"""The schema of RayJob's resource definition, ray.io/v1 of KubeRay 1.7 (Apache 2.0), without what is told of its fields
and without what pods may have besides."""
KINDS = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_shell_understands_the_scripts(name):
    assert subprocess.run(["bash", "-n", SCRIPTS[name]], check=False).returncode == 0


@pytest.mark.parametrize("name", SCRIPTS)
def test_nothing_is_found_wrong_with_the_scripts(name):
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    found = subprocess.run(["shellcheck", SCRIPTS[name]], capture_output=True, text=True, check=False)
    assert found.stdout == ""


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_put_into_the_queue_again_and_goes_on(name):
    asked = re.findall(r"^#SBATCH --([\w-]+)(?:=(\S+))?$", SCRIPTS[name].read_text(), re.MULTILINE)
    assert {"requeue", "signal", "time", "cpus-per-task"} < dict(asked).keys()
    assert "open-mode" in dict(asked)  # or what was said before is gone
    seconds = int(dict(asked)["signal"].partition("@")[2])
    assert seconds > 60 + 60  # a worker commits in a minute at most, and so long its driver waits for it


def wrong(found, schema, where="rayjob"):
    """What of a description the schema does not know."""
    if isinstance(found, bool) and schema.get("type") in ("integer", "number"):
        return [f"{where} is {found}"]
    if schema.get("x-kubernetes-int-or-string"):
        return [] if isinstance(found, int | str) else [f"{where} is {found!r}"]
    if "type" in schema and not isinstance(found, KINDS[schema["type"]]):
        return [f"{where} is no {schema['type']}: {found!r}"]
    if "enum" in schema and found not in schema["enum"]:
        return [f"{where} is {found!r}"]
    if isinstance(found, list):
        return [one for i, item in enumerate(found) for one in wrong(item, schema.get("items", {}), f"{where}[{i}]")]
    if not isinstance(found, dict):
        return []
    known, more = schema.get("properties", {}), schema.get("additionalProperties")
    lacks = [f"{where} lacks {name}" for name in schema.get("required", ()) if name not in found]
    if not known and more is None:
        return lacks
    unknown = [f"{where}.{name} is not known" for name in found if name not in known and more is None]
    inside = [wrong(one, known.get(name, more or {}), f"{where}.{name}") for name, one in found.items()]
    return lacks + unknown + [one for ones in inside for one in ones]


@pytest.mark.parametrize("name", RAY_JOBS)
def test_kuberay_knows_all_fields(name):
    found = yaml.safe_load(RAY_JOBS[name].read_text())
    assert (found["apiVersion"], found["kind"]) == ("ray.io/v1", "RayJob")
    assert wrong(found, RAY_JOB) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("backoffLimit:", "backoffLimits:", "spec.backoffLimits is not known"),
        ("replicas: 4\n", "replicas: four\n", "replicas is no integer"),
        ("shutdownAfterJobFinishes: true", "shutdownAfterJobFinishes: 1", "is no boolean"),
        ('num-cpus: "0"', "num-cpus: 0", "num-cpus is no string"),
        ("mountPath:", "mount:", "volumeMounts[0] lacks mountPath"),
        ("- groupName: workers\n        replicas: 4", "- replicas: 4", "workerGroupSpecs[0] lacks groupName"),
    ],
)
def test_the_schema_finds_what_is_wrong(old, new, told):
    text = RAY_JOBS["kuberay"].read_text()
    assert old in text
    assert any(told in one for one in wrong(yaml.safe_load(text.replace(old, new)), RAY_JOB))


@pytest.mark.parametrize("name", RAY_JOBS)
def test_pods_see_the_same_storage_and_run_the_same_image(name):
    spec = yaml.safe_load(RAY_JOBS[name].read_text())["spec"]
    cluster = spec["rayClusterSpec"]
    pods = [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]
    assert len({pod["containers"][0]["image"] for pod in pods}) == 1
    for pod in pods:
        [container], [volume] = pod["containers"], pod["volumes"]
        [mount] = container["volumeMounts"]
        assert volume["name"] == mount["name"]
        words = spec["entrypoint"].split()
        assert all(words[i].startswith(mount["mountPath"] + "/") for i in (2, words.index("--out") + 1))
        resources = container["resources"]
        assert resources["limits"].items() >= {key: resources["requests"][key] for key in resources["limits"]}.items()
    assert cluster["rayVersion"] in RAY_JOBS[name].read_text().partition("apiVersion")[0]


@pytest.mark.parametrize("name", FILES)
def test_what_is_typed_there_has_its_options(name, capsys):
    text = FILES[name].read_text()
    typed = re.findall(r"regimax (run|merge)\b(.*)", text)
    assert typed
    for command, rest in typed:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        shown = capsys.readouterr().out
        assert all(option in shown for option in re.findall(r"(?<=\s)--[\w-]+", rest))


@pytest.mark.parametrize("name", FILES)
def test_a_new_job_says_its_own_name(name, capsys):
    assert main(["new", "mine", "--like", name]) == 0
    [file] = Path().iterdir()
    assert (file.stem, file.suffix) == ("mine", FILES[name].suffix)
    head = re.findall(rf"\S+{FILES[name].suffix}", file.read_text())
    assert set(head) == {file.name}
    before = file.read_text()
    assert main(["new", file.name, "--like", name]) == 2
    assert "exists, and is left as it is" in capsys.readouterr().err
    assert file.read_text() == before

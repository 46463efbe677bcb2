"""What a cluster is given: manifests that fit Kubernetes' own schemas, and say the same as the compose file."""

import re
import shlex
from itertools import chain
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.product import ROOT
from tests.test_docs import read

FOLDER = ROOT / "docker" / "kubernetes"
PARTS = ("web", "worker", "importer", "scheduler", "bridge")


def rendered(folder: Path) -> list[dict[str, Any]]:
    """All that a kustomization names, itself and through others."""
    named = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    paths = [(folder / name).resolve() for name in named]
    return list(chain.from_iterable(rendered(one) if one.is_dir() else documents(one) for one in paths))


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


ALL = rendered(FOLDER / "with-mqtt")
DEPLOYMENTS = {one["metadata"]["name"]: one for one in ALL if one["kind"] == "Deployment"}
PODS = {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in ALL if "template" in one.get("spec", {})}


def test_nothing_lies_there_that_no_kustomization_names():
    files = [path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml"]
    assert sum(len(documents(path)) for path in files) == len(ALL)
    assert set(DEPLOYMENTS) == set(PARTS)


@pytest.mark.parametrize("version", ["1.32", kubernetes_validate.latest_version().rpartition(".")[0]])
def test_each_fits_kubernetes_own_schema(version):
    for one in ALL:
        kubernetes_validate.validate(one, version, strict=True)


def test_a_field_that_is_misspelt_is_found():
    wrong = {**DEPLOYMENTS["web"], "spec": {**DEPLOYMENTS["web"]["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.32", strict=True)


@pytest.mark.parametrize("name", [*PARTS, "prepare"])
def test_each_process_has_limits_and_no_more_rights_than_it_needs(name):
    pod = PODS[name]
    assert (pod["securityContext"]["runAsNonRoot"], pod["automountServiceAccountToken"]) == (True, False)
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        assert container["image"] == "sightline"
        assert set(container["resources"]["requests"]) == set(container["resources"]["limits"]) == {"cpu", "memory"}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False


@pytest.mark.parametrize("name", PARTS)
def test_each_is_seen_to_hang_and_is_not_taken_away_all_at_once(name):
    (container,) = PODS[name]["containers"]
    said = {one["name"]: one["value"] for one in container["env"]}
    assert said["SIGHTLINE_PROCESS"] == name
    assert said["SIGHTLINE_BEAT_FILE"] in container["livenessProbe"]["exec"]["command"][-1]
    budgets = [one for one in ALL if one["kind"] == "PodDisruptionBudget" and one["metadata"]["name"] == name]
    labels = DEPLOYMENTS[name]["spec"]["template"]["metadata"]["labels"]
    assert [one["spec"]["selector"]["matchLabels"] for one in budgets] == [labels]
    assert DEPLOYMENTS[name]["spec"]["selector"]["matchLabels"] == labels


def test_people_are_sent_to_a_web_that_answers():
    (service,) = [one for one in ALL if one["kind"] == "Service"]
    assert service["spec"]["selector"] == DEPLOYMENTS["web"]["spec"]["template"]["metadata"]["labels"]
    probe = PODS["web"]["containers"][0]["readinessProbe"]["httpGet"]
    assert (probe["path"], probe["port"]) == ("/healthz/", "http")
    assert {"name": "Host", "value": "localhost"} in probe["httpHeaders"]
    (settings,) = [one for one in ALL if one["kind"] == "ConfigMap"]
    assert "localhost" in settings["data"]["ALLOWED_HOSTS"].split(",")


def test_each_does_what_the_compose_file_has_it_do():
    services = yaml.safe_load(read("docker/compose.yaml"))["services"]
    for name, pod in PODS.items():
        ours = pod["containers"][0].get("command")
        theirs = services[name].get("command")
        assert ours == (theirs and [re.sub(r"\$\{\w+:-(\w+)\}", r"\1", one) for one in theirs]), name
    assert "--workers" not in shlex.join(PODS["web"]["containers"][0].get("args", []))


def test_each_setting_is_one_and_each_secret_is_told_of():
    documented = set(re.findall(r"`([A-Z][A-Z_]+)`", read("docs/settings.md")))
    (settings,) = [one for one in ALL if one["kind"] == "ConfigMap"]
    own = {one["name"] for pod in PODS.values() for one in pod["containers"][0].get("env", [])}
    assert set(settings["data"]) | own <= documented | {"SIGHTLINE_PROCESS", "SIGHTLINE_BEAT_FILE"}
    guide = read("docs/deployment.md")
    for secret in ("sightline", "sightline-keys"):
        assert f"create secret generic {secret} " in guide

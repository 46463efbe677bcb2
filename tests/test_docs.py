"""The docs can't lie: what exists is documented, and what is documented exists."""

import os
import re
import subprocess
import sys
import tomllib

import pytest
from django.urls import get_resolver

from tests.product import ROOT


def read(name: str) -> str:
    return (ROOT / name).read_text()


def variables_read() -> set[str]:
    """Every environment variable that the product's code names."""
    found = set()
    for path in [
        ROOT / "manage.py",
        *(p for room in ("mpsite", "cases", "matching", "edge_client") for p in (ROOT / room).rglob("*.py")),
    ]:
        source = path.read_text()
        found |= set(re.findall(r'(?:environ\.get\(|environ\[|_list\()\s*"([A-Z_]+)"', source))
    return found - {"XDG_RUNTIME_DIR", "DJANGO_SETTINGS_MODULE", "NOTIFY_SOCKET"}


def test_every_setting_is_documented_and_every_documented_one_exists():
    documented = set(re.findall(r"`([A-Z][A-Z_]+)`", read("docs/settings.md")))
    assert variables_read() <= documented
    # What boto3 reads by itself.
    of_libraries = {name for name in documented if name.startswith("AWS_")}
    assert documented - variables_read() - of_libraries == {"SIGHTLINE_URL", "SIGHTLINE_TEST_PACK"}


# What the image and the compose file themselves decide.
OF_THE_CONTAINER = {"HOST", "PORT", "SIGHTLINE_DATA", "SIGHTLINE_TOKEN", "SIGHTLINE_URL", "SIGHTLINE_TEST_PACK"}
OF_THE_CONTAINER |= {"ADMIN_PASSWORD"}  # `make run` asks for it; here `createsuperuser` does


def test_the_compose_file_passes_on_every_setting():
    table = [line for line in read("docs/settings.md").splitlines() if line.startswith("| `")]
    documented = {name for line in table for name in re.findall(r"`([A-Z][A-Z_]+)`", line.split("|")[1])}
    passed = set(re.findall(r"^ +([A-Z][A-Z_]+):", read("docker/compose.yaml"), re.MULTILINE))
    passed |= set(re.findall(r"\$\{([A-Z][A-Z_]+)", read("docker/compose.yaml")))
    assert documented - OF_THE_CONTAINER - passed == set()


def test_every_command_is_documented():
    written = read("docs/models.md") + read("README.md") + read("docs/architecture.md")
    for path in ROOT.glob("*/management/commands/[a-z]*.py"):
        assert f"`{path.stem}`" in written or f"manage.py {path.stem}" in written, path.stem


@pytest.mark.parametrize(
    "option", re.findall(r'add_argument\(\s*"(--[a-z-]+)"', (ROOT / "edge_client/__main__.py").read_text())
)
def test_every_option_of_the_edge_client_is_documented(option):
    assert f"`{option}`" in read("docs/edge.md")


def test_every_api_path_is_documented():
    from matching.api.urls import router

    names = {prefix for prefix, *_ in router.registry} | {"captures", "clips", "heartbeats", "map", "pair"}
    names |= {"reports", "rotate", "time", "token"}
    assert set(re.findall(r"`/api/v1/([a-z]+)/`", read("docs/api.md"))) == names
    assert get_resolver().resolve("/api/docs/")


def test_every_dependency_has_its_reason():
    project = tomllib.loads(read("pyproject.toml"))
    table = read("docs/dependencies.md")
    for requirement in [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]:
        name = re.split(r"[<>=\[ ]", requirement)[0]
        assert name in table, name


# Folders and files that every Django project has, and whose names say all.
UNNAMED = ("__init__", "__main__", "apps", "urls", "forms", "migrations", "management", "views", "api", "templatetags")


def test_the_rooms_of_the_architecture_page_stand():
    page = read("docs/architecture.md")
    for room in ("cases", "matching", "edge_client"):
        for path in [*(ROOT / room).glob("*.py"), *(ROOT / room).glob("[a-z]*/[a-z]*.py")]:
            if path.parent.name not in UNNAMED and path.stem not in UNNAMED:
                assert path.name in page or f"{path.stem}/" in page, path
    for name in re.findall(r"\b([a-z_]+\.py)\b", page):
        assert list(ROOT.glob(f"[!.]*/**/{name}")) or (ROOT / name).exists(), name


def test_the_lock_files_name_no_host_and_every_package_has_a_hash():
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = read(name)
        assert "://" not in text
        for block in re.split(r"\n(?=\S)", text.strip()):
            assert "--hash=sha256:" in block, block[:60]


def test_the_stand_in_for_a_registry_starts_without_what_only_tests_need():
    """docs/imports.md has people try an import with it in the environment that `make run` makes."""
    code = "import sys, django; sys.modules['pytest'] = None; django.setup(); import tests.registries, tests.faces"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "mpsite.settings"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def anchors(text: str) -> set[str]:
    """As a page makes them of its headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_link_of_the_documents_leads_somewhere():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", page.read_text()):
            name, _, anchor = target.partition("#")
            path = (page.parent / name).resolve() if name else page
            assert path.exists(), f"{page.name}: {target}"
            assert not anchor or anchor in anchors(path.read_text()), f"{page.name}: {target}"

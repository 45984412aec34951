"""The documentation tells what is there: links, commands, parameters, alarms, controls."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import botocore.session
import click
import pytest
from botocore import xform_name

from console import documenting
from console.cli import cli
from embedded.template import ROOT, load

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
OPERATIONS = ROOT / "docs" / "operations.md"

FENCE = re.compile(r"^```[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
SCRIPT = re.compile(r"(?<![\w/.])scripts/([\w.-]*\w)")
ROW = re.compile(r"^\| *`([^`]+)` *\| *(.*?) *\|$", re.MULTILINE)

SHELL = {">", "|", "&&"}
"""What ends a command."""

CLI_OPTIONS = {"--query", "--output", "--region", "--profile", "--max-items", "--cli-binary-format"}
"""Options that every command of the AWS CLI has, or every one that lists."""

CLI_COMMANDS = {("s3", "cp"), ("sso", "login")}
"""Commands of the AWS CLI that are no operation of an API."""


def page(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(text: str) -> str:
    return FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings."""
    told = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(prose(text)))
    return {heading.strip().replace(" ", "-") for heading in told}


def dead_links(path: Path, text: str) -> Iterator[str]:
    """Links to files that are not there, or to headings that they do not have."""
    for link in LINK.findall(prose(text)):
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if "://" in link:
            continue
        if not target.exists():
            yield f"{link}: is not there"
        elif anchor and anchor not in anchors(target.read_text("utf-8") if name else text):
            yield f"{link}: has no such heading"


def commands(text: str, *names: str) -> Iterator[list[str]]:
    """The shell commands in a text that begin with one of the names, without it."""
    fenced = "\n".join(FENCE.findall(text)).replace("\\\n", " ").splitlines()
    for line in [*fenced, *INLINE.findall(prose(text))]:
        words = line.strip().removeprefix("$ ").partition(" ")
        if words[0] in names and words[2]:
            yield list(
                takewhile(lambda one: one not in SHELL, shlex.split(words[2], comments=True))
            )


def misused(command: click.Command, arguments: Sequence[str]) -> str:
    """What is wrong with a command line, told as click would; nothing is run or looked up."""
    context = click.Context(command, allow_interspersed_args=not isinstance(command, click.Group))
    try:
        given, rest, order = command.make_parser(context).parse_args(list(arguments))
        for parameter in {one for one in order if isinstance(one, click.Option)}:
            parameter.type_cast_value(context, given[str(parameter.name)])
        if isinstance(command, click.Group) and rest:
            _, inner, left = command.resolve_command(context, rest)
            return misused(inner, left) if inner else f"no command {rest[0]}"
        if rest:
            return f"too much: {' '.join(rest)}"
    except click.ClickException as error:
        return error.format_message()
    return ""


def unknown_to_aws(arguments: Sequence[str]) -> str:
    """What an AWS CLI command names that botocore's models do not have."""
    service, name, *rest = [*arguments, "", ""]
    if (service, name) in CLI_COMMANDS:
        return ""
    session = botocore.session.get_session()
    if service not in session.get_available_services():
        return f"{service}: no service"
    model = session.get_service_model(service)
    operation = next((o for o in model.operation_names if xform_name(o, "-") == name), "")
    if not operation:
        return f"{service} {name}: no operation"
    shape: Any = model.operation_model(operation).input_shape
    known = {f"--{xform_name(member, '-')}" for member in shape.members} | CLI_OPTIONS
    told = {one.replace("--no-", "--") for one in rest if one.startswith("--")}
    required = {f"--{xform_name(member, '-')}" for member in shape.required_members}
    odd = sorted(told - known) + [f"needs {one}" for one in sorted(required - told) if told]
    return f"{service} {name}: {', '.join(odd)}" if odd else ""


def not_in_contents(text: str) -> Iterator[str]:
    """Sections that no link above the first one leads to."""
    above, *sections = re.split(r"^## ", prose(text), flags=re.MULTILINE)
    for heading in (section.partition("\n")[0] for section in sections):
        [anchor] = anchors(f"## {heading}")
        if f"](#{anchor})" not in above:
            yield heading


def told_twice(text: str) -> Iterator[str]:
    """Alarms with more than one row: nobody knows which of them holds."""
    section = text.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    names = [name for name, _ in ROW.findall(section)]
    yield from sorted({name for name in names if names.count(name) > 1})


def rows(text: str, heading: str) -> dict[str, list[str]]:
    """The rows of the tables under a heading, by the code in their first cell."""
    section = re.split(r"^## ", text.partition(f"\n## {heading}\n")[2], flags=re.MULTILINE)[0]
    return {name: re.split(r" *(?<!\\)\| *", rest) for name, rest in ROW.findall(section)}


def undocumented_parameters(text: str) -> Iterator[str]:
    """Parameters without a row that tells their default, and rows of no parameter."""
    parameters, told = load().written["Parameters"], rows(text, "Install")
    yield from (f"{name}: is no parameter" for name in told if name not in parameters)
    for name, one in parameters.items():
        default = f"`{one['Default']}`" if one["Default"] != "" else "none"
        if told.get(name, [""])[0] != default or not told[name][1]:
            yield f"{name}: no row with its default {default}"


def undocumented_alarms(text: str) -> Iterator[str]:
    """Alarms without a row that tells what happened and what to do, and rows of no alarm."""
    told = rows(text, "Alarms")
    names = {
        str(one["Properties"]["AlarmName"]["Fn::Sub"]).removeprefix("${AWS::StackName}-")
        for one in load().of_type("AWS::CloudWatch::Alarm").values()
    }
    yield from (f"{name}: is no alarm" for name in told if name not in names)
    if f"| alarms | {len(names)} \u00d7 " not in text:
        yield f"cost: there are {len(names)} alarms"
    for name in sorted(names):
        if len([cell for cell in told.get(name, []) if cell]) != 2:
            yield f"{name}: no row that says what happened and what to do"


def test_the_page_of_controls_is_fresh() -> None:
    """docs/controls.md is what scripts/docs writes."""
    assert documenting.FILE.read_text("utf-8") == documenting.document()


def test_scripts_docs_tells_a_stale_page_and_writes_a_fresh_one(tmp_path: Path) -> None:
    """With --check nothing is written."""
    file = tmp_path / "controls.md"
    file.write_text("stale", "utf-8")
    assert documenting.main(["--check"], file) == 1
    assert file.read_text("utf-8") == "stale"
    assert documenting.main([], file) == 0
    assert documenting.main(["--check"], file) == 0


@pytest.mark.parametrize("path", PAGES, ids=page)
def test_every_link_leads_somewhere(path: Path) -> None:
    """Within the project, to the heading."""
    assert list(dead_links(path, path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", PAGES, ids=page)
def test_every_command_of_ours_is_one(path: Path) -> None:
    """The command is there, with its options and what they take."""
    found = commands(path.read_text("utf-8"), "steward", "scripts/steward")
    problems = {shlex.join(one): misused(cli, one) for one in found}
    assert {command: problem for command, problem in problems.items() if problem} == {}


@pytest.mark.parametrize("path", PAGES, ids=page)
def test_every_command_of_the_aws_cli_is_one(path: Path) -> None:
    """By botocore's models, with the options it needs."""
    found = map(unknown_to_aws, commands(path.read_text("utf-8"), "aws"))
    assert [problem for problem in found if problem] == []


@pytest.mark.parametrize("path", PAGES, ids=page)
def test_every_script_is_there(path: Path) -> None:
    """What is called scripts/X is a file or a folder."""
    named = set(SCRIPT.findall(path.read_text("utf-8")))
    assert {name for name in named if not (ROOT / "scripts" / name).exists()} == set()


def test_every_parameter_is_told_with_its_default() -> None:
    """In docs/operations.md, and none that the template does not have."""
    assert list(undocumented_parameters(OPERATIONS.read_text("utf-8"))) == []


def test_every_alarm_is_told_with_what_to_do() -> None:
    """In docs/operations.md, and none that the template does not have."""
    assert list(undocumented_alarms(OPERATIONS.read_text("utf-8"))) == []


def test_every_section_is_in_the_table_of_contents() -> None:
    """Of docs/operations.md, which nobody reads from end to end."""
    text = OPERATIONS.read_text("utf-8")
    assert list(not_in_contents(text)) == []
    assert list(not_in_contents(text.replace("](#limits-of-apis)", ""))) == ["Limits of APIs"]


def test_every_alarm_has_one_row() -> None:
    """Two would say different things sooner or later."""
    text = OPERATIONS.read_text("utf-8")
    assert list(told_twice(text)) == []
    again = text.replace("| `exhausted` |", "| `bad-policy` |")
    assert list(told_twice(again)) == ["bad-policy"]


def test_contributors_are_told_the_layers_that_import_linter_holds() -> None:
    """In the contract's order."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contract, *_ = settings["tool"]["importlinter"]["contracts"]
    chain = " > ".join(contract["layers"]).replace("steward.", "")
    assert f"`{chain}`" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("[a](#b)", "#b: has no such heading", id="no heading in the page"),
        pytest.param("[a](LICENSE#b)", "LICENSE#b: has no such heading", id="nor in another"),
        pytest.param("[a](no/file.md)", "no/file.md: is not there", id="no file"),
    ],
)
def test_a_dead_link_is_noticed(text: str, problem: str) -> None:
    """The check itself can fail."""
    assert list(dead_links(ROOT / "README.md", text)) == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("```\n$ steward sweeps\n```", "No such command 'sweeps'.", id="no command"),
        pytest.param("`scripts/steward sweep --al`", "No such option '--al'.", id="no option"),
        pytest.param("`steward policy list`", "No such command 'list'.", id="no inner command"),
        pytest.param("`steward changes --limit a`", "'a' is not a valid", id="no number"),
        pytest.param("`steward doctor now`", "too much: now", id="an argument too many"),
        pytest.param("`steward --stack`", "requires an argument", id="no value"),
    ],
)
def test_a_command_that_is_none_is_noticed(text: str, problem: str) -> None:
    """The check itself can fail, and says what is wrong."""
    [found] = commands(text, "steward", "scripts/steward")
    assert problem in misused(cli, found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("`aws sns list`", "sns list: no operation", id="no operation"),
        pytest.param("`aws parameters list`", "parameters: no service", id="no service"),
        pytest.param("`aws ssm put-parameter --key a`", "--key, needs --name", id="no option"),
    ],
)
def test_an_aws_command_that_is_none_is_noticed(text: str, problem: str) -> None:
    """The check itself can fail, and says what is wrong."""
    [found] = commands(text, "aws")
    assert problem in unknown_to_aws(found)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param("| `KmsKeyArn` |", "| `Key` |", "KmsKeyArn: no row", id="no parameter"),
        pytest.param("| `26` |", "| `25` |", "HeartbeatHours: no row", id="another default"),
        pytest.param("| alarms | ", "| alarms | 9", "cost: there are ", id="another cost"),
        pytest.param("| `exhausted` |", "| `tired` |", "tired: is no alarm", id="no alarm"),
        pytest.param("Somebody aborted an execution", "", "sweep-aborted: no row", id="empty"),
    ],
)
def test_what_is_not_told_is_noticed(old: str, new: str, problem: str) -> None:
    """The checks themselves can fail."""
    text = OPERATIONS.read_text("utf-8").replace(old, new)
    found = [*undocumented_parameters(text), *undocumented_alarms(text)]
    assert any(one.startswith(problem) for one in found)

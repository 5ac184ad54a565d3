"""The command that lists the tasks, with their parameters as the shell takes them."""

import click

from asyncinweb.commands.command_context import CommandContext, as_json, print_json, with_tasks
from asyncinweb.logs import harmless
from asyncinweb.tasks.inputs.fields import FormField
from asyncinweb.tasks.loading import load

KINDS = {
    "text": "text",
    "paragraph": "text",
    "integer": "a whole number",
    "number": "a number",
    "checkbox": "yes or no",
    "date": "a date",
    "time": "a time",
    "datetime": "a date and time",
    "duration": "a duration, such as 1 h 30 min",
    "json": "JSON",
    "secret": "a secret",
    "file": "a file, as @path",
}
LONGEST_DEFAULT = 24


@click.command("tasks")
@with_tasks
@as_json
def tasks_command(tasks: tuple[str, ...], as_json: bool) -> None:
    """List the tasks and their parameters."""
    registry = load(CommandContext(None, tasks).settings.tasks)
    if as_json:
        print_json(
            [
                {"name": task.name, "title": task.title, "arguments": task.inputs.model.model_json_schema()}
                for task in registry.tasks.values()
            ]
        )
        return
    for task in registry.tasks.values():
        click.echo(harmless(f"{task.name}: {task.title}"))
        for leaf in task.inputs.leaves.values():
            click.echo(harmless(f"    {f'{leaf.name}={_default(leaf)}':30}  {_facts(leaf)}"))


def _default(leaf: FormField) -> str:
    """What a parameter defaults to, in one short line; "…" if it has no default."""
    if leaf.required:
        return "…"
    if leaf.kind == "checkbox":
        return "yes" if any(leaf.default) else "no"
    text = " ".join(" ".join(leaf.default).split())
    return text if len(text) <= LONGEST_DEFAULT else text[: LONGEST_DEFAULT - 1] + "…"


def _facts(leaf: FormField) -> str:
    """What a parameter accepts."""
    facts = [
        ", ".join(choice.text for choice in leaf.choices) or KINDS[leaf.kind],
        " or ".join(leaf.accept.suffixes),
        _range(leaf.minimum, leaf.maximum),
        "can be repeated" if leaf.multiple else "",
    ]
    return ", ".join(fact for fact in facts if fact)


def _range(least: str, most: str) -> str:
    if least and most:
        return f"{least} to {most}"
    return f"at least {least}" if least else f"at most {most}" if most else ""

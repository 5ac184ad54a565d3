"""The API's tasks."""

from flask import Response

from asyncinweb.web.api.blueprint import answer_json, operation
from asyncinweb.web.api.models import KnownTask, TaskList
from asyncinweb.web.installation import installation


@operation("GET", "/tasks", answer=TaskList)
def tasks() -> Response:
    """List the tasks, with the JSON Schema of their arguments."""
    found = [
        KnownTask(
            name=task.name,
            title=task.title,
            help=task.help,
            priority=task.options.priority,
            arguments=task.inputs.model.model_json_schema(by_alias=True),
        )
        for task in installation().registry.visible
    ]
    return answer_json(TaskList(tasks=found))

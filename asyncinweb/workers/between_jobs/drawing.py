"""What matplotlib keeps for the whole process: pyplot's figures, and settings such as a style."""

import sys
from types import ModuleType


class Drawing:
    """matplotlib's settings when this object is created, or its initial ones if a job imports it later."""

    def __init__(self) -> None:
        self._settings: dict[str, object] | None = None
        self._remember("rcParams")

    def put_back(self) -> None:
        """Close the figures that pyplot keeps and undo changed settings."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None and pyplot.get_fignums():
            pyplot.close("all")
        matplotlib = self._remember("rcParamsOrig")
        if matplotlib is None or self._settings is None:
            return
        # Found by pyplot when it is first used.
        self._settings["backend"] = dict.get(matplotlib.rcParams, "backend")
        if not dict.__eq__(matplotlib.rcParams, self._settings):
            # Bypasses the checks of rcParams, which warn about old settings.
            dict.clear(matplotlib.rcParams)
            dict.update(matplotlib.rcParams, self._settings)

    def _remember(self, name: str) -> ModuleType | None:
        matplotlib = sys.modules.get("matplotlib")
        settings = getattr(matplotlib, name, None)
        if self._settings is None and settings is not None:
            self._settings = dict.copy(settings)
        return matplotlib

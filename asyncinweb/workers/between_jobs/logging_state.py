"""The configuration of `logging`: whatever a job adds, changes or silences is undone after it."""

import logging
from collections.abc import Iterator
from operator import attrgetter

_facts_of = attrgetter("level", "disabled", "propagate", "handlers", "filters")
LoggerFacts = tuple[int, bool, bool, list[logging.Handler], list[object]]
# A logger as `getLogger` creates it.
NEW_LOGGER: LoggerFacts = (logging.NOTSET, False, True, [], [])


class LoggingState:
    """All loggers and their handlers when this object is created, after a worker has loaded its tasks."""

    def __init__(self) -> None:
        self._loggers: dict[logging.Logger, LoggerFacts] = {each: _copied(each) for each in _all_loggers()}
        self._names = len(logging.root.manager.loggerDict)
        handlers = dict.fromkeys(handler for facts in self._loggers.values() for handler in facts[3])
        self._handlers = {each: _handler_facts(each) for each in handlers}
        self._common = _common_facts()

    def put_back(self) -> None:
        """Undo all changes since; new loggers lose their handlers and level."""
        if self._is_as_before():
            return
        disabled, factory, logger_class = self._common
        logging.disable(disabled)
        logging.setLogRecordFactory(factory)
        logging.setLoggerClass(logger_class)
        for handler, facts in self._handlers.items():
            _put_back_handler(handler, facts)
        for logger in list(_all_loggers()):
            _put_back_logger(logger, self._loggers.setdefault(logger, NEW_LOGGER))
        self._names = len(logging.root.manager.loggerDict)

    def _is_as_before(self) -> bool:
        return (
            len(logging.root.manager.loggerDict) == self._names
            and list(map(_facts_of, self._loggers)) == list(self._loggers.values())
            and all(_handler_facts(each) == before for each, before in self._handlers.items())
            and _common_facts() == self._common
        )


def _all_loggers() -> Iterator[logging.Logger]:
    yield logging.root
    # The others are placeholders for parents of loggers in use.
    yield from (each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger))


def _copied(logger: logging.Logger) -> LoggerFacts:
    level, disabled, propagate, handlers, filters = _facts_of(logger)
    return level, disabled, propagate, [*handlers], [*filters]


def _common_facts() -> tuple[int, type[logging.LogRecord], type[logging.Logger]]:
    return logging.root.manager.disable, logging.getLogRecordFactory(), logging.getLoggerClass()  # type: ignore


def _handler_facts(handler: logging.Handler) -> tuple[object, ...]:
    return handler.level, handler.formatter, [*handler.filters], getattr(handler, "stream", None)


def _put_back_handler(handler: logging.Handler, facts: tuple[object, ...]) -> None:
    level, handler.formatter, handler.filters[:], stream = facts  # type: ignore
    handler.setLevel(level)  # type: ignore
    # A file handler has closed its stream itself, and reopens it when needed.
    if type(handler) is logging.StreamHandler:
        handler.stream = stream


def _put_back_logger(logger: logging.Logger, facts: LoggerFacts) -> None:
    if _facts_of(logger) == facts:
        return
    level, logger.disabled, logger.propagate, handlers, filters = facts
    logger.setLevel(level)
    dropped = [each for each in logger.handlers if each not in handlers]
    logger.handlers[:], logger.filters[:] = handlers, filters  # type: ignore
    for each in dropped:
        each.close()

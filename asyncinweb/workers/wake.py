"""Sleeping until there is work, without polling hard."""

import socket
import struct
import sys


class Bedside:
    """Where an idle worker sleeps: on the bell that all workers of a supervisor share."""

    def __init__(self, bell: socket.socket, longest_seconds: float) -> None:
        self._bell = bell
        self._longest_seconds = longest_seconds
        bell.setblocking(True)
        if sys.platform == "linux":
            # A blocking receive with the kernel's own time limit: for each ring it wakes exactly one sleeper.
            # Python's settimeout would poll first, and wake them all.
            limit = struct.pack("ll", int(longest_seconds), int(longest_seconds % 1 * 1_000_000))
            bell.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)

    def sleep(self) -> bool:
        """Until a ring (True) or the longest pause (False). A signal handler may raise out of it."""
        if sys.platform != "linux":
            self._bell.settimeout(self._longest_seconds)
        try:
            self._bell.recv(16)
        except (BlockingIOError, TimeoutError):
            return False
        return True

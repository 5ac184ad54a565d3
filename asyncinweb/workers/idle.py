"""Sleeping until there is work, without polling hard."""

import socket
import struct
import sys


class IdleWait:
    """The sleep of an idle worker: on the wake-up socket that all workers of a supervisor share."""

    def __init__(self, wakeup_socket: socket.socket, longest_seconds: float) -> None:
        self._wakeup_socket = wakeup_socket
        self._longest_seconds = longest_seconds
        wakeup_socket.setblocking(True)
        if sys.platform == "linux":
            # A blocking receive with the kernel's own time limit: each datagram wakes exactly one worker.
            # Python's settimeout would poll first, and wake them all.
            limit = struct.pack("ll", int(longest_seconds), int(longest_seconds % 1 * 1_000_000))
            wakeup_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)

    def sleep(self) -> bool:
        """Wait for a wake-up (True) or the longest pause (False). A signal handler may raise out of it."""
        if sys.platform != "linux":
            self._wakeup_socket.settimeout(self._longest_seconds)
        try:
            self._wakeup_socket.recv(16)
        except (BlockingIOError, TimeoutError):
            return False
        return True

"""Waking idle workers: one datagram to the loopback address for each new job. Workers also poll, so nothing
depends on it."""

import socket
from collections.abc import Sequence

LOOPBACK = "127.0.0.1"
# More datagrams would wake no more workers: no supervisor has that many, and busy ones look for jobs by
# themselves.
MOST_DATAGRAMS = 256


def notify(ports: Sequence[int], jobs: int = 1) -> None:
    """Wake one worker for each job, at every supervisor that listens. A lost datagram costs one poll interval."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wakeup_socket:
        wakeup_socket.setblocking(False)
        for port in ports:
            for _ in range(min(jobs, MOST_DATAGRAMS)):
                try:
                    wakeup_socket.sendto(b"1", (LOOPBACK, port))
                except OSError:
                    break


def listening_socket() -> socket.socket:
    """A socket for wake-ups, on a free port. All workers share it: the kernel wakes one of them per datagram."""
    wakeup_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wakeup_socket.bind((LOOPBACK, 0))
    return wakeup_socket

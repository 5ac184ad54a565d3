"""Waking idle workers: one datagram to the loopback address for each new job. The poll remains the truth."""

import socket
from collections.abc import Sequence

LOOPBACK = "127.0.0.1"
# More wake nobody else: no supervisor has that many workers, and those that are busy look by themselves.
MOST_DATAGRAMS = 256


def notify(ports: Sequence[int], jobs: int = 1) -> None:
    """Wake a worker for each job, of every supervisor that listens. A lost datagram costs one poll interval."""
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

"""Waking idle workers: one datagram to the loopback address for each new job. The poll remains the truth."""

import socket
from collections.abc import Sequence

LOOPBACK = "127.0.0.1"
# More wake nobody else: no supervisor has that many workers, and those that are busy look by themselves.
MOST_RINGS = 256


def ring(ports: Sequence[int], jobs: int = 1) -> None:
    """Wake a worker for each job, of every supervisor that listens. Losing a datagram costs a poll's pause."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bell:
        bell.setblocking(False)
        for port in ports:
            for _ in range(min(jobs, MOST_RINGS)):
                try:
                    bell.sendto(b"1", (LOOPBACK, port))
                except OSError:
                    break


def listen() -> socket.socket:
    """A socket that hears rings, on a free port. Shared by all workers: the kernel wakes one for each."""
    bell = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bell.bind((LOOPBACK, 0))
    return bell

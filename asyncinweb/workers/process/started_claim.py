"""Which claim's function a worker has called last, kept where it outlives the worker."""

import multiprocessing

SPAWN = multiprocessing.get_context("spawn")


class StartedClaim:
    """Written by one worker, read by its supervisor when the worker is dead."""

    def __init__(self) -> None:
        # Two whole numbers in memory that both share.
        self._key = SPAWN.RawArray("q", 2)

    def mark(self, job_id: int, claim_no: int) -> None:
        """The function of this claim is about to be called."""
        self._key[:] = (job_id, claim_no)

    def is_of(self, job_id: int, claim_no: int) -> bool:
        """True if the function of this claim has been called."""
        return tuple(self._key) == (job_id, claim_no)

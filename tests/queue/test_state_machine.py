"""The verbs against a small model of the bridge, in any order hypothesis can think of, stale claims included.

Every claim ever given is kept and tried again at any later moment, as a worker would that was declared dead and
comes back. After each step the nine invariants of the bridge are asked of the database, then the model is
compared with it row by row.

Mutants that were tried by hand in transitions.py, each caught in five of five runs (which check speaks first
depends on the order of the steps):

- finish by id only: 2 (live executions), 3 (final rows), 4 (claim_no), 6 (arrows), or reason_when_failed of
  the table
- finish by state only, without claim_no: 2 (the live execution no longer matches its row)
- claim without the state check: 2, the model's answers, or finished_when_final of the table
- cancel of a completed job: 3 (final rows never change)
- fail, release and crash without claim_no: 2
- release without its bound: 5 (attempts and interruptions)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from queue_room import AHEAD, TASK, all_rows, change, make_due, new_job, perform

from asyncinweb.identity import Identity
from asyncinweb.queue import process_registry
from asyncinweb.queue.claims import Claim, ClaimScope
from asyncinweb.queue.removal import prune
from asyncinweb.queue.stores.sqlite import Database
from asyncinweb.queue.submitting import enqueue, rerun
from asyncinweb.queue.transitions import (
    MAX_CRASH_RERUNS,
    MAX_INTERRUPTIONS,
    cancel,
    claim,
    fail,
    fail_crashed,
    finish,
    finish_and_claim,
    give_back,
    honour_cancel,
    release,
    report,
)
from asyncinweb.states import ARROWS, FINAL, STATES, WAITING
from asyncinweb.tasks.outcome import Completed, Failed

HERE, THERE = "worker-here", "worker-there"
# What is seen of one job before and after one verb. A claim first promotes due jobs: two arrows seen as one.
SEEN = ARROWS | {("scheduled", "processing")}


@dataclass
class Expected:
    """A job as the bridge describes it."""

    owner: str
    state: str
    max_attempts: int = 1
    on_crash: str = "rerun"
    attempts: int = 0
    crashes: int = 0
    interruptions: int = 0
    claim_no: int = 0
    # Claims that were given back before the function was called.
    unstarted: int = 0
    worker_id: str | None = None
    is_due: bool = False
    cancel_is_asked: bool = False
    came_in_order: bool = True

    def start(self, worker_id: str) -> None:
        self.state, self.worker_id, self.is_due = "processing", worker_id, False
        self.claim_no += 1
        self.attempts += 1

    def leave(self, state: str) -> None:
        self.state = "cancelled" if self.cancel_is_asked and state != "completed" else state
        self.worker_id, self.came_in_order = None, False

    def finish(self) -> None:
        self.leave("completed")

    def fail(self, wants_retry: bool) -> None:
        self.leave("scheduled" if wants_retry and self.attempts < self.max_attempts else "failed")

    def crash(self) -> None:
        if self.cancel_is_asked:
            return self.leave("cancelled")
        self.crashes += 1
        return self.leave("queued" if self.on_crash == "rerun" and self.crashes <= MAX_CRASH_RERUNS else "failed")

    def release(self) -> None:
        if self.on_crash == "fail" or self.interruptions == MAX_INTERRUPTIONS:
            return self.crash()
        if not self.cancel_is_asked:
            self.attempts -= 1
            self.interruptions += 1
        return self.leave("queued")

    def give_back(self) -> None:
        if not self.cancel_is_asked:
            self.attempts -= 1
            self.unstarted += 1
        return self.leave("queued")

    def cancel(self) -> str:
        if self.state in FINAL:
            return "refused"
        if self.state == "processing":
            self.cancel_is_asked = True
            return "asked"
        self.state, self.is_due = "cancelled", False
        return "cancelled"


class Bridge(RuleBasedStateMachine):
    """Two workers, one of them on another computer; three owners; equal priority."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        for table in ("jobs", "attempts", "workers", "supervisors"):
            change(database, f"DELETE FROM asyncinweb_{table}")
        self.register_the_other_computer()
        self.expected: dict[int, Expected] = {}
        self.slugs: dict[int, str] = {}
        self.claims: list[Claim] = []
        self.live: set[tuple[int, int]] = set()
        self.submitted = self.pruned = 0
        self.before: dict[int, dict[str, Any]] = {}
        self.final_rows: dict[int, dict[str, Any]] = {}
        self.cancelled_while_waiting: set[int] = set()
        self.started: list[int] = []
        self.accepted: list[Claim] = []
        self.answers: list[tuple[object, object]] = []

    def register_the_other_computer(self) -> None:
        identity = Identity("there", "boot", 1, "start")
        perform(self.database, process_registry.register_supervisor, "supervisor", identity, None, 1)
        perform(self.database, process_registry.register_worker, THERE, "supervisor", identity)

    def do(self, verb: Callable[..., Any], *facts: Any) -> Any:
        return perform(self.database, verb, *facts)

    # --- visitors -----------------------------------------------------------------------------------------------

    @rule(
        owner=st.sampled_from(["", "anna", "ben"]),
        is_ahead=st.sampled_from([False, False, True]),
        max_attempts=st.integers(1, 3),
        on_crash=st.sampled_from(["rerun", "rerun", "fail"]),
    )
    def submit(self, owner: str, is_ahead: bool, max_attempts: int, on_crash: str) -> None:
        run_at = AHEAD if is_ahead else None
        new = new_job(owner=owner, run_at=run_at, max_attempts=max_attempts, on_crash=on_crash)
        job, _ = self.do(enqueue, new)
        state = "scheduled" if is_ahead else "queued"
        self.submitted += 1
        self.slugs[job.id] = job.slug
        self.expected[job.id] = Expected(owner, state, max_attempts, on_crash, came_in_order=not is_ahead)

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.expected)))
        if self.expected[job_id].state in WAITING:
            self.cancelled_while_waiting.add(job_id)
        answer = self.do(cancel, self.slugs[job_id])
        self.answers.append((answer, self.expected[job_id].cancel()))

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), owner=st.sampled_from(["", "anna"]))
    def rerun(self, data: st.DataObject, owner: str) -> None:
        parent = self.expected[job_id := data.draw(st.sampled_from(sorted(self.expected)))]
        job = self.do(rerun, self.slugs[job_id], owner)
        self.submitted += 1
        self.slugs[job.id] = job.slug
        self.expected[job.id] = Expected(owner, "queued", parent.max_attempts, parent.on_crash)

    # --- time ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(job.state == "scheduled" for job in self.expected.values()))
    @rule(data=st.data())
    def fall_due(self, data: st.DataObject) -> None:
        scheduled = [job_id for job_id, job in sorted(self.expected.items()) if job.state == "scheduled"]
        job_id = data.draw(st.sampled_from(scheduled))
        make_due(self.database, job_id)
        self.expected[job_id].is_due = True

    @precondition(lambda self: len(self.final_rows) > 4)
    @rule()
    def prune(self) -> None:
        gone = self.do(prune, 0.0)
        for job_id in [job_id for job_id, job in self.expected.items() if job.state in FINAL]:
            del self.expected[job_id], self.final_rows[job_id]
            self.pruned += 1
            self.answers.append((self.slugs[job_id] in gone, True))

    # --- workers, with any claim they ever had ------------------------------------------------------------------

    @rule(worker_id=st.sampled_from([HERE, THERE]))
    def claim(self, worker_id: str) -> None:
        self.given(self.do(claim, ClaimScope([TASK], worker_id)), worker_id)

    def given(self, held: Claim | None, worker_id: str) -> None:
        for job in self.expected.values():
            if job.is_due:
                job.state, job.is_due = "queued", False
        queued = [job_id for job_id, job in self.expected.items() if job.state == "queued"]
        self.answers.append((held is not None, bool(queued)))
        if held is not None:
            self.claims.append(held)
            self.live.add((held.job_id, held.claim_no))
            self.started.append(held.job_id)
            self.expected[held.job_id].start(worker_id)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        held = self.any_claim(data)
        self.settled(held, self.do(finish, held, str(held.claim_no)), Expected.finish)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), worker_id=st.sampled_from([HERE, THERE]))
    def finish_and_claim(self, data: st.DataObject, worker_id: str) -> None:
        held = self.any_claim(data)
        outcome = Completed(str(held.claim_no))
        accepted, following = self.do(finish_and_claim, held, outcome, ClaimScope([TASK], worker_id))
        self.settled(held, accepted, Expected.finish)
        self.given(following, worker_id)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), wants_retry=st.booleans())
    def fail(self, data: st.DataObject, wants_retry: bool) -> None:
        held = self.any_claim(data)
        failure = Failed("error", "ValueError", None, 3600.0 if wants_retry else None)
        self.settled(held, self.do(fail, held, failure), lambda job: job.fail(wants_retry))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        held = self.any_claim(data)
        self.settled(held, self.do(release, held), Expected.release)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        held = self.any_claim(data)
        self.settled(held, self.do(give_back, held), Expected.give_back)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        held = self.any_claim(data)
        self.settled(held, self.do(fail_crashed, held, "killed"), Expected.crash)

    @precondition(lambda self: self.live_claims())
    @rule(data=st.data(), worker_id=st.sampled_from([HERE, THERE]))
    def lose_a_claim_to_another_worker(self, data: st.DataObject, worker_id: str) -> None:
        self.lose_to(worker_id, data.draw(st.sampled_from(self.live_claims())))

    def lose_to(self, worker_id: str, held: Claim) -> None:
        self.settled(held, self.do(fail_crashed, held, "killed"), Expected.crash)
        self.the_bridge_holds()
        self.given(self.do(claim, ClaimScope([TASK], worker_id)), worker_id)
        self.the_bridge_holds()

    @rule()
    def restart_the_server_again_and_again(self) -> None:
        for _ in range(MAX_INTERRUPTIONS + 1):
            self.given(held := self.do(claim, ClaimScope([TASK], HERE)), HERE)
            self.the_bridge_holds()
            if held is not None:
                self.settled(held, self.do(release, held), Expected.release)
                self.the_bridge_holds()

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def honour_cancel(self, data: st.DataObject) -> None:
        held = self.any_claim(data)
        if self.is_live(held) and not self.expected[held.job_id].cancel_is_asked:
            self.answers.append((self.do(honour_cancel, held), False))
        else:
            self.settled(held, self.do(honour_cancel, held), lambda job: job.leave("cancelled"))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def report(self, data: st.DataObject) -> None:
        held = self.any_claim(data)
        accepted = self.do(report, held, 1.0, 2.0, "drawing")
        self.answers.append((accepted, self.is_live(held)))

    @rule()
    def the_other_computer_falls_silent(self) -> None:
        change(self.database, "UPDATE asyncinweb_supervisors SET heartbeat_at = 1.0")
        rescued = self.do(process_registry.rescue, "here", 30.0)
        for job_id, job in self.expected.items():
            if job.worker_id == THERE:
                self.live.discard((job_id, job.claim_no))
                job.crash()
                self.answers.append((job_id in {held.job_id for held in rescued}, True))
        self.register_the_other_computer()

    def any_claim(self, data: st.DataObject) -> Claim:
        """A claim ever given; half the time a stale one, of a job that is worked on again if there is one."""
        stale = [held for held in self.claims if not self.is_live(held)]
        dangerous = [held for held in stale if self.state_of(held) == "processing"]
        pools = [self.claims, dangerous or stale or self.claims]
        return data.draw(st.sampled_from(data.draw(st.sampled_from(pools))))

    def state_of(self, held: Claim) -> str | None:
        job = self.expected.get(held.job_id)
        return job.state if job else None

    def is_live(self, held: Claim) -> bool:
        job = self.expected.get(held.job_id)
        return job is not None and job.state == "processing" and job.claim_no == held.claim_no

    def settled(self, held: Claim, accepted: bool, follow: Callable[[Expected], Any]) -> None:
        self.answers.append((accepted, self.is_live(held)))
        if accepted:
            self.accepted.append(held)
            self.live.discard((held.job_id, held.claim_no))
        if self.is_live(held):
            follow(self.expected[held.job_id])

    def teardown(self) -> None:
        """At the end all running jobs change hands and are finished; before and after it all who are late try."""
        for held in self.live_claims():
            self.lose_to(HERE, held)
        self.come_late()
        for held in self.live_claims():
            self.settled(held, self.do(finish, held, str(held.claim_no)), Expected.finish)
            self.the_bridge_holds()
        self.come_late()

    def come_late(self) -> None:
        """Visitors who cancel what has ended, and workers who settle what is no longer theirs."""
        for job_id in self.final_rows:
            self.answers.append((self.do(cancel, self.slugs[job_id]), "refused"))
        for held in self.claims:
            if not self.is_live(held):
                self.settled(held, self.do(finish, held, str(held.claim_no)), Expected.finish)
                self.settled(held, self.do(fail, held, Failed("error", "late")), Expected.crash)
                self.settled(held, self.do(release, held), Expected.release)
        self.the_bridge_holds()

    def live_claims(self) -> list[Claim]:
        return [held for held in self.claims if self.is_live(held)]

    # --- what must hold -----------------------------------------------------------------------------------------

    @invariant()
    def the_bridge_holds(self) -> None:
        after = all_rows(self.database)
        for check in self.INVARIANTS:
            for wrong in check(self, after):
                raise AssertionError(f"{check.__name__}: {wrong}")
        self.before = after
        self.final_rows |= {job_id: row for job_id, row in after.items() if row["state"] in FINAL}
        self.started.clear()
        self.accepted.clear()
        self.answers.clear()

    def invariant_1_each_job_is_in_one_of_six_states(self, after: dict[int, Any]) -> Iterator[object]:
        yield from {each["id"] for each in after.values() if each["state"] not in STATES}
        yield from self.expected.keys() ^ after.keys()

    def invariant_2_at_most_one_live_execution(self, after: dict[int, Any]) -> Iterator[object]:
        jobs = [job_id for job_id, _ in self.live]
        yield from {job_id for job_id in jobs if jobs.count(job_id) > 1}
        yield from {
            (job_id, claim_no)
            for job_id, claim_no in self.live
            if (after[job_id]["state"], after[job_id]["claim_no"]) != ("processing", claim_no)
        }
        processing = {job_id for job_id, each in after.items() if each["state"] == "processing"}
        yield from processing ^ set(jobs)

    def invariant_3_final_rows_never_change(self, after: dict[int, Any]) -> Iterator[object]:
        for job_id, final_row in self.final_rows.items():
            if after[job_id] != final_row:
                yield final_row, after[job_id]

    def invariant_4_an_accepted_result_carries_the_rows_claim_no(self, after: dict[int, Any]) -> Iterator[object]:
        yield from [held for held in self.accepted if self.before[held.job_id]["claim_no"] != held.claim_no]
        yield from [
            each
            for each in after.values()
            if each["state"] == "completed" and each["result"] != str(each["claim_no"])
        ]

    def invariant_5_attempts_and_interruptions_are_bounded(self, after: dict[int, Any]) -> Iterator[object]:
        for job_id, each in after.items():
            counted = each["attempts"] + each["interruptions"] + self.expected[job_id].unstarted
            if (
                each["attempts"] > each["max_attempts"] + MAX_CRASH_RERUNS
                or each["crashes"] > MAX_CRASH_RERUNS + 1
                or each["interruptions"] > MAX_INTERRUPTIONS
                or each["claim_no"] != counted
            ):
                yield each

    def invariant_6_only_the_arrows_happen(self, after: dict[int, Any]) -> Iterator[object]:
        for job_id in self.before.keys() & after.keys():
            old, new = self.before[job_id], after[job_id]
            if old["state"] != new["state"] and (old["state"], new["state"]) not in SEEN:
                yield old["state"], new["state"]
            if new["claim_no"] < old["claim_no"]:
                yield "claim_no went back", job_id

    def invariant_7_a_cancelled_waiting_job_never_starts(self, after: dict[int, Any]) -> Iterator[object]:
        yield from self.cancelled_while_waiting.intersection(self.started)
        yield from [id for id in self.cancelled_while_waiting & after.keys() if after[id]["state"] != "cancelled"]

    def invariant_8_an_owners_jobs_start_as_submitted(self, after: dict[int, Any]) -> Iterator[object]:
        for started in self.started:
            job = self.expected[started]
            for job_id, other in self.expected.items():
                if (
                    job.came_in_order
                    and other.came_in_order
                    and other.owner == job.owner
                    and other.state == "queued"
                    and job_id < started
                ):
                    yield f"{started} started before {job_id}"

    def invariant_9_counts_add_up(self, after: dict[int, Any]) -> Iterator[object]:
        if len(after) != self.submitted - self.pruned:
            yield len(after), self.submitted, self.pruned

    def the_model_agrees(self, after: dict[int, Any]) -> Iterator[object]:
        yield from [f"answered {answer}, not {due}" for answer, due in self.answers if answer != due]
        for job_id, job in self.expected.items():
            for name in ("state", "attempts", "crashes", "interruptions", "claim_no", "worker_id"):
                if after[job_id][name] != getattr(job, name):
                    yield f"{name} of {job_id} is {after[job_id][name]}, not {getattr(job, name)}"

    INVARIANTS: ClassVar = [
        invariant_1_each_job_is_in_one_of_six_states,
        invariant_2_at_most_one_live_execution,
        invariant_3_final_rows_never_change,
        invariant_4_an_accepted_result_carries_the_rows_claim_no,
        invariant_5_attempts_and_interruptions_are_bounded,
        invariant_6_only_the_arrows_happen,
        invariant_7_a_cancelled_waiting_job_never_starts,
        invariant_8_an_owners_jobs_start_as_submitted,
        invariant_9_counts_add_up,
        the_model_agrees,
    ]


@pytest.mark.timeout(600)  # a failure is made small first, which takes minutes
def test_the_verbs_keep_the_invariants_of_the_bridge_in_any_order(database: Database) -> None:
    run_state_machine_as_test(
        lambda: Bridge(database),
        settings=settings(
            max_examples=35,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )

"""Measures the controller as a process, on a real API server, etcd and an AWS server.

    make bench     measures the pure part as well, with criterion, before

Writes target/bench/results.json and prints a table. It reports and does not judge:
slow figures are no failure. Fails if a run cannot be completed, or if AWS or an
object in Kubernetes is changed while nothing is to be done. SAGEVPC_BIN names
another controller than target/release/sagevpc.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS), str(TESTS / "stack")]

import measured
import neighbours as neighbour
from live import terminal
from live.aws import Breakage
from live.session import SessionError, play, program
from measured import Figure
from process import ROUND_SECONDS, SERVICES, Measured, MeasuredFromAfar, Offer, mutating

ONE_AFTER_THE_OTHER = 5
AT_ONCE = 20
SEVERAL = 5
ENDPOINTS_WITH_SERVICES = 1 + len(SERVICES)
ROUNDS = 3
DRIFT_SECONDS = 5
DRIFT_TIMES = 2

# What EC2 allows of creations of endpoints, for each account and region: see src/aws/quotas.rs.
ENDPOINT_BURST, ENDPOINTS_A_SECOND = 4, 0.3

DRIFT = "from drift to repaired"
MEMORY = "memory"
MEMORY_EXPECTED = f"< 64 with {AT_ONCE} VPCs"


def account(number: int) -> str:
    """One that nobody else uses."""
    return f"{200_000_000_000 + number}"


def quota_bound(endpoints: int) -> str:
    """The least time that EC2's quota alone allows for so many endpoints of one account."""
    return f"≥ {max(0.0, (endpoints - ENDPOINT_BURST) / ENDPOINTS_A_SECOND):.1f} by EC2's quota"


def one_vpc(session: Measured) -> list[Figure]:
    """Fresh VPCs one after the other, each in a fresh account, and the repair of drift in the last of them."""
    seconds: list[float] = []
    calls: list[Counter[str]] = []
    figures = []
    for number in range(ONE_AFTER_THE_OTHER):
        offer = session.offer(f"one-{number}", account(number))
        before = session.when_quiet()
        seconds.append(session.seconds_to_ready([offer]))
        after = session.when_quiet()
        calls.append(after.calls() - before.calls())
        if number == 0:
            figures = memory(session, 1)
        session.delete(offer)
    return [
        Figure("from kubectl apply to Ready", "1 VPC", "s", seconds),
        *by_action("AWS calls to converge one VPC, the first of its account", calls),
        *figures,
    ]


def from_afar(session: Measured) -> list[Figure]:
    """Fresh VPCs one after the other, each in a fresh account, of an AWS that takes its time for each call."""
    seconds: list[float] = []
    for number in range(ONE_AFTER_THE_OTHER):
        offer = session.offer(f"afar-{number}", account(number))
        session.when_quiet()
        seconds.append(session.seconds_to_ready([offer]))
        session.delete(offer)
    longer = f"1 VPC, each call to AWS {1000 * MeasuredFromAfar.CALL_SECONDS:.0f} ms longer"
    return [Figure("from kubectl apply to Ready", longer, "s", seconds)]


def many_accounts(session: Measured) -> list[Figure]:
    """VPCs at once, each in an account of its own."""
    offers = [session.offer(f"many-{number}", account(number)) for number in range(AT_ONCE)]
    seconds = session.seconds_to_ready(offers)
    session.when_quiet()
    name = f"{AT_ONCE} VPCs at once, of {AT_ONCE} accounts"
    return [
        Figure("from kubectl apply to Ready", name, "s", [seconds], quota_bound(1)),
        *memory(session, AT_ONCE, f", of {AT_ONCE} accounts"),
    ]


def one_account(session: Measured) -> list[Figure]:
    """VPCs at once, all in one account; and what it costs to keep looking at them."""
    offers = [session.offer(f"same-{number}", interval=f"{ROUND_SECONDS}s") for number in range(AT_ONCE)]
    seconds = session.seconds_to_ready(offers)
    rounds = session.rounds(AT_ONCE, ROUNDS)
    resync = f"one resync of {AT_ONCE} VPCs of one account, nothing to do"
    name = f"{AT_ONCE} VPCs at once, of 1 account"
    return [
        Figure("from kubectl apply to Ready", name, "s", [seconds], quota_bound(AT_ONCE)),
        *by_action(f"AWS calls in {resync}", [this.calls for this in rounds]),
        Figure(f"AWS calls in {resync}", "mutating", "calls", [this.mutating() for this in rounds], "0"),
        Figure(f"Kubernetes in {resync}", "writes", "writes", [this.writes for this in rounds], "0"),
        *memory(session, AT_ONCE, ", of 1 account"),
    ]


def with_services(session: Measured) -> list[Figure]:
    """VPCs of nine resources each: one alone in its account, then several at once in another."""
    alone = session.offer("alone", account(0), f"{ROUND_SECONDS}s", with_services=True)
    before = session.when_quiet()
    seconds = session.seconds_to_ready([alone])
    calls = session.when_quiet().calls() - before.calls()
    what = "with five interface endpoints and a flow log each"
    resync = f"{what}, of one account, nothing to do"
    figures = [
        Figure("from kubectl apply to Ready", f"1 VPC {what}", "s", [seconds], quota_bound(ENDPOINTS_WITH_SERVICES)),
        *by_action(f"AWS calls to converge one VPC {what}", [calls]),
        *by_action(f"AWS calls in one resync of 1 VPC {resync}", [this.calls for this in session.rounds(1, ROUNDS)]),
    ]
    session.delete(alone)
    many = [
        session.offer(f"several-{number}", interval=f"{ROUND_SECONDS}s", with_services=True)
        for number in range(SEVERAL)
    ]
    bound = quota_bound(SEVERAL * ENDPOINTS_WITH_SERVICES)
    seconds = session.seconds_to_ready(many)
    rounds = session.rounds(SEVERAL, ROUNDS)
    return [
        *figures,
        Figure("from kubectl apply to Ready", f"{SEVERAL} VPCs of 1 account {what}", "s", [seconds], bound),
        *by_action(f"AWS calls in one resync of {SEVERAL} VPCs {resync}", [this.calls for this in rounds]),
        *memory(session, SEVERAL, f" {what}"),
    ]


def drift(session: Measured) -> list[Figure]:
    """From a change by hand, made at whatever time of the interval, to AWS as it was before the change."""
    offer = session.offer("drift", interval=f"{DRIFT_SECONDS}s")
    session.seconds_to_ready([offer])
    return [Figure(DRIFT, f"resyncInterval: {DRIFT_SECONDS}s", "s", repairs(session, offer, by_hand(offer)))]


def by_hand(offer: Offer) -> list[Breakage]:
    return offer.aws.breakages(offer.network) * DRIFT_TIMES


def repairs(session: Measured, offer: Offer, breakages: list[Breakage]) -> list[float]:
    """The seconds that each change by hand lasts."""
    settled = offer.aws.census()
    before = session.metrics().calls()
    seconds = []
    for breakage in breakages:
        began = time.monotonic()
        breakage.do()
        session.wait_until("AWS is as it was before the change", lambda: offer.aws.census() == settled)
        seconds.append(time.monotonic() - began)
    if mutating(session.metrics().calls() - before) < len(breakages):
        raise SessionError("a change by hand changed nothing in AWS, for nothing was put back")
    return seconds


def neighbours(session: Measured) -> list[Figure]:
    """Drift beside a profile of the same SageMakerVpc that is as large as the schema takes it and written all the time;
    memory beside many that are as large and not admitted."""
    offer = session.offer("beside", interval=f"{DRIFT_SECONDS}s")
    session.seconds_to_ready([offer])
    breakages = by_hand(offer)
    with neighbour.written_all_the_time(session, "busiest", offer.name) as writes:
        session.wait_until("the neighbour is ready", lambda: neighbour.is_ready(session, "busiest"))
        began, before = time.monotonic(), len(writes)
        seconds = repairs(session, offer, breakages)
        rate = (len(writes) - before) / (time.monotonic() - began)
    beside = f"beside a profile at every limit with {rate:.0f} writes a second"
    size = neighbour.crowd(session, offer.name) / 2**20
    session.when_quiet()
    crowd = f" and {neighbour.OUTSIDERS} profiles of {size:.0f} MiB in all that are not admitted"
    return [Figure(DRIFT, beside, "s", seconds, "< 2 × alone"), *memory(session, 1, crowd)]


def by_action(group: str, runs: list[Counter[str]]) -> list[Figure]:
    """A figure for each action, and one for all of them."""
    actions = sorted(set().union(*runs))
    figures = [Figure(group, action, "calls", [run[action] for run in runs]) for action in actions]
    return [*figures, Figure(group, "all", "calls", [run.total() for run in runs])]


def memory(session: Measured, vpcs: int, which: str = "") -> list[Figure]:
    resident, most = session.memory_mib()
    about = f"{vpcs} VPC{'s' if vpcs > 1 else ''}{which}"
    expected = MEMORY_EXPECTED if vpcs == AT_ONCE else ""
    return [
        Figure(MEMORY, f"{about}: resident (VmRSS)", "MiB", [resident], expected),
        Figure(MEMORY, f"{about}: at most (VmHWM)", "MiB", [most], expected),
    ]


PARTS: list[tuple[str, type[Measured], Callable[[Measured], list[Figure]]]] = [
    (f"{ONE_AFTER_THE_OTHER} VPCs one after the other", Measured, one_vpc),
    (f"{ONE_AFTER_THE_OTHER} VPCs of an AWS that is far away", MeasuredFromAfar, from_afar),
    ("Drift", Measured, drift),
    ("Drift and memory beside hostile neighbours", Measured, neighbours),
    (f"VPCs of nine resources, 1 and {SEVERAL} at once", Measured, with_services),
    (f"{AT_ONCE} VPCs at once, of {AT_ONCE} accounts", Measured, many_accounts),
    (f"{AT_ONCE} VPCs at once, of one account", Measured, one_account),
]


def main() -> int:
    figures = measured.criterion_figures()
    machine = measured.machine(program("release"))
    for title, kind, part in PARTS:
        terminal.step(title)
        session = kind("bench")

        def story() -> None:
            session.start()
            figures.extend(part(session))

        status = play(session, story)
        if status != 0:
            return status
    # What belongs together stands together, in the order in which it first came.
    groups = list(dict.fromkeys(figure.group for figure in figures))
    figures.sort(key=lambda figure: groups.index(figure.group))
    measured.write(machine, figures)
    measured.show(machine, figures)
    terminal.say(f"\nWritten to {measured.RESULTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

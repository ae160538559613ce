"""One network, a few mischiefs in it, one after the other until something breaks, and what is said beside what is true."""

from __future__ import annotations

import inspect
import random
from dataclasses import replace

from live.mischief import remains, scene
from live.mischief.every_shape import shape_of
from live.mischief.grammar import Command, command
from live.mischief.outcome import WRONG, Found, Outcome, judged
from live.mischief.shapes import Pair, Shape
from live.mischief.truth import Truth
from podnet_lab import Lab
from podnet_lab.errors import BadInput, PodnetError

CASES = 4
"""Mischiefs in one network, as long as nothing comes of them."""

QUICK, SLOW = 0.6, 1.3
"""Seconds until no answer is broken; what was said otherwise is given longer."""

MANY = 20
"""Pairs that show a new network to be healthy."""

PORT = 8080
PROBES = "probe" in inspect.signature(Lab.explain).parameters
"""Whether an explanation sends an echo of its own unless it is told not to."""


class Judge:
    """Holds a lab for many networks, as long as it can be brought back; else it opens another."""

    def __init__(self) -> None:
        self.found = Found()
        self.lab = self.truth = None
        self.new: dict[str, list[str]] = {}

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the lab and what looks into it."""
        if self.lab is not None:
            self.truth.close()
            self.lab.close()
            self.lab = None

    def open(self) -> None:
        """A lab that nobody has touched."""
        self.close()
        self.lab = Lab.open(name="mischief")
        self.truth = Truth(self.lab)
        if not self.new:
            self.new = {node: remains.look(self.lab, node) for node in ("node1", "node2", "node3")}

    def network(self, seed: int) -> None:
        """Build the network of *seed*, and go on in it until something breaks."""
        rng, shape = random.Random(f"mischief {seed}"), shape_of(seed)  # noqa: S311 - no secret
        if self.lab is None:
            self.open()
        self._build(shape)
        seen = scene.look(self.lab, self.truth, shape)
        pairs = _pairs(shape, rng)
        places, about = _places(shape, pairs[0]), (pairs[0].source.address, pairs[0].receiver.address, pairs[0].address)
        typed: list[Command] = []
        for number in range(CASES):
            commands = self._type(rng, seen, places, about)
            harmless = self._case(seed, number, shape, [_as_tcp(pair, rng) for pair in pairs], rng, commands, typed)
            typed += commands
            if not harmless:
                break
        self._bring_back(seed, shape, typed)

    def _build(self, shape: Shape) -> None:
        for _ in range(2):
            shape.build(self.lab)
            self.truth.listen(shape.ends, PORT)
            every = shape.pairs()
            pairs = random.Random(shape.name).sample(every, min(MANY, len(every)))  # noqa: S311 - no secret
            if set(self.truth.of(pairs, SLOW)) == {"works"}:
                return
            self.found.returns["the next network was not healthy"] += 1
            self.open()
        raise AssertionError(f"{shape.name} does not work in a lab that is new")

    def _type(self, rng: random.Random, seen: scene.Scene, places: dict[str, int], about: tuple[str, ...]) -> list[Command]:
        """One command that the kernel takes, sometimes two or three; what is refused counts only if it may have done a part."""
        wanted, done = rng.choices((1, 2, 3), (6, 3, 1))[0], []
        for _ in range(20):
            one = command(rng, seen, places, about)
            self.found.typed[one.program] += 1
            said = self.lab[one.node].shell(f"{one.script} 2>&1 && echo done-well", may_fail=True)
            well = said.rstrip().endswith("done-well")
            if not well:
                self.found.refused[one.program] += 1
                self.found.refusals.append(f"{one.text} | {said.strip()[:150]}")
            if well or ";" in one.text:
                done.append(one if well else replace(one, text=f"{one.text}  # (refused in part)"))
                wanted -= well
            if wanted == 0:
                break
        return done

    def _case(
        self, seed: int, number: int, shape: Shape, pairs: list[Pair], rng: random.Random, commands: list[Command], before: list[Command]
    ) -> bool:
        asked = [(pair, self._target(pair, rng, [*before, *commands])) for pair in pairs]
        alone = [self._explain(pair, target, probe=False) for pair, target in asked] if PROBES else []
        said = [self._explain(pair, target) for pair, target in asked]
        truths = self.truth.of(pairs, QUICK)
        for k, (pair, target) in enumerate(asked):
            state, text, unsure, explanation = said[k]
            made = Outcome(
                seed,
                number,
                shape.name,
                str(pair),
                truths[k],
                state,
                text,
                [str(one) for one in commands],
                [str(one) for one in before],
                unsure=unsure,
            )
            made.alone = judged(alone[k][0], truths[k]) if alone else made.verdict
            made.alone_text = alone[k][1] if alone and alone[k][0] != state else ""
            if made.verdict == WRONG or (alone and made.alone == WRONG):
                self._look_again(made, pair, target, alone[k][0] if alone else "")
            self.found.outcomes.append(made)
            if made.truth == "broken" and state == "cause" and explanation.repair:
                self._repair(made, pair, target, explanation)
                return False
        return all(one[0] == "healthy" for one in said) and set(truths) == {"works"}

    def _target(self, pair: Pair, rng: random.Random, typed: list[Command]) -> str:
        """By name or by address; a name only as long as nobody has given that namespace another address."""
        by_name = rng.random() < 0.6
        touched = any(
            one.program in ("ip addr", "ip netns", "ip link") and (one.node, one.space) == (pair.receiver.node, pair.receiver.space)
            for one in typed
        )
        return (
            pair.receiver.name
            if by_name and pair.receiver.space and pair.address == pair.receiver.address and not touched
            else pair.address
        )

    def _explain(self, pair: Pair, target: str, **options: bool) -> tuple:
        """What is said, in a word, in full, what it was unsure of, and the explanation itself."""
        port = {"tcp": pair.tcp} if pair.tcp else {}
        try:
            one = self.lab.explain(pair.source.name, target, **port, **options)
        except BadInput as refusal:
            return "refused", str(refusal), [], None
        except Exception as failure:  # noqa: BLE001 (whatever it is, it is a finding)
            return "crashed", f"{type(failure).__name__}: {failure}", [], None
        state = "healthy" if one else "cause" if one.cause is not None else "unsure"
        return state, str(one), list(one.unsure), one

    def _look_again(self, made: Outcome, pair: Pair, target: str, alone: str) -> None:
        """Truth with more patience: who answers late, or only now, was neither; and what is said when it has been tried."""
        now = self.truth.of([pair], SLOW)[0]
        if now != made.truth:
            made.truth = "moved"
        made.again = self._explain(pair, target)[1]
        made.alone = judged(alone, made.truth) if alone else made.verdict

    def _repair(self, made: Outcome, pair: Pair, target: str, explanation) -> None:
        try:
            self.lab.run(explanation.repair)
            works = self.truth.of([pair], SLOW)[0] == "works"
            now = self._explain(pair, target)
        except PodnetError as failure:
            works, now = False, ("", f"{type(failure).__name__}: {failure}", [], None)
        mended = works or (now[3] is not None and str(now[3].cause) != str(explanation.cause))
        self.found.repairs["mended" if works else "further" if mended else "unmended"] += 1
        if not mended:
            self.found.unmended.append(
                f"seed {made.seed}.{made.number} {made.shape}: {made.commands}; {made.text}; repair {explanation.repair}; then: {now[1]}"
            )

    def _bring_back(self, seed: int, shape: Shape, typed: list[Command]) -> None:
        """To three bare nodes; from the lesson's network by the lesson's own way first."""
        self.truth.deaf()
        label = f"seed {seed} {shape.name}: {[str(one) for one in typed]}"
        try:
            named = self._lesson_again(label) if shape.name == "lesson" else False
            back = self.lab.reset()
        except Exception as failure:  # noqa: BLE001 (whatever it is, it is a finding)
            self._failed("goto or reset failed", f"{label}: {type(failure).__name__}: {failure}")
            return self.open()
        left = [
            f"{node} {line}"
            for node in {one.node for one in typed}
            for line in remains.different(self.new[node], remains.look(self.lab, node))
        ]
        if left and back:
            self._failed("something was left, and not named", f"{label}: {left[:6]}")
        self.found.returns["named what remains" if named or not back else "brought back"] += 1
        return self.open() if left or named or not back else None

    def _lesson_again(self, label: str) -> bool:
        """Whether `goto` says that something remains; a finding, if it does not and the exam does not hold."""
        gone = self.lab.goto("done")
        if gone and not self.lab.check():
            self._failed("goto, and the exam does not hold", f"{label}: {gone}")
            return True
        return not gone

    def _failed(self, what: str, text: str) -> None:
        self.found.returns[what] += 1
        self.found.left.append(f"{what}: {text}")


def _places(shape: Shape, pair: Pair) -> dict[str, int]:
    """Where it is typed: mostly where a pair is, the nodes as likely as the Pods; sometimes elsewhere."""
    others = dict.fromkeys([end.label for end in shape.ends], 1)
    near = {place: 12 for end in (pair.source, pair.receiver) for place in (end.label, end.node)}
    return shape.places or {**others, **near}


def _pairs(shape: Shape, rng: random.Random) -> list[Pair]:
    """A pair, and two others with one of its two."""
    every = shape.pairs()
    first = rng.choice(every)
    beside = [pair for pair in every if {pair.source, pair.receiver} & {first.source, first.receiver}]
    return list(dict.fromkeys([first, rng.choice(beside), rng.choice(beside)]))


def _as_tcp(pair: Pair, rng: random.Random) -> Pair:
    return replace(pair, tcp=PORT) if pair.tcp is None and rng.random() < 0.3 else pair

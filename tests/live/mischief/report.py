"""What a run found, as a table and in full."""

from __future__ import annotations

import re
from collections import Counter

from live.mischief.outcome import EXCLUDED, RIGHT, UNSURE, WRONG, Found, Outcome


def report(found: Found) -> str:
    """Shape by verdict, what was unsure, everything wrong, repairs and returns."""
    shapes = sorted({one.shape for one in found.outcomes})
    count = Counter((one.shape, one.verdict) for one in found.outcomes)
    lines = [
        f"{found.cases} cases, {len(found.outcomes)} pairs",
        f"{'shape':14} {'right':>6} {'wrong':>6} {'unsure':>6} {'not counted':>12}",
    ]
    for shape in [*shapes, "all"]:
        numbers = [
            sum(n for (name, what), n in count.items() if what == verdict and shape in (name, "all"))
            for verdict in (RIGHT, WRONG, UNSURE, EXCLUDED)
        ]
        lines.append(f"{shape:14} {numbers[0]:6} {numbers[1]:6} {numbers[2]:6} {numbers[3]:12}")
    lines.append(f"judged without an echo of its own: {dict(Counter(one.alone for one in found.outcomes))}")
    lines.append(f"truths: {dict(Counter(one.truth for one in found.outcomes))}")
    lines.append(f"refused by the kernel or the tools: {sum(found.refused.values())} of {sum(found.typed.values())}: {dict(found.refused)}")
    lines.append(f"repairs: {dict(found.repairs)}; back by goto and reset: {dict(found.returns)}")
    lines += ["", "what was unsure:", *(f"{n:5} {words}" for words, n in unsure(found).most_common())]
    lines += ["", "wrong:", *(told(one) for one in found.of(WRONG))]
    lines += [
        "",
        "wrong without an echo of its own, and not with one:",
        *(told(one) + f"\n    said without: {one.alone_text}" for one in found.outcomes if one.alone == WRONG != one.verdict),
    ]
    lines += ["", "repairs that do not mend:", *found.unmended, "", "not brought back:", *found.left]
    return "\n".join(lines)


def unsure(found: Found) -> Counter:
    """The reasons for being unsure, without names and numbers."""
    return Counter(plain(words) for one in found.of(UNSURE) for words in dict.fromkeys(one.unsure or ["(no reason)"]))


def plain(words: str) -> str:
    """Words without what differs from network to network."""
    return re.sub(r"\b(?:\d+\.){3}\d+(?:/\d+)?", "ADDR", re.sub(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "MAC", words))


def told(one: Outcome) -> str:
    """One outcome in full; the seed plays it again."""
    before = "".join(f"\n    before: {line}" for line in one.before)
    typed = "".join(f"\n    {line}" for line in one.commands)
    again = f"\n    asked again: {one.again}" if one.again and one.again != one.text else ""
    return f"seed {one.seed}.{one.number} {one.shape}, {one.pair}: {one.truth}, said {one.said}{before}{typed}\n    said: {one.text}{again}"

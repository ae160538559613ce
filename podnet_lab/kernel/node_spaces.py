"""
A node's namespaces, looked at again and again: a Pod of which the kernel has said nothing since is not read again.

Among hundreds of Pods a step changes one or two. A node's own namespace is read each time.
"""

from __future__ import annotations

import resource
from collections.abc import Mapping
from typing import Any

from podnet_lab.kernel import namespaces, read_links, spaces
from podnet_lab.kernel.all_settings import descriptors_for_settings
from podnet_lab.kernel.kept import End, Kept, own_users, tells_all, users_of
from podnet_lab.kernel.namespaces import Identity
from podnet_lab.kernel.neighbour_count import has_neighbours, neighbours_made
from podnet_lab.kernel.notices import News, Notices
from podnet_lab.kernel.remembered import Remembered

OTHER_DESCRIPTORS, DESCRIPTORS_OF_ONE = 64, 2
"""How many this process may have open beside looks, and how many a whole look has of each namespace: the rest is for what is kept."""


class _Look(spaces.Look):
    """A look at them: those that are *unread* and stay as they are told, and those of the read ones that may be *kept* from now on."""

    def __init__(self, where: Mapping[str, str], which: Mapping[str, Identity | None]) -> None:
        super().__init__(where)
        self.which = which
        self.unread: dict[str, Kept] = {}
        self.kept: dict[str, Kept] = {}

    def identity(self, name: str) -> Identity:
        """As ever; of one that is unread without opening it."""
        return self.which[name] if name in self.unread else super().identity(name)

    def links(self) -> dict[str, dict[int, str]]:
        """The names of each one's interfaces, by their numbers."""
        read = {name: {link["index"]: link["name"] for link in space["links"]} for name, space in self.spaces.items()}
        return read | {name: kept.links for name, kept in self.unread.items()}

    def numbers(self, known: Mapping[Identity, int]) -> dict[int, str]:
        """Which of them has which number, of those that are *known*."""
        numbered = ((known.get(self.identity(name)), name) for name in [*self.spaces, *self.unread])
        return {number: name for number, name in numbered if number is not None}


class NodeSpaces:
    """The namespaces of the node that this thread is in."""

    def __init__(self) -> None:
        self._notices: Notices | None = None
        self._kept: dict[Identity, Kept] = {}
        self._numbers: dict[Identity, int] = {}
        self._neighbours_made: int | None = None
        self._unfinished = False
        self._seen: set[Identity] = set()
        """Those of the last look: a Pod is kept from its second reading on, for many of a big recipe's are read only once."""
        self._users = own_users()
        self._remembered = Remembered(read_links.decode_link, read_links.without_statistics)  # a node has an interface for each Pod
        self._room = 0

    def read(self, anew: bool = False) -> tuple[dict[str, dict[str, Any] | None], set[str]]:
        """
        What `spaces.node` returns, with None in place of Pods that are as they were read last; and the names of those that are kept now.

        *anew*: all is read, whatever was heard.
        """
        where = spaces.places()
        which = {name: namespaces.identity_of(name) for name in where}
        news = self._news()  # after the names: whoever has another's identity has it since the kernel said that the other is gone
        self._room = self._room_beside(len(where))
        self._forget(None if anew or self._unfinished or self._room < 0 else news)
        self._unfinished = True  # until the end: a look that fails has heard what it has not told
        before, self._neighbours_made = self._neighbours_made, neighbours_made()
        with _Look(where, which) as look:
            self._read(look, before is not None and before == self._neighbours_made)
            told = self._told(look)
        self._unfinished = False
        return told

    def hear_nothing(self) -> None:
        """Listen no more until the next look, which reads all: while thousands of things are made, hearing of each costs time."""
        if self._notices is not None:
            self._notices.close()
            self._notices = None
        self._forget(None)

    def _room_beside(self, names: int) -> int:
        """How many descriptors are left for Pods that are kept, beside those of a look at all of that many."""
        kept = sum(len(kept.settings) for kept in self._kept.values())
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - descriptors_for_settings() - OTHER_DESCRIPTORS
        return most - DESCRIPTORS_OF_ONE * (1 + names) - kept

    def _news(self) -> News | None:
        if self._notices is None:
            try:
                self._notices = Notices()
            except OSError:  # a kernel that gives none of some kind: all is read each time
                return None
        return self._notices.news()

    def _forget(self, news: News | None) -> None:
        """Forget the Pods in which something has changed, or at the other end of a cable: of this end the kernel speaks later."""
        for identity, number in list(self._numbers.items()):
            if news is None or number in news.gone:
                del self._numbers[identity]
        for identity, kept in list(self._kept.items()):
            if identity not in self._numbers or kept.number in news.changed or not news.links.isdisjoint(kept.ends):
                self._drop(identity)

    def _drop(self, identity: Identity) -> None:
        kept = self._kept.pop(identity)
        self._room += len(kept.settings)
        kept.close()

    def _read(self, look: _Look, no_new_neighbours: bool) -> None:
        """Read what has to be read; *no_new_neighbours*: none was made on this machine since the last look."""
        look.read("", self._remembered)
        known = {look.identity("")}
        for name, identity in look.which.items():
            if identity is None or identity in known:
                continue  # a second name for the node, or for a Pod (`ip netns attach`)
            kept = self._kept.get(identity)
            if (
                kept is not None
                and self._is_still_so(kept, look, name)
                and (no_new_neighbours or (look.enter(name) and not has_neighbours()))
            ):
                look.unread[name] = kept
            elif look.enter(name) and look.identity(name) not in known:
                self._read_one(look, name)
            else:
                continue
            known.add(look.identity(name))
        while called_otherwise := self._called_otherwise(look):
            for name in called_otherwise:
                del look.unread[name]
                if look.enter(name):
                    self._read_one(look, name)

    def _is_still_so(self, kept: Kept, look: _Look, name: str) -> bool:
        """Whether a Pod of which nothing was heard is as it was in what the kernel does not tell, too."""
        if kept.name != name:
            return False
        if not kept.settings:  # at the second look: many a Pod is read once, or goes on changing
            if len(kept.links) >= self._room or not (look.enter(name) and kept.open_settings()):
                return False
            self._room -= len(kept.settings)
        return kept.settings_are_off()

    def _read_one(self, look: _Look, name: str) -> None:
        if (identity := look.identity(name)) in self._kept:
            self._drop(identity)
        look.read(name, self._decode_in_pod)
        space = look.spaces[name]
        if identity in self._seen and tells_all(space) and users_of(look[name]) == self._users:
            look.kept[name] = Kept(name, space["links"])

    def _decode_in_pod(self, body: bytes) -> dict[str, Any]:
        """All Pods have the same loopback, mostly; another interface is asked for once."""
        return (self._remembered if read_links.is_first(body) else read_links.decode_link)(body)

    def _called_otherwise(self, look: _Look) -> list[str]:
        """The unread ones of which an interface hangs on something that has another name now."""
        numbers, links = {None: "", **look.numbers(self._numbers)}, look.links()

        def called(end: End) -> tuple[str | None, str | None]:
            space = numbers.get(end[0])
            return space, links.get(space, {}).get(end[1])

        return [name for name, kept in look.unread.items() if any(called(end) != was for end, was in kept.ends.items())]

    def _told(self, look: _Look) -> tuple[dict[str, dict[str, Any] | None], set[str]]:
        """All of them, with names; those that may be kept are, from now on."""
        beside = {name: kept.links for name, kept in look.unread.items()}
        numbers = spaces.name_others(look.spaces, look.sockets, look, beside, look.numbers(self._numbers))
        number_of = {name: number for number, name in numbers.items()}
        self._numbers |= {look.identity(name): number for name, number in number_of.items()}
        for name, kept in list(look.kept.items()):
            if kept.hang_on(look.spaces[name], number_of.get(name), number_of):
                self._kept[look.identity(name)] = kept
            else:
                look.kept.pop(name).close()
        self._seen = {look.identity(name) for name in (*look.spaces, *look.unread)}
        now = {look.identity(name) for name in (*look.kept, *look.unread)}
        for identity in self._kept.keys() - now:  # a process holds it, and it has no name: what was told of that name is another's soon
            self._drop(identity)
        told: dict[str, dict[str, Any] | None] = {**look.spaces, **dict.fromkeys(look.unread)}
        return {name: told[name] for name in look if name in told}, {*look.kept, *look.unread}

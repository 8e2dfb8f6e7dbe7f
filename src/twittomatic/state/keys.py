"""The name of every key in Redis.

A crawl's keys share the hash tag `{<crawl>}`, what crawls share of a network has `{net:<network>}`, and no
script touches both. A Redis Cluster is refused all the same, see decision 0021: one connection serves both
families, and `RESENT` belongs to neither.
"""

from __future__ import annotations

from dataclasses import dataclass

GROUP = "workers"
"""The consumer group of every job stream."""

ASKED = "asked:"
"""Before a combination of modules, in the crawl hash: the options that it was begun with."""

RESENT = "tw:resent"
"""Written before `WAIT` where a pipeline is sent again, so that there is something to wait for."""


@dataclass(frozen=True)
class CrawlKeys:
    """The keys of one crawl.

    Attributes:
        crawl: Its name, CRAWL.
        traversal: What it does to each target, such as `TFA`: another combination in the same crawl has a
            frontier and a seen of its own, so that users found by one are not missing from the other.
    """

    crawl: str
    traversal: str = ""

    def _key(self, name: str) -> str:
        return f"tw:{{{self.crawl}}}:{name}"

    @property
    def crawl_hash(self) -> str:
        """Hash: phase, reason, until, modules, epoch, run, options of the crawl.

        Also `asked:<modules>`, the options with which each combination of modules was begun, and `unquoted`
        while a quote is owed; `id`, its identity; `made:<queue>` of each stream of jobs that was created; and
        `ledger:<account>`, the identity of the ledger on which it spends.
        """
        return self._key("crawl")

    @property
    def counters(self) -> str:
        """Hash: numbers that only grow, `pages:follower`, `completed:follower`, `records:timeline`, ..."""
        return self._key("counters")

    @property
    def seen(self) -> str:
        """Prefix of the seen buckets; `<prefix>shape` is the hash of their number."""
        return self._key(f"seen:{self.traversal}:")

    @property
    def every_seen(self) -> str:
        """Prefix of `seen` whatever the traversal, for scripts that add it."""
        return self._key("seen:")

    @property
    def frontier(self) -> str:
        """Prefix: `<prefix>list:<depth>` LIST, `<prefix>rank:<depth>` ZSET, `<prefix>depths` ZSET."""
        return self._key(f"frontier:{self.traversal}:")

    @property
    def every_frontier(self) -> str:
        """Prefix of `frontier` whatever the traversal, for scripts that add it."""
        return self._key("frontier:")

    @property
    def names(self) -> str:
        """Hash: lower-case screen name of a seed -> id."""
        return self._key("names")

    @property
    def job(self) -> str:
        """Prefix of the job hashes, `job:<module>:<user id>`."""
        return self._key("job:")

    def jobs(self, queue: str) -> str:
        """Stream of the jobs of a queue that are ready or leased; see `twittomatic.model.Job.queue`."""
        return self._key(f"jobs:{queue}")

    @property
    def jobs_prefix(self) -> str:
        """Prefix of the job streams, for scripts that touch several."""
        return self._key("jobs:")

    @property
    def delayed(self) -> str:
        """ZSET: `module:user id`, scored by the time it is due in milliseconds; `:count` as of `dead`."""
        return self._key("delayed")

    @property
    def dead(self) -> str:
        """Hash: `module:user id` -> its tries, lines of JSON, the last one at the end.

        Beside it `<key>:count`, a hash: module -> how many; see `lib/dead_delayed.lua`.
        """
        return self._key("dead")

    @property
    def short(self) -> str:
        """Hash: `module:user id` -> JSON of a list that ended far below the claimed count."""
        return self._key("short")

    @property
    def stalled(self) -> str:
        """Hash: `module:user id` -> JSON of a list that stalled."""
        return self._key("stalled")

    @property
    def leader(self) -> str:
        """Hash with a TTL: name and epoch of the master that leads."""
        return self._key("leader")

    @property
    def standbys(self) -> str:
        """ZSET with a TTL: name of a master that would lead -> ms since the epoch until which it counts."""
        return self._key("standbys")

    @property
    def workers(self) -> str:
        """Hash: name of a worker process -> JSON of what it does; `seen_at` in it shows which are gone."""
        return self._key("workers")

    @property
    def events(self) -> str:
        """Stream: what happened, capped."""
        return self._key("events")

    @property
    def sinks(self) -> str:
        """Hash: name of a sink -> JSON of its last report."""
        return self._key("sinks")

    def sink(self, name: str) -> str:
        """Name with a TTL: the process that serves a sink."""
        return self._key(f"sink:{name}")


@dataclass(frozen=True)
class NetworkKeys:
    """The keys that all crawls of one network on one server share.

    Attributes:
        account: The network's name, `x`; of what answers elsewhere `x@HOST:PORT`, so that practice and X
            share neither money nor windows.
    """

    account: str

    def _key(self, name: str) -> str:
        return f"tw:{{net:{self.account}}}:{name}"

    @property
    def windows(self) -> str:
        """Prefix: hash `window:<credential>:<endpoint>`, with the gate that a 429 shuts."""
        return self._key("window:")

    @property
    def clock(self) -> str:
        """Hash: how many ms the network's clock is ahead of the server's, at least."""
        return self._key("clock")

    @property
    def rejected(self) -> str:
        """Hash: credential -> why the network does not accept it."""
        return self._key("rejected")

    @property
    def ledger(self) -> str:
        """Hash: micro-dollars `spent`, `expected`, `reserved`; the first two also by crawl, module, day.

        Also `awaited`: ms until which a process waits for reserved money; `id`, its identity; and the key of
        each window that was opened, so that one that vanished is missed.
        """
        return self._key("ledger")

    def delivered(self, day: str, resource: str) -> str:
        """Set: the ids of one kind of resource that came on a UTC day, a sample, 8 bytes each."""
        return self._key(f"delivered:{day}:{resource}")

    def charged(self, day: str, resource: str) -> str:
        """Hash: how many were delivered, how many of them sampled, how many expected to be charged."""
        return self._key(f"charged:{day}:{resource}")

    @property
    def names(self) -> str:
        """Hash: lower-case screen name -> JSON of its id, and when it was asked for."""
        return self._key("names")

    @property
    def counts(self) -> str:
        """Hash: user id -> JSON of the counts in the profile, and when they were read."""
        return self._key("counts")

    @property
    def reservations(self) -> str:
        """Hash: reservation -> money reserved for a request that is not settled yet; see `lib/ledger.lua`."""
        return self._key("reservations")

    @property
    def caps(self) -> str:
        """Hash: crawl -> `epoch:micro-dollars:identity`: what it may spend of the ledger, and who said so."""
        return self._key("caps")

    def gate(self, endpoint: str) -> str:
        """Hash: how many answers of an endpoint were lost in a row, and a gate; see `lib/gate.lua`."""
        return self._key(f"gate:{endpoint}")


def beginning_with(prefix: str) -> str:
    """Return the pattern that matches the keys with a prefix, escaping what is special in it."""
    return "".join(f"\\{letter}" if letter in "*?[]\\^" else letter for letter in prefix) + "*"

"""Faults chosen by rules and a seed: the same sequence of requests meets the same faults."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from random import Random

from aiohttp import web

from ..madeup.prng import derive, mix
from ..world.changing import ChangingWorld
from .base import Faults, NoFaults, RequestInfo
from .registry import KINDS
from .spec import Rule, read_rules
from .strike import FaultKind, Strike, TokenAliases


def parse_faults(spec: str, *, seed: int = 0, world: ChangingWorld | None = None) -> Faults:
    """Return the faults that a specification describes.

    Args:
        spec: The specification (see `spec`); empty or "none" for no faults.
        seed: Decides, with the number of a request, whether and how it is struck.
        world: The world that the emulator serves, for the kinds that change it.

    Raises:
        ValueError: A word is not understood, or a kind needs a world that can change; in one sentence.
    """
    rules = read_rules(spec, KINDS)
    return SeededFaults(rules, seed=seed, world=world) if rules else NoFaults()


class _RuleState:
    """A rule, and how often it has matched and fired."""

    def __init__(self, rule: Rule, kind: FaultKind) -> None:
        self.rule = rule
        self.kind = kind
        self.seen = 0
        self.fired = 0

    @property
    def exhausted(self) -> bool:
        return self.rule.times is not None and self.fired >= self.rule.times

    @property
    def due(self) -> bool:
        return self.rule.nth > 0 and self.seen >= self.rule.nth and not self.exhausted

    def covers(self, info: RequestInfo) -> bool:
        return self.rule.endpoint in (None, info.endpoint)


class SeededFaults(NoFaults):
    """Apply rules, at most one to each request.

    Precedence: the continuing effect of an earlier strike (a revoked token, a page that leads to itself),
    then a rule with a number that is due, then a rule drawn by rate. A rule with a number that could not
    act stays due.

    Args:
        rules: The rules, in order of precedence.
        seed: The seed of the random choices.
        world: The world, if it can change.

    Raises:
        ValueError: A rule does not fit its kind or this world.
    """

    def __init__(self, rules: Sequence[Rule], *, seed: int = 0, world: ChangingWorld | None = None) -> None:
        self._seed = derive(seed, "faults")
        self._world = world
        self._aliases = TokenAliases()
        kinds = {rule.kind: KINDS[rule.kind]() for rule in rules}
        for rule in rules:
            _check(rule, kinds[rule.kind], world)
        self._rules = [_RuleState(rule, kinds[rule.kind]) for rule in rules]
        self._fired = Counter(dict.fromkeys(kinds, 0))
        self._in_flight: dict[int, tuple[FaultKind, Strike]] = {}

    @property
    def fired(self) -> Mapping[str, int]:
        """The number of times each configured kind has fired."""
        return dict(self._fired)

    async def before(self, info: RequestInfo, request: web.Request) -> web.StreamResponse | None:
        """Choose a fault and apply it before the charge."""
        strike = Strike(
            info=info,
            request=request,
            rng=Random(mix(self._seed, info.number)),  # noqa: S311
            aliases=self._aliases,
            world=self._world,
        )
        kind = self._choose(strike)
        if kind is None:
            return None
        self._in_flight[info.number] = kind, strike
        answer = await kind.before(strike)
        if answer is not None:
            del self._in_flight[info.number]
        return answer

    def alter(self, info: RequestInfo, query: Mapping[str, str]) -> Mapping[str, str]:
        """Replace an alias by its original pagination token and apply the fault to the query."""
        token = query.get("pagination_token")
        if token is not None:
            meant = self._aliases.resolve(info, token)
            query = {name: value for name, value in query.items() if name != "pagination_token"}
            if meant is not None:
                query["pagination_token"] = meant
        kind, strike = self._in_flight.get(info.number, (None, None))
        return query if kind is None or strike is None else kind.alter(strike, query)

    async def after(
        self, info: RequestInfo, request: web.Request, response: web.Response
    ) -> web.StreamResponse:
        """Apply the fault after the charge."""
        kind, strike = self._in_flight.pop(info.number, (None, None))
        return response if kind is None or strike is None else await kind.after(strike, response)

    def _choose(self, strike: Strike) -> FaultKind | None:
        covering = [state for state in self._rules if state.covers(strike.info)]
        possible = [state for state in covering if state.kind.can_strike(strike)]
        for state in possible:
            state.seen += 1
        persistent = next((state for state in self._rules if state.kind.persists(strike)), None)
        due = next((state for state in possible if state.due), None)
        by_rate = _by_rate(covering, strike.rng.random())
        chosen = persistent or due or (by_rate if by_rate in possible else None)
        if chosen is None or (chosen is by_rate and chosen.exhausted):
            return None
        seconds = chosen.rule.seconds
        strike.seconds = (chosen.kind.seconds or 0.0) if seconds is None else seconds
        strike.fire = partial(self._count, chosen, persistent=persistent is not None)
        return chosen.kind

    def _count(self, state: _RuleState, *, persistent: bool) -> None:
        self._fired[state.rule.kind] += 1
        state.fired += not persistent


def _by_rate(covering: Sequence[_RuleState], share: float) -> _RuleState | None:
    """Return the rule whose interval of [0, 1) contains `share`; each interval is as long as its rate."""
    for state in covering:
        share -= state.rule.rate
        if share < 0:
            return state
    return None


def _check(rule: Rule, kind: FaultKind, world: ChangingWorld | None) -> None:
    if rule.seconds is not None and kind.seconds is None:
        raise ValueError(f"the fault '{rule.kind}' takes no time; leave its @ out")
    if kind.needs_world and world is None:
        raise ValueError(f"the fault '{rule.kind}' changes the world, and this world cannot change")
    if kind.needs_posts and not (world and world.can_publish):
        raise ValueError(f"the fault '{rule.kind}' needs a world of made-up posts, and these are recorded")

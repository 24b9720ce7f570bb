"""The reference interpreter as an engine that runs tests."""

from __future__ import annotations

from collections.abc import Sequence

from rules.model import Absence, RuleSet
from rules.testing.history import Event, Heard, History
from rules.transition import Transition
from tests.unit.rules.interpreter import Facts, Fired, Interpreter, Voice


class Reference:
    """Keeps what it knows for ever, so that a restart is nothing to it."""

    def __init__(self, rule_set: RuleSet, history: History) -> None:
        self.rule_set = rule_set
        self.history = history
        self.heard: dict[str, list[int]] = {}
        facts = Facts(
            usual=lambda series, span_us, time_us: history.usual.get(series),
            plan=lambda indicator, use, time_us: history.indicators.get((indicator, use)),
        )
        self.interpreter = Interpreter(rule_set, history.directory, facts)

    def judge(self, batch: Sequence[Event]) -> list[Transition]:
        self.interpreter.fired = []
        for event in batch:
            if isinstance(event, Heard):
                self._listen(event)
            else:
                self.interpreter.play([event])
        return [self._transition(fired) for fired in self.interpreter.fired]

    def restart(self) -> None:
        pass

    def _listen(self, event: Heard) -> None:
        for name, at in event.last_us.items():
            heard = self.heard.setdefault(name, [])
            if not heard or heard[-1] < at:
                heard.append(at)
        gateways = {thing.parent for thing in self.history.things.values()}
        for rule in self.rule_set.rules.values():
            assert isinstance(rule.source, Absence)
            for name, thing in self.history.things.items():
                if (name in gateways) == (rule.source.of == "gateway"):
                    above = self.history.things[thing.parent] if thing.parent else None
                    voices = (
                        Voice(thing.interval_us, self.heard.get(name, [])),
                        Voice(above.interval_us, self.heard.get(thing.parent or "", [])) if above else None,
                    )
                    self.interpreter.silent(rule, name, *voices, event.time_us)

    def _transition(self, fired: Fired) -> Transition:
        rule = self.rule_set.rules[fired.rule]
        return Transition(
            rule=fired.rule,
            version=1,
            subject=fired.subject,
            subject_kind=rule.subject,
            kind=fired.kind,
            time_us=fired.time_us,
            severity=fired.severity,
            reason=fired.reason,
        )

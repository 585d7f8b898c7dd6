"""Answers searches from the registry, or lets them go unanswered as the scenario wants."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from lxml import etree

from gateway.sandbox.logbook import Logbook
from gateway.sandbox.remd.answers import Answers
from gateway.sandbox.remd.codes import say
from gateway.sandbox.remd.metadata import find_faults
from gateway.sandbox.remd.reception import Call, write_response
from gateway.sandbox.remd.records import Registration, Search
from gateway.sandbox.remd.registry import Registry
from gateway.sandbox.remd.search import RESPONSE, read_search, write_matches
from gateway.sandbox.remd.settings import RemdSettings
from gateway.sandbox.scenario import Answer, Behaviour, ErrorItem, Scenario


@dataclass(frozen=True, slots=True)
class Inquiries:
    """The desk for searchRegistryItem."""

    registry: Registry
    log: Logbook
    settings: RemdSettings
    scenario: Scenario
    answers: Answers

    async def answer(self, request: web.Request, call: Call) -> web.StreamResponse:
        """Answer one search."""
        errors = self._judge(call)
        if errors:
            return self.answers.reply(call, write_response(RESPONSE, errors))
        search = read_search(call.request, self.registry, self.settings.page_size)
        trouble = self._find_trouble(search)
        found, total = self.registry.search(search)
        self._note(call, search, found, total, trouble)
        if trouble is None:
            return self.answers.reply(call, write_matches(search, found, total))
        body = _write_trouble(trouble.inquiry_answer)
        return await self.answers.say(request, call, trouble.inquiry_answer, body, trouble.hold)

    def _judge(self, call: Call) -> tuple[ErrorItem, ...]:
        if not call.organizations:
            return (say("NO_RMIS"),)
        faults = find_faults(call.request)
        if faults:
            return faults
        search = read_search(call.request, self.registry, self.settings.page_size)
        known = [one.oid for one in call.organizations]
        return () if search.organization in known else (say("ACCESS_DENIED"),)

    def _find_trouble(self, search: Search) -> Behaviour | None:
        """Return the behaviour of a covered attempt that wants this search to go wrong."""
        attempt = self.registry.take_unanswered(search)
        if attempt is None:
            return None
        return self.scenario.rule(attempt.rule).behaviour(attempt.number)

    def _note(
        self,
        call: Call,
        search: Search,
        found: list[Registration],
        total: int,
        trouble: Behaviour | None,
    ) -> None:
        self.log.write(
            "search",
            message_id=call.message_id,
            organization=search.organization,
            document_kind=search.kind,
            begin="" if search.begin is None else search.begin.isoformat(),
            end="" if search.end is None else search.end.isoformat(),
            patient=search.patient,
            page=search.page,
            total=total,
            answered="truth" if trouble is None else trouble.inquiry_answer,
            complete=trouble is None and search.page * search.page_size >= total,
            found="" if trouble is not None else " ".join(one.local_uid for one in found),
        )


def _write_trouble(answer: Answer) -> etree._Element:
    """Write an answer from which nothing follows: an error, or nothing found and no `hasMore`."""
    return write_response(RESPONSE, (say("INTERNAL_ERROR"),) if answer is Answer.ERROR else ())

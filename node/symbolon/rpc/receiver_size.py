"""Size mode as receiver: all keys are asked, in groups of one supplier each; groups with a hit count."""

from symbolon.errors import UsageError
from symbolon.exchange.limits import SIZE_GROUP, SIZE_MIN_RECORDS
from symbolon.exchange.messages import MATCH, SESSION_ID_BYTES, Hello, TierAsk
from symbolon.exchange.rules_agreement import with_caution
from symbolon.exchange.size_mode import (
    SizeReceiver,
    declared_elements,
    distinct_points,
    record_groups,
    shown,
)
from symbolon.oprf.suite import Suite
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.receiver_session import Ask, Outcome, Prepared, Signed, check_length
from symbolon.storage.audit_log import session_entry
from symbolon.suppliers.tier import Tier


def prepare_size(node: Node, ask: Ask, suite: Suite) -> Prepared:
    """Reads the list and makes the session that asks for all of it.

    Raises:
        UsageError: the list or the tiers cannot be counted.
    """
    tiers = "".join(ask.tiers)
    if tiers not in SIZE_GROUP:
        raise UsageError(f"size mode cannot count tiers {tiers}", hint="Use --tiers A, B or AB.")
    group = SIZE_GROUP[tiers]
    keys = node.suppliers.load_list(map(Tier, tiers))
    tables = list(keys.tables.values())
    groups = record_groups(tables, group)
    records = int((groups >= 0).any(axis=1).sum())
    if records < SIZE_MIN_RECORDS:
        raise UsageError(
            f"size mode needs {SIZE_MIN_RECORDS} suppliers with a key of tiers {tiers}, "
            f"this list has {records}",
            hint="A count over fewer would speak of single suppliers; use --mode intersection.",
        )
    elements = declared_elements(len(groups), group)
    check_length(elements)
    hello = Hello(
        node.rng(SESSION_ID_BYTES),
        suite.name,
        node.config.node.coalition,
        MATCH,
        ask.mode,
        ask.purpose,
        0,
        (TierAsk(tiers, elements),),
        group,
        keys.rules,
    )
    hello, request = node.receipts.sign_hello(hello, ask.peer)
    session = SizeReceiver(hello, distinct_points(tables, suite), groups, suite, node.rng)
    return Prepared(
        session,
        request,
        dict,
        lambda _, signed, figures: _conclude(node, ask, session, signed, figures),
    )


def _conclude(node: Node, ask: Ask, session: SizeReceiver, signed: Signed, figures: Figures) -> Outcome:
    hello = session.hello
    with figures.phase("join"):
        shared = shown(session.count())
    declared = hello.tiers[0].elements
    figures.counts = {"elements": declared}
    sentence = with_caution(
        f"Revealed to {ask.peer}: that this node holds about {declared // hello.group_size} records "
        f"(padded); learned: that {shared} shared suppliers were found, not which.",
        session.key_rules,
    )
    sentence += signed.terms_words
    about = {"request": signed.request.sha256, "receipt": signed.document.sha256}
    entry = session_entry("learned", ask.peer, hello, {}, **about)
    node.sessions.end("receiver", entry, done=True, sentence=sentence, documents=(signed.document,))
    return Outcome({}, [], shared, sentence, session.key_rules)

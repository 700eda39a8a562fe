"""Record handles as labels: what a peer may learn of the own supplier list."""

from symbolon.exchange.labels import HANDLES
from symbolon.exchange.sender_set import DeltaPlan, live_keys
from symbolon.rpc.sender_labels import Labels, Offered, additions_due
from symbolon.rpc.sender_session import SenderSession
from symbolon.rpc.set_preparation import permitted_suppliers
from symbolon.storage.database import Transaction
from symbolon.storage.exchange_sender_store import SetState


class HandleSource:
    """See `LabelSource`.

    Args:
        session: of `intersection` mode.
    """

    kind = HANDLES

    def __init__(self, session: SenderSession) -> None:
        self._session = session
        self._live = {tier: live_keys(table) for tier, table in session.keys.tables.items()}
        self._permitted = permitted_suppliers(
            session.node, session.grant.obligations, session.peer, session.hello.mode
        )

    def whole(self, tier: str) -> int:
        """See `LabelSource.whole`."""
        return self._live[tier].whole

    def offered(self, tier: str, state: SetState) -> Offered:
        """See `LabelSource.offered`."""
        node, keys = self._session.node, self._session.keys
        table, live = keys.tables[tier], self._live[tier]
        if self._permitted is not None:
            live = live.only(table, self._permitted)
        interval_s = node.config.exchange.additions_interval_s
        due = additions_due(state.last_added_s, keys.rules_since_s, now_s=node.clock(), interval_s=interval_s)
        return Offered(table, live, due, batch=due)

    def labels(self, tier: str, plan: DeltaPlan) -> Labels:
        """See `LabelSource.labels`."""
        sending, epoch = self._session.node.sending, self._session.epoch
        handles = sending.handles(epoch, plan.suppliers)

        def record(connection: Transaction) -> None:
            sending.save_handles(connection, epoch, handles)

        return Labels(handles.rows, record)

    def acknowledged(self, connection: Transaction) -> None:
        """See `LabelSource.acknowledged`: nothing, since no handle has to be taken back."""

"""Who published a signal, in an export and on the way back."""

import json

import pytest

from exported_signals import NOW, ORGANISATION, export_of
from signal_makers import TODAY
from symbolon.signals.exported import Exported, summary
from symbolon.signals.exported_record import export_record, read_record
from symbolon.signals.foreign_signal import Importing
from symbolon.signals.own_export import written_texts
from symbolon.signals.stix_writer import write_stix

IMPORTING = Importing(TODAY)


def of_mill() -> Exported:
    own = export_of()
    return Exported(own.released, own.subject, own.narrative, "mill")


def test_publisher_stands_in_record_and_summary_and_nowhere_of_an_own_signal() -> None:
    told, own = of_mill(), export_of()
    assert export_record(told) == {**export_record(own), "publisher": "mill"}
    assert "\nPublished by the member mill.\n" in summary(told.released, told.publisher)
    made = write_stix([told], organisation=ORGANISATION, now=NOW)
    assert "Published by the member mill." in json.dumps(made)
    assert "Published by" not in json.dumps(write_stix([own], organisation=ORGANISATION, now=NOW))


def test_publisher_is_read_back_so_that_the_written_texts_are_known_again() -> None:
    told = of_mill()
    read = read_record(1, export_record(told), IMPORTING)
    assert read.publisher == "mill"
    assert summary(told.released, "mill") in written_texts(read)


@pytest.mark.parametrize("publisher", ["mill\nIt was proven", "", 7, None, ["mill"], "a" * 65])
def test_publisher_that_is_no_member_id_is_not_taken(publisher: object) -> None:
    assert read_record(1, {**export_record(of_mill()), "publisher": publisher}, IMPORTING).publisher == ""

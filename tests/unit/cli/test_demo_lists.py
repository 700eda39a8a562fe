from symbolon.cli.demo_lists import LIST_SIZE, demo_lists, write_list
from symbolon.suppliers.match_keys import explain_keys
from symbolon.suppliers.reader import open_list
from symbolon.suppliers.record import Supplier


def test_demo_lists_are_the_same_at_every_run() -> None:
    first, second = demo_lists(), demo_lists()
    assert (first.ours, first.theirs, first.truth) == (second.ours, second.theirs, second.truth)
    assert len(first.ours) == len(first.theirs) == LIST_SIZE


def test_demo_lists_ids_are_unique_and_the_truth_names_them() -> None:
    for lists in (demo_lists(), demo_lists().changed()):
        ours = {each.supplier_id for each in lists.ours}
        theirs = {each.supplier_id for each in lists.theirs}
        assert (len(ours), len(theirs)) == (len(lists.ours), len(lists.theirs))
        assert {pair[0] for pair in lists.truth} <= ours
        assert {pair[1] for pair in lists.truth} <= theirs


def test_demo_lists_shared_suppliers_are_never_spelt_alike() -> None:
    lists = demo_lists()
    names = [{each.supplier_id: each.name for each in side} for side in (lists.ours, lists.theirs)]
    assert all(names[0][ours] != names[1][theirs] for ours, theirs in lists.truth)


def test_demo_lists_identifiers_are_well_formed() -> None:
    for pair in demo_lists().featured:
        for supplier in (pair.ours, pair.theirs):
            for each in explain_keys(supplier):
                if each.source in ("lei", "gln", "os_id"):
                    assert each.reason == "valid, check digit verified"


def test_write_list_reads_back_whole_without_a_problem(tmp_path) -> None:  # type: ignore[no-untyped-def]
    suppliers = demo_lists().ours
    write_list(tmp_path / "list.csv", suppliers)
    with open_list(tmp_path / "list.csv") as reader:
        found = [item for item in reader if isinstance(item, Supplier)]
    assert sorted(each.supplier_id for each in found) == sorted(each.supplier_id for each in suppliers)


def test_demo_lists_changed_gain_one_shared_supplier() -> None:
    before = demo_lists()
    after = before.changed()
    assert len(after.truth - before.truth) == 1
    assert before.truth <= after.truth

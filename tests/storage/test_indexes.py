"""Which indexes an entity has, and that lists use them."""

from __future__ import annotations

from types import SimpleNamespace

from crm_kernel.fields.choice import Choice
from crm_kernel.fields.text import Text
from crm_kernel.model import EntityModel
from crm_kernel.storage.indexes import Index, entity_indexes, is_ours


def test_every_entity_has_the_standard_indexes(make: SimpleNamespace) -> None:
    assert [index.name for index in entity_indexes(make.entity("lead"))] == [
        "e_lead__created_at_d__id_i",
        "e_lead__created_at_d__id_i_deleted",
        "e_lead__owner__created_at_d__id_i",
        "e_lead__team__created_at_d__id_i",
    ]


def test_fields_bring_theirs(contact: EntityModel) -> None:
    names = [index.name.removeprefix("e_contact__") for index in entity_indexes(contact)][4:]
    assert names == [
        "stage__created_at_d__id_i",
        "name__created_at_d__id_i",
        "name__fold__name__id_i",
        "number_i",
        "external_id_u",
        "select__id_i",
        "called_at__id_i",
        "budget__currency__budget__amount__id_i",
        "kind__created_at_d__id_i",
        "company_i_all",
        "about_i_all",
        *(
            f"{scope}kind__{sort}__id_i"
            for sort in ("select", "called_at", "budget__currency__budget__amount")
            for scope in ("", "owner__", "team__")
        ),
    ]


def test_an_engine_that_reads_nulls_first_backwards_gets_descending_ones(contact: EntityModel) -> None:
    names = [index.name for index in entity_indexes(contact, both_ways=False)]
    assert names[:4] == [index.name for index in entity_indexes(contact)][:4]
    sorts = ["select", "called_at", "name__fold__name", "kind__select", "owner__kind__select"]
    for sort in sorts:
        assert f"e_contact__{sort}__id_i" in names
    assert {
        "e_contact__select_l__id_i",
        "e_contact__name__fold_l__name_l__id_i",
        "e_contact__kind__select_l__id_i",
    } <= {*names}
    index = next(i for i in entity_indexes(contact, both_ways=False) if i.name == "e_contact__kind__select_l__id_i")
    assert '("kind", "select" DESC NULLS LAST, "id")' in index.sql()


def test_unique_holds_among_live_records() -> None:
    assert Index("e_a", ("b",), unique=True).sql() == (
        'CREATE UNIQUE INDEX IF NOT EXISTS "e_a__b_u" ON "e_a" ("b") WHERE deleted_at IS NULL'
    )


def test_long_names_stay_apart(make: SimpleNamespace) -> None:
    """PostgreSQL cuts names at 63 bytes."""
    long = "x" * 48
    fields = [make.field(long, Text(), index=True), make.field(long[:-1] + "y", Choice(("a",)), index=True)]
    names = [index.name for index in entity_indexes(make.entity(long, *fields))]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) == 63
    assert all(is_ours(f"e_{long}", name) for name in names)

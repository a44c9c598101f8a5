"""Pipelines as data: stages, transitions, what each stage requires."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from crm_kernel.documents import PipelineDocument
from crm_kernel.pipelines import Pipeline, default_faults, default_first, pipeline_faults, pipeline_of, seconds


def document(**members: Any) -> PipelineDocument:
    """A pipeline document; `members` replace the usual ones."""
    usual: dict[str, Any] = {
        "kind": "pipeline",
        "name": "viewing",
        "entity": "viewing",
        "stages": [
            {"name": "requested", "type": "open", "requires": {"required": ["listing"]}, "rots_after": "P3D"},
            {"name": "on_hold", "type": "lost", "requires": {"required": ["why"]}},
            {"name": "confirmed", "type": "open", "requires": {"required": ["agent"]}},
            {"name": "Sold Elsewhere", "type": "lost", "reasons": ["price", "place"]},
            {"name": "completed", "type": "won"},
        ],
    }
    return msgspec.convert({**usual, **members}, PipelineDocument)


def pipeline(**members: Any) -> Pipeline:
    return pipeline_of(document(**members))


def test_the_first_stage_is_the_first_of_the_list() -> None:
    assert pipeline().first_stage.name == "requested"


def test_stages_are_found_by_name() -> None:
    found = pipeline().stage("completed")
    assert found is not None
    assert (found.type, found.label) == ("won", "Completed")
    assert pipeline().stage("Completed") is None
    assert pipeline().stage_names == ("requested", "on_hold", "confirmed", "Sold Elsewhere", "completed")


def test_labels_are_kept_or_made_of_the_name() -> None:
    assert [s.label for s in pipeline().stages][1:4] == ["On hold", "Confirmed", "Sold Elsewhere"]
    assert pipeline(label="Viewings", labels={"lv": "Apskates"}).labels == {"lv": "Apskates"}
    assert pipeline(name="lead-sales").label == "Lead sales"


def test_rots_after_is_in_seconds() -> None:
    assert [s.rots_after for s in pipeline().stages] == [259_200, None, None, None, None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("P2W", 1_209_600), ("P1DT1H", 90_000), ("PT90M", 5_400), ("PT1H30M5S", 5_405), ("PT45S", 45)],
)
def test_durations(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["P", "PT", "P1M", "P1Y", "3D", "P1DT", "PT1S2M", "P-1D"])
def test_durations_without_a_fixed_length_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds(text)


@pytest.mark.contract("documents.md#requires-later-stages")
def test_requires_holds_in_its_stage_and_in_later_open_and_won_ones() -> None:
    origins = {name: [r.stage for r in pipeline().required_in(name)] for name in pipeline().stage_names}
    assert origins["requested"] == ["requested"]
    assert origins["confirmed"] == ["requested", "on_hold", "confirmed"]
    assert origins["completed"] == ["requested", "on_hold", "confirmed"]


@pytest.mark.contract("documents.md#requires-lost")
def test_a_lost_stage_has_only_its_own_requires() -> None:
    assert [tuple(r) for r in pipeline().required_in("on_hold")] == [("on_hold", {"required": ["why"]})]
    assert pipeline().required_in("Sold Elsewhere") == ()


def test_an_unknown_stage_requires_nothing_it_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        pipeline().required_in("nowhere")


@pytest.mark.contract("documents.md#transitions-optional")
def test_without_transitions_every_move_is_allowed() -> None:
    assert not pipeline().limits_moves
    assert pipeline().transitions_between("requested", "completed") == []


@pytest.mark.contract("documents.md#transitions-optional")
def test_from_may_be_any_stage() -> None:
    limited = pipeline(
        transitions=[
            {"from": ["requested"], "to": "confirmed", "guard": "agent = @me"},
            {"from": "*", "to": "completed", "roles": ["manager"]},
            {"from": ["*"], "to": "confirmed"},
        ]
    )
    assert limited.limits_moves
    found = limited.transitions_between("requested", "confirmed")
    assert [(index, t.guard) for index, t in found] == [(0, "agent = @me"), (2, None)]
    assert [t.roles for _, t in limited.transitions_between("on_hold", "completed")] == [("manager",)]
    assert limited.transitions_between("requested", "on_hold") == []


def test_an_empty_list_of_transitions_allows_no_move() -> None:
    assert pipeline(transitions=[]).limits_moves


def test_a_sound_pipeline_has_no_faults() -> None:
    assert pipeline_faults(document(remap={"": "requested"}, transitions=[{"from": "*", "to": "completed"}])) == []


@pytest.mark.parametrize(
    ("members", "pointer", "code"),
    [
        ({"stages": [{"name": "a", "type": "open"}, {"name": "a", "type": "won"}]}, "/stages/1/name", "unique"),
        ({"stages": [{"name": "*", "type": "open"}]}, "/stages/0/name", "not"),
        ({"stages": [{"name": "a", "type": "lost", "reasons": ["x", "x"]}]}, "/stages/0/reasons", "uniqueItems"),
        ({"transitions": [{"from": "*", "to": "complete"}]}, "/transitions/0/to", "stage"),
        ({"transitions": [{"from": ["on hold"], "to": "completed"}]}, "/transitions/0/from/0", "stage"),
        ({"remap": {"a/b": "nowhere"}}, "/remap/a~1b", "stage"),
        (
            {"stages": [{"name": "a", "type": "open", "requires": {"properties": {"x": {"pattern": "(?=a)"}}}}]},
            "/stages/0/requires",
            "requires",
        ),
    ],
)
def test_faults_within_a_pipeline(members: dict[str, Any], pointer: str, code: str) -> None:
    assert [(f.pointer, f.code) for f in pipeline_faults(document(**members))] == [(pointer, code)]


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9/schema", "file:///etc/passwd"])
def test_a_reference_out_of_the_document_is_never_fetched(uri: str) -> None:
    stages = [{"name": "a", "type": "open", "requires": {"$ref": uri}}]
    [fault] = pipeline_faults(document(stages=stages))
    assert "never fetched" in fault.detail


def test_an_unknown_stage_gets_a_hint() -> None:
    [fault] = pipeline_faults(document(transitions=[{"from": "*", "to": "complete"}]))
    assert fault.detail == "There is no stage 'complete'; did you mean 'completed'?"


@pytest.mark.contract("documents.md#pipeline-default")
def test_one_pipeline_of_an_entity_is_the_default() -> None:
    first, second, third = pipeline(name="a"), pipeline(name="b", default=True), pipeline(name="c", default=True)
    assert default_faults([first]) == []
    assert default_faults([first, second]) == []
    assert [p.name for p in default_first([first, second])] == ["b", "a"]
    assert [(p.name, f.code) for p, f in default_faults([first, second, third])] == [("c", "unique")]
    assert [(p.name, f.code) for p, f in default_faults([first, pipeline(name="d")])] == [
        ("a", "required"),
        ("d", "required"),
    ]

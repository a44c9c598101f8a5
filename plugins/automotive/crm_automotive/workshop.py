"""What the workshop works with: jobs (STAR RepairOrder) and their labour lines."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from crm_kernel import Entity, Money, Ref, field
from crm_kernel.base import Company, Contact, User

from . import star
from .entities import Odometer, Vehicle, lv


class WorkshopJob(Entity, name="workshop_job", label="Workshop job", title="{number} {vehicle.plate}", icon="wrench"):
    """A visit of a vehicle to the workshop. Its stage is the STAR RepairStageType."""

    number: Annotated[str | None, field(unique=True, autonumber="RO-{000000}", labels=lv("Pasūtījuma Nr."))] = None
    vehicle: Annotated[Ref[Vehicle], field(reverse="workshop_jobs", labels=lv("Automašīna"))]
    contact: Annotated[Ref[Contact] | None, field(reverse="workshop_jobs", labels=lv("Klients"))] = None
    company: Annotated[Ref[Company] | None, field(reverse="workshop_jobs", labels=lv("Klients (uzņēmums)"))] = None
    advisor: Annotated[Ref[User] | None, field(reverse="workshop_jobs", labels=lv("Pieņēmējs"))] = None
    hold: Annotated[star.HoldStatus | None, field(labels=lv("Aizturēts"))] = None
    """What the job waits for; while it does, it does not move on."""
    concern: Annotated[str | None, field(max_length=4000, search=True, labels=lv("Klienta sūdzība"))] = None
    appointment_at: Annotated[datetime | None, field(index=True, labels=lv("Pieraksts"))] = None
    promised_at: Annotated[datetime | None, field(labels=lv("Apsolīts"))] = None
    received_at: Annotated[datetime | None, field(labels=lv("Pieņemta"))] = None
    completed_at: Annotated[datetime | None, field(index=True, labels=lv("Pabeigts"))] = None
    odometer_in: Annotated[Odometer | None, field(labels=lv("Odometrs"))] = None
    hours_in_workshop: Annotated[
        int | None, field(formula="date_diff(completed_at, received_at, 'h')", labels=lv("Stundas servisā"))
    ] = None
    labor_hours: Annotated[
        float | None,
        field(
            decimal=2,
            rollup={
                "of": "labor_lines",
                "measure": "sum",
                "field": "hours",
                "where": "status not in ('DEFERRED', 'DECLINED', 'CANCELLED')",
            },
            labels=lv("Normstundas"),
        ),
    ] = None
    labor_amount: Annotated[
        Money | None,
        field(
            rollup={
                "of": "labor_lines",
                "measure": "sum",
                "field": "amount",
                "where": "status not in ('DEFERRED', 'DECLINED', 'CANCELLED')",
            },
            labels=lv("Darbs kopā"),
        ),
    ] = None


class LaborLine(Entity, name="labor_line", label="Labour line", title="{operation}", icon="list"):
    """One operation of a job (STAR LaborOperation): the three Cs, who pays, and whether he agreed."""

    job: Annotated[Ref[WorkshopJob], field(reverse="labor_lines", labels=lv("Pasūtījums"))]
    operation: Annotated[str, field(max_length=200, search=True, labels=lv("Darbība"))]
    code: Annotated[str | None, field(max_length=40, index=True, labels=lv("Kods"))] = None
    type: Annotated[star.LaborType, field(labels=lv("Veids"))] = "REPAIR"
    status: Annotated[star.LaborStatus, field(labels=lv("Statuss"))] = "SCHEDULED"
    pay_type: Annotated[star.PayType, field(labels=lv("Maksātājs"))] = "CUSTOMER_PAY"
    complaint: Annotated[str | None, field(max_length=2000, labels=lv("Sūdzība"))] = None
    cause: Annotated[str | None, field(max_length=2000, labels=lv("Cēlonis"))] = None
    correction: Annotated[str | None, field(max_length=2000, labels=lv("Novēršana"))] = None
    authorization: Annotated[star.Authorization, field(labels=lv("Saskaņojums"))] = "DRAFT"
    authorization_method: Annotated[star.AuthorizationMethod | None, field(labels=lv("Saskaņots ar"))] = None
    authorized_at: Annotated[datetime | None, field(labels=lv("Saskaņots"))] = None
    technician: Annotated[Ref[User] | None, field(reverse="labor_lines", labels=lv("Mehāniķis"))] = None
    hours: Annotated[float | None, field(decimal=2, ge=0, le=1000, labels=lv("Normstundas"))] = None
    rate: Annotated[Money | None, field(labels=lv("Stundas likme"))] = None
    amount: Annotated[Money | None, field(formula="rate * hours", labels=lv("Summa"))] = None

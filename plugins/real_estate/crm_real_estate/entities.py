"""What an office works with: listings, viewings, offers, what buyers look for, and what fits them.

Fields are named as in the RESO Data Dictionary 2.0, in snake_case; its lookup values are in `reso.py`. A reference to
a user or a contact carries no key suffix (`list_agent`, not ListAgentKey).
"""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from crm_kernel import Entity, Extension, Money, Ref, field
from crm_kernel.base import Contact, User

from . import reso
from .matching import Wishable


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.real_estate]` in crm.toml."""

    viewing_notice_hours: Annotated[int, msgspec.Meta(ge=0, le=720)] = 0
    """How long before its start people may still request a viewing. 0: up to the last minute."""
    viewing_minutes: Annotated[int, msgspec.Meta(ge=5, le=720)] = 30
    """How long a viewing takes that was booked without an end."""
    show_coming_soon: bool = False
    """Whether a listing in the stage Coming Soon may be shown."""


def named(lv: str, ru: str) -> dict[str, str]:
    """The labels of a field beside its English name."""
    return {"lv": lv, "ru": ru}


class Listing(Entity, name="listing", title="{listing_id} {unparsed_address}", icon="home"):
    """A property offered for sale or lease (RESO Property). Its stage is the RESO StandardStatus."""

    listing_id: Annotated[
        str | None, field(unique=True, autonumber="L-{000000}", labels=named("Sludinājuma Nr.", "Номер объекта"))
    ] = None
    parcel_number: Annotated[
        str | None, field(max_length=50, index=True, labels=named("Kadastra numurs", "Кадастровый номер"))
    ] = None

    unparsed_address: Annotated[
        str | None, field(max_length=255, search=True, index=True, labels=named("Adrese", "Адрес"))
    ] = None
    street_number: Annotated[str | None, field(max_length=25)] = None
    street_dir_prefix: Annotated[str | None, field(max_length=15)] = None
    street_name: Annotated[str | None, field(max_length=50, labels=named("Iela", "Улица"))] = None
    street_suffix: Annotated[str | None, field(max_length=25)] = None
    unit_number: Annotated[str | None, field(max_length=25, labels=named("Dzīvoklis", "Квартира"))] = None
    city: Annotated[str | None, field(max_length=50, labels=named("Pilsēta", "Город"))] = None
    city_region: Annotated[
        str | None, field(max_length=150, index=True, search=True, labels=named("Apkaime", "Район"))
    ] = None
    county_or_parish: Annotated[str | None, field(max_length=50, labels=named("Novads", "Край"))] = None
    state_or_province: Annotated[str | None, field(max_length=50)] = None
    postal_code: Annotated[str | None, field(max_length=10, labels=named("Pasta indekss", "Почтовый индекс"))] = None
    country: Annotated[str | None, field(type="country_code", labels=named("Valsts", "Страна"))] = None
    latitude: Annotated[float | None, field(ge=-90, le=90)] = None
    longitude: Annotated[float | None, field(ge=-180, le=180)] = None

    property_type: Annotated[reso.PropertyType | None, field(labels=named("Darījuma veids", "Вид сделки"))] = None
    property_sub_type: Annotated[
        reso.PropertySubType | None, field(labels=named("Īpašuma veids", "Вид недвижимости"))
    ] = None
    listing_agreement: reso.ListingAgreement | None = None
    special_listing_conditions: list[reso.SpecialListingConditions] | None = None

    bedrooms_total: Annotated[int | None, field(ge=0, le=999, labels=named("Guļamistabas", "Спальни"))] = None
    rooms_total: Annotated[int | None, field(ge=0, le=999, labels=named("Istabas", "Комнаты"))] = None
    bathrooms_total_integer: Annotated[int | None, field(ge=0, le=999, labels=named("Vannas istabas", "Ванные"))] = None
    # No RESO name: assessors count a room without a bath as a quarter, a half or three quarters.
    bathrooms_total_decimal: Annotated[float | None, field(decimal=2, ge=0)] = None
    living_area: Annotated[float | None, field(ge=0, labels=named("Dzīvojamā platība", "Жилая площадь"))] = None
    living_area_units: reso.AreaUnits | None = None
    above_grade_finished_area: Annotated[float | None, field(ge=0)] = None
    above_grade_finished_area_units: reso.AreaUnits | None = None
    below_grade_finished_area: Annotated[float | None, field(ge=0)] = None
    below_grade_finished_area_units: reso.AreaUnits | None = None
    lot_size_area: Annotated[float | None, field(ge=0, labels=named("Zemes platība", "Площадь участка"))] = None
    lot_size_units: reso.LotSizeUnits | None = None
    entry_level: Annotated[int | None, field(labels=named("Stāvs", "Этаж"))] = None
    stories: Annotated[float | None, field(ge=0, labels=named("Stāvi", "Этажность"))] = None
    year_built: Annotated[int | None, field(ge=1000, le=2200, labels=named("Būvgads", "Год постройки"))] = None
    property_condition: list[reso.PropertyCondition] | None = None
    heating: list[reso.Heating] | None = None
    furnished: reso.Furnished | None = None
    view: Annotated[list[reso.View] | None, field(labels=named("Skats", "Вид из окон"))] = None
    waterfront_yn: Annotated[bool | None, field(labels=named("Pie ūdens", "У воды"))] = None
    garage_yn: Annotated[bool | None, field(labels=named("Garāža", "Гараж"))] = None
    garage_spaces: Annotated[float | None, field(ge=0)] = None
    pool_private_yn: bool | None = None
    new_construction_yn: Annotated[bool | None, field(labels=named("Jaunais projekts", "Новостройка"))] = None

    list_price: Annotated[Money | None, field(index=True, labels=named("Cena", "Цена"))] = None
    original_list_price: Annotated[Money | None, field(labels=named("Sākotnējā cena", "Первоначальная цена"))] = None
    previous_list_price: Annotated[Money | None, field(labels=named("Iepriekšējā cena", "Предыдущая цена"))] = None
    close_price: Annotated[Money | None, field(labels=named("Pārdošanas cena", "Цена продажи"))] = None
    tax_annual_amount: Money | None = None

    listing_contract_date: date | None = None
    on_market_date: Annotated[date | None, field(index=True, labels=named("Tirgū no", "На рынке с"))] = None
    off_market_date: date | None = None
    purchase_contract_date: date | None = None
    expiration_date: Annotated[date | None, field(labels=named("Līgums līdz", "Договор до"))] = None
    close_date: Annotated[date | None, field(index=True, labels=named("Darījuma datums", "Дата сделки"))] = None
    days_on_market: Annotated[int | None, field(ge=0, labels=named("Dienas tirgū", "Дней на рынке"))] = None

    list_agent: Annotated[Ref[User] | None, field(index=True, reverse="listings", labels=named("Aģents", "Агент"))] = (
        None
    )
    seller: Annotated[Ref[Contact] | None, field(reverse="selling", labels=named("Pārdevējs", "Продавец"))] = None
    buyer: Annotated[Ref[Contact] | None, field(reverse="bought", labels=named("Pircējs", "Покупатель"))] = None
    occupant_type: reso.OccupantType | None = None
    showing_requirements: list[reso.ShowingRequirements] | None = None
    public_remarks: Annotated[str | None, field(max_length=4000, search=True, labels=named("Apraksts", "Описание"))] = (
        None
    )
    private_remarks: Annotated[str | None, field(max_length=4000)] = None


class Viewing(Entity, name="viewing", title="{listing.unparsed_address} {starts_at}", icon="calendar"):
    """A buyer is shown a listing (RESO ShowingRequest, then ShowingAppointment). Its stage says how far it got."""

    listing: Annotated[Ref[Listing], field(reverse="viewings", labels=named("Objekts", "Объект"))]
    starts_at: Annotated[datetime, field(index=True, labels=named("Sākums", "Начало"))]
    ends_at: Annotated[datetime | None, field(index=True, labels=named("Beigas", "Конец"))] = None
    buyer: Annotated[Ref[Contact] | None, field(reverse="viewings", labels=named("Pircējs", "Покупатель"))] = None
    agent: Annotated[Ref[User] | None, field(reverse="viewings", labels=named("Aģents", "Агент"))] = None
    request_type: reso.ShowingRequestType | None = None
    method: Annotated[reso.ShowingMethod, field(labels=named("Norises veids", "Формат"))] = "In-Person"
    group_viewing: Annotated[bool, field(labels=named("Grupas apskate", "Групповой показ"))] = False
    """Several buyers at once: group viewings of one listing may overlap."""
    notice_waived: Annotated[bool, field(labels=named("Bez iepriekšēja pieteikuma", "Без уведомления"))] = False
    """The seller agreed to less notice than the office asks for."""
    notes: Annotated[str | None, field(max_length=2000, search=True)] = None
    rescheduled_to: Annotated[Ref[Literal["viewing"]] | None, field(reverse="rescheduled_from")] = None

    interest: Annotated[int | None, field(ge=1, le=5, labels=named("Interese", "Интерес"))] = None
    price_opinion: Annotated[
        Literal["too low", "fair", "too high"] | None, field(labels=named("Viedoklis par cenu", "Мнение о цене"))
    ] = None
    comment: Annotated[str | None, field(max_length=2000, search=True, labels=named("Atsauksme", "Отзыв"))] = None
    offer: Annotated[Ref[Literal["offer"]] | None, field(reverse="viewings", labels=named("Piedāvājums", "Оферта"))] = (
        None
    )
    """The offer this viewing led to."""


class Offer(Entity, name="offer", title="{listing.unparsed_address} {amount}", icon="file-text"):
    """What a buyer offers for a listing."""

    listing: Annotated[Ref[Listing], field(reverse="offers", labels=named("Objekts", "Объект"))]
    buyer: Annotated[Ref[Contact], field(reverse="offers", labels=named("Pircējs", "Покупатель"))]
    amount: Annotated[Money, field(labels=named("Summa", "Сумма"))]
    deposit: Annotated[Money | None, field(labels=named("Rokasnauda", "Задаток"))] = None
    financing: Annotated[reso.BuyerFinancing | None, field(labels=named("Finansējums", "Финансирование"))] = None
    contingencies: Annotated[list[str] | None, field(labels=named("Nosacījumi", "Условия"))] = None
    expires_at: Annotated[datetime | None, field(labels=named("Spēkā līdz", "Действует до"))] = None
    comment: Annotated[str | None, field(max_length=2000)] = None


class Wish(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Something a buyer would like: `{"field": "garage_yn", "equals": true, "weight": 3}`.

    `equals` is met by the same value, or by a list that holds it; `at_least` and `at_most` by a number in between.
    """

    field: Wishable
    weight: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    equals: bool | str | None = None
    at_least: float | None = None
    at_most: float | None = None


class BuyerRequirement(Entity, name="buyer_requirement", title="{contact.name}", icon="search"):
    """What a buyer looks for: what a listing must have, and weighted wishes."""

    contact: Annotated[Ref[Contact], field(reverse="requirements", labels=named("Pircējs", "Покупатель"))]
    active: Annotated[bool, field(labels=named("Meklē", "Ищет"))] = True
    property_types: list[reso.PropertyType] | None = None
    property_sub_types: Annotated[
        list[reso.PropertySubType] | None, field(labels=named("Īpašuma veidi", "Виды недвижимости"))
    ] = None
    min_price: Annotated[Money | None, field(labels=named("Cena no", "Цена от"))] = None
    max_price: Annotated[Money | None, field(labels=named("Cena līdz", "Цена до"))] = None
    price_tolerance: Annotated[int, field(unit="%", ge=0, le=50)] = 0
    """By how much a price may miss the range; what lies beyond the range lowers the score."""
    min_bedrooms: Annotated[int | None, field(ge=0)] = None
    cities: list[str] | None = None
    districts: Annotated[list[str] | None, field(labels=named("Apkaimes", "Районы"))] = None
    min_living_area: Annotated[float | None, field(unit="m²", ge=0)] = None
    wishes: Annotated[list[Wish] | None, field(labels=named("Vēlmes", "Пожелания"))] = None
    notes: Annotated[str | None, field(max_length=2000, search=True)] = None


class Reason(msgspec.Struct):
    """Why a listing fits or not: the rule (`price`, `wish:garage_yn`), whether it holds, and how, in words."""

    rule: str
    held: bool
    detail: str
    weight: int | None = None


class ListingMatch(Entity, name="listing_match", title="{requirement.contact.name} {listing.unparsed_address}"):
    """A listing on the market measured against what a buyer looks for; kept up by the listeners of this plugin.

    One record for each pair that ever fitted: `fits` turns false and the score 0 where it no longer does, so what the
    buyer was sent and how he judged it stays known.
    """

    pair: Annotated[str, field(unique=True, max_length=80)]
    requirement: Annotated[Ref[BuyerRequirement], field(reverse="listing_matches")]
    listing: Annotated[Ref[Listing], field(reverse="buyer_matches")]
    fits: Annotated[bool, field(labels=named("Atbilst", "Подходит"))]
    score: Annotated[int, field(ge=0, le=100, index=True, labels=named("Atbilstība", "Соответствие"))]
    reasons: list[Reason]
    preference: Annotated[
        reso.ContactListingPreference | None, field(labels=named("Pircēja vērtējums", "Оценка покупателя"))
    ] = None
    sent_at: datetime | None = None


class ContactInOffice(Extension, entity=Contact):
    """What a person is to the office."""

    contact_type: Annotated[
        list[reso.ContactType] | None, field(unique_items=True, labels=named("Kontakta veids", "Тип контакта"))
    ] = None

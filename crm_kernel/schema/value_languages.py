"""Sentences on values beside those of JSON Schema: what field types and the write door find.

They are written in English where the fault is found; here they are in the other languages, by the name that the fault
carries (`Fault.told`). A label stands before them, as in `languages.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

LATVIAN = {
    "decimals": "ne vairāk kā {limit} cipari aiz komata, saņemts {got}",
    "money_decimals": "valūtai {currency} ir ne vairāk kā {limit} cipari aiz komata, saņemts {got}",
    "currency": "{got} nav ISO 4217 valūta",
    "phone": "{got} nav tālruņa numurs",
    "phone_unassigned": "tālruņa numuri šādā formā netiek piešķirti: {got}",
    "phone_extension": "E.164 formātā nav vietas papildu numuram {got}",
    "minimum": "skaitlis ir mazāks par {limit}",
    "maximum": "skaitlis ir lielāks par {limit}",
    "double": "skaitlis ir pārāk liels",
    "no_number": "{got} nav skaitlis",
    "nul": "rakstzīmi U+0000 nevar saglabāt",
    "surrogate": "tekstā ir tikai puse no surogātu pāra",
    "date": "{got} nav datums formā GGGG-MM-DD",
    "moment": "nav RFC 3339 datums un laiks ar nobīdi, piemēram, 2026-03-01T10:00:00+02:00",
    "uuid": "{got} nav UUID",
    "no_record": "ieraksta ar id {got} nav",
    "reference": "norāda uz ierakstu {got}, kas jums nav pieejams",
    "unique": "šo vērtību jau izmanto cits ieraksts",
    "exists": "ieraksts ar šo vērtību jau ir",
    "unique_hidden": "vērtību laukā, ko nedrīkstat lasīt, jau izmanto cits ieraksts",
}

POLISH = {
    "decimals": "najwyżej {limit} miejsc po przecinku, otrzymano {got}",
    "money_decimals": "waluta {currency} ma najwyżej {limit} miejsc po przecinku, otrzymano {got}",
    "currency": "{got} nie jest walutą ISO 4217",
    "phone": "{got} nie jest numerem telefonu",
    "phone_unassigned": "numery telefonu w tej postaci nie są przydzielane: {got}",
    "phone_extension": "E.164 nie ma miejsca na numer wewnętrzny {got}",
    "minimum": "liczba jest mniejsza niż {limit}",
    "maximum": "liczba jest większa niż {limit}",
    "double": "liczba jest zbyt duża",
    "no_number": "{got} nie jest liczbą",
    "nul": "znaku U+0000 nie można zapisać",
    "surrogate": "w tekście jest tylko połowa pary zastępczej",
    "date": "{got} nie jest datą w postaci RRRR-MM-DD",
    "moment": "to nie jest data i godzina RFC 3339 z przesunięciem, na przykład 2026-03-01T10:00:00+02:00",
    "uuid": "{got} nie jest identyfikatorem UUID",
    "no_record": "nie ma rekordu o identyfikatorze {got}",
    "reference": "wskazuje na rekord {got}, który nie jest dla Ciebie dostępny",
    "unique": "tę wartość ma już inny rekord",
    "exists": "rekord z tą wartością już istnieje",
    "unique_hidden": "wartość w polu, którego nie możesz czytać, ma już inny rekord",
}

KAZAKH = {
    "decimals": "үтірден кейін ең көбі {limit} таңба болуы мүмкін, алынғаны {got}",
    "money_decimals": "{currency} валютасында үтірден кейін ең көбі {limit} таңба болады, алынғаны {got}",
    "currency": "{got} ISO 4217 валютасы емес",
    "phone": "{got} телефон нөмірі емес",
    "phone_unassigned": "мұндай телефон нөмірлері берілмейді: {got}",
    "phone_extension": "E.164 пішімінде {got} ішкі нөміріне орын жоқ",
    "minimum": "сан {limit} мәнінен кіші",
    "maximum": "сан {limit} мәнінен үлкен",
    "double": "сан тым үлкен",
    "no_number": "{got} сан емес",
    "nul": "U+0000 таңбасын сақтау мүмкін емес",
    "surrogate": "мәтінде суррогат жұбының тек жартысы бар",
    "date": "{got} ЖЖЖЖ-АА-КК түріндегі күн емес",
    "moment": "уақыт белдеуі бар RFC 3339 күні мен уақыты емес, мысалы 2026-03-01T10:00:00+02:00",
    "uuid": "{got} UUID емес",
    "no_record": "идентификаторы {got} жазба жоқ",
    "reference": "сізге қолжетімсіз {got} жазбасына сілтейді",
    "unique": "бұл мән басқа жазбада бар",
    "exists": "бұл мәні бар жазба бұрыннан бар",
    "unique_hidden": "сіз оқи алмайтын өрістегі мән басқа жазбада бар",
}

RUSSIAN = {
    "decimals": "не больше {limit} знаков после запятой, получено {got}",
    "money_decimals": "у валюты {currency} не больше {limit} знаков после запятой, получено {got}",
    "currency": "{got} не является валютой ISO 4217",
    "phone": "{got} не является номером телефона",
    "phone_unassigned": "номера телефона такого вида не назначаются: {got}",
    "phone_extension": "в E.164 нет места для добавочного номера {got}",
    "minimum": "число меньше {limit}",
    "maximum": "число больше {limit}",
    "double": "число слишком большое",
    "no_number": "{got} не является числом",
    "nul": "знак U+0000 нельзя сохранить",
    "surrogate": "в тексте только половина суррогатной пары",
    "date": "{got} не является датой вида ГГГГ-ММ-ДД",
    "moment": "это не дата и время RFC 3339 со смещением, например 2026-03-01T10:00:00+02:00",
    "uuid": "{got} не является UUID",
    "no_record": "нет записи с идентификатором {got}",
    "reference": "ссылается на запись {got}, которая вам недоступна",
    "unique": "это значение уже есть у другой записи",
    "exists": "запись с этим значением уже есть",
    "unique_hidden": "значение в поле, которое вам нельзя читать, уже есть у другой записи",
}

VALUE_LANGUAGES: Mapping[str, Mapping[str, str]] = {
    "lv": LATVIAN,
    "pl": POLISH,
    "kk": KAZAKH,
    "ru": RUSSIAN,
}

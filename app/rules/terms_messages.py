"""What is wrong with a document of terms, in the reader's language."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TermsProblem:
    """One mistake: the path of the key, a stable code, and the values that the message needs."""

    path: str
    """As written in the document: `levels[1].rate`."""
    code: str
    params: dict[str, Any] = field(default_factory=dict)

    def message(self, language: str = "en") -> str:
        """The sentence for a reader, without the path; English where a language is missing."""
        texts = MESSAGES.get(language, MESSAGES["en"])
        params = self.params
        if self.code == "wrong_type":
            params = {"expected": EXPECTED.get(language, EXPECTED["en"])[params["expected"]]}
        return texts[self.code].format(**params)


class TermsError(ValueError):
    """The document cannot be published; `problems` names every mistake found."""

    def __init__(self, problems: list[TermsProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.path}: {problem.message()}" for problem in problems))


MESSAGES: dict[str, dict[str, str]] = {
    "en": {
        "not_a_table": "The terms must be one table of keys.",
        "bad_toml": "This is not valid TOML: {detail}.",
        "unknown_key": "There is no such key in the terms.",
        "required": "This key must be given.",
        "wrong_type": "This must be {expected}.",
        "out_of_range": "The value must be from {least} to {most}.",
        "bad_rate": 'Write a percentage from 0 to 100 with at most four fraction digits, like "7%" or "33.3333%".',
        "bad_text": "Give a text of 1 to {most} characters.",
        "bad_code": "A code consists of Latin letters, digits, hyphens and underscores.",
        "not_one_of": "The value must be one of: {allowed}.",
        "empty_list": "The list must not be empty.",
        "too_many": "At most {most} are possible.",
        "duplicate": "{value} is given twice.",
        "bad_date": "Write a date as year-month-day, like 2026-01-31.",
        "unknown_currency": "{value} is not a currency of ISO 4217.",
        "unknown_zone": "{value} is not a time zone; write it like Europe/Moscow.",
        "not_rising": "Each level's threshold must be above that of the level before it.",
        "above_whole": "The first and the last click's shares together are above 100%.",
        "unknown_level": "There is no level {value}.",
        "rate_or_fixed": "Give either rate or fixed_minor.",
        "per_with_fixed": "fixed_minor and per belong together.",
        "ends_before_begins": "The end date is before the start date.",
        "needs_values": "This condition needs a list of values.",
        "measure_changed": "The measure cannot be changed while a plan is in force.",
        "fixed_for_good": "This cannot be changed after the first version of the terms.",
    },
    "ru": {
        "not_a_table": "Условия должны быть одной таблицей ключей.",
        "bad_toml": "Это не TOML: {detail}.",
        "unknown_key": "Такого ключа в условиях нет.",
        "required": "Этот ключ обязателен.",
        "wrong_type": "Ожидается {expected}.",
        "out_of_range": "Значение должно быть от {least} до {most}.",
        "bad_rate": "Укажите процент от 0 до 100, не больше четырёх знаков после точки: «7%» или «33.3333%».",
        "bad_text": "Нужен текст от 1 до {most} знаков.",
        "bad_code": "Код состоит из латинских букв, цифр, дефисов и подчёркиваний.",
        "not_one_of": "Допустимые значения: {allowed}.",
        "empty_list": "Список не должен быть пустым.",
        "too_many": "Возможно не больше {most}.",
        "duplicate": "{value} указано дважды.",
        "bad_date": "Укажите дату как год-месяц-день: 2026-01-31.",
        "unknown_currency": "{value} — не валюта ISO 4217.",
        "unknown_zone": "{value} — не часовой пояс; пишите, например, Europe/Moscow.",
        "not_rising": "Порог каждого уровня должен быть выше порога предыдущего.",
        "above_whole": "Доли первого и последнего клика вместе больше 100%.",
        "unknown_level": "Уровня {value} нет.",
        "rate_or_fixed": "Укажите либо rate, либо fixed_minor.",
        "per_with_fixed": "fixed_minor и per указываются вместе.",
        "ends_before_begins": "Дата окончания раньше даты начала.",
        "needs_values": "Этому условию нужен список значений.",
        "measure_changed": "Меру нельзя менять, пока действует хотя бы один план.",
        "fixed_for_good": "После первой версии условий это менять нельзя.",
    },
}

EXPECTED: dict[str, dict[str, str]] = {
    "en": {
        "integer": "a whole number",
        "boolean": "true or false",
        "text": "text in quotes",
        "list": "a list",
        "table": "a table",
    },
    "ru": {
        "integer": "целое число",
        "boolean": "true или false",
        "text": "текст в кавычках",
        "list": "список",
        "table": "таблица",
    },
}

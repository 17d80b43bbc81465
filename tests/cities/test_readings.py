"""What people write, and the city, the area or the unlisted place that they mean."""

import pytest
from flask import Flask

from app.domain.cities.repository import NoPlace

CITIES = [
    # The name of a country or region that a city abroad has too.
    ("Bra", "Bra IT", []),
    ("México, México", "Mexico City MX", []),
    ("Granada, Granada", "Granada ES", []),
    ("La Rioja, Argentina", "La Rioja AR", []),
    # Codes of countries, regions and provinces.
    ("Concord, CA", "Concord US", []),
    ("Concord, CA, USA", "Concord US", []),
    ("Richmond, CA", "Richmond US", ["Richmond CA"]),
    ("Toronto, CA", "Toronto CA", []),
    ("San Pedro, CA", "San Pedro US", []),
    ("Alameda, CA", "Alameda US", []),
    ("Córdoba (CO)", "Córdoba ES", []),
    ("Granada, CO", "Granada CO", []),
    ("Dos Hermanas (SE)", "Dos Hermanas ES", []),
    ("Vitoria, ES", "Gasteiz / Vitoria ES", ["Vitória BR"]),
    ("DC", "Washington US", []),
    # Postal codes that the app's own country has not.
    ("Córdoba 5000", "Córdoba AR", ["Córdoba ES"]),
    ("Córdoba 14001", "Córdoba ES", []),
    ("Mérida 97000", "Mérida MX", ["Mérida ES"]),
    ("Mérida 06800", "Mérida ES", []),
    ("Cartagena 130001", "Cartagena CO", ["Cartagena ES"]),
    ("Madrid 2024", "Madrid ES", []),
    # Parts that say nothing, or are not understood.
    ("Madrid, None", "Madrid ES", []),
    ("Madrid 🇪🇺", "Madrid ES", []),
    ("Nan, Thailand", "Nan TH", []),
    ("Linares, NL", "Linares ES", ["Linares MX", "Linares CL"]),
    ("Plaza de España, Sevilla", "Sevilla ES", ["Sevilla ES", "Laudio / Llodio ES"]),
]
AREAS = [
    ("USA", "US"),
    ("USA 🇺🇸", "US"),
    ("USA, Europe", "US"),
    ("BRA", "BR"),
    ("Peru, Peru", "PE"),
    ("Gran Bretaña", "GB"),
    ("Holland", "NL"),
    ("La Rioja", "ES.27"),
    ("nan, Spain", "ES"),
]
UNLISTED = [
    ("Bali, Canggu", "Canggu", "ID"),
    ("Andalucía, Frigiliana", "Frigiliana", "ES"),
    ("Costa Rica, Nosara", "Nosara", "CR"),
    ("Antiguo, San Sebastián", "Antiguo", "ES"),
    ("Abetxuko, Vitoria", "Abetxuko", "ES"),
    ("San José, Almería", "San José", "ES"),
]


@pytest.mark.parametrize(("text", "expected", "others"), CITIES)
def test_a_text_means_a_city(app: Flask, text: str, expected: str, others: list[str]) -> None:
    cities = app.extensions["nomad_rooms"].cities
    reading = cities.read(text, None)
    assert f"{reading.city.name} {reading.city.country}" == expected
    assert [f"{city.name} {city.country}" for city in cities.choices(reading)] == others


@pytest.mark.parametrize(("text", "code"), AREAS)
def test_a_text_means_an_area(app: Flask, text: str, code: str) -> None:
    reading = app.extensions["nomad_rooms"].cities.read(text, None)
    assert reading.is_area
    assert reading.area.code == code
    assert reading.area.name


@pytest.mark.parametrize(("text", "name", "country"), UNLISTED)
def test_a_text_means_a_place_that_no_list_has(
    app: Flask, text: str, name: str, country: str
) -> None:
    reading = app.extensions["nomad_rooms"].cities.read(text, None)
    assert (reading.city, reading.name, reading.area.country) == (None, name, country)


@pytest.mark.parametrize("text", ["🇪🇺", "🇺🇳", "nan"])
def test_a_text_that_names_no_place_is_refused(app: Flask, text: str) -> None:
    for country in (None, "ES"):
        with pytest.raises(NoPlace):
            app.extensions["nomad_rooms"].cities.read(text, country)


def test_a_word_for_nothing_with_the_country_of_a_city_is_the_city(app: Flask) -> None:
    assert app.extensions["nomad_rooms"].cities.read("nan", "TH").city.name == "Nan"

"""A few hundred members with random interests, for the README's pictures."""

import random

import requests

# Weights of the cities.
CITIES = {
    **{"Madrid": 9, "Barcelona": 8, "Valencia": 6, "Sevilla": 5, "Málaga": 5, "Bilbao": 3},
    **{"Zaragoza": 3, "Las Palmas": 4, "Palma": 3, "Granada": 2, "Alicante": 2, "A Coruña": 2},
    **{"Vigo": 1, "Cádiz": 1, "Murcia": 1, "Valladolid": 1, "Santa Cruz de Tenerife": 3},
    **{"Lisboa": 5, "Oporto": 3, "Burdeos": 1, "Marsella": 2, "Marrakech": 2, "Roma": 2},
}


def populate(url: str, people: int, interests: tuple[str, ...]) -> None:
    """Register the same people at each call."""
    generator = random.Random(7)
    with requests.Session() as session:
        for number in range(people):
            body = {
                "_id": f"person-{number}",
                "city": generator.choices(list(CITIES), list(CITIES.values()))[0],
                "interests": generator.sample(interests, generator.randint(2, 7)),
            }
            assert session.post(f"{url}/rooms", json=body, timeout=5).ok

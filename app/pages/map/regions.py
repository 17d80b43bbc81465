"""The countries, their continents and their names: countries.csv, by countries_builder.py."""

import csv
from pathlib import Path

FILE = Path(__file__).with_name("countries.csv")

with FILE.open(newline="", encoding="utf-8") as file:
    # By code: the country's continent, and its name in each language of the pages.
    COUNTRIES = {row["country"]: row for row in csv.DictReader(file)}
REGION_OF = {code: row["region"] for code, row in COUNTRIES.items()}

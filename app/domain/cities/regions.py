"""Names of Spain's regions by GeoNames first-level code (FIPS 10-4), and of some others.

The first name of a region is the one shown. Names in other languages follow, then provinces and
islands, because people add those to a town's name. Names are separated by a comma and a space.
"""

SPAIN = {
    "07": (
        "Illes Balears, Islas Baleares, Baleares, Balearic Islands, Balears, Mallorca, Majorca, "
        "Menorca, Minorca, Ibiza, Eivissa, Formentera"
    ),
    "27": "La Rioja, Rioja",
    "29": "Comunidad de Madrid, Madrid",
    "31": "Región de Murcia, Murcia, Region of Murcia",
    "32": "Navarra, Nafarroa, Navarre, Comunidad Foral de Navarra",
    "34": "Asturias, Principado de Asturias, Asturies",
    "39": "Cantabria",
    "51": (
        "Andalucía, Andalusia, Andalousie, Andalusien, Andaluzia, Almería, Cádiz, Córdoba, "
        "Granada, Huelva, Jaén, Málaga, Sevilla, Seville"
    ),
    "52": "Aragón, Aragon, Aragó, Huesca, Teruel, Zaragoza",
    "53": (
        "Canarias, Islas Canarias, Canary Islands, Kanaren, Kanarische Inseln, Las Palmas, "
        "Santa Cruz de Tenerife, Tenerife, Gran Canaria, Lanzarote, Fuerteventura, La Palma, La "
        "Gomera, El Hierro, La Graciosa"
    ),
    "54": (
        "Castilla-La Mancha, Castile-La Mancha, Albacete, Ciudad Real, Cuenca, Guadalajara, Toledo"
    ),
    "55": (
        "Castilla y León, Castile and León, Ávila, Burgos, León, Palencia, Salamanca, Segovia, "
        "Soria, Valladolid, Zamora"
    ),
    "56": (
        "Cataluña, Catalunya, Catalonia, Catalogne, Katalonien, Catalunha, Barcelona, Girona, "
        "Gerona, Lleida, Lérida, Tarragona"
    ),
    "57": "Extremadura, Badajoz, Cáceres",
    "58": "Galicia, Galiza, Galice, A Coruña, La Coruña, Lugo, Ourense, Orense, Pontevedra",
    "59": (
        "País Vasco, Euskadi, Basque Country, Pays Basque, Baskenland, Álava, Araba, Bizkaia, "
        "Vizcaya, Biscay, Gipuzkoa, Guipúzcoa"
    ),
    "60": (
        "Comunitat Valenciana, Comunidad Valenciana, Valencian Community, Alicante, Alacant, "
        "Castellón, Castelló, Valencia, València"
    ),
    "CE": "Ceuta",
    "ML": "Melilla",
}

# By country: regions and islands that travellers add to a name and ISO 3166-2 lacks.
OTHER_REGIONS = {
    "PT": "Algarve, Alentejo, Madeira, Açores, Azores",
    "ID": "Bali",
    "GR": "Creta, Crete",
    "IT": "Toscana, Tuscany, Sicily, Cerdeña",
    "FR": "Provence",
    "TH": "Phuket",
    "IN": "Goa",
}

"""Spain's regions by GeoNames' first-level code, in the languages people write them.

GeoNames numbers them as FIPS 10-4 did. The first name of each is the one shown.
"""

SPAIN: dict[str, tuple[str, ...]] = {
    "07": ("Illes Balears", "Islas Baleares", "Baleares", "Balearic Islands", "Balears"),
    "27": ("La Rioja", "Rioja"),
    "29": ("Comunidad de Madrid", "Madrid"),
    "31": ("Región de Murcia", "Murcia", "Region of Murcia"),
    "32": ("Navarra", "Nafarroa", "Navarre", "Comunidad Foral de Navarra"),
    "34": ("Asturias", "Principado de Asturias", "Asturies"),
    "39": ("Cantabria",),
    "51": ("Andalucía", "Andalusia", "Andalousie", "Andalusien", "Andaluzia"),
    "52": ("Aragón", "Aragon", "Aragó"),
    "53": ("Canarias", "Islas Canarias", "Canary Islands", "Kanaren", "Kanarische Inseln"),
    "54": ("Castilla-La Mancha", "Castile-La Mancha"),
    "55": ("Castilla y León", "Castile and León"),
    "56": ("Cataluña", "Catalunya", "Catalonia", "Catalogne", "Katalonien", "Catalunha"),
    "57": ("Extremadura",),
    "58": ("Galicia", "Galiza", "Galice"),
    "59": ("País Vasco", "Euskadi", "Basque Country", "Pays Basque", "Baskenland"),
    "60": ("Comunitat Valenciana", "Comunidad Valenciana", "Valencian Community"),
    "CE": ("Ceuta",),
    "ML": ("Melilla",),
}

"""Code tables of NCIC, the FBI's index of missing persons, as its manual has them: what exports hold for words."""

HAIR = {
    "BLK": "Black", "BLN": "Blond or strawberry", "BLD": "Bald", "BRO": "Brown", "GRY": "Gray or partially gray",
    "RED": "Red or auburn", "SDY": "Sandy", "WHI": "White", "BLU": "Blue", "GRN": "Green", "ONG": "Orange",
    "PLE": "Purple", "PNK": "Pink",
}  # fmt: skip
EYES = {
    "BLK": "Black", "BLU": "Blue", "BRO": "Brown", "GRY": "Gray", "GRN": "Green", "HAZ": "Hazel", "MAR": "Maroon",
    "MUL": "Multicolored", "PNK": "Pink",
}  # fmt: skip
SKIN = {
    "ALB": "Albino", "BLK": "Black", "DRK": "Dark", "DBR": "Dark brown", "FAR": "Fair", "LGT": "Light",
    "LBR": "Light brown", "MED": "Medium", "MBR": "Medium brown", "OLV": "Olive", "RUD": "Ruddy", "SAL": "Sallow",
    "YEL": "Yellow",
}  # fmt: skip
RACE = {
    "A": "Asian or Pacific Islander", "B": "Black", "I": "American Indian or Alaska Native", "W": "White",
}  # fmt: skip
# What jails write beside the tables; NCIC counts Hispanic as an ethnicity, in another field.
ALSO = {"BRN": "BRO", "BWN": "BRO", "BLO": "BLN", "HZL": "HAZ", "WHT": "WHI", "GRA": "GRY", "GRE": "GRN"}
HISPANIC = {"H": "Hispanic"}


def spelled(text: str, table: dict[str, str]) -> str:
    """A code as its words; any other text as it is."""
    code = text.strip().upper()
    return table.get(code) or table.get(ALSO.get(code, "")) or text

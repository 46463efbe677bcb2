"""Compound files as old office programs write them, for tests: [MS-CFB], each stream in sectors of its own."""

import struct
from collections.abc import Mapping
from typing import Any

SECTOR, FREE, END, NONE = 512, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF


def compound_file(content: Mapping[str, Any]) -> bytes:
    """content: streams (bytes) and storages (mappings) by their names."""
    entries: list[dict[str, Any]] = [{"name": "Root Entry", "kind": 5, "child": NONE}]
    sectors: list[bytes] = []
    chains: list[int] = []

    def stored(data: bytes) -> int:
        # What is shorter would have to lie in the mini stream.
        data = data.ljust(4096, b"\0")
        first = len(sectors)
        for at in range(0, len(data), SECTOR):
            sectors.append(data[at : at + SECTOR].ljust(SECTOR, b"\0"))
            chains.append(len(sectors))
        chains[-1] = END
        return first

    def filed(held: Mapping[str, Any]) -> int:
        """The entry of the first of some siblings, each the right one of that before."""
        first = before = NONE
        # As the format orders names: the shorter first.
        for name in sorted(held, key=lambda name: (len(name), name.upper())):
            entry: dict[str, Any] = {"name": name, "kind": 1, "child": NONE, "right": NONE}
            entries.append(entry)
            number = len(entries) - 1
            if isinstance(held[name], bytes):
                entry |= {"kind": 2, "start": stored(held[name]), "size": max(len(held[name]), 4096)}
            else:
                entry["child"] = filed(held[name])
            if before == NONE:
                first = number
            else:
                entries[before]["right"] = number
            before = number
        return first

    entries[0]["child"] = filed(content)
    directory = b"".join(map(_entry, entries))
    directory_at = stored(directory)
    fat_count = 1
    while (len(sectors) + fat_count) * 4 > fat_count * SECTOR:
        fat_count += 1
    table = [*chains, *[0xFFFFFFFD] * fat_count]
    table += [FREE] * (fat_count * SECTOR // 4 - len(table))
    fat = struct.pack(f"<{len(table)}I", *table)
    where = [len(sectors) + number for number in range(fat_count)]
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<5H6x9I", 0x3E, 3, 0xFFFE, 9, 6, 0, fat_count, directory_at, 0, 4096, END, 0, END, 0)
    head += struct.pack("<109I", *where, *[FREE] * (109 - fat_count))
    return head + b"".join(sectors) + fat


def _entry(said: Mapping[str, Any]) -> bytes:
    name = said["name"].encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII36xIQ",
        name, len(name) + 2, said["kind"], 1, NONE, said.get("right", NONE), said["child"],
        said.get("start", END if said["kind"] == 5 else 0), said.get("size", 0),
    )  # fmt: skip


def outlook_mail(*attached: tuple[str, Any]) -> dict[str, Any]:
    """What a mail holds as Outlook saves it. attached: names with bytes, or with what another mail holds."""
    mail: dict[str, Any] = {"__properties_version1.0": bytes(32)}
    for number, (name, held) in enumerate(attached):
        data = "__substg1.0_37010102" if isinstance(held, bytes) else "__substg1.0_3701000D"
        mail[f"__attach_version1.0_#{number:08X}"] = {
            "__properties_version1.0": bytes(8),
            "__substg1.0_3707001F": name.encode("utf-16-le"),
            data: held,
        }
    return mail

"""Reads inputs, a line of hexadecimal digits each, and prints what Python makes of each.

Usage: second_opinion.py json|toml < INPUTS

`json` prints the signing string of an object, `toml` every key with its value, both in hexadecimal digits. A line that
reads `refused` is an input that must be refused, `unsure` one that Python cannot judge.
"""

import datetime
import json
import re
import struct
import sys
import tomllib


class Refused(Exception):
    pass


def unique(pairs):
    if len({name for name, _ in pairs}) < len(pairs):
        raise Refused("a name stands twice")
    return dict(pairs)


def refuse(text):
    raise Refused(text)


decoder = json.JSONDecoder(object_pairs_hook=unique, parse_constant=refuse, parse_float=str, parse_int=str)


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def blanks(text, at):
    while at < len(text) and text[at] in " \t\n\r":
        at += 1
    return at


def expect(text, at, wanted):
    at = blanks(text, at)
    if text[at : at + 1] not in wanted or at == len(text):
        raise Refused(f"no {wanted} at {at}")
    return blanks(text, at + 1)


def members(text):
    """The names and values of the one object in a text, each value with its exact text."""
    found = []
    at = expect(text, 0, "{")
    while text[at : at + 1] != "}" or found:
        if text[at : at + 1] != '"':
            raise Refused("no name")
        name, at = decoder.raw_decode(text, at)
        start = expect(text, at, ":")
        value, at = decoder.raw_decode(text, start)
        found.append((name, value, text[start:at]))
        at = blanks(text, at)
        if text[at : at + 1] != ",":
            break
        at = blanks(text, at + 1)
    if expect(text, at, "}") != len(text):
        raise Refused("more after the object")
    unique([(name, value) for name, value, _ in found])
    return found


def signing_string(data):
    text = data.decode()
    pairs = []
    for name, value, raw in members(text):
        if 1 + depth(value) > 64:
            raise Refused("nested too deeply")
        json.dumps(value, ensure_ascii=False).encode()
        signed = value if raw[0] == '"' else "" if value is None else raw
        name, signed = name.encode(), signed.encode()
        if name.lower() != b"sign" and signed:
            pairs.append((name, signed))
    return b"&".join(name + b"=" + signed for name, signed in sorted(pairs))


class Unsure(Exception):
    pass


def canonical(value):
    match value:
        case bool():
            return f"b{value}".lower()
        case int():
            if not -(2**63) <= value < 2**63:
                raise Refused("no 64 bits hold it")
            return f"i{value}"
        case float():
            return "fnan" if value != value else "f" + struct.pack(">d", value).hex()
        case str():
            return "s" + value.encode().hex()
        case list():
            return "[" + ",".join(map(canonical, value)) + "]"
        case dict():
            entries = sorted((key.encode().hex(), canonical(item)) for key, item in value.items())
            return "{" + ",".join(f"{key}:{item}" for key, item in entries) + "}"
        case datetime.date() | datetime.time():
            return "t"
    raise Unsure(type(value))


def toml(data):
    text = data.decode()
    if "\x00" in text or re.search(r"^\ufeff?[ \t]*\[\[", text, re.MULTILINE):
        raise Unsure("an array of tables is refused, and may also be an array of arrays")
    value = tomllib.loads(text.removeprefix("\ufeff"))
    if depth(value) > 12:
        raise Unsure("deep nesting is refused")
    return canonical(value).encode()


read = {"json": signing_string, "toml": toml}[sys.argv[1]]
for line in sys.stdin:
    try:
        print(read(bytes.fromhex(line)).hex())
    except Unsure:
        print("unsure")
    except (Refused, ValueError, RecursionError):
        print("refused")

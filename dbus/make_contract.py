#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes contract.h, the names and signatures of interfaces, from their introspection XML."""
import re
import sys
import xml.etree.ElementTree as ET


def snake(name):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def main(target, *sources):
    names = ", ".join(source.rsplit("/", 1)[-1] for source in sources)
    out = ["// SPDX-License-Identifier: Apache-2.0", f"// Generated from {names}.", "#pragma once", "",
           "namespace jit::dbus {", ""]
    for node, interface in ((n, i) for n in (ET.parse(s).getroot() for s in sources) for i in n.findall("interface")):
        short = snake(interface.get("name").rsplit(".", 1)[-1])
        out += [f"namespace {short} {{", f'inline constexpr char kPath[] = "{node.get("name")}";',
                f'inline constexpr char kInterface[] = "{interface.get("name")}";']
        for member in interface:
            if member.tag not in ("method", "signal"):
                continue
            name = member.get("name")
            ins = "".join(a.get("type") for a in member.findall("arg") if a.get("direction", "in") == "in")
            outs = "".join(a.get("type") for a in member.findall("arg") if a.get("direction") == "out")
            out.append(f'inline constexpr char k{name}[] = "{name}";')
            out.append(f'inline constexpr char k{name}In[] = "{ins}";')
            if member.tag == "method":
                out.append(f'inline constexpr char k{name}Out[] = "{outs}";')
        out += [f"}}  // namespace {short}", ""]
    out += ["}  // namespace jit::dbus", ""]
    with open(target, "w", encoding="ascii") as f:
        f.write("\n".join(out))


main(*sys.argv[1:])

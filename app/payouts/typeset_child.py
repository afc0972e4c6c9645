"""The process that typesets one document: JSON on standard input, the PDF on standard output.

It knows nothing but its input: no settings, no database, no network, and of the file system only the templates. What
people typed reaches typst as data (`sys.inputs`), never as part of a source text, so nothing in a name can be markup.
"""

import json
import sys
from typing import Any

import typst


def main() -> None:
    """`{root, template, data, made_at, format}` → the document. The same input gives the same bytes."""
    asked = json.load(sys.stdin.buffer)
    made: Any = typst.compile(
        f"{asked['root']}/{asked['template']}",
        root=asked["root"],
        ignore_system_fonts=True,
        format=asked["format"],
        ppi=asked["ppi"],
        sys_inputs={"data": json.dumps(asked["data"], ensure_ascii=False)},
        timestamp=asked["made_at"],
    )
    # Of pictures there is one for each page.
    sys.stdout.buffer.write(made[0] if isinstance(made, list) else made)


if __name__ == "__main__":
    main()

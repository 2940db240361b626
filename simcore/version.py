"""Which program this is: a number, and a hash of all its sources but those of pictures.

Two checkouts give the same rows if they have the same version, so rows say which one made them and
workers of another one are refused. Pictures cannot change a row.
"""

import hashlib
from pathlib import Path

NUMBER = "0.1"
APART = ("figures", "export", "_page")  # pictures, their files, the app where a wheel has it


def hash_of_sources(folder: Path) -> str:
    """Of the Python sources of a package, whatever ends their lines."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(folder.rglob("*.py")):
        place = path.relative_to(folder)
        if path.is_file() and place.parts[0] not in APART:
            source = path.read_bytes().replace(b"\r\n", b"\n")  # git may write either
            digest.update(f"{place.as_posix()} {len(source)}\n".encode() + source)
    return digest.hexdigest()


VERSION = f"{NUMBER}+{hash_of_sources(Path(__file__).parent)}"

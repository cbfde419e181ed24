"""Plain objects as arrays and JSON, in files that outlive the code.

Input: an object of known types. Output: numpy arrays and a text, and a file of both; or
the object again. Nothing is pickled: a file can hold data, not code.
"""

import errno
import io
import json
import math
import os
import zipfile
import zlib
from collections import ChainMap
from contextlib import suppress
from os import PathLike
from pathlib import Path
from tokenize import TokenError
from typing import Any
from uuid import uuid4

import numpy as np
import scipy.sparse as sp

# Of what is written. A new one is needed where an older reader would be wrong; this one
# reads all older ones.
FORMAT = 1

_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,  # a zip file says that it is encrypted
    SyntaxError,  # in the header of an array
    TokenError,
)


class NotPlain(Exception):
    """Names something that is neither data nor of a type that is known."""


class Archive:
    """Plain objects as arrays and JSON.

    Parameters
    ----------
    types : dict of str to (type, str), optional
        By names: classes, and the attributes that make up their objects.
    parent : Archive, optional
        Whose types it has, too.
    """

    def __init__(
        self,
        types: dict[str, tuple[type, str]] | None = None,
        parent: "Archive | None" = None,
    ):
        parents = () if parent is None else (parent,)
        self.types: ChainMap[str, tuple[type, str]]
        self.types = ChainMap({}, *(each.types for each in parents))
        self.names: ChainMap[type, str]
        self.names = ChainMap({}, *(each.names for each in parents))
        for name, (cls, attributes) in (types or {}).items():
            self.add(name, cls, attributes)

    def add(self, name: str, cls: type, attributes: str) -> None:
        """Make a type known, also to archives whose parent this is."""
        self.types[name] = cls, attributes
        self.names[cls] = name

    def pack(self, value: object) -> tuple[str, dict[str, np.ndarray]]:
        """A text and arrays that hold a value.

        Parameters
        ----------
        value : object
            Numbers, strings, arrays, and lists, tuples, dicts and known types of these.

        Returns
        -------
        text : str
            JSON.
        arrays : dict of str to ndarray
            What it refers to: by their dtypes all arrays as one, since each costs a
            file hundreds of bytes.

        Raises
        ------
        NotPlain
            If there is anything else in it.
        """
        arrays: dict[str, list[np.ndarray]] = {}
        text = json.dumps(self._packed(value, arrays), allow_nan=False)
        return text, {name: np.concatenate(each) for name, each in arrays.items()}

    def unpack(self, text: str, arrays: dict[str, np.ndarray]) -> Any:
        """The value of a text and arrays."""
        return self._unpacked(json.loads(text), arrays)

    def _packed(self, value: Any, arrays: dict[str, list[np.ndarray]]) -> Any:
        if isinstance(value, (np.ndarray, np.generic)) or sp.issparse(value):
            return self._packed_array(value, arrays)
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"float": repr(value)}
        name = self.names.get(type(value))
        if name is not None:
            fields = self.types[name][1].split()
            packed = {f: self._packed(getattr(value, f), arrays) for f in fields}
            return {"type": name, **packed}
        if type(value) in (list, tuple):
            kind = type(value).__name__
            return {kind: [self._packed(each, arrays) for each in value]}
        if type(value) is dict:
            items = [
                [self._packed(key, arrays), self._packed(each, arrays)]
                for key, each in value.items()
            ]
            return {"dict": items}
        raise NotPlain(f"{value!r:.60} of type {type(value).__name__}")

    def _packed_array(
        self, value: Any, arrays: dict[str, list[np.ndarray]]
    ) -> dict[str, Any]:
        if sp.issparse(value):
            parts = [value.data, value.indices, value.indptr]
            parts = [self._packed_array(part, arrays) for part in parts]
            return {"csr": [*parts, list(value.shape)]}
        if isinstance(value, np.generic):
            array = np.asarray(value)
            return {"scalar": self._packed_array(array, arrays)}
        if value.dtype.kind == "O":
            strings = value.ravel().tolist()
            others = [each for each in strings if not isinstance(each, str)]
            if others:
                raise NotPlain(f"{others[0]!r:.60} of type {type(others[0]).__name__}")
            return {"strings": strings, "shape": list(value.shape)}
        if value.dtype.kind not in "biufcUSmM":
            raise NotPlain(f"an array of dtype {value.dtype}")
        same = arrays.setdefault(value.dtype.str, [])
        start = sum(map(len, same))
        same.append(value.ravel())
        return {"array": value.dtype.str, "start": start, "shape": list(value.shape)}

    def _unpacked(self, packed: Any, arrays: dict[str, np.ndarray]) -> Any:
        if not isinstance(packed, dict):
            return packed
        if "type" in packed:
            cls = self.types[packed["type"]][0]
            fields = {
                name: self._unpacked(each, arrays)
                for name, each in packed.items()
                if name != "type"
            }
            if issubclass(cls, tuple):
                return cls(**fields)
            made = cls.__new__(cls)
            restore = getattr(made, "__setstate__", vars(made).update)
            restore(fields)
            return made
        kind, content = next(iter(packed.items()))
        if kind == "array":
            start, shape = packed["start"], packed["shape"]
            return arrays[content][start : start + math.prod(shape)].reshape(shape)
        if kind == "scalar":
            return self._unpacked(content, arrays)[()]
        if kind == "float":
            return float(content)
        if kind == "dict":
            pairs = ([self._unpacked(each, arrays) for each in p] for p in content)
            return dict(pairs)
        if kind == "strings":
            return np.array(content, dtype=object).reshape(packed["shape"])
        if kind == "csr":
            *parts, shape = content
            parts = tuple(self._unpacked(part, arrays) for part in parts)
            return sp.csr_array(parts, tuple(shape))
        made = [self._unpacked(each, arrays) for each in content]
        return tuple(made) if kind == "tuple" else made


def write(
    path: Any,
    contents: dict[str, Any],
    arrays: dict[str, np.ndarray],
    *,
    compressed: bool = True,
) -> None:
    """Write a file of arrays and JSON.

    Parameters
    ----------
    path : str, path-like or binary file
        Where to write, by the name as it is. See :func:`replace_file`.
    contents : dict
        JSON; its "format" is added.
    arrays : dict of str to ndarray
        Arrays, none of objects.
    compressed : bool, default=True
        Whether to compress it.
    """
    header = json.dumps({"format": FORMAT, **contents}).encode()
    arrays = {"header": np.frombuffer(header, np.uint8), **arrays}
    save = np.savez_compressed if compressed else np.savez
    file = path if hasattr(path, "write") else io.BytesIO()
    save(file, allow_pickle=False, **arrays)
    if file is not path:
        replace_file(path, file.getbuffer())


def replace_file(path: str | PathLike, data: bytes | memoryview) -> None:
    """Write bytes at once: whoever is interrupted leaves the old file, or none."""
    path = Path(path).resolve()  # what a link leads to, not the link
    if path.exists() and not path.is_file():  # a pipe, for instance
        path.write_bytes(data)
        return
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "No such folder", str(path.parent))
    new = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with open(new, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise


def read(
    path: Any,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Contents and arrays of a file that :func:`write` has written.

    Raises
    ------
    ValueError
        If it is no such file, or of a newer format.
    """
    name = getattr(path, "name", "") if hasattr(path, "read") else path
    try:
        source = path if hasattr(path, "read") else io.BytesIO(Path(path).read_bytes())
        with np.load(source, allow_pickle=False) as file:
            arrays = dict(file)
        contents = json.loads(arrays.pop("header").tobytes())
        version = int(contents["format"])
    except (ValueError, LookupError, EOFError, TypeError, *_DAMAGES) as error:
        raise ValueError(
            f"{str(name)!r} is no model that 'save' of sklearn_ard has written, or it "
            f"is damaged ({type(error).__name__}: {error}). Models that were pickled "
            "are loaded by pickle or joblib."
        ) from error
    if version > FORMAT:
        raise ValueError(
            f"{str(name)!r} has format {version} and was written by sklearn_ard "
            f"{contents.get('sklearn_ard')}; this version reads formats up to "
            f"{FORMAT}. Upgrade sklearn_ard."
        )
    return contents, arrays

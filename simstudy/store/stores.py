"""Object stores by their URIs: opening one, and what one says that refuses."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa

from simstudy.errors import UserError, WorkError, brief

if TYPE_CHECKING:
    from pyarrow import fs

SENT_WHOLE = ("s3", "gcs", "abfs")  # where a file is seen when it is closed, and not before
_USUAL = {  # options that are set unless they are given
    "s3": ("allow_delayed_open", "true"),  # an object is then opened and sent by one request
    "gs": ("retry_limit_seconds", "15"),  # else it is a quarter of an hour
    "gcs": ("retry_limit_seconds", "15"),
}
_SAID = re.compile(r"AWS Error (\w+) during \w+ operation: (.*?)(?: \(Request ID.*)?$", re.DOTALL)
_CURL = re.compile(r"curlCode: \d+, ([^;]*)")
_OPTION = re.compile(r"query parameter in \w+ URI: '(\w+)'")
_EXPECTED = "expected s3://, gs://, abfs:// or file://, a bucket, a prefix and options of pyarrow's"
_ENCODED = "write %2F for a / in a key, %23 for #, %3F for ?, and %40 for an @ that ends no key"
_REFUSALS = {
    "NO_SUCH_BUCKET": "there is no such bucket",
    "ACCESS_DENIED": "access is denied",
    "INVALID_ACCESS_KEY_ID": "there is no such access key",
    "SIGNATURE_DOES_NOT_MATCH": "the secret key does not fit the access key",
    "INVALID_CLIENT_TOKEN_ID": "the session token is not valid",
    "EXPIRED_TOKEN": "the session token has expired",
}


def shown(uri: str) -> str:
    """A URI without its user and options, where keys may stand.

    One in whose key a ``/``, ``#`` or ``?`` stands as it is would be cut within the key.
    """
    try:
        place = urlsplit(uri)
    except ValueError:
        raise UserError(f"this URI is no place for results; {_EXPECTED}") from None
    if "@" in place.path + place.query + place.fragment and "@" not in place.netloc:
        raise UserError(f"a URI has an @ after its bucket; {_ENCODED}")
    return f"{place.scheme}://{place.netloc.rpartition('@')[2]}{place.path.rstrip('/')}"


@lru_cache(maxsize=8)
def opened(pid: int, uri: str) -> tuple[fs.FileSystem, str]:
    """The filesystem of a URI and the path in it; of each process its own, for a fork ends threads.

    Raises
    ------
    UserError
        Where there is no such store, or nothing is to be had from it.
    WorkError
        Where it does not answer.
    """
    from pyarrow.fs import FileSystem, FileType

    place, name = urlsplit(uri), shown(uri)
    option, value = _USUAL.get(place.scheme, ("", ""))
    usual = uri
    if option and f"{option}=" not in place.query:
        query = f"{place.query}&{option}={value}".lstrip("&")
        usual = urlunsplit(place._replace(query=query))
    try:
        try:
            files, root = FileSystem.from_uri(usual)
        except (pa.ArrowException, ValueError) as error:
            if usual == uri or option not in str(error):
                raise
            files, root = FileSystem.from_uri(uri)  # an earlier pyarrow has no such option
    except (pa.ArrowException, ValueError) as error:
        named = _OPTION.search(str(error))  # its other words repeat the URI
        wrong = f"'{named[1]}' is no option" if named else "is no place for results"
        raise UserError(f"{wrong}; {_EXPECTED}", file=name) from None
    except OSError as error:
        raise WorkError(f"{name}: {reason(error)}") from None
    root = root.rstrip("/")
    try:
        bucket = files.get_file_info(root.partition("/")[0] or root)
    except (OSError, pa.ArrowException) as error:
        if is_refusal(error):
            raise UserError(reason(error), file=name) from None
        raise WorkError(f"{name}: {reason(error)}") from None
    if files.type_name in SENT_WHOLE and bucket.type == FileType.NotFound:
        raise UserError("there is no such bucket", file=name)
    return files, root


def _said(error: BaseException) -> tuple[str, str]:
    """The store's own word for what was wrong, and its sentence."""
    said = _SAID.search(str(error))
    return (said[1], said[2]) if said else ("", str(error))


def is_refusal(error: BaseException) -> bool:
    """Whether the store answered, and would answer so again."""
    return _said(error)[0] in _REFUSALS


def reason(error: BaseException) -> str:
    """What went wrong, in a few words."""
    word, sentence = _said(error)
    if word in _REFUSALS:
        return _REFUSALS[word]
    if word == "NETWORK_CONNECTION":
        said = _CURL.search(sentence)
        return f"no connection ({brief(said[1] if said else sentence)})"
    return brief(f"{word} {sentence}".strip())

"""Addresses inside a cluster, told from all others. Pure."""

from urllib.parse import urlsplit


def service_of(url: str) -> tuple[str, int] | None:
    """Return the Service and port of an address inside a cluster, None for others.

    Example:
        >>> service_of("http://lcc-s3.lab.svc:8333"), service_of("https://s3.lab.org")
        (('lcc-s3', 8333), None)
    """
    parts = urlsplit(url)
    words = (parts.hostname or "").split(".")
    if words[2:3] != ["svc"]:
        return None
    return words[0], parts.port or (443 if parts.scheme == "https" else 80)

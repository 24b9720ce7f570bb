"""What the failure of a request to Grafana means, as a sentence that says what to do."""

from __future__ import annotations

import requests
from grafana_client.client import GrafanaException

from citybrain.errors import Correctable

_LONGEST = 300  # characters that are shown of what Grafana says


class GrafanaError(Correctable):
    """Grafana can't be reached, or refuses; the text says what, where and what to do."""


class Passing(GrafanaError):
    """A failure that may be over at the next try."""


class Absent(GrafanaError):
    """There is no such thing."""


def failure(url: str, doing: str, error: GrafanaException | requests.RequestException) -> GrafanaError:
    """What a request's failure means, and what to do."""
    asked = f"Grafana at {url} was asked to {doing}"
    match error:
        case requests.Timeout():
            return Passing(f"{asked} and did not answer in time. Is it, or a proxy on the way, busy?")
        case requests.exceptions.JSONDecodeError():
            return no_json(url)
        case requests.TooManyRedirects():
            target = error.response.headers.get("Location") if error.response is not None else None
            return GrafanaError(
                f"{url} leads elsewhere ({target or 'a redirect'}). Set CITYBRAIN_GRAFANA_URL to the address where "
                "Grafana itself answers; if that is a page to sign in, go round the proxy that asks for it."
            )
        case requests.exceptions.SSLError():
            return GrafanaError(
                f"TLS with Grafana at {url} failed: {_cause(error)}. Have this machine trust the authority of its "
                "certificate (or name a file with it in REQUESTS_CA_BUNDLE), and use the name that is in it."
            )
        case requests.RequestException():
            return Passing(
                f"Grafana at {url} can't be reached: {_cause(error)}. Is it running, and is CITYBRAIN_GRAFANA_URL its "
                "address as seen from this machine?"
            )
    said = _said(error)
    if isinstance(error.response, str) and error.response.lstrip().startswith("<"):
        said = "a page of HTML, so perhaps from a proxy"
    match error.status_code:
        case 401:
            return GrafanaError(
                f"Grafana at {url} does not take the token of CITYBRAIN_GRAFANA_TOKEN_FILE: {said}. It may be wrong, "
                "expired or revoked: make a new one (Administration, Service accounts) and write it into the file."
            )
        case 403:
            return GrafanaError(
                f"{asked} and refused: {said}. Give the service account that permission; the role Admin has all."
            )
        case 404:
            return Absent(f"{asked} and has no such thing: {said}. Run the command again.")
        case 406:  # a board that was saved in the form of Grafana's dynamic dashboards, schema v2
            return GrafanaError(
                f"{asked} and can't: {said}. Somebody saved it in a newer form than the one that is pushed: restore an "
                "earlier version of it there, or save it under another name and delete it, then run the command again."
            )
        case 409 | 412:
            return GrafanaError(
                f"{asked} and refused: {said}. Its name is taken, or somebody changed it at the same moment: look "
                "at it in Grafana, then run the command again."
            )
        case code if code >= 500:
            return Passing(f"{asked} and failed with status {code}: {said}. Its log says why.")
        case code:
            return GrafanaError(f"{asked} and refused with status {code}: {said}.")


def no_json(url: str) -> GrafanaError:
    """What is said of an answer that Grafana does not give."""
    return GrafanaError(
        f"What answers at {url}/api is no Grafana: it gave something else than JSON, perhaps the page of a proxy. Set "
        "CITYBRAIN_GRAFANA_URL to the address where Grafana itself answers, with the path that it is under."
    )


def _said(error: GrafanaException) -> str:
    """What Grafana itself said, in one line."""
    answer = error.response
    text = answer.get("message") if isinstance(answer, dict) else answer
    return " ".join(str(text or error.message).split())[:_LONGEST].rstrip(".")


def _cause(error: BaseException) -> str:
    """The first cause of an error, which says more than what was made of it."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return str(getattr(error, "strerror", None) or error)[:_LONGEST].rstrip(".")

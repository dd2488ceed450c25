"""Google Secret Manager as a store, by its official client and Application Default Credentials."""

from functools import cached_property
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy, gettext_noop

from .address import READ_SECONDS, Address, away, denied, knock, library, not_signed_in
from .base import SourceError

PACKAGE = "google-cloud-secret-manager"
HOST = "secretmanager.googleapis.com"
SIGN_IN = gettext_lazy("Check GOOGLE_APPLICATION_CREDENTIALS or the machine's service account.")
CURE = gettext_lazy("It needs the role Secret Manager Secret Accessor, see docs/references.md.")


class GoogleSecretManager:
    """One value per name: `$OpenAI:ApiKey` is the latest version of the secret `OpenAI__ApiKey`.

    The host of the address is the project. Option: `endpoint`, another host and port of the
    service.
    """

    depth: int | None = None
    options = ("endpoint",)

    def __init__(self, address: Address) -> None:
        if not address.host or address.path.strip("/"):
            raise ValueError("write google-secretmanager://project")
        self._project = address.host
        self._endpoint = address.options.get("endpoint", HOST)
        self.name = f"Google Secret Manager of {address.host}"
        self.cure = format_lazy(
            gettext_lazy("the secret, with __ for :, in {store}"), store=self.name
        )

    def read(self, place: tuple[str, ...]) -> Any:
        faults = library("google.api_core.exceptions", PACKAGE)
        signing = library("google.auth.exceptions", PACKAGE)
        requests = library("requests.exceptions", PACKAGE)
        what = "__".join(place)
        name = f"projects/{self._project}/secrets/{what}/versions/latest"
        try:
            answer = self._client.access_secret_version(name=name, timeout=READ_SECONDS, retry=None)
            return answer.payload.data.decode()
        except (faults.NotFound, faults.FailedPrecondition):  # gone, or its version is disabled
            return None
        except faults.Forbidden:
            raise denied(
                self.name, format_lazy(gettext_lazy("the secret {name}"), name=what), CURE
            ) from None
        except (faults.Unauthenticated, faults.Unauthorized):
            raise not_signed_in(self.name, SIGN_IN) from None
        except signing.TransportError as error:
            raise away(self.name, type(error).__name__) from None
        except signing.GoogleAuthError:
            raise not_signed_in(self.name, SIGN_IN) from None
        except (faults.GoogleAPIError, requests.RequestException) as error:
            raise away(self.name, type(error).__name__) from None
        except UnicodeDecodeError:
            raise SourceError(
                gettext_noop("The secret %(secret)s in %(name)s is not UTF-8 text."),
                secret=what,
                name=self.name,
            ) from None

    def reach(self) -> None:
        host, _, port = self._endpoint.partition(":")
        knock(host, int(port or 443), self.name)

    @cached_property
    def _client(self) -> Any:
        # over REST: gRPC's threads do not survive a fork of the server
        return library("google.cloud.secretmanager", PACKAGE).SecretManagerServiceClient(
            transport="rest", client_options={"api_endpoint": self._endpoint}
        )

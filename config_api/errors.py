"""What is answered when a request cannot be served, named by what the client should do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Finding(BaseModel):
    """One thing that is wrong with a request."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "parameter": "rsi_min",
                "message": "Input should be less than or equal to 100",
                "expected": "a float from 0.0 to 100.0",
                "got": 250,
                "symbol": None,
            }
        }
    )

    parameter: str = Field(description="The parameter or field; empty where it is about several together")
    message: str = Field(description="What is wrong")
    expected: str = Field(description="What would be right")
    got: Any = Field(description="What came, shortened where it is long")
    symbol: str | None = Field(
        default=None, description="The symbol whose own values the change does not go with, if that is what is wrong"
    )

    def __str__(self) -> str:
        """In words: several parameters together are named by the message itself."""
        return f"{self.parameter}: {self.message}" if self.parameter and "," not in self.parameter else self.message


class CurrentVersion(BaseModel):
    """What there is by now."""

    current_version: int = Field(description="The version to decide anew on; 0 where there is none", examples=[4])


Details = Sequence[Finding] | CurrentVersion | None


class ApiError(Exception):
    """A request that is answered with an error.

    `code` is for programs and never changes, `message` is for people.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Details = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = dict(headers or {})

    def as_dict(self) -> dict[str, Any]:
        """The body of the answer."""
        details: Any = self.details
        if isinstance(details, BaseModel):
            details = details.model_dump()
        elif details is not None:
            details = [finding.model_dump() for finding in details]
        return {"success": False, "error": {"code": self.code, "message": self.message, "details": details}}


def invalid(findings: Sequence[Finding]) -> ApiError:
    """The change is not possible as it is: mend what was found."""
    told = "; ".join(map(str, findings[:3]))
    more = f"; and {len(findings) - 3} more" if len(findings) > 3 else ""
    return ApiError(422, "invalid", f"{told}{more}", findings)


def not_found(what: str, message: str) -> ApiError:
    """There is no such thing: `what` is its kind, such as `strategy`."""
    return ApiError(404, f"unknown_{what}", message)


def conflict(message: str, version: int) -> ApiError:
    """Somebody else was faster: read again, and decide anew."""
    return ApiError(409, "version_conflict", message, CurrentVersion(current_version=version))


def unavailable(what: str, message: str) -> ApiError:
    """Something behind the API is away: the same request may do later."""
    return ApiError(503, f"{what}_unavailable", message, headers={"Retry-After": "5"})

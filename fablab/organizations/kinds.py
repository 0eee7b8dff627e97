"""The words the organizations' columns hold. Pure, so that rules may speak of them."""

from enum import StrEnum

ACTIVITY = 120  # letters of an activity account at most


class OrganizationKind(StrEnum):
    COMPANY = "company"
    SOLE_TRADER = "sole_trader"
    ASSOCIATION = "association"
    COOPERATIVE = "cooperative"  # of activity and employment: it pays for its entrepreneurs
    SCHOOL = "school"
    PUBLIC_BODY = "public_body"

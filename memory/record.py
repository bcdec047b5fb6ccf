"""Base of the records that the ledger keeps as JSON."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """An immutable record. Fields that a newer release has added are carried along, so that they are not lost.

    Numbers are finite: NaN and infinities are refused.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

"""Two scans in the night in which summer time ends in Rome."""

from parcelwire.connectors.carriers.poste_italiane.parcel import read_parcel
from tests.unit.domain.test_merge import after, found


def test_two_scans_of_one_office_an_hour_apart_stay_two() -> None:
    """The web answers with instants: in the night in which summer time ends, they differ in the
    offset alone.
    """
    movements = [
        {"dataOra": instant, "statoLavorazione": "la spedizione è in transito", "luogo": "Bologna"}
        for instant in (1_761_438_600_000, 1_761_442_200_000)
    ]
    checkpoints, *_ = read_parcel({"listaMovimenti": movements}, 1_761_500_000_000)
    known = after(found(*checkpoints)).checkpoints
    assert [one.iso_time for one in known] == [
        "2025-10-26T02:30:00+02:00",
        "2025-10-26T02:30:00+01:00",
    ]
    assert after(found(*checkpoints), found(*reversed(checkpoints))).checkpoints == known

"""Parcels on their way in: one, a list that is pasted, a file."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from starlette.responses import Response, StreamingResponse

from parcelwire.domain.access import WorldRule
from parcelwire.pages.dashboard.drafting import (
    DETAIL_LABELS,
    FieldError,
    check_detail,
    details_of,
    problem_of,
    sentence_of,
)
from parcelwire.pages.dashboard.importing import (
    Job,
    first_refused,
    list_jobs,
    load_job,
    read_file,
    report_of,
    take_in,
)
from parcelwire.pages.dashboard.registry import Page, Part
from parcelwire.pages.dashboard.visit import Problem, RefusalError, Visit, missing
from parcelwire.pages.limits import LARGEST_FORM
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import AlreadyExistsError, TrackingError
from parcelwire.tracking.spreadsheet import SheetError

MOST_PASTED: Final = 200
_BETWEEN: Final = re.compile(r"[,;|\t\n]+")
_ID: Final = re.compile(r"[0-9a-f]{32}")
SHOWN_REFUSED: Final = 100
FIRST_DETAILS: Final = ("order_number", "title", "customer_name", "customer_email")


class Pasted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one number of a list."""

    number: str
    id: str = ""
    courier_code: str = ""
    is_existing: bool = False
    why: str = ""


async def show(visit: Visit) -> Response:
    """Show the three forms."""
    return await _show(visit)


async def _show(visit: Visit, problems: tuple[Problem, ...] = ()) -> Response:
    jobs = await list_jobs(visit.house.store, visit.world_id, most=5)
    return await visit.show(
        "add.html",
        problems=problems,
        jobs=jobs,
        first=FIRST_DETAILS,
        labels=DETAIL_LABELS,
        most=MOST_PASTED,
        most_bytes=visit.house.settings.max_upload_bytes,
    )


async def add_one(visit: Visit) -> Response:
    """Follow one number."""
    form, details, problems = visit.form, {}, []
    for name in DETAIL_LABELS:
        if form.has(name):
            try:
                details[name] = check_detail(name, form.get(name))
            except FieldError as error:
                problems.append(Problem(name, f"{DETAIL_LABELS[name]}: {error.message}."))
    number, code = form.get("number"), form.get("courier_code")
    if len(number) > 200 or len(code) > 100:
        problems.append(Problem("number", "That is far too long for a number."))
    if problems:
        return await _show(visit, tuple(problems))
    draft = Draft(
        number=number, courier_code=code or None, details=details_of(details), source="dashboard"
    )
    try:
        stored = await visit.house.service.create(
            visit.world_id, draft, quota=visit.quota, is_waiting=False
        )
    except AlreadyExistsError as error:
        return await visit.go(f"/trackings/{error.existing_id}", sentence_of(error), tone="warn")
    except TrackingError as error:
        return await _show(visit, (problem_of(error),))
    return await visit.go(f"/trackings/{stored.tracking.id}", "It is followed from now on.")


async def add_many(visit: Visit) -> Response:
    """Follow the numbers of a list, each with its own outcome."""
    text, code = visit.form.text("numbers"), visit.form.get("courier_code")
    numbers = [one.strip() for one in _BETWEEN.split(text) if one.strip()]
    numbers = list(dict.fromkeys(numbers))
    problem = ""
    if not numbers:
        problem = "There is no number in the list."
    elif len(numbers) > MOST_PASTED:
        problem = f"These are {len(numbers):,} numbers; {MOST_PASTED} can be pasted at most."
    elif any(len(one) > 200 for one in numbers) or len(code) > 100:
        problem = "One of these is far too long for a number."
    if problem:
        return await _show(visit, (Problem("numbers", problem),))
    drafts = [Draft(number=one, courier_code=code or None, source="dashboard") for one in numbers]
    outcomes = await visit.house.service.create_many(visit.world_id, drafts, quota=visit.quota)
    results = []
    for number, outcome in zip(numbers, outcomes, strict=True):
        error = outcome.error
        if outcome.tracking is not None:
            made = outcome.tracking
            results.append(Pasted(number=number, id=made.id, courier_code=made.courier_code))
        elif isinstance(error, AlreadyExistsError):
            results.append(Pasted(number=number, id=error.existing_id, is_existing=True))
        elif error is not None:
            results.append(Pasted(number=number, why=sentence_of(error)))
    return await visit.show("pasted.html", results=results)


async def upload(visit: Visit) -> Response:
    """Take a file in; it is worked through behind the answer."""
    file, code = visit.form.file("file"), visit.form.get("courier_code")
    courier_code = None
    if file is None or not file.data:
        return await _show(visit, (Problem("file", "Choose a file that is not empty."),))
    most = visit.house.settings.max_upload_bytes
    if len(file.data) > most:
        text = f"This file is larger than {most // 1_000_000} MB. Split it into smaller files."
        return await _show(visit, (Problem("file", text),))
    if code:
        courier = visit.house.registry.resolve(code[:100])
        if courier is None:
            return await _show(visit, (Problem("file", f"There is no courier {code[:100]}."),))
        courier_code = courier.code
    try:
        read = await visit.house.background.run(
            lambda: read_file(file.data, courier_code=courier_code, registry=visit.house.registry)
        )
    except SheetError as error:
        return await _show(visit, (Problem("file", f"This file cannot be used: {error}."),))
    job = await take_in(
        visit.house.store,
        read,
        name=file.name or "a file",
        world_id=visit.world_id,
        identifiers=visit.house.identifiers,
        now=visit.now,
    )
    visit.house.wake_imports()
    return await visit.go(f"/uploads/{job.id}")


async def _job(visit: Visit) -> Job:
    job_id = visit.path["id"]
    job = None
    if _ID.fullmatch(job_id):
        job = await load_job(visit.house.store, visit.world_id, job_id)
    if job is None:
        raise missing("upload")
    return job


async def show_upload(visit: Visit) -> Response:
    """Show how far a file is, and which rows were refused."""
    job = await _job(visit)
    refused = await first_refused(visit.house.store, job, SHOWN_REFUSED) if job.refused else []
    context: dict[str, Any] = {
        "job": job,
        "refused": refused,
        "is_cut": job.refused > len(refused),
    }
    if visit.is_fragment:
        return visit.fragment("upload_state.html", **context)
    return await visit.show("upload.html", **context)


async def report(visit: Visit) -> Response:
    """Answer the refused rows as a file that can be mended and uploaded again."""
    job = await _job(visit)
    if not await first_refused(visit.house.store, job, 1):
        raise RefusalError(404, "No row was refused")
    return StreamingResponse(
        report_of(visit.house.store, job),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="refused-{job.id[:12]}.csv"'},
    )


PAGE: Final = Page(
    path="/add",
    title="Add parcels",
    section="Parcels",
    order=30,
    scope="write",
    world=WorldRule.OWN,
    handler=show,
    shortcut="n",
    parts=(
        Part("POST", "/add/one", add_one, "write", WorldRule.OWN),
        Part("POST", "/add/many", add_many, "write", WorldRule.OWN),
        Part("POST", "/add/file", upload, "write", WorldRule.OWN, most_bytes=LARGEST_FORM),
        Part("GET", "/uploads/{id}", show_upload, "read", WorldRule.OWN),
        Part("GET", "/uploads/{id}/report.csv", report, "read", WorldRule.OWN),
    ),
)

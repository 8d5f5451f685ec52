"""The brand: how the shop looks on its customers' pages, with a preview of what is typed."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace
from starlette.responses import HTMLResponse, Response

from parcelwire.accounts.brands import LOGO_ID, EditBrand, StoredBrand
from parcelwire.accounts.errors import BrandNotFoundError
from parcelwire.domain.access import WorldRule
from parcelwire.domain.brand import (
    LOGO_TYPES,
    MAX_LOGO_BYTES,
    TEXT_NAMES,
    Brand,
    BrandError,
    Font,
    Link,
    LookupField,
)
from parcelwire.pages.dashboard.forms import Form
from parcelwire.pages.dashboard.registry import Page, Part
from parcelwire.pages.dashboard.sample import SAMPLES, sample_of
from parcelwire.pages.dashboard.sender_addresses import (
    addresses_of,
    confirm_code,
    send_code,
)
from parcelwire.pages.dashboard.visit import ROOT, Problem, Visit, missing
from parcelwire.pages.dashboard.words import status_word
from parcelwire.pages.rendering import PUBLIC, html, style_of
from parcelwire.pages.route_map import HEIGHT, WIDTH, route_map
from parcelwire.pages.view import Couriers, page_of
from parcelwire.pages.words import LANGUAGES, choose

DRAFT: Final = "/brand/draft"

LOOKUPS: Final = {
    LookupField.NONE: "Off: only a parcel's own address leads to it",
    LookupField.ORDER_NUMBER: "Number and order number",
    LookupField.EMAIL: "Number and e-mail address",
    LookupField.POSTAL_CODE: "Number and postal code",
}
TEXT_LABELS: Final = {
    "greeting": "How mails begin",
    "footer": "How mails end",
    "help": "Where to get help (mails)",
}
"""Texts that belong to no status."""
_FRAMED: Final = {
    **PUBLIC,
    "content-security-policy": PUBLIC["content-security-policy"].replace(
        "frame-ancestors 'none'", "frame-ancestors 'self'"
    ),
}
_LINES: Final = (
    "name",
    "home_url",
    "logo_alt",
    "support_email",
    "support_phone",
    "support_url",
    "mail_from",
)


async def show(visit: Visit) -> Response:
    """Show the editor."""
    kept = await _kept(visit)
    # What older versions accepted is reported, but is no fault of this request.
    problems = await _ignored_rules(visit, kept.brand)
    return await _show(visit, kept, kept.brand, problems, status=200)


async def _ignored_rules(visit: Visit, brand: Brand) -> tuple[Problem, ...]:
    """Return which of a stored brand's style rules are ignored, as they are no longer allowed."""
    ignored = await visit.house.brands.ignored_rules(brand)
    if not ignored:
        return ()
    text = f"Some style rules are not allowed, so customers' pages ignore them: {ignored}"
    return (Problem("css", text),)


async def _show(
    visit: Visit,
    kept: StoredBrand,
    brand: Brand,
    problems: tuple[Problem, ...],
    *,
    status: int | None = None,
) -> Response:
    """Show the editor with ``brand`` in its fields, which may be another than the one ``kept``."""
    language = visit.form.get("language") or visit.query("language")
    language = language if language in LANGUAGES else "en"
    return await visit.show(
        "brand.html",
        brand=brand,
        links="\n".join(f"{one.text} | {one.url}" for one in brand.links),
        texts=brand.texts.get(language, {}),
        language=language,
        languages=LANGUAGES,
        written=[one for one in brand.texts if one in LANGUAGES],
        text_labels={
            name: TEXT_LABELS.get(name) or f"When it is: {status_word(name).lower()}"
            for name in TEXT_NAMES
        },
        fonts=list(Font),
        lookups=LOOKUPS,
        samples=SAMPLES,
        logo_types=", ".join(LOGO_TYPES),
        most_logo_bytes=MAX_LOGO_BYTES,
        may_mail_unasked=visit.house.settings.may_mail_unasked(visit.session.account),
        has_mail_server=visit.house.settings.has_mail_server,
        is_live_shown=kept.world_id != visit.world_id,
        senders=await addresses_of(visit, kept.brand),
        problems=problems,
        status=status,
    )


async def _kept(visit: Visit) -> StoredBrand:
    return await visit.house.brands.find(visit.world_id)


def read_brand(form: Form, before: Brand) -> Brand:
    """Return the brand that a form describes; the texts of other languages stay.

    Raises:
        BrandError: the form holds what no brand could.
    """
    links = []
    for line in form.text("links").splitlines():
        if line.strip():
            text, bar, url = line.rpartition("|")
            if not bar:
                raise BrandError("links", "write each link as: Text | https://address")
            links.append(Link(text.strip(), url.strip()))
    language = form.get("language", "en")
    if language not in LANGUAGES:
        raise BrandError("texts", "choose a language of the page")
    texts = {name: form.text(f"text-{name}").strip() for name in TEXT_NAMES}
    said = {name: text for name, text in texts.items() if text}
    others = {one: kept for one, kept in before.texts.items() if one != language}
    try:
        font, lookup = Font(form.get("font", "system")), LookupField(form.get("lookup", "none"))
    except ValueError:
        raise BrandError("font", "choose one that exists") from None
    return replace(
        before,
        **{name: form.get(name) for name in _LINES},
        primary_color=form.get("primary_color") if form.has("has_primary") else "",
        background_color=form.get("background_color") if form.has("has_background") else "",
        font=font,
        links=tuple(links),
        texts={**others, language: said} if said else others,
        css=form.text("css").strip(),
        lookup=lookup,
        shows_signer=form.has("shows_signer"),
        mails_unasked=form.has("mails_unasked"),
    )


async def _edited(visit: Visit, before: Brand) -> EditBrand:
    """Return what the form wants.

    Raises:
        BrandError: the form holds what no brand could.
    """
    file = visit.form.file(LOGO_ID)
    return EditBrand(
        world_id=visit.world_id,
        # Its texts may be long.
        brand=await visit.house.background.run(lambda: read_brand(visit.form, before)),
        logo=file.data if file is not None else None,
        removes_logo=visit.form.has("remove_logo"),
    )


async def save(visit: Visit) -> Response:
    """Keep the brand of the world that is looked at: from now on its pages show it."""
    kept = await _kept(visit)
    try:
        await visit.house.brands.save(await _edited(visit, kept.brand))
    except BrandError as error:
        return await _show(visit, kept, _typed(visit.form, kept.brand), (_problem(error),))
    language = visit.form.get("language", "en")
    return await visit.go(f"/brand?language={language}", "The brand is saved.")


async def remove(visit: Visit) -> Response:
    """Delete the test world's brand: its pages show the live one again."""
    try:
        await visit.house.brands.remove(visit.world_id)
    except BrandNotFoundError:
        raise missing("test-world brand") from None
    return await visit.go("/brand", "Pages of test parcels show the live brand again.")


def _problem(error: BrandError) -> Problem:
    return Problem(
        error.field.partition("[")[0].partition(".")[0], f"{error.field}: {error.message}"
    )


def _typed(form: Form, before: Brand) -> Brand:
    """Return what was typed as far as it can be shown again: nothing of it is checked."""
    fields: dict[str, object] = {name: form.get(name) for name in _LINES}
    texts = {name: form.text(f"text-{name}") for name in TEXT_NAMES}
    language = form.get("language", "en")
    return replace(
        before,
        **fields,
        css=form.text("css"),
        texts={**before.texts, language: texts},
        shows_signer=form.has("shows_signer"),
        mails_unasked=form.has("mails_unasked"),
    )


# --- the preview ------------------------------------------------------------------------------


async def preview(visit: Visit) -> Response:
    """Answer the customer's page of a made-up parcel, in the brand as it is typed."""
    before = (await _kept(visit)).brand
    try:
        brand = await visit.house.brands.save_draft(await _edited(visit, before))
    except BrandError as error:
        return HTMLResponse(
            visit.render("brand_problem.html", problem=_problem(error)), 422, _FRAMED
        )
    kind = visit.form.get("sample")
    tracking, poll = sample_of(kind if kind in SAMPLES else "transit", visit.now)
    say = choose(visit.form.get("language"), None, None)
    courier = visit.house.registry.get(tracking.courier_code)
    return html(
        "tracking.html",
        say,
        headers=_FRAMED,
        page=page_of(tracking, poll, Couriers(courier), say, now=visit.now, brand=brand),
        brand=brand,
        base=ROOT + DRAFT,
        map=route_map(tracking, say),
        map_size=(WIDTH, HEIGHT),
        is_embedded=False,
        version=1,
        offers_mail=False,
        offers_feedback=False,
        said="",
    )


async def draft_style(visit: Visit) -> Response:
    """Answer the draft's colours and rules."""
    return style_of(await visit.house.brands.load_draft(visit.world_id))


async def draft_logo(visit: Visit) -> Response:
    """Answer the draft's logo, or the one that is kept."""
    logo = await visit.house.brands.load_draft_logo(visit.world_id)
    if logo is None:
        return Response(status_code=404)
    media_type, data = logo
    return Response(data, media_type=media_type, headers=PUBLIC)


async def draft_live(visit: Visit) -> Response:
    """Answer whoever listens for news of the made-up parcel that there will be none."""
    del visit
    return Response(status_code=204)


PAGE: Final = Page(
    path="/brand",
    title="Brand",
    section="Account",
    order=10,
    scope="admin",
    world=WorldRule.OWN,
    handler=show,
    shortcut="b",
    parts=(
        Part("POST", "/brand", save, "admin", WorldRule.OWN),
        Part("POST", "/brand/remove", remove, "admin", WorldRule.OWN),
        Part("POST", "/brand/sender/send", send_code, "admin", WorldRule.LIVE),
        Part("POST", "/brand/sender/confirm", confirm_code, "admin", WorldRule.LIVE),
        Part("POST", "/brand/preview", preview, "admin", WorldRule.OWN),
        Part("GET", f"{DRAFT}/brand.css", draft_style, "admin", WorldRule.OWN),
        Part("GET", f"{DRAFT}/logo", draft_logo, "admin", WorldRule.OWN),
        Part("GET", f"{DRAFT}/live", draft_live, "admin", WorldRule.OWN),
    ),
)

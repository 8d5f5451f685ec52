// <parcelwire-tracking src="https://parcels.example/t/TOKEN"></parcelwire-tracking>
//
// Shows a parcel within a page of the shop: headline, progress, promise, newest events, and a link to the
// whole page. Its styles are its own (shadow DOM), and it asks nobody but the address it is given. Where
// custom elements are not to be had, an <iframe src=".../t/TOKEN?embed=1"> or a plain link does it too.
// Attributes: src (required), lang, events (how many are shown, default 3), color (#rrggbb).
"use strict";
(() => {
  const style = `
    :host { display: block; min-height: var(--room); font: 1rem/1.5 system-ui, sans-serif; color: #1c1917; --tone: #1d4ed8; }
    @media (prefers-color-scheme: dark) { :host { color: #f5f5f4; --tone: #93b4ff; } .box { background: #211e1b; border-color: #46413c; } .quiet { color: #b8b2ac; } .bar li { background: #46413c; } a { color: #93b4ff; } }
    .box { background: #fff; border: 1px solid #d6d3d1; border-top: 5px solid var(--tone); border-radius: .75rem; padding: 1rem; }
    @media (prefers-color-scheme: dark) { .box { background: #211e1b; border-color: #46413c; border-top-color: var(--tone); } }
    h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 .25rem; }
    p { margin: 0 0 .25rem; overflow-wrap: anywhere; }
    .promise::first-letter { text-transform: uppercase; }
    .quiet { color: #57534e; font-size: .875rem; }
    @media (prefers-color-scheme: dark) { .quiet { color: #b8b2ac; } }
    .bar { list-style: none; display: grid; grid-template-columns: repeat(5, 1fr); gap: .25rem; padding: 0; margin: .75rem 0; }
    .bar li { height: 6px; border-radius: 3px; background: #d6d3d1; }
    @media (prefers-color-scheme: dark) { .bar li { background: #46413c; } }
    .bar li.done, .bar li.now { background: var(--tone); }
    .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    a { color: #1d4ed8; }
    @media (prefers-color-scheme: dark) { a { color: #93b4ff; } }
    ol.events { list-style: none; margin: .75rem 0; padding: 0; }
    ol.events li { padding: .35rem 0; border-top: 1px solid #d6d3d1; }
    @media (prefers-color-scheme: dark) { ol.events li { border-color: #46413c; } }`;
  const make = (name, text, className) => {
    const element = document.createElement(name);
    if (text) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const most = (element) => Math.min(50, Math.max(0, parseInt(element.getAttribute("events") ?? "3", 10) || 0));
  class ParcelwireTracking extends HTMLElement {
    static observedAttributes = ["src", "lang", "events", "color"];
    connectedCallback() { this.load(); }
    attributeChangedCallback() { if (this.isConnected) this.load(); }
    async load() {
      const root = this.shadowRoot || this.attachShadow({ mode: "open" });
      if (!root.adoptedStyleSheets.length) this.dress(root);
      const turn = (this.turn = (this.turn || 0) + 1);
      try {
        const url = new URL(this.getAttribute("src"), location.href);
        url.pathname = url.pathname.replace(/\/$/, "") + "/data.json";
        const language = this.getAttribute("lang") || document.documentElement.lang;
        if (language) url.searchParams.set("lang", language);
        const answer = await fetch(url, { credentials: "omit", referrerPolicy: "no-referrer" });
        if (turn !== this.turn) return;
        if (!answer.ok) throw new Error(String(answer.status));
        this.show(root, await answer.json());
      } catch {
        if (turn === this.turn) this.fall(root);
      }
    }
    dress(root) {
      const color = this.getAttribute("color") || "";
      const tone = /^#[0-9a-f]{6}$/i.test(color) ? `:host { --tone: ${color} !important; }` : "";
      // About as high as it will be: what stands below must not jump when the answer comes.
      const room = `:host { --room: ${11 + 4.5 * most(this)}rem; }`;
      // Not a <style> element: the shop's own Content-Security-Policy may forbid these.
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(style + tone + room);
      root.adoptedStyleSheets = [sheet];
    }
    show(root, parcel) {
      const box = make("section", "", "box");
      box.lang = parcel.language;
      box.setAttribute("aria-label", parcel.headline);
      this.dress(root);
      box.append(make("h2", parcel.headline));
      if (parcel.promise) {
        const isSaid = parcel.headline.includes(parcel.promise.when);
        box.append(make("p", isSaid ? parcel.promise.by : `${parcel.promise.when} – ${parcel.promise.by}`, "quiet promise"));
      }
      for (const text of [parcel.subline, parcel.advice]) if (text) box.append(make("p", text));
      const bar = make("ol", "", "bar");
      bar.setAttribute("aria-hidden", "true");
      for (const step of parcel.steps) bar.append(make("li", "", step.state));
      box.append(make("p", parcel.step_text, "quiet"), bar);
      const events = [...parcel.partner_days, ...parcel.days].flatMap((day) => day.entries.map((entry) => [day, entry])).slice(0, most(this));
      if (events.length) {
        const list = make("ol", "", "events");
        for (const [day, entry] of events) {
          const item = make("li");
          item.append(make("p", entry.line || entry.text));
          item.append(make("p", [day.title, entry.time, entry.place].filter(Boolean).join(" · "), "quiet"));
          list.append(item);
        }
        box.append(list);
      }
      const more = make("a", `${parcel.carrier_name} ${parcel.number}`);
      more.href = parcel.link;
      more.rel = "noreferrer noopener";
      box.append(more);
      root.replaceChildren(box);
    }
    fall(root) {
      root.adoptedStyleSheets = [];
      const link = make("a", this.getAttribute("src"));
      try {
        const url = new URL(this.getAttribute("src"), location.href);
        if (url.protocol === "https:" || url.protocol === "http:") link.href = url.href;
      } catch { /* no address: no link */ }
      link.rel = "noreferrer noopener";
      root.replaceChildren(link);
    }
  }
  if (window.customElements && !customElements.get("parcelwire-tracking")) customElements.define("parcelwire-tracking", ParcelwireTracking);
})();

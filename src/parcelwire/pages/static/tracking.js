// Lets the page follow its parcel: when the server says that there is news, the part about the parcel is
// fetched anew and put in the place of the old one. Without this file the page is complete, only still.
"use strict";
(() => {
  const parcel = () => document.getElementById("parcel");
  if (!parcel() || !window.EventSource) return;
  let stream, timer;
  const refresh = async () => {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = fresh.getElementById("parcel");
    if (!next || next.dataset.version === parcel().dataset.version) return;
    const hadNews = parcel().querySelector("#headline").textContent !== next.querySelector("#headline").textContent;
    parcel().replaceWith(next);
    document.title = fresh.title;
    next.classList.add("changed");
    show();
    if (hadNews) next.querySelector("#headline").setAttribute("aria-live", "polite");
  };
  const show = () => {
    const alive = document.getElementById("alive");
    if (alive) alive.hidden = false;
  };
  const open = () => {
    const version = encodeURIComponent(parcel().dataset.version);
    stream = new EventSource(`${parcel().dataset.live}?version=${version}`);
    stream.addEventListener("open", show);
    stream.addEventListener("changed", refresh);
    stream.addEventListener("error", () => {
      // Closed for good: there is no room for one more stream. Ask once in a while instead, and not all at once.
      if (stream && stream.readyState === EventSource.CLOSED) timer = setTimeout(again, 60000 + 15000 * Math.random());
    });
  };
  const again = async () => {
    try {
      await refresh();
    } catch { /* away for the moment */ }
    if (!document.hidden) open();
  };
  // A page that nobody looks at asks nothing.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(timer);
      if (stream) stream.close();
      stream = null;
    } else if (!stream) {
      open();
    }
  });
  if (!document.hidden) open();
})();

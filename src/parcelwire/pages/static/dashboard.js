// The dashboard works without this: it only makes some things quicker.
"use strict";

// "/" leads to the search, "g" and a letter to a page of the menu.
(() => {
  let waits = false;
  const isTyping = (element) =>
    element.isContentEditable || ["INPUT", "SELECT", "TEXTAREA"].includes(element.tagName);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "/") {
      event.preventDefault();
      document.getElementById("search")?.focus();
    } else if (waits) {
      waits = false;
      const letter = CSS.escape(event.key);
      document.querySelector(`a[data-go="${letter}"]`)?.click();
    } else if (event.key === "g") {
      waits = true;
      setTimeout(() => { waits = false; }, 1500);
    }
  });
})();

// A form that shows a preview of what is typed, in the frame that it names.
(() => {
  const form = document.querySelector("form[data-preview]");
  const button = form?.querySelector("button[formtarget]");
  if (!button) return;
  let timer = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (form.checkValidity()) form.requestSubmit(button);
    }, 400);
  });
  form.requestSubmit(button);
})();

// One click selects what is shown only once.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  await navigator.clipboard?.writeText(source.textContent);
  button.textContent = "Copied";
});
document.querySelectorAll("button[data-copy]").forEach((button) => { button.hidden = false; });

// A new connection shows the fields of the way that was chosen.
(() => {
  const choice = document.querySelector("select[data-shows]");
  if (!choice) return;
  const show = () => {
    document.querySelectorAll("[data-shown-by]").forEach((group) => {
      group.hidden = group.dataset.shownBy !== choice.value;
      group.querySelectorAll("input").forEach((input) => { input.disabled = group.hidden; });
    });
  };
  choice.addEventListener("change", show);
  show();
})();

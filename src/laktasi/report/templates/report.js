
(() => {
  "use strict";
  const root = document.documentElement;
  const inputs = [...document.querySelectorAll('input[name="language"]')];
  const shown = () => document.getElementById(inputs.find((input) => input.checked).value);

  // Where the reader is: the last part whose top has passed the top of the window. Its id ends alike in every language.
  const place = (main) => {
    const parts = [...main.querySelectorAll("[id]")];
    const passed = parts.filter((part) => part.getClientRects().length && part.getBoundingClientRect().top < 80);
    return passed.length ? passed[passed.length - 1].id.slice(main.id.length) : null;
  };

  const apply = () => {
    const input = inputs.find((item) => item.checked);
    root.lang = input.value;
    document.title = input.dataset.title;
  };

  let current = shown();
  for (const input of inputs) {
    input.addEventListener("change", () => {
      // The part left behind is hidden already; for a moment it comes back to be measured.
      const chosen = inputs.find((item) => item.checked);
      document.getElementById("show-" + current.id).checked = true;
      const here = scrollY > 200 ? place(current) : null;
      const opened = [...current.querySelectorAll("details[open][id]")];
      const open = new Set(opened.map((item) => item.id.slice(current.id.length)));
      chosen.checked = true;
      apply();
      current = shown();
      for (const item of current.querySelectorAll("details[id]")) {
        item.open = open.has(item.id.slice(current.id.length));
      }
      const twin = here && document.getElementById(current.id + here);
      if (twin) twin.scrollIntoView();
    });
  }

  const follow = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const main = target.closest("main");
    const input = main && document.getElementById("show-" + main.id);
    if (input && !input.checked) {
      input.checked = true;
      current = main;
      apply();
    }
    if (target instanceof HTMLDetailsElement) target.open = true;
    if (target !== main) target.scrollIntoView();
  };
  addEventListener("hashchange", follow);

  // A page beside this one opens in the language that is read here.
  addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (link && !link.hash && link.pathname !== location.pathname) link.hash = root.lang;
  });

  for (const box of document.querySelectorAll("[data-search]")) {
    const list = document.getElementById(box.dataset.search);
    const output = box.parentElement.querySelector("output");
    const rows = [...list.querySelectorAll("tbody tr")].map((row) => {
      const link = row.querySelector("th a");
      return [row, link ? (link.textContent + " " + link.getAttribute("href")).toLowerCase() : ""];
    });
    box.parentElement.hidden = false;
    box.addEventListener("input", () => {
      const wish = box.value.trim().toLowerCase();
      let found = 0;
      for (const [row, words] of rows) {
        row.hidden = wish !== "" && !words.includes(wish);
        if (!row.hidden) found += 1;
      }
      for (const part of list.querySelectorAll("details.part")) {
        part.hidden = !part.querySelector("tbody tr:not([hidden])");
        part.open = wish !== "" && !part.hidden;
      }
      output.textContent = found ? "" : output.dataset.none;
    });
  }

  // Paper shows everything.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const item of closed) item.open = true;
  });
  addEventListener("afterprint", () => {
    for (const item of closed) item.open = false;
  });

  apply();
  follow();
})();

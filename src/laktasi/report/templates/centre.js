(() => {
  "use strict";
  const inputs = [...document.querySelectorAll('input[name="language"]')];
  const apply = () => {
    const input = inputs.find((item) => item.checked);
    document.documentElement.lang = input.value;
    document.title = input.dataset.title;
  };
  for (const input of inputs) input.addEventListener("change", apply);
  const follow = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const main = target && target.closest("main");
    if (!main) return;
    document.getElementById("show-" + main.id).checked = true;
    apply();
    if (target !== main) target.scrollIntoView();
  };
  addEventListener("hashchange", follow);
  const first = inputs.find((item) => item.defaultChecked).value;
  addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (link && !link.hash && document.documentElement.lang !== first) link.hash = document.documentElement.lang;
  });
  apply();
  follow();
})();

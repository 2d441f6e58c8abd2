// Runs before the first paint, so that a chosen theme does not flash: auto follows the system, light and dark are kept on this device.
"use strict";
(() => {
  const order = ["auto", "light", "dark"];
  const root = document.documentElement;
  let theme = "auto";
  // Storage may be forbidden (private windows, sandboxed frames); the theme then lasts as long as the page.
  try { theme = localStorage.getItem("theme") ?? "auto"; } catch {}
  const apply = () => {
    if (!order.includes(theme)) theme = "auto";
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };
  apply();
  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const label = () => { button.textContent = `Theme: ${theme}`; };
    label();
    button.addEventListener("click", () => {
      theme = order[(order.indexOf(theme) + 1) % order.length];
      try { localStorage.setItem("theme", theme); } catch {}
      apply();
      label();
    });
  });
})();

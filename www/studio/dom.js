// Building the page. Data only ever becomes text nodes and properties: there is no path from a file to markup.

const SVG = "http://www.w3.org/2000/svg";

/** The element with this id; every id used is in index.html. */
export const byId = (id) => document.getElementById(id);

/** `el("p", { class: "muted", title: text }, "text", child)`; `on…` keys are listeners, `null` children are left out. */
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same for SVG elements. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return node;
}

/** Calls `work` once, when there has been no call for `quiet` milliseconds. */
export function debounce(quiet, work) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), quiet);
  };
}

/** Offers `blob` as a file to save. The address is freed once the browser has had time to take it up. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The studio's two scripts that are started by address, under the page's Trusted Types policy. */
export const scriptAddress = (() => {
  const known = ["./scorer.js", "./sw.js"];
  const check = (name) => {
    if (!known.includes(name)) throw new TypeError(`${name} is not a script of this page`);
    return new URL(name, import.meta.url).href;
  };
  const policy = globalThis.trustedTypes?.createPolicy("studio", { createScriptURL: check });
  return (name) => (policy ? policy.createScriptURL(name) : check(name));
})();

// Keeps the page usable without a network: a service worker holds the page, the engine and the demo models.
import { byId, scriptAddress } from "./dom.js";

const say = (text) => { byId("offline").textContent = text; };

export async function offline() {
  const container = navigator.serviceWorker;
  // Absent in private windows of some browsers, and on plain http to another machine.
  if (!container) return;
  let reloading = false;
  let updating = container.controller !== null;
  container.addEventListener("controllerchange", () => {
    // The first worker takes over a page that is already current; only a later one brings another version.
    if (!updating) {
      updating = true;
      return;
    }
    if (reloading) return;
    reloading = true;
    location.reload();
  });
  try {
    const registration = await container.register(scriptAddress("./sw.js"));
    const offer = (worker) => {
      byId("update").hidden = false;
      byId("update-now").onclick = () => {
        updating = true;
        worker.postMessage("take over");
      };
    };
    if (registration.waiting) offer(registration.waiting);
    registration.addEventListener("updatefound", () => {
      const worker = registration.installing;
      worker.addEventListener("statechange", () => {
        if (worker.state === "installed" && container.controller) offer(worker);
      });
    });
    await container.ready;
    say("Works offline");
  } catch {
    // A host may forbid service workers; the page itself works without.
    say("");
  }
}

// ydf-inference: YDF's engines in WebAssembly. Trees only, trained by YDF itself.
import { require } from "../lib/places.mjs";

export const expected = "ydf.f64";
export const tolerance = 1e-5;

export async function open(model, { bytes = model.bytes("model.zip") } = {}) {
  const ydf = await require("ydf-inference")();
  const loaded = await ydf.loadModelFromZipBlob(bytes);
  const { names, width } = model;
  const columns = new Function("o", `return { ${names.map((name) => `${JSON.stringify(name)}: [o[${JSON.stringify(name)}]]`).join(", ")} };`);
  return {
    one(record, out, at) {
      read(loaded.predict(columns(record)), width, 1, out, at);
    },
    batch(rows, from, n) {
      const input = Object.fromEntries(names.map((name, j) => [name, Array.from({ length: n }, (_, i) => rows[(from + i) * names.length + j])]));
      const out = new Float64Array(n * width);
      return () => {
        read(loaded.predict(input), width, n, out, 0);
        return out;
      };
    },
    close: () => loaded.unload(),
  };
}

/** Of two classes YDF gives the second one's probability, of more all. */
function read(answer, width, n, out, at) {
  if (width > 2) {
    for (let k = 0; k < n * width; k++) out[at + k] = answer[k];
    return;
  }
  for (let i = 0; i < n; i++) {
    out[at + 2 * i] = 1 - answer[i];
    out[at + 2 * i + 1] = answer[i];
  }
}

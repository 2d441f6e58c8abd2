// workerd: the suite behind a request. Hosts like it compile no wasm and no text at run time.
import { load } from "hedgerow";
import demo from "./demo.bind.js";
import other from "./other.bind.js";
import fixtures from "fixtures.json";
import { run } from "./suite/index.js";

export default {
  async fetch() {
    return Response.json(await run(load, fixtures, { demo, other }));
  },
};

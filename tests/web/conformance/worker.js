// workerd: the cases that are in the worker, behind a request.
import { load } from "hedgerow";
import { all } from "./compare.js";
import cases from "cases.js";

export default {
  async fetch() {
    return Response.json(await all(load, cases));
  },
};

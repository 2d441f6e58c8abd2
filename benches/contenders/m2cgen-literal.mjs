// m2cgen behind a reader with literal property names, as `hedgerow bind` writes one: the fastest that can be written for it by hand.
import { filler } from "../lib/model.mjs";
import * as plain from "./m2cgen.mjs";

export const { expected, tolerance } = plain;

export const open = (model) => plain.open(model, { reader: filler });

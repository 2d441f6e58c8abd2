// Ours with reference data: the profile counts what it sees in 64 bins a field.
import * as plain from "./hedgerow.mjs";

export const { expected, tolerance } = plain;

export const open = (model) => plain.open(model, { bytes: model.bytes("data.hedge") });

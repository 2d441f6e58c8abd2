/// <reference lib="esnext.disposable" />

/** Bytes of a `.hedge` file, or where they are. A string is a URL; in Node, Deno and Bun it may be a path. */
export type Source = Uint8Array | ArrayBuffer | Blob | Response | URL | string;

declare const types: unique symbol;

/** What `hedgerow bind` writes for one model: its records' reader, its answers' builder, and their types. */
export interface Binding<Input extends object = Record<string, unknown>, Output = Answer> {
  readonly format: number;
  /** The model that it belongs to. */
  readonly model_id: string;
  readonly read: Function;
  readonly answer: Function;
  /** Never there: carries the types. */
  readonly [types]?: { input: Input; output: Output };
}

/** How a model is loaded. */
export interface LoadOptions<Input extends object = any, Output = any> {
  /**
   * A second model, loaded with the first. Where the first cannot be read or is damaged, this one answers, under its own name,
   * version and id, and `health()` says `degraded` and why.
   */
  fallback?: Source | Promise<Source> | null;
  /** How answers are remembered; `false`: not at all. By default 1000 answers, 4 MiB, one hour. */
  cache?: CacheOptions | boolean | null;
  /**
   * What `hedgerow bind model.hedge --out model.js` wrote for this very model: `import bind from "./model.js"`. Without it the same
   * code is made at run time where the host allows that (Cloudflare Workers and strict pages do not), else a slower loop reads.
   * `false`: it is not tried, for pages whose browser would report the attempt.
   */
  bind?: Binding<Input, Output> | { readonly default: Binding<Input, Output> } | false | null;
  /**
   * Where `hedgerow_bg.wasm` is, for bundlers that do not carry it along: a compiled module, its bytes, a response or a URL.
   * By default it is found beside the package's JavaScript.
   */
  wasm?: WebAssembly.Module | Uint8Array | ArrayBuffer | Response | URL | string | Promise<WebAssembly.Module | Response>;
}

/** How many answers are remembered, and for how long. */
export interface CacheOptions {
  /** Most answers; 0 remembers none. */
  entries?: number;
  /** Most bytes that they take. */
  bytes?: number;
  /** Seconds that an answer is kept. */
  ttl?: number;
}

/** How one call answers. */
export interface PredictOptions {
  /**
   * What `now()` means in the model's features: a Date, ISO 8601 text (without an offset: UTC) or epoch milliseconds.
   * By default the host's clock.
   */
  asOf?: Date | string | number | null;
  /** Whether strings are untyped text, as in a CSV cell: `"42"` is then a number and `""` is missing. */
  raw?: boolean;
}

/** An array of numbers. */
export type Numbers = Float64Array | Float32Array | Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array;

/**
 * One field of many records: an array of what `predict` takes, numbers, or indices into a list of values (-1: missing), as
 * Arrow and pandas hold texts.
 */
export type Column = readonly unknown[] | Numbers | { readonly codes: Numbers; readonly dictionary: readonly unknown[] };

/** Columns by the names of their fields; a column that is absent, `null` or `undefined` is missing in every row. */
export type Columns<Name extends string = string> = { readonly [name in Name]?: Column | null };

/** How one call on many rows answers. */
export interface ManyOptions {
  /** What `now()` means in the model's features, as in `predict`. */
  asOf?: Date | string | number | null;
  /**
   * Arrays for the results, to use them again: at least as long as the results. Numbers that are rounded to `Float32Array` are
   * the only ones that differ from `predict`'s.
   */
  out?: { class_index?: Int32Array | Int16Array | Int8Array; probability?: Float64Array | Float32Array };
  /** Told how far it is, about every 16,384 rows and at the end. What it throws ends the call. */
  onProgress?: (progress: { rows: number; total: number; rejected: number }) => void;
  /** Looked at as often; where it is aborted, the call throws its reason. */
  signal?: AbortSignal;
}

/** How one call on columns answers. */
export interface ColumnsOptions extends ManyOptions {
  /** Whether strings are untyped text, as in `predict`. */
  raw?: boolean;
  /**
   * How many workers share the work (`true`: one to each processor); then a promise of the results is given back, which
   * whatever is wrong rejects. They are started once, and end with `free()`. The columns must stay as they are until the promise is
   * settled. Rejected on hosts without workers (Cloudflare Workers).
   */
  workers?: number | true;
}

/** The answers to many rows. */
export interface Results {
  rows: number;
  /** The labels, in the order of `class_index` and of each row of `probability`. */
  classes: readonly string[];
  /** Per row the index of its predicted class, -1 where the row was refused. */
  class_index: Int32Array | Int16Array | Int8Array;
  /** rows x classes, row by row: row `r`, class `k` at `r * classes.length + k`. NaN where the row was refused. */
  probability: Float64Array | Float32Array;
  /** How many rows were refused. */
  rejected: number;
  /** Why, for the first 100 of them. */
  violations: { row: number; violations: Violation[] }[];
  model: string;
  model_version: string;
  model_id: string;
  as_of: string;
  timestamp: string;
}

/** The answer to a sound record. */
export interface Prediction<Label extends string = string> {
  status: "ok";
  /** The most probable class, of equals the first; with a threshold the second class where its probability is at least that. */
  prediction: Label;
  /** Its index in `schema.classes`. */
  class_index: number;
  /** Per class, in 0..1, adding up to 1. */
  probability: { [label in Label]: number };
  /** The probability of the predicted class. */
  confidence: number;
  /** `schema.threshold`, where the model has one. */
  threshold?: number;
  /** The name of the model that answered. */
  model: string;
  model_version: string;
  /** SHA-256 of the model's file, in hex. */
  model_id: string;
  /** What `now()` meant in the features (ISO 8601, UTC). */
  as_of: string;
  /** When it was asked (ISO 8601, UTC). */
  timestamp: string;
  /** Whether the answer was remembered. */
  cached: boolean;
}

/** The answer to a record that the schema refuses: every reason, in the order of the fields. */
export interface Rejected {
  status: "rejected";
  violations: Violation[];
  model: string;
  model_version: string;
  model_id: string;
  /** When it was asked (ISO 8601, UTC). */
  timestamp: string;
}

/** One reason why a record is refused. */
export interface Violation {
  field: string;
  /** `missing`: no value where one is required. `type`: a value of another type. `out_of_range`: outside `min` to `max`. */
  code: "missing" | "type" | "out_of_range" | "unknown_level" | "unknown_field";
  /** For a person: what it was and what it may be. */
  message: string;
}

/** What a record gets. */
export type Answer<Label extends string = string> = Prediction<Label> | Rejected;

/** What a record is. */
export interface Schema {
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the file, in hex. */
  readonly id: string;
  /** The labels, in the order of `class_index`. */
  readonly classes: readonly string[];
  /** Two classes: the least probability of the second that makes it the prediction. Absent: the most probable class is. */
  readonly threshold?: number;
  /** What becomes of names that are no field: not looked at, or a violation each. */
  readonly extra: "ignore" | "reject";
  readonly fields: readonly Field[];
  /** Features that the model computes from the fields. */
  readonly derived: readonly { readonly name: string; readonly expression: string }[];
}

/** One named input. */
export interface Field {
  readonly name: string;
  readonly kind: "number" | "category" | "flag" | "time";
  /** Whether a missing value (absent, `null`, `undefined`, `NaN`) is a violation. */
  readonly required: boolean;
  /** Numbers: the smallest value allowed, where there is one. */
  readonly min?: number;
  /** Numbers: the largest value allowed, where there is one. */
  readonly max?: number;
  /** Categories: the values. */
  readonly levels?: readonly string[];
  /** Categories: whether another text is a violation (`reject`) or taken as an unknown level (`admit`). */
  readonly unknown?: "reject" | "admit";
  /** What the training data held. */
  readonly observed?: Observed;
}

/**
 * What the values of a field looked like: numbers as numbers, times as ISO 8601 text, levels as text, flags as booleans. Absent
 * where it has no meaning, or nothing was seen.
 */
export interface Observed {
  readonly min?: number | string;
  readonly max?: number | string;
  /** Of a flag the share that is true. */
  readonly mean?: number | string;
  /** A value to start a form with: about the median, or the most frequent level or flag. */
  readonly typical?: number | string | boolean;
  /** Share of missing values, 0..1. */
  readonly missing_rate: number;
  /** How many values were seen. */
  readonly count: number;
}

/** Whether the model that was asked for answers. */
export interface Health {
  status: "healthy" | "degraded";
  /** The model that answers. */
  model: string;
  model_version: string;
  model_id: string;
  /** Why the fallback answers. */
  reason?: string;
}

/** What has passed by since the model was loaded (or, after a trap, since then). */
export interface Report {
  model: string;
  model_version: string;
  model_id: string;
  /** Records answered. */
  predictions: number;
  /** Records refused. */
  rejections: number;
  /** Violations, by code. */
  rejected: Partial<Record<Violation["code"], number>>;
  /** `expired`: misses because the answer was too old. */
  cache: { hits: number; misses: number; evictions: number; expired: number; entries: number; bytes: number };
  /** Answers, by label. */
  predicted: Record<string, number>;
  /** What was seen of each field. */
  fields: Record<string, Observed>;
  /** How often the engine was replaced after a trap. */
  restarts: number;
}

/**
 * A loaded model. `hedgerow types model.hedge` writes `Input` and `Output` for one file:
 * `const model = await load<Input, Output>(source)`.
 */
export interface Model<Input extends object = Record<string, unknown>, Output = Answer> {
  /** What a record is; frozen. */
  readonly schema: Schema;
  /**
   * Answers one record. A record that the schema refuses is an answer too (`status: "rejected"`); only what is no record
   * at all throws.
   */
  predict(record: Input, options?: PredictOptions): Output;
  /** Answers each record, at one instant, past the cache. At most 100,000. */
  predictBatch(records: readonly Input[], options?: PredictOptions): Output[];
  /**
   * Answers rows that are held as columns, past the cache: each as `predict` answers the object of its cells. Works in blocks, so
   * it needs no memory but for the results. Throws where the columns differ in length or are none.
   */
  predictColumns(columns: Columns<string & keyof Input>, options?: ColumnsOptions & { workers?: undefined }): Results;
  predictColumns(columns: Columns<string & keyof Input>, options: ColumnsOptions & { workers: number | true }): Promise<Results>;
  predictColumns(columns: Columns<string & keyof Input>, options?: ColumnsOptions): Results | Promise<Results>;
  /**
   * Answers rows of encoded slots, one after another in `schema.fields`' order: a number as it is, a category as the index of its
   * level (`levels.length`: an unknown level, where those are admitted), a flag as 0 or 1, a time as seconds since 1970 UTC, NaN
   * for a missing value. `rows`: by default what the matrix holds.
   */
  predictMatrix(matrix: Float64Array | Float32Array, rows?: number, options?: ManyOptions): Results;
  /** Whether the model that was asked for answers. */
  health(): Health;
  /** Counters. */
  report(): Report;
  /** Gives the memory back; every later call throws. */
  free(): void;
  [Symbol.dispose](): void;
}

/**
 * Loads a model: reads the file, proves it, and replays the answers that its trainer wrote into it, so that a host which would
 * answer otherwise does not answer at all.
 *
 * ```js
 * const model = await load("model.hedge");
 * const answer = model.predict({ age: 39, workclass: "Private" });
 * if (answer.status === "ok") console.log(answer.prediction, answer.confidence);
 * ```
 */
export function load<Input extends object = Record<string, unknown>, Output = Answer>(
  source: Source | Promise<Source>,
  options?: LoadOptions<Input, Output>,
): Promise<Model<Input, Output>>;

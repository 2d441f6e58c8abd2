"""Writes a fitted scikit-learn classifier or pipeline for Hedgerow.

    from hedgerow_export import export
    export(pipeline, "model.hedge.json")                        # then: hedgerow import model.hedge.json --out model.hedge
    export(pipeline, "model.hedge", name="churn", version="1.4.0")     # both in one call, with `hedgerow` on the PATH

One file without dependencies: copy it, or `pip install` its folder. It reads fitted attributes, computes nothing but what it
says, and writes JSON (the exchange format is described in EXCHANGE.md). What it does not know it refuses by name, with a TypeError:
nothing is guessed, nothing is pickled. For scikit-learn 1.3 and later.

What a model sees of each input is kept as a `Column`: the input, and the steps that the transformers took with it.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import warnings

__all__ = ["export", "exchange"]
__version__ = "0.1.0"

VERSION = 1
LARGEST = sys.float_info.max
TRANSFORMERS = (
    "ColumnTransformer, Pipeline, FeatureUnion, SimpleImputer, MissingIndicator, StandardScaler, MinMaxScaler, MaxAbsScaler, "
    "RobustScaler, Binarizer, OneHotEncoder, OrdinalEncoder, FunctionTransformer without a function, feature selectors"
)
CLASSIFIERS = (
    "RandomForestClassifier, ExtraTreesClassifier, DecisionTreeClassifier, ExtraTreeClassifier, GradientBoostingClassifier, "
    "HistGradientBoostingClassifier, LogisticRegression, LogisticRegressionCV, OneVsRestClassifier over them, SGDClassifier, SVC, "
    "NuSVC, MLPClassifier, GaussianNB, StackingClassifier, VotingClassifier, CalibratedClassifierCV, XGBClassifier, LGBMClassifier; "
    "LinearSVC, RidgeClassifier and Perceptron where their decision_function is calibrated or stacked"
)


def export(model, path, *, feature_names=None, classes=None, name=None, version=None, binary="hedgerow"):
    """Writes `model`, a fitted classifier or Pipeline, to `path`, and returns the path.

    `path`: where it ends with .hedge, the `binary` (its name on the PATH, or its path) makes the artifact in the same call; else
    the exchange file itself is written, by convention NAME.hedge.json. `feature_names`: of the inputs; None: feature_names_in_.
    `classes`: labels in the order of classes_; None: those. `name`, `version`: of the artifact; an exchange file keeps them as facts.
    What the import notes is in the exchange file, and a warning where the artifact is made at once.

    TypeError: there is something in the model that has no equal; the message names it. ValueError: a wrong argument."""
    file = exchange(model, feature_names=feature_names, classes=classes, name=name, version=version)
    path = os.fspath(path)
    text = json.dumps(file, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    if not path.endswith(".hedge"):
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path
    with tempfile.TemporaryDirectory() as folder:
        between = os.path.join(folder, "model.hedge.json")
        with open(between, "w", encoding="utf-8") as out:
            out.write(text)
        command = [os.fspath(binary), "import", between, f"--out={path}", "--json"]
        command += [f"--name={name}"] if name else []
        command += [f"--version={version}"] if version else []
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError as e:
            raise ValueError(f"{binary!r} is not on the PATH: say binary=PATH, or write a .hedge.json and import that") from e
        if done.returncode != 0:
            raise ValueError(f"{' '.join(command[:2])} failed: {done.stderr.strip()}")
        for note in json.loads(done.stdout).get("training", {}).get("notes", []):
            warnings.warn(note, stacklevel=2)
    return path


def exchange(model, *, feature_names=None, classes=None, name=None, version=None):
    """What `export` writes, as a dict."""
    outer = unwrap(model)
    labels = labels_of(outer)
    if classes is not None:
        classes = [str(label) for label in classes]
        if len(classes) != len(labels):
            raise ValueError(f"classes: the model has {len(labels)}, not {len(classes)}")
        if len(set(classes)) != len(classes):
            raise ValueError("classes: a label is there twice")
        if not all(label.strip() for label in classes):
            raise ValueError("classes: a label is empty")
    n = width_of(model)
    names = feature_names if feature_names is not None else own_names(model)
    names = None if names is None else [str(v) for v in names]
    if names is not None and len(names) != n:
        raise ValueError(f"feature_names: the model reads {n} features, not {len(names)}")
    if names is not None and len(set(names)) != n:
        raise ValueError("feature_names: a name is there twice")
    inputs = [Input(k, names[k] if names else None) for k in range(n)]
    walk = Walk(inputs, len(labels))
    estimator = walk.estimator(model, [Column(i) for i in inputs], "", need="proba")
    used = walk.used(estimator)
    if not used:
        raise TypeError("the model reads none of its inputs")
    for k, i in enumerate(used):
        i.settle(walk.notes)
        i.index = k
        if i.name is None and len(used) < n:
            i.name = f"f{i.place}"
    facts = {"estimator": described(model), **versions(model), "exporter": __version__}
    facts |= {"name": name} if name else {}
    facts |= {"model_version": version} if version else {}
    if len(used) < n:
        dropped = [names[i.place] if names else f"f{i.place}" for i in inputs if i not in used]
        walk.note(f"the model reads nothing of {', '.join(dropped[:20])}{' …' if len(dropped) > 20 else ''}")
    return {
        "hedgerow_exchange": VERSION,
        "library": "scikit-learn",
        "facts": facts,
        "inputs": [i.written() for i in used],
        "classes": classes if classes is not None else labels,
        "notes": walk.notes,
        "estimator": written(estimator),
    }


# ------------------------------------------------------------------------------------------------------------------ inputs
class Unknown:
    """A value that is none that an encoder knows."""


UNKNOWN = Unknown()
STORED = "with stored zeros"


class Input:
    """One input of the model, and what is learnt of it on the way: which values encoders know, and who computes with it."""

    def __init__(self, place, name):
        self.place, self.name = place, name
        self.index = self.kind = None
        self.required = False
        # Values that encoders know; per encoder that refuses others, its own; what imputers put in, and what they take out.
        self.known, self.strict, self.imputed, self.markers = [], [], [], []
        self.numeric = None  # who computes with it
        self.lookups = False

    def __str__(self):
        return repr(self.name) if self.name is not None else f"number {self.place}"

    def encoded(self, values, strict):
        self.known += values
        if strict:
            self.strict.append(values)

    def settle(self, notes):
        """What it is, once all is known."""
        values = self.known + self.imputed + self.markers
        texts = [v for v in values if isinstance(v, str)]
        if any(not v.strip() for v in texts):
            raise TypeError(f"input {self} has an empty text for a category, and an empty text is a missing value here: fill it first")
        if texts:
            others = [v for v in values if not isinstance(v, str) and not isinstance(v, bool)]
            if others:
                raise TypeError(f"input {self} holds texts and numbers ({texts[0]!r}, {others[0]!r}): make it one of them")
            if self.numeric:
                raise TypeError(f"input {self} holds texts, and {self.numeric} computes with it")
            self.kind, self.levels = "category", self.allowed(sorted(set(map(str, values))))
            if not self.levels:
                raise TypeError(f"input {self} holds texts, and no encoder knows one that all the others know")
        elif self.known and all(isinstance(v, bool) for v in values):
            self.kind = "flag"
        elif self.known and not self.numeric and (self.strict or not self.indexable()):
            self.kind, self.levels = "category", self.allowed(sorted(set(map(float, self.known + self.markers))))
        else:
            self.kind = "number"
            if self.lookups and not self.indexable():
                raise TypeError(f"input {self} has codes that are not whole numbers from 0, and {self.numeric} computes with it")
            if self.strict:
                notes.append(f"input {self}: where the original refuses an unknown value, this model takes it as no category")

    def allowed(self, values):
        """The values that every encoder which refuses others knows."""
        for strict in self.strict:
            strict = {*strict, *self.markers}
            values = [v for v in values if v in strict]
        return values

    def indexable(self):
        return not self.lookups or all(v >= 0 and v == int(v) and v < 65_536 for v in self.known)

    def value(self, v):
        """`v` as steps write it: a number, the index of a level, 0 or 1."""
        if self.kind == "category":
            return float(self.levels.index(v) if v is not UNKNOWN and v in self.levels else len(self.levels))
        if self.kind == "flag":
            return 2.0 if v is UNKNOWN else float(v)
        return max((abs(float(k)) for k in self.known), default=0.0) + 1.0 if v is UNKNOWN else float(v)

    def written(self):
        kind = self.kind
        if kind == "category":
            levels = [v if isinstance(v, str) else str(int(v)) if v == int(v) else repr(v) for v in self.levels]
            kind = {"category": {"levels": levels, "admit_unknown": not self.strict}}
        named = {} if self.name is None else {"name": self.name}
        return {**named, "kind": kind, "required": self.required}


class Column:
    """One column of what a transformer or model reads. `gap`: it is NaN where its input is missing; `lost`: where its input is none of
    these values, too; `raw`: it still holds the input's own values; `sparse`: scikit-learn holds it in a sparse matrix, and STORED that some
    of its zeros are stored there."""

    def __init__(self, input, steps=(), gap=True, lost=None, raw=True, sparse=False):
        self.input, self.steps, self.gap, self.lost, self.raw, self.sparse = input, tuple(steps), gap, lost, raw, sparse

    def then(self, *steps, **changed):
        now = {"gap": self.gap, "lost": self.lost, "raw": self.raw, "sparse": self.sparse, **changed}
        return Column(self.input, self.steps + steps, **now)

    def computed(self, where, *steps, **changed):
        """With steps that compute."""
        self.number(where)
        return self.then(*steps, raw=False, **changed)

    def number(self, where):
        if self.raw:
            self.input.numeric = self.input.numeric or where

    def whole(self, where):
        """It is read by what refuses NaN."""
        if self.gap:
            self.input.required = True
        if self.lost == []:
            raise TypeError(f"{where}: it refuses NaN, which an encoder makes of unknown values computed from input {self.input}")
        if self.lost is not None:
            self.input.encoded(self.lost, strict=True)

    def written(self):
        steps = [self.step(*step) if isinstance(step, tuple) else step for step in self.steps]
        return {"input": self.input.index, **({"steps": steps} if steps else {})}

    def step(self, name, first, *rest):
        """A step as JSON has it. Those over values end with whether these are the input's own."""
        if not rest:
            return {name: first}
        own = rest[-1]
        at = self.input.value if own else float
        among = own and self.input.kind == "category"
        if name == "impute":
            return {name: at(first)}
        if name == "replace":
            return {name: {"marker": at(first), "value": None if rest[0] is None else at(rest[0])}}
        if name == "is":
            return {name: -1.0 if among and first not in self.input.levels else at(first)}
        if name == "is_none_of":
            return {name: [at(v) for v in first if not among or v in self.input.levels]}
        # A lookup: a number per level, or by the value itself.
        values = [rest[0]] * (len(self.input.levels) if among else int(max(map(float, first), default=-1)) + 1)
        for v, number in first.items():
            if not among or v in self.input.levels:
                values[int(at(v))] = number
        return {name: {"values": [nan_null(v) for v in values], "unknown": nan_null(rest[0])}}


def nan_null(v):
    return None if v is None or v != v else float(v)


def missing(v):
    """None, NaN, pandas.NA."""
    return v is None or type(v).__name__ in ("NAType", "NaTType") or (isinstance(v, float) and v != v)


def listed(values):
    """An array, sparse or not, as lists of Python's own numbers."""
    if hasattr(values, "toarray"):
        values = values.toarray()
    return values.tolist() if hasattr(values, "tolist") else list(values)


def flat(values):
    """All numbers of an array in order; one number as a list."""
    values = listed(values) if hasattr(values, "tolist") or isinstance(values, (list, tuple)) else [values]
    if not isinstance(values, list):
        return [values]
    return [v for row in values for v in (flat(row) if isinstance(row, list) else [row])]


# --------------------------------------------------------------------------------------------------------------- estimators
def kind_of(estimator):
    """The name of a class of a library we know; of any other class, with its module."""
    if isinstance(estimator, str) or estimator is None:
        return estimator
    kind = type(estimator)
    known = kind.__module__.split(".")[0] in ("sklearn", "xgboost", "lightgbm")
    return kind.__name__ if known else f"{kind.__module__}.{kind.__name__}"


def unwrap(model):
    """The classifier itself: the end of a pipeline, the best of a search, what is frozen."""
    while True:
        match kind_of(model):
            case "Pipeline":
                model = model.steps[-1][1]
            case "FrozenEstimator":
                model = model.estimator
            case "GridSearchCV" | "RandomizedSearchCV" | "HalvingGridSearchCV" | "HalvingRandomSearchCV":
                model = fitted(model, "best_estimator_")
            case _:
                return model


def fitted(estimator, attribute):
    if not hasattr(estimator, attribute):
        raise TypeError(f"{kind_of(estimator)} has no {attribute}: it is not fitted, or without what that needs")
    return getattr(estimator, attribute)


def labels_of(model):
    if not hasattr(model, "classes_"):
        raise TypeError(f"{kind_of(model)} has no classes_: it is no fitted classifier (regression and clustering are not supported)")
    labels = listed(model.classes_)
    if any(isinstance(v, list) or hasattr(v, "tolist") for v in labels):
        raise TypeError(f"{kind_of(model)} has several outputs: export one classifier for each")
    if len(labels) < 2:
        raise TypeError(f"{kind_of(model)} knows one class only: {labels}")
    whole = all(isinstance(v, float) and v == int(v) for v in labels)
    return [str(int(v)) if whole else str(v) for v in labels]


def width_of(model):
    """How many features it is given."""
    try:
        return int(model.n_features_in_)
    except AttributeError:
        pass
    match kind_of(model):
        case "Pipeline":
            return width_of(next(s for _, s in model.steps if s not in (None, "passthrough")))
        case "GridSearchCV" | "RandomizedSearchCV" | "HalvingGridSearchCV" | "HalvingRandomSearchCV":
            return width_of(model.best_estimator_)
        case "FrozenEstimator":
            return width_of(model.estimator)
        case "StackingClassifier" | "VotingClassifier":
            return width_of(model.estimators_[0])
    raise TypeError(f"{kind_of(model)} has no n_features_in_: it is not fitted")


def own_names(model):
    try:
        names = [str(v) for v in model.feature_names_in_]
    except AttributeError:
        return None
    # What LightGBM calls the columns of an array.
    return None if names == [f"Column_{k}" for k in range(len(names))] else names


def versions(model):
    """Of the libraries, as far as they are loaded."""
    found = {}
    for name in ("sklearn", "xgboost", "lightgbm"):
        module = sys.modules.get(name)
        if module is not None and (name == "sklearn" or name in repr_of_kinds(model)):
            found[{"sklearn": "scikit_learn"}.get(name, name)] = str(module.__version__)
    return found


def repr_of_kinds(model):
    return type(unwrap(model)).__module__


def library_version():
    """Of the scikit-learn that is loaded: (1, 9); the newest known where none is."""
    text = str(getattr(sys.modules.get("sklearn"), "__version__", "1.9"))
    parts = [p for p in text.split(".")[:2] if p.isdigit()]
    return tuple(int(p) for p in parts) if len(parts) == 2 else (1, 9)


def described(model):
    """`Pipeline(ColumnTransformer, LogisticRegression)`."""
    if kind_of(model) == "Pipeline":
        return f"Pipeline({', '.join(str(described(step)) for _, step in model.steps)})"
    return kind_of(model)


def allows_nan(estimator):
    """Whether the estimator's own tags say that it takes NaN."""
    try:
        return bool(estimator.__sklearn_tags__().input_tags.allow_nan)
    except AttributeError:
        pass
    try:
        return bool(estimator._get_tags().get("allow_nan", False))
    except AttributeError:
        return False


class Walk:
    """Follows columns through transformers to classifiers."""

    def __init__(self, inputs, n_classes):
        self.inputs, self.n_classes, self.notes = inputs, n_classes, []

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def used(self, estimator):
        """The inputs that some column reads."""
        seen, open_ = set(), [estimator]
        while open_:
            at = open_.pop()
            seen |= {c.input for c in at.get("columns", ())}
            (body,) = at["head"].values()
            open_ += [m["estimator"] for m in body.get("members", ())]
        return [i for i in self.inputs if i in seen]

    # -------------------------------------------------------------------------------------------------- transformers
    def transform(self, step, columns, at):
        """What a fitted transformer makes of the columns. `at`: where it stands, for messages."""
        if step is None or step == "passthrough":
            return columns
        kind = kind_of(step)
        at = f"{at}{kind}"
        n = getattr(step, "n_features_in_", None)
        if n is not None and kind not in ("Pipeline", "FeatureUnion") and int(n) != len(columns):
            raise TypeError(f"{at}: it was fitted on {n} columns, and is given {len(columns)}")
        method = getattr(self, f"transform_{kind}", None)
        if method is not None:
            return method(step, columns, at)
        if hasattr(step, "get_support") and hasattr(step, "transform") and kind.isidentifier():
            return self.select(step, columns, at)
        raise TypeError(f"{at}: this transformer is not supported; supported are {TRANSFORMERS}")

    def transform_Pipeline(self, step, columns, at):
        for name, inner in step.steps:
            columns = self.transform(inner, columns, f"{at} > {name}: ")
        return columns

    def transform_FeatureUnion(self, step, columns, at):
        if step.transformer_weights:
            raise TypeError(f"{at}: transformer_weights are not supported")
        parts = [(n, t) for n, t in step.transformer_list if t != "drop"]
        out = [c for name, inner in parts for c in self.transform(inner, columns, f"{at} > {name}: ")]
        # A sparse part makes the whole sparse.
        return [c.then(sparse=c.sparse or True) for c in out] if any(c.sparse for c in out) else out

    def transform_ColumnTransformer(self, step, columns, at):
        if getattr(step, "transformer_weights", None):
            raise TypeError(f"{at}: transformer_weights are not supported")
        places, out = fitted(step, "_transformer_to_input_indices"), []
        for name, inner, _ in step.transformers_:
            own = [columns[int(k)] for k in places[name]]
            if inner == "drop" or not own:
                continue
            out += self.transform(inner, own, f"{at} > {name}: ")
        # A sparse part makes the whole sparse where it is sparse enough.
        sparse = bool(getattr(step, "sparse_output_", False))
        return [c.then(sparse=sparse and (c.sparse or True)) for c in out]

    def transform_FunctionTransformer(self, step, columns, at):
        # HistGradientBoostingClassifier checks its numbers with a function of its own.
        if step.func is not None and not at.endswith("its numbers: FunctionTransformer"):
            name = getattr(step.func, "__name__", repr(step.func))
            raise TypeError(f"{at}: the function {name} cannot be read; derive the feature before the pipeline instead")
        return columns

    def select(self, step, columns, at):
        kept = [columns[int(k)] for k in step.get_support(indices=True)]
        if not allows_nan(step):
            for c in columns:
                c.whole(at)
        return kept

    def transform_SimpleImputer(self, step, columns, at):
        marker = None if missing(step.missing_values) else step.missing_values
        values, out = listed(fitted(step, "statistics_")), []
        for c, v in zip(columns, values):
            if marker is not None:
                c.whole(at)
                if c.raw:
                    c.input.markers.append(marker)
            if step.strategy in ("mean", "median"):
                c.number(at)
            if missing(v):
                continue
            if c.raw and isinstance(v, str):
                c.input.imputed.append(v)
            sparse = STORED if c.sparse and v == 0 else c.sparse
            if marker is None:
                out.append(c.then(("impute", v, c.raw), gap=False, lost=None, sparse=sparse) if c.gap or c.lost is not None else c)
            else:
                out.append(c.then(("replace", marker, v, c.raw), sparse=sparse))
        if getattr(step, "add_indicator", False) and step.indicator_ is not None:
            out += self.indicators(step.indicator_, columns)
        return out

    def indicators(self, step, columns):
        marker = None if missing(step.missing_values) else step.missing_values
        out = []
        for c in (columns[int(k)] for k in step.features_):
            mark = "is_missing" if marker is None else ("is", marker, c.raw)
            out.append(c.then(mark, gap=False, lost=None, raw=False, sparse=bool(c.sparse)))
        return out

    def transform_MissingIndicator(self, step, columns, at):
        marked = {int(k) for k in step.features_}
        for k, c in enumerate(columns):
            nan = missing(step.missing_values)
            if not nan or (step.features == "missing-only" and step.error_on_new and k not in marked):
                c.whole(at)
            if not nan and c.raw:
                c.input.markers.append(step.missing_values)
        out = self.indicators(step, columns)
        return out if step.sparse == "auto" else [c.then(sparse=bool(step.sparse)) for c in out]

    def transform_StandardScaler(self, step, columns, at):
        return self.scaled(step, columns, at, step.mean_ if step.with_mean else None, step.scale_ if step.with_std else None)

    def transform_RobustScaler(self, step, columns, at):
        center = step.center_ if step.with_centering else None
        return self.scaled(step, columns, at, center, step.scale_ if step.with_scaling else None)

    def transform_MaxAbsScaler(self, step, columns, at):
        columns = self.scaled(step, columns, at, None, step.scale_)
        return self.clipped(columns, -1.0, 1.0) if getattr(step, "clip", False) else columns

    def scaled(self, step, columns, at, offsets, scales):
        """`(v - offset) / scale`; a sparse matrix is multiplied by the reciprocal."""
        offsets = listed(offsets) if offsets is not None else [0.0] * len(columns)
        scales = listed(scales) if scales is not None else [1.0] * len(columns)
        out = []
        for c, offset, scale in zip(columns, offsets, scales):
            if c.sparse:
                out.append(c.computed(at, ("sub_mul", {"offset": float(offset), "scale": 1.0 / float(scale)})))
            else:
                out.append(c.computed(at, ("sub_div", {"offset": float(offset), "scale": float(scale)})))
        return out

    def transform_MinMaxScaler(self, step, columns, at):
        pairs = zip(columns, listed(step.scale_), listed(step.min_))
        out = [c.computed(at, ("mul_add", {"scale": float(s), "offset": float(m)})) for c, s, m in pairs]
        return self.clipped(out, *step.feature_range) if getattr(step, "clip", False) else out

    def clipped(self, columns, low, high):
        return [c.then(("clip", {"low": float(low), "high": float(high)})) for c in columns]

    def transform_Binarizer(self, step, columns, at):
        for c in columns:
            c.whole(at)
        return [c.computed(at, ("above", float(step.threshold)), gap=False, lost=None) for c in columns]

    def categories(self, step, k, column, at, strict):
        """Of feature `k`: its values in order (None: missing), and the indices of the infrequent ones."""
        if strict and not column.raw:
            what = f"column {k}, which was computed from input {column.input}"
            raise TypeError(f"{at}: it refuses unknown values of {what}: encode the input itself, or use handle_unknown")
        values = [None if missing(v) else v for v in listed(step.categories_[k])]
        if values.count(None) > 1:
            raise TypeError(f"{at}: column {k} has two kinds of missing value (None and NaN): keep one")
        odd = [v for v in values if v is not None and not isinstance(v, (str, int, float))]
        if odd:
            raise TypeError(f"{at}: category {odd[0]!r} of column {k} is neither text nor number nor flag")
        known = [v for v in values if v is not None]
        if column.raw:
            column.input.encoded(known, strict)
        filled = next((s for s in reversed(column.steps) if s[0] in ("impute", "replace")), None)
        if strict and filled is not None and filled[-2] not in known:
            # What is put in for a missing value is refused, so a missing value is.
            if filled[0] == "impute":
                column.input.required = True
            else:
                column.input.markers.remove(filled[1])
        if strict and column.gap and None not in values:
            column.whole(at)
        infrequent = None
        if getattr(step, "_infrequent_enabled", False):
            infrequent = step._infrequent_indices[k]
        return values, [] if infrequent is None else [int(v) for v in infrequent]

    def transform_OneHotEncoder(self, step, columns, at):
        strict, out = step.handle_unknown == "error", []
        dropped = getattr(step, "_drop_idx_after_grouping", getattr(step, "drop_idx_", None))
        for k, c in enumerate(columns):
            values, infrequent = self.categories(step, k, c, at, strict)
            known = [v for v in values if v is not None]
            groups = [[v] for j, v in enumerate(values) if j not in infrequent]
            # Before 1.8 "warn" took an unknown value as no category, as "ignore" does.
            grouping = ("infrequent_if_exist", "warn") if library_version() >= (1, 8) else ("infrequent_if_exist",)
            unknown_too = bool(infrequent) and step.handle_unknown in grouping
            own = []
            for v in groups:
                own.append(c.then("is_missing") if v == [None] else c.then(("is", v[0], c.raw)))
            if infrequent:
                group = [values[j] for j in infrequent]
                # A missing value that was never seen is an unknown one.
                gap_too = None in group or (unknown_too and None not in values)
                own.append(self.one_of(c, group, [v for v in known if v not in group], unknown_too, gap_too))
            if dropped is not None and dropped[k] is not None:
                del own[int(dropped[k])]
            sparse = bool(getattr(step, "sparse_output", getattr(step, "sparse", False)))
            out += [o.then(gap=False, lost=None, raw=False, sparse=sparse) for o in own]
        return out

    def one_of(self, column, group, others, unknown_too, gap_too):
        """1 where the value is one of a group of values, else 0."""
        raw = column.raw
        none = UNKNOWN if raw else max([float(v) for v in group + others if v is not None], default=0.0) + 1.0
        if unknown_too:
            steps = [("is_none_of", others, raw)]
            if column.gap and gap_too:
                steps.insert(0, ("impute", none, raw))
            return column.then(*steps)
        group = [v for v in group if v is not None]
        if len(group) == 1 and not gap_too:
            return column.then(("is", group[0], raw))
        steps = [("is_none_of", group, raw), ("mul_add", {"scale": -1.0, "offset": 1.0})]
        if column.gap and not gap_too:
            steps.insert(0, ("impute", none, raw))
        return column.then(*steps)

    def transform_OrdinalEncoder(self, step, columns, at):
        strict, out = step.handle_unknown == "error", []
        for k, c in enumerate(columns):
            values, _ = self.categories(step, k, c, at, strict)
            mapping = None
            if getattr(step, "_infrequent_enabled", False):
                mapping = step._default_to_infrequent_mappings[k]
            codes = range(len(values)) if mapping is None else [int(v) for v in mapping] + [len(mapping)]
            table = {v: float(code) for v, code in zip(values, codes) if v is not None}
            unknown = math.nan if strict else float(step.unknown_value)
            gap = unknown
            if None in values:
                gap = float(getattr(step, "encoded_missing_value", math.nan))
            lost, before, own = None, [], list(table)
            if c.raw:
                c.input.lookups = True
            elif any(v != int(v) for v in table):
                raise TypeError(f"{at}: the codes of column {k} are not whole numbers: {own[:5]}")
            elif min(table, default=0) < 0:
                low = float(min(table))
                before, table = [("mul_add", {"scale": 1.0, "offset": -low})], {v - low: code for v, code in table.items()}
            if math.isnan(unknown) and not strict:
                lost = own if c.raw else []
            if not c.gap or math.isnan(gap):
                steps = [("lookup", table, unknown, c.raw)]
            elif lost is None:
                steps = [("lookup", table, -1.0 if strict else unknown, c.raw), ("impute", gap, False)]
            else:
                # Unknown and missing part ways: by a number that stands for nothing else.
                aside = max([gap, *table.values()]) + 1.0
                steps = [("lookup", table, aside, c.raw), ("impute", gap, False), ("replace", aside, None, False)]
            steps = before + steps
            out.append(c.then(*steps, raw=False, gap=c.gap and math.isnan(gap), lost=lost))
        return out

    # --------------------------------------------------------------------------------------------------- classifiers
    def estimator(self, model, columns, at, need):
        """A classifier over columns. `need`: what is asked of it: "proba", "margin" or "predict"."""
        while True:
            kind = kind_of(model)
            if kind == "Pipeline":
                for name, step in model.steps[:-1]:
                    columns = self.transform(step, columns, f"{at}{name}: ")
                at, model = f"{at}{model.steps[-1][0]}: ", model.steps[-1][1]
            elif unwrapped_once(model) is not None:
                model = unwrapped_once(model)
            else:
                break
        at = f"{at}{kind}"
        if kind is None or kind == "passthrough":
            raise TypeError(f"{at}: a pipeline ends with a classifier")
        method = getattr(self, f"head_{kind}", None)
        if method is None:
            raise TypeError(f"{at}: this classifier is not supported; supported are {CLASSIFIERS}")
        labels = labels_of(model)
        if len(labels) != self.n_classes:
            raise TypeError(f"{at}: it knows {len(labels)} of {self.n_classes} classes: its part of the training data lacked some")
        if need == "proba" and not hasattr(model, "predict_proba") and kind != "VotingClassifier":
            raise TypeError(f"{at}: it has no predict_proba; fit it with probabilities, or calibrate it with CalibratedClassifierCV")
        n = getattr(model, "n_features_in_", None)
        if n is not None and int(n) != len(columns):
            raise TypeError(f"{at}: it was fitted on {n} columns, and is given {len(columns)}")
        return method(model, columns, at, need)

    def numbers(self, model, columns, at, nan=None):
        """The columns as a model computes with them."""
        for c in columns:
            c.number(at)
            if not (allows_nan(model) if nan is None else nan):
                c.whole(at)
        return columns

    def linear(self, model, columns, at, link):
        coef, intercept = listed(model.coef_), flat(model.intercept_)
        coef = coef if isinstance(coef[0], list) else [coef]
        intercept = intercept if len(intercept) == len(coef) else intercept * len(coef)
        if len(coef) == 1:
            link = "sigmoid"
        head = {"logistic": {"coef": coef, "intercept": [float(v) for v in intercept], "link": link}}
        return {"columns": self.numbers(model, columns, at), "head": head}

    def head_LogisticRegression(self, model, columns, at, need):
        kind = getattr(model, "multi_class", "auto")
        one_vs_rest = kind == "ovr" or (kind in ("auto", "deprecated", "warn") and model.solver == "liblinear")
        estimator = self.linear(model, columns, at, "one_vs_rest" if one_vs_rest else "softmax")
        if self.n_classes == 2 and kind == "multinomial":
            if need == "margin":
                raise TypeError(f"{at}: multi_class='multinomial' of two classes has no margin of its own here: leave it out")
            # Its probability is the softmax of -f and f, the sigmoid of 2 f.
            body = estimator["head"]["logistic"]
            body["coef"] = [[2.0 * v for v in row] for row in body["coef"]]
            body["intercept"] = [2.0 * v for v in body["intercept"]]
        return estimator

    head_LogisticRegressionCV = head_LogisticRegression

    def head_SGDClassifier(self, model, columns, at, need):
        if need == "proba" and model.loss not in ("log_loss", "log"):
            raise TypeError(f"{at}: probabilities of loss={model.loss!r} are not supported: use log_loss, or calibrate it")
        return self.linear(model, columns, at, "one_vs_rest")

    def margin_only(self, model, columns, at, need):
        if need == "proba":
            raise TypeError(f"{at}: it has no probabilities; calibrate it with CalibratedClassifierCV")
        return self.linear(model, columns, at, "one_vs_rest")

    head_LinearSVC = head_RidgeClassifier = head_RidgeClassifierCV = head_Perceptron = margin_only

    def head_OneVsRestClassifier(self, model, columns, at, need):
        rows, intercept = [], []
        for one in model.estimators_:
            if kind_of(one) not in ("LogisticRegression", "LogisticRegressionCV"):
                raise TypeError(f"{at}: it is supported over LogisticRegression, not over {kind_of(one)}")
            if getattr(one, "multi_class", "auto") == "multinomial":
                raise TypeError(f"{at}: multi_class='multinomial' is not supported in it: leave it out")
            rows += listed(one.coef_)
            intercept += flat(one.intercept_)
        link = "sigmoid" if len(rows) == 1 else "one_vs_rest"
        head = {"logistic": {"coef": rows, "intercept": intercept, "link": link}}
        return {"columns": self.numbers(model, columns, at, nan=False), "head": head}

    def head_SVC(self, model, columns, at, need):
        kernels = {
            "linear": lambda: "linear",
            "rbf": lambda: {"rbf": {"gamma": float(model._gamma)}},
            "poly": lambda: {"poly": {"gamma": float(model._gamma), "coef0": float(model.coef0), "degree": int(model.degree)}},
            "sigmoid": lambda: {"sigmoid": {"gamma": float(model._gamma), "coef0": float(model.coef0)}},
        }
        if not isinstance(model.kernel, str) or model.kernel not in kernels:
            raise TypeError(f"{at}: kernel={model.kernel!r} is not supported: {', '.join(kernels)} are")
        if need != "proba" and self.n_classes > 2 and model.decision_function_shape != "ovr":
            raise TypeError(f"{at}: decision_function_shape={model.decision_function_shape!r} is not supported: 'ovr' is")
        if need == "predict" and getattr(model, "break_ties", False):
            raise TypeError(f"{at}: break_ties=True is not supported where predictions are stacked")
        body = {
            "kernel": kernels[model.kernel](),
            "support": listed(model.support_vectors_),
            "n_support": [int(v) for v in listed(model.n_support_)],
            "dual_coef": listed(model._dual_coef_),
            "intercept": flat(model._intercept_),
        }
        a, b = flat(getattr(model, "_probA", [])), flat(getattr(model, "_probB", []))
        if a:
            body |= {"prob_a": a, "prob_b": b}
        return {"columns": self.numbers(model, columns, at), "head": {"svm": body}}

    head_NuSVC = head_SVC

    def head_MLPClassifier(self, model, columns, at, need):
        if model.activation not in ("relu", "tanh", "logistic", "identity"):
            raise TypeError(f"{at}: activation={model.activation!r} is not supported")
        layers = [{"weights": listed(w.T), "bias": listed(b)} for w, b in zip(model.coefs_, model.intercepts_)]
        head = {"mlp": {"activation": model.activation, "layers": layers}}
        return {"columns": self.numbers(model, columns, at), "head": head}

    def head_GaussianNB(self, model, columns, at, need):
        var = model.var_ if hasattr(model, "var_") else model.sigma_
        head = {"naive_bayes": {"prior": listed(model.class_prior_), "mean": listed(model.theta_), "var": listed(var)}}
        return {"columns": self.numbers(model, columns, at), "head": head}

    # --------------------------------------------------------------------------------------------------------- trees
    def averaged(self, model, columns, at, need):
        trees = [model] if hasattr(model, "tree_") else model.estimators_

        def leaf(value):
            total = sum(value[0])
            # Before 1.3 a leaf held weights.
            return value[0] if abs(total - 1.0) < 1e-9 else [v / total for v in value[0]]

        # Trees that take missing values know where these go, also where there were none when they were fitted.
        takes = getattr(trees[0], "_support_missing_values", None)
        # In a sparse matrix they take none.
        nan = allows_nan(model) and takes is not None and bool(takes([[0.0]])) and not any(c.sparse for c in columns)
        body = {"link": "average", "single": True, "numbered": True, "trees": [tree_of(t.tree_, leaf) for t in trees]}
        return {"columns": self.numbers(model, columns, at, nan), "head": {"trees": body}}

    head_RandomForestClassifier = head_ExtraTreesClassifier = averaged
    head_DecisionTreeClassifier = head_ExtraTreeClassifier = averaged

    def head_GradientBoostingClassifier(self, model, columns, at, need):
        init = model.init_
        if not (isinstance(init, str) and init == "zero") and (kind_of(init), getattr(init, "strategy", "")) != ("DummyClassifier", "prior"):
            raise TypeError(f"{at}: init={kind_of(init)} is not supported: leave it out, or init='zero'")
        rows = model.estimators_.tolist()
        # A row of numbers to ask for the scores that it starts from: they depend on nothing.
        blank = rows[0][0].tree_.value[:1, 0, :1].repeat(len(columns), axis=1) * 0.0
        base, rate, scale = flat(model._raw_predict_init(blank)), float(model.learning_rate), 1.0
        if model.loss == "exponential":
            if need == "margin":
                raise TypeError(f"{at}: the margin of loss='exponential' is not supported: use log_loss")
            scale = 2.0  # its probability is the sigmoid of twice its score
        trees = []
        for row in rows:
            for k, one in enumerate(row):
                trees.append(tree_of(one.tree_, lambda value: [scale * (rate * value[0][0])], k))
        link = "sigmoid" if self.n_classes == 2 else "softmax"
        body = {"link": link, "single": True, "numbered": True, "base": [scale * v for v in base], "trees": trees}
        return {"columns": self.numbers(model, columns, at), "head": {"trees": body}}

    def head_HistGradientBoostingClassifier(self, model, columns, at, need):
        before = getattr(model, "_preprocessor", None)
        if before is not None:
            places = before._transformer_to_input_indices
            out = self.transform(before.named_transformers_["encoder"], [columns[int(k)] for k in places["encoder"]], f"{at} > its categories: ")
            columns = out + [columns[int(k)] for k in places["numerical"]]
        elif getattr(model, "is_categorical_", None) is not None:
            for c in (c for c, yes in zip(columns, listed(model.is_categorical_)) if yes):
                c.whole(at)
                self.note(f"input {c.input} is a category by its number: a number that was not there when it was fitted counts as none")
        trees = [hist_tree(one, k) for stage in model._predictors for k, one in enumerate(stage)]
        link = "sigmoid" if self.n_classes == 2 else "softmax"
        body = {"link": link, "single": False, "base": flat(model._baseline_prediction), "trees": trees}
        return {"columns": self.numbers(model, columns, at, nan=True), "head": {"trees": body}}

    def head_XGBClassifier(self, model, columns, at, need):
        booster = model.get_booster()
        marker = getattr(model, "missing", None)
        if marker is not None and not missing(marker):
            columns = [c.computed(at, ("replace", float(marker), None, False)) for c in columns]
        # To XGBoost the zeros of a sparse matrix are missing, as they are not stored.
        if any(c.sparse == STORED for c in columns):
            raise TypeError(f"{at}: it is given a sparse matrix in which a SimpleImputer stored zeros: impute before, or make it dense")
        columns = [c.computed(at, ("replace", 0.0, None, False)) if c.sparse else c for c in columns]
        text = bytes(booster.save_raw("json")).decode("utf-8")
        return {"columns": self.numbers(model, columns, at, nan=True), "head": {"xgboost": {"model": text}}}

    def head_LGBMClassifier(self, model, columns, at, need):
        head = {"lightgbm": {"model": model.booster_.model_to_string()}}
        return {"columns": self.numbers(model, columns, at, nan=True), "head": head}

    # ------------------------------------------------------------------------------------------------------- members
    def member(self, model, columns, at, need):
        """An estimator whose probabilities another one reads as they are."""
        inner = unwrap(model)
        if need != "predict" and kind_of(inner) == "LGBMClassifier" and "\nobjective=multiclassova" in inner.booster_.model_to_string():
            message = "its probabilities do not add up to 1 there, and are divided by their sum here: use objective='multiclass'"
            raise TypeError(f"{at}LGBMClassifier: objective='multiclassova' is not supported as a member: {message}")
        return self.estimator(model, columns, at, need)

    def head_VotingClassifier(self, model, columns, at, need):
        if model.voting != "soft":
            raise TypeError(f"{at}: voting={model.voting!r} has no probabilities: use voting='soft'")
        weights = [1.0] * len(model.estimators_)
        if model.weights is not None:
            weights = [float(w) for (_, e), w in zip(model.estimators, model.weights) if e != "drop"]
        members = []
        for (name, _), one, weight in zip(kept(model), model.estimators_, weights):
            members.append({"weight": weight, "estimator": self.member(one, columns, f"{at} > {name}: ", "proba")})
        return {"columns": [], "head": {"voting": {"members": members}}}

    def head_StackingClassifier(self, model, columns, at, need):
        members, width = [], 0
        for (name, _), one, method in zip(kept(model), model.estimators_, model.stack_method_):
            where = f"{at} > {name}: "
            if method == "predict" and model.cv == "prefit" and listed(one.classes_) != list(range(self.n_classes)):
                raise TypeError(f"{where}with cv='prefit' and predict its labels are numbers of their own: use predict_proba")
            asked = {"predict_proba": "proba", "decision_function": "margin", "predict": "predict"}[method]
            members.append({"method": method, "estimator": self.member(one, columns, where, asked)})
            width += 1 if method == "predict" or self.n_classes == 2 else self.n_classes
        passed = self.numbers(model, columns, at, nan=True) if model.passthrough else []
        answers = [Column(Input(k, f"answer {k} of the members"), gap=False) for k in range(width)]
        last = self.estimator(model.final_estimator_, answers + passed, f"{at} > final_estimator: ", need)
        read = last["columns"]
        (kind,) = last["head"]
        if kind in ("stacking", "voting", "calibrated", "xgboost", "lightgbm"):
            raise TypeError(f"{at}: a final_estimator of {kind} is not supported: a linear one, SVC, MLP, GaussianNB, trees are")
        if [c.input for c in read] != [c.input for c in answers + passed]:
            raise TypeError(f"{at}: a final_estimator whose pipeline picks or adds columns is not supported")
        fold(last["head"], read[:width], at)
        return {"columns": read[width:], "head": {"stacking": {"members": members, "last": last["head"]}}}

    def head_CalibratedClassifierCV(self, model, columns, at, need):
        members = []
        for k, one in enumerate(model.calibrated_classifiers_):
            margin = hasattr(one.estimator, "decision_function")
            method, curves = one.method, one.calibrators
            body = {"input": "margin" if margin else "probability"}
            if method == "sigmoid":
                method = "platt"
                body |= {"a": [float(c.a_) for c in curves], "b": [float(c.b_) for c in curves]}
            elif method == "isotonic":
                body |= {"x": [listed(c.X_thresholds_) for c in curves], "y": [listed(c.y_thresholds_) for c in curves]}
            elif method == "temperature":
                body["inverse_temperature"] = float(curves[0].beta_)
            else:
                raise TypeError(f"{at}: method={method!r} is not supported: sigmoid, isotonic and temperature are")
            own = self.estimator(one.estimator, columns, f"{at} > fold {k}: ", "margin" if margin else "proba")
            members.append({"calibrator": {method: body}, "estimator": own})
        return {"columns": [], "head": {"calibrated": {"members": members}}}


def unwrapped_once(model):
    match kind_of(model):
        case "FrozenEstimator":
            return model.estimator
        case "GridSearchCV" | "RandomizedSearchCV" | "HalvingGridSearchCV" | "HalvingRandomSearchCV":
            return fitted(model, "best_estimator_")
    return None


def kept(model):
    return [(name, e) for name, e in model.estimators if not (isinstance(e, str) and e == "drop")]


def tree_of(tree, leaf, output=0):
    """A tree of sklearn.tree. `leaf`: from the values of a node to the numbers of a leaf."""
    left, n = listed(tree.children_left), int(tree.node_count)
    leaves = [l < 0 for l in left]
    go_left = listed(tree.missing_go_to_left) if hasattr(tree, "missing_go_to_left") else [0] * n
    return {
        "output": output,
        "feature": [-1 if end else f for end, f in zip(leaves, listed(tree.feature))],
        "threshold": [0 if end else min(t, LARGEST) for end, t in zip(leaves, listed(tree.threshold))],
        "left": [max(l, 0) for l in left],
        "right": [max(r, 0) for r in listed(tree.children_right)],
        "missing_left": [0 if end else int(m) for end, m in zip(leaves, go_left)],
        "value": [number for end, value in zip(leaves, listed(tree.value)) if end for number in leaf(value)],
    }


def hist_tree(predictor, output):
    """A tree of HistGradientBoostingClassifier; categories in its sets are codes below 256."""
    nodes = {name: predictor.nodes[name].tolist() for name in predictor.nodes.dtype.names}
    leaves = nodes["is_leaf"]
    sets = []
    for i, (end, category) in enumerate(zip(leaves, nodes["is_categorical"])):
        if category and not end:
            words = listed(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][i]])
            sets.append([i, [k for k in range(256) if words[k // 32] >> (k % 32) & 1]])
    categorical = {i for i, _ in sets}
    threshold = [0 if end or i in categorical else min(t, LARGEST) for i, (end, t) in enumerate(zip(leaves, nodes["num_threshold"]))]
    return {
        "output": output,
        "feature": [-1 if end else f for end, f in zip(leaves, nodes["feature_idx"])],
        "threshold": threshold,
        "left": [0 if end else l for end, l in zip(leaves, nodes["left"])],
        "right": [0 if end else r for end, r in zip(leaves, nodes["right"])],
        "missing_left": [0 if end else int(m) for end, m in zip(leaves, nodes["missing_go_to_left"])],
        "value": [v for end, v in zip(leaves, nodes["value"]) if end],
        **({"categories": sets} if sets else {}),
    }


def fold(head, answers, at):
    """What a final estimator's pipeline does to the members' answers, folded into its coefficients."""
    if not any(c.steps for c in answers):
        return
    (kind,) = head
    body = head[kind]
    if kind == "logistic":
        rows, bias = body["coef"], body["intercept"]
    elif kind == "mlp":
        rows, bias = body["layers"][0]["weights"], body["layers"][0]["bias"]
    else:
        raise TypeError(f"{at}: a final_estimator of {kind} with scaled answers is not supported: a linear one and an MLP are")
    for k, c in enumerate(answers):
        for step in reversed(c.steps):
            name, numbers = step if isinstance(step, tuple) and len(step) == 2 else (step, None)
            if name not in ("sub_div", "sub_mul", "mul_add"):
                raise TypeError(f"{at}: a final_estimator whose pipeline does more than scaling is not supported")
            scale, offset = numbers["scale"], numbers["offset"]
            for i, row in enumerate(rows):
                if name == "mul_add":  # v scale + offset
                    bias[i] += row[k] * offset
                    row[k] *= scale
                else:  # (v - offset) / scale, or times it
                    row[k] = row[k] / scale if name == "sub_div" else row[k] * scale
                    bias[i] -= row[k] * offset


def written(estimator):
    """An estimator as JSON has it."""
    (kind,) = estimator["head"]
    body = dict(estimator["head"][kind])
    if "members" in body:
        body["members"] = [{**m, "estimator": written(m["estimator"])} for m in body["members"]]
    columns = {"columns": [c.written() for c in estimator["columns"]]} if estimator["columns"] else {}
    return {**columns, "head": {kind: body}}

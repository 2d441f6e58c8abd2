//! Encoders: from slots to `x`. Neighbours that do the same are done together.

use super::graph::{Graph, Value};
use crate::error::Result;
use crate::import::onnx::proto::DataType;
use crate::pipeline::{Encoder, Encoders, Slot, Transform};

/// Where encoders find their slots.
pub enum Source<'a> {
    /// [N, 1] each, where it is there.
    Slots(&'a [Option<Value>]),
    /// Columns of [N, n].
    Matrix(&'a Value, usize),
}

/// `x`, and what its columns may hold.
#[derive(Clone)]
pub struct X {
    /// [N, columns.len()].
    pub value: Value,
    /// What each column may hold.
    pub columns: Vec<Slot>,
    /// Which columns hold whole numbers (or NaN) only.
    pub whole: Vec<bool>,
}

impl Source<'_> {
    /// These slots side by side.
    fn pick(&self, graph: &mut Graph, slots: &[u32]) -> Value {
        match self {
            Source::Slots(all) => {
                let parts: Vec<&Value> = slots.iter().filter_map(|slot| all[*slot as usize].as_ref()).collect();
                graph.concat(&parts)
            }
            Source::Matrix(all, n) if slots.len() == *n && slots.iter().zip(0..).all(|(a, b)| *a == b) => {
                (*all).clone()
            }
            Source::Matrix(all, _) => graph.columns(all, &slots.iter().map(|s| i64::from(*s)).collect::<Vec<_>>()),
        }
    }
}

/// The columns that `encoders` make of `source`, whose slots hold what `kinds` says, and nothing but whole numbers where `whole`.
pub fn encode(graph: &mut Graph, encoders: &Encoders, source: &Source, kinds: &[Slot], whole: &[bool]) -> Result<X> {
    let columns = encoders.check(kinds)?;
    let whole = encoders.0.iter().flat_map(|e| vec![writes_whole(e, whole[e.slot as usize]); e.n_columns()]).collect();
    let mut parts = Vec::new();
    let mut rest = &encoders.0[..];
    while let [first, ..] = rest {
        let alike = rest.iter().take_while(|e| together(first, e)).count();
        let (run, after) = rest.split_at(alike.max(1));
        rest = after;
        let slots: Vec<u32> = run.iter().map(|e| e.slot).collect();
        let raw = source.pick(graph, &slots);
        parts.push(transform(graph, run, &raw));
        if first.indicator {
            let missing = graph.op("IsNaN", &[&raw]);
            parts.push(graph.one_if(&missing));
        }
    }
    let parts: Vec<&Value> = parts.iter().collect();
    Ok(X { value: graph.concat(&parts), columns, whole })
}

/// Whether the columns of `e` are whole numbers, its slot's being so or not. (Its indicator is, but that is not worth telling apart.)
fn writes_whole(e: &Encoder, slot: bool) -> bool {
    let is = |v: f64| v.is_nan() || v.floor() == v;
    match &e.transform {
        Transform::Pass => slot && e.impute.is_none_or(is),
        Transform::OneHot { .. } => true,
        Transform::Ordinal { values, unknown } => values.iter().chain([unknown]).all(|v| is(*v)),
        Transform::Standard { .. } | Transform::MinMax { .. } => false,
    }
}

/// Whether two encoders of numbers differ in numbers only.
fn together(a: &Encoder, b: &Encoder) -> bool {
    let alike = match (&a.transform, &b.transform) {
        (Transform::Pass, Transform::Pass) | (Transform::Standard { .. }, Transform::Standard { .. }) => true,
        (Transform::MinMax { clip: a, .. }, Transform::MinMax { clip: b, .. }) => a == b,
        _ => false,
    };
    alike && a.impute.is_some() == b.impute.is_some() && !a.indicator && !b.indicator
}

/// What a run of encoders that go [`together`] makes of their slots, `raw`.
fn transform(graph: &mut Graph, run: &[Encoder], raw: &Value) -> Value {
    let impute: Option<Vec<f64>> = run.iter().map(|e| e.impute).collect();
    let v = match impute {
        Some(statistics) => {
            let statistics = graph.row(&statistics);
            graph.coalesce(raw, &statistics)
        }
        None => raw.clone(),
    };
    let mut each = |pick: &dyn Fn(&Transform) -> f64| -> Value {
        let numbers: Vec<f64> = run.iter().map(|e| pick(&e.transform)).collect();
        graph.row(&numbers)
    };
    match &run[0].transform {
        Transform::Pass => v,
        Transform::Standard { .. } => {
            let mean = each(&|t| if let Transform::Standard { mean, .. } = t { *mean } else { 0.0 });
            let scale = each(&|t| if let Transform::Standard { scale, .. } = t { *scale } else { 1.0 });
            let centred = graph.op("Sub", &[&v, &mean]);
            graph.op("Div", &[&centred, &scale])
        }
        Transform::MinMax { clip, .. } => {
            let scale = each(&|t| if let Transform::MinMax { scale, .. } = t { *scale } else { 1.0 });
            let min = each(&|t| if let Transform::MinMax { min, .. } = t { *min } else { 0.0 });
            let scaled = graph.op("Mul", &[&v, &scale]);
            let moved = graph.op("Add", &[&scaled, &min]);
            match clip {
                Some((low, high)) => graph.clamp(&moved, *low, *high),
                None => moved,
            }
        }
        Transform::OneHot { levels, unknown, missing } => one_hot(graph, &v, levels, *unknown, *missing),
        Transform::Ordinal { values, unknown } => {
            // What is no level, and what is missing, have places of their own in the table.
            let n = values.len();
            let table: Vec<f64> = values.iter().copied().chain([*unknown, f64::NAN]).collect();
            let table = graph.double(&[table.len()], &table);
            let level = match run[0].impute {
                Some(v) if v >= 0.0 && v < n as f64 && v as usize as f64 == v => v,
                Some(_) => n as f64,
                None => n as f64 + 1.0,
            };
            let (level, none, zero) = (graph.scalar(level), graph.scalar(n as f64), graph.scalar(0.0));
            let (floor, missing) = (graph.op("Floor", &[raw]), graph.op("IsNaN", &[raw]));
            let whole = graph.op("Equal", &[&floor, raw]);
            let index = graph.op("Where", &[&whole, raw, &none]);
            let low = graph.op("Less", &[&index, &zero]);
            let index = graph.op("Where", &[&low, &none, &index]);
            let index = graph.op("Min", &[&index, &none]);
            let index = graph.op("Where", &[&missing, &level, &index]);
            let index = graph.cast(&index, DataType::Int64);
            graph.op("Gather", &[&table, &index])
        }
    }
}

/// `v`: [N, 1], the index of a level.
fn one_hot(graph: &mut Graph, v: &Value, levels: &[u32], unknown: bool, missing: bool) -> Value {
    let mut parts = Vec::new();
    if !levels.is_empty() {
        let levels: Vec<f64> = levels.iter().map(|level| f64::from(*level)).collect();
        let levels = graph.row(&levels);
        let is = graph.op("Equal", &[v, &levels]);
        parts.push(graph.one_if(&is));
    }
    let is_missing = graph.op("IsNaN", &[v]);
    let is_missing = graph.one_if(&is_missing);
    if unknown {
        let mut rest = graph.scalar(1.0);
        if let Some(known) = parts.first() {
            let any = graph.sum(known, 1, true);
            rest = graph.op("Sub", &[&rest, &any]);
        }
        parts.push(graph.op("Sub", &[&rest, &is_missing]));
    }
    if missing {
        parts.push(is_missing);
    }
    graph.concat(&parts.iter().collect::<Vec<_>>())
}

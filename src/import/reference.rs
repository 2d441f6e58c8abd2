//! What later traffic is compared with, and the witnesses: from rows where there are some, otherwise from the model itself.

use super::{Sample, error};
use crate::artifact::{Artifact, WITNESSES};
use crate::data::{AsOf, Dataset, plainest};
use crate::error::{Error, ErrorKind, Result};
use crate::math::BOUND;
use crate::metrics::Metrics;
use crate::model::Model;
use crate::model::forest::{Forest, PlainNode, Test};
use crate::pipeline::{Encoders, Transform};
use crate::profile::{BINS, Profile};
use crate::schema::message::quote;
use crate::schema::{FieldKind, Unknown};
use crate::train::{reference, rng, slots, witness_records};
use ndarray::Array2;
use rand::RngExt;

/// What every random choice derives from: the same model and sample give the same file.
const SEED: u64 = 42;

/// What a sample told.
pub(super) struct Observed {
    /// Rows counted.
    pub rows: usize,
    /// Of rows with labels.
    pub metrics: Option<Metrics>,
    /// Rows that the schema refused.
    pub note: Option<String>,
}

/// Fills `artifact`'s profile and witnesses from rows: each is answered by the artifact itself. A witness's cells are each of another row.
pub(super) fn observe(mut artifact: Artifact, sample: &Sample) -> Result<(Artifact, Observed)> {
    let as_of = match (&sample.as_of, artifact.pipeline.derived.iter().find(|d| d.expr.uses_now())) {
        (Some(column), _) => AsOf::Column(column.clone()),
        (None, None) => AsOf::At(0.0),
        (None, Some(d)) => {
            let message = format!(
                "{} uses now(), which in a sample is each row's own event time: name the column that holds it with \
                 --as-of-column",
                quote(&d.name)
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
    };
    let (table, schema) = (&sample.table, &artifact.schema);
    let data = match &sample.target {
        Some(target) => Dataset::from_table(table, schema, target, &artifact.classes, &as_of)?,
        None => Dataset::unlabelled(table, schema, &as_of)?,
    };
    if data.is_empty() {
        data.strict()?;
        return Err(Error::new(ErrorKind::Data, "the sample has no rows"));
    }
    let rows = slots(&artifact.pipeline, &data);
    let n_classes = artifact.classes.len();
    artifact.profile = reference(schema, &artifact.pipeline, rows.view(), n_classes);
    let mut work = artifact.work();
    let mut answers = Array2::zeros((data.len(), n_classes));
    for (row, mut answer) in rows.rows().into_iter().zip(answers.rows_mut()) {
        work.slots.iter_mut().zip(row).for_each(|(slot, v)| *slot = *v);
        artifact.predict(&mut work);
        artifact.profile.observe_answer(&work.probability, artifact.threshold);
        answer.iter_mut().zip(&work.probability).for_each(|(a, p)| *a = *p);
    }
    let metrics = sample.target.as_ref().map(|_| Metrics::of(&data.y, answers.view()));
    let note = data.rejected.first().map(|first| {
        let why = first.violations.first().map_or_else(String::new, |v| format!("{}: {}", quote(&v.field), v.message));
        format!(
            "the schema refuses {} of the sample's {} rows, which are not counted (line {}: {why})",
            data.rejected.len(),
            table.n_rows(),
            first.line
        )
    });
    let records = witness_records(&data, table, SEED);
    Ok((artifact.witnessed(records), Observed { rows: data.len(), metrics, note }))
}

/// Fills `artifact`'s profile with edges where the model decides, and nothing counted; and its witnesses with made-up records that
/// get to either side of those edges.
pub(super) fn imagine(mut artifact: Artifact) -> Result<Artifact> {
    let n_slots = artifact.pipeline.n_slots(&artifact.schema);
    let mut found = vec![Found::default(); n_slots];
    let slots: Vec<Option<usize>> = (0..n_slots).map(Some).collect();
    gather(&artifact.pipeline.encoders, &artifact.model, &slots, &mut found);
    let none = Array2::zeros((0, n_slots));
    let answers = Array2::zeros((0, artifact.classes.len()));
    let mut profile = Profile::of(&artifact.schema, &artifact.pipeline, none.view(), answers.view());
    for (counts, found) in profile.slots.iter_mut().zip(&mut found) {
        found.settle();
        if !counts.is_indexed() {
            counts.edges = few(&found.edges, BINS - 1);
            counts.bins = vec![0; counts.edges.len() + 1];
        }
    }
    artifact.profile = profile;
    let records = records(&artifact, &found);
    let artifact = artifact.witnessed(records);
    if artifact.witnesses.is_empty() {
        return Err(error(
            "no record could be made up that the schema accepts, which the file's witnesses are made of: give --data SAMPLE.csv",
        ));
    }
    Ok(artifact)
}

/// Where a model decides on a slot.
#[derive(Clone, Default)]
struct Found {
    /// Thresholds; after [`settle`](Self::settle) ascending and distinct.
    edges: Vec<f64>,
    /// Whole numbers that sets name.
    codes: Vec<u32>,
}

impl Found {
    fn settle(&mut self) {
        self.edges.retain(|e| e.abs() < BOUND);
        self.edges.sort_unstable_by(f64::total_cmp);
        self.edges.dedup();
        self.codes.sort_unstable();
        self.codes.dedup();
    }
}

/// Adds the thresholds of `model`'s trees, and the scales of `encoders`, to the slots they are of. `slots`: what the encoders read, each
/// a slot as it is or not.
fn gather(encoders: &Encoders, model: &Model, slots: &[Option<usize>], found: &mut [Found]) {
    let mut columns = Vec::new();
    for encoder in &encoders.0 {
        let slot = slots.get(encoder.slot as usize).copied().flatten();
        let as_it_is = if encoder.transform == Transform::Pass { slot } else { None };
        columns.extend(vec![as_it_is; encoder.n_columns()]);
        let Some(found) = slot.and_then(|slot| found.get_mut(slot)) else { continue };
        match encoder.transform {
            Transform::Standard { mean, scale } => {
                found.edges.extend((-4..=4).map(|k| mean + scale * f64::from(k) / 2.0));
            }
            Transform::MinMax { scale, min, .. } => {
                found.edges.extend((0..=8).map(|k| (f64::from(k) / 8.0 - min) / scale));
            }
            _ => {}
        }
    }
    let members = match model {
        Model::Forest(forest) => return thresholds(forest, &columns, found),
        Model::Stacking(m) => &m.members,
        Model::Voting(m) => &m.members,
        Model::Calibrated(m) => &m.members,
        _ => return,
    };
    for (encoding, model) in &members.models {
        if let Some(encoders) = members.encoders.get(*encoding as usize) {
            gather(encoders, model, &columns, found);
        }
    }
}

fn thresholds(forest: &Forest, columns: &[Option<usize>], found: &mut [Found]) {
    for node in forest.plain().iter().flat_map(|tree| &tree.nodes) {
        let PlainNode::Split { feature, test, .. } = node else { continue };
        let slot = columns.get(*feature).copied().flatten();
        let Some(found) = slot.and_then(|slot| found.get_mut(slot)) else { continue };
        match test {
            Test::AtMost(c) => found.edges.push(*c),
            Test::In(set) => found.codes.extend(set),
        }
    }
}

/// At most `n` of ascending values, evenly.
fn few(values: &[f64], n: usize) -> Vec<f64> {
    if values.len() <= n {
        return values.to_vec();
    }
    (0..n).map(|k| values[k * (values.len() - 1) / (n - 1)]).collect()
}

/// Made-up records, more than are needed: some may be refused. The second has a value for required fields only.
fn records(artifact: &Artifact, found: &[Found]) -> Vec<(Vec<Option<String>>, f64)> {
    let mut rng = rng(SEED, 1);
    let pools: Vec<Vec<f64>> =
        artifact.schema.fields.iter().zip(found).map(|(f, found)| pool(&f.kind, found)).collect();
    (0..8 * WITNESSES)
        .map(|k| {
            let as_of = 1_767_225_600.0 + f64::from(rng.random_range(0..86_400 * 365));
            let cells = artifact.schema.fields.iter().zip(&pools).map(|(field, pool)| {
                let value = pool[rng.random_range(0..pool.len())];
                let missing = !field.required && (k == 1 || rng.random_range(0..8) == 0);
                if missing { None } else { plainest(&field.kind, value) }
            });
            (cells.collect(), as_of)
        })
        .collect()
}

/// What a field may hold in a made-up record: slots. Never empty.
fn pool(kind: &FieldKind, found: &Found) -> Vec<f64> {
    match kind {
        FieldKind::Flag => vec![0.0, 1.0],
        FieldKind::Time => vec![0.0, 951_782_400.0, 1_704_067_199.5, 1_767_225_600.0],
        FieldKind::Category { levels, unknown } => {
            (0..levels.len() + usize::from(*unknown == Unknown::Admit)).map(|k| k as f64).collect()
        }
        FieldKind::Number { min, max } => {
            let mut pool = few(&found.edges, 64);
            let after: Vec<f64> = pool.iter().map(|e| e.next_up()).collect();
            let middle: Vec<f64> = pool.windows(2).map(|w| w[0] / 2.0 + w[1] / 2.0).collect();
            if let [first, .., last] | [first @ last] = pool[..] {
                pool.extend([first - 1.0 - first.abs() / 2.0, last + 1.0 + last.abs() / 2.0]);
            }
            pool.extend(after.into_iter().chain(middle));
            if let Some(most) = found.codes.last() {
                pool.extend(found.codes.iter().take(64).map(|c| f64::from(*c)));
                pool.push(f64::from(*most) + 1.0);
            }
            if pool.is_empty() {
                pool = vec![-1.0, 0.0, 0.5, 1.0, 2.5, 10.0];
            }
            pool.retain(|v| min.is_none_or(|min| *v >= min) && max.is_none_or(|max| *v <= max));
            if pool.is_empty() {
                pool.push(min.or(*max).unwrap_or(0.0));
            }
            pool
        }
    }
}

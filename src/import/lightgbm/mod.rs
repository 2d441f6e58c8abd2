//! LightGBM models, as text (`Booster.save_model`), versions v2 to v4 (LightGBM 2.1 to 4.x).
//!
//! The meaning is that of LightGBM 4's prediction (`Tree::NumericalDecision`, `Tree::CategoricalDecision`, `GBDT::Predict` and each
//! objective's `ConvertOutput`), which reads files of all three versions:
//!
//! * **Zero.** Values within ±[`ZERO`] are 0 before any tree sees them.
//! * **Numbers.** Left iff `x <= t`, in `f64`. What is missing depends on the node: nothing (NaN is 0), NaN, or zero (NaN is 0, and
//!   0 goes the default way whatever the threshold says).
//! * **Categories.** `x`, truncated, is one of a set. Missing, negative and unknown categories go right.
//! * **Scores.** Leaf values as they stand (shrinkage, the average and dropped trees' weights are already in them), summed by class;
//!   `average_output` (random forests) divides by the number of iterations. Then `sigmoid(s * score)` for `binary`, softmax for
//!   `multiclass`, `sigmoid(s * score)` divided by their sum for `multiclassova` (LightGBM itself leaves that undivided).
//!   `s` and the division are folded into the leaves: a margin here is what goes into the sigmoid.
//! * **Not in the file**: labels of classes, scores to start from (`init_score`), the best iteration (`save_model` has cut the trees).

mod features;
mod objective;
mod text;
mod tree;

#[cfg(test)]
mod tests;

use super::columns::{Column, Step};
use super::trees::Trees;
use super::{Estimator, Foreign, Head, error};
use crate::error::Result;
use features::Features;
use objective::Objective;
use text::Text;

/// `kZeroThreshold`: numbers of at most this magnitude are zero.
pub const ZERO: f64 = 1e-35f32 as f64;

/// Reads a model file.
///
/// ```
/// let file = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=0\n\
///     objective=binary sigmoid:1\nfeature_names=age\nfeature_infos=[0:9]\ntree_sizes=1\n\n\
///     Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold=4.5\ndecision_type=10\nleft_child=-1\nright_child=-2\n\
///     leaf_value=-0.5 0.25\nis_linear=0\nshrinkage=1\n\n\nend of trees\n";
/// let foreign = hedgerow::import::lightgbm::read(file.as_bytes())?;
/// assert_eq!(foreign.inputs[0].name.as_deref(), Some("age"));
/// # Ok::<(), hedgerow::error::Error>(())
/// ```
pub fn read(file: &[u8]) -> Result<Foreign> {
    let text = Text::read(file)?;
    let objective = Objective::read(&text)?;
    let per_iteration = objective.n_outputs;
    if text.trees.is_empty() || text.trees.len() % per_iteration != 0 {
        return Err(error(format!(
            "there are {} trees, but each iteration has {per_iteration}: the file is not whole",
            text.trees.len()
        )));
    }
    let average = text.header.contains_key("average_output");
    let iterations = (text.trees.len() / per_iteration) as f64;
    let mut features = Features::read(&text)?;
    let mut trees = Vec::with_capacity(text.trees.len());
    let mut numbers = Vec::with_capacity(text.trees.len());
    for (t, fields) in text.trees.iter().enumerate() {
        let scale = |v: f64| if average { v * objective.sigmoid / iterations } else { v * objective.sigmoid };
        let (tree, leaves) =
            tree::read(fields, t % per_iteration, &mut features, &scale).map_err(|e| e.context(format!("tree {t}")))?;
        trees.push(tree);
        numbers.push(leaves);
    }
    let mut notes = objective.notes(average);
    let inputs = features.inputs(&text, &mut notes)?;
    let columns: Vec<Column> = (0..inputs.len())
        .map(Column::raw)
        .chain(features.blanked().iter().map(|&f| Column::raw(f).then(Step::Blank { low: -ZERO, high: ZERO })))
        .collect();

    let mut facts = serde_json::Map::new();
    facts.insert("version".into(), text.header["version"].into());
    facts.insert("objective".into(), objective.text.into());
    if let Some(boosting) = text.parameter("boosting") {
        facts.insert("boosting".into(), boosting.into());
    }
    facts.insert("trees".into(), trees.len().into());
    let head = Head::Trees(Trees {
        n_features: columns.len(),
        n_classes: objective.n_classes,
        link: objective.link,
        base: vec![0.0; per_iteration],
        trees,
        numbers,
    });
    let estimator = Estimator { columns, head };
    Ok(Foreign { library: "lightgbm", facts, inputs, classes: None, estimator, single: false, notes })
}

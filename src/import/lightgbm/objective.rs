//! What a model was trained for: how its scores become probabilities.

use super::text::{Text, number};
use crate::error::Result;
use crate::import::error;
use crate::model::forest::Link;
use crate::schema::message::quote;

/// How scores become probabilities.
pub struct Objective<'a> {
    /// As the file has it.
    pub text: &'a str,
    /// From scores to probabilities, once they are multiplied by `sigmoid`.
    pub link: Link,
    /// What scores are multiplied by (the parameter `sigmoid`; 1 where the objective has none).
    pub sigmoid: f64,
    /// Number of classes.
    pub n_classes: usize,
    /// Number of scores, which is the number of trees of an iteration.
    pub n_outputs: usize,
}

const REGRESSION: [&str; 14] = [
    "regression",
    "regression_l1",
    "regression_l2",
    "huber",
    "fair",
    "poisson",
    "quantile",
    "mape",
    "gamma",
    "tweedie",
    "lambdarank",
    "rank_xendcg",
    "cross_entropy_lambda",
    "xentlambda",
];

impl<'a> Objective<'a> {
    /// Reads the header's objective, and holds its numbers of classes and of trees against it.
    pub fn read(text: &Text<'a>) -> Result<Objective<'a>> {
        let stated = text.header.get("objective").map_or("", |line| line.trim());
        let mut words = stated.split_ascii_whitespace();
        let name = words.next().unwrap_or_default();
        let (mut sigmoid, mut classes) = (None, None);
        for word in words {
            match word.split_once(':') {
                Some(("sigmoid", value)) if sigmoid.is_none() => sigmoid = Some(number::<f64>("sigmoid", value)?),
                Some(("num_class", value)) if classes.is_none() => classes = Some(number::<usize>("num_class", value)?),
                _ => return Err(error(format!("objective `{name}`: {} is not understood", quote(word)))),
            }
        }
        let link = match name {
            "binary" | "cross_entropy" | "xentropy" => Link::Sigmoid,
            "multiclass" => Link::Softmax,
            "multiclassova" => Link::OneVsRest,
            "" | "custom" => {
                return Err(error(
                    "the header has no `objective`, as after training with an objective of one's own: where the scores are \
                     log-odds of two classes, add the line `objective=binary sigmoid:1` to the file",
                ));
            }
            _ if REGRESSION.contains(&name) => {
                return Err(error(format!(
                    "objective `{name}` gives no class probabilities: binary, multiclass, multiclassova and cross_entropy do"
                )));
            }
            _ => {
                let known = "binary, multiclass, multiclassova and cross_entropy are";
                return Err(error(format!("objective {} is not known: {known}", quote(name))));
            }
        };

        let with_sigmoid = matches!(name, "binary" | "multiclassova");
        if sigmoid.is_some() != with_sigmoid {
            let (has, right) = if with_sigmoid { ("no", "one") } else { ("a", "none") };
            return Err(error(format!("objective `{name}` has {has} parameter `sigmoid`: {right} is right")));
        }
        let sigmoid = sigmoid.unwrap_or(1.0);
        if !(sigmoid.is_finite() && sigmoid > 0.0) {
            return Err(error(format!("objective `{name}`: sigmoid is not a finite number above 0")));
        }
        let n_outputs = if link == Link::Sigmoid { 1 } else { classes.unwrap_or(0) };
        if link == Link::Sigmoid && classes.is_some() || link != Link::Sigmoid && n_outputs < 2 {
            return Err(error(format!("objective {} does not have its number of classes", quote(stated))));
        }
        // Files without the second line have as many trees in an iteration as classes.
        let per_iteration =
            if text.header.contains_key("num_tree_per_iteration") { "num_tree_per_iteration" } else { "num_class" };
        for key in ["num_class", per_iteration] {
            let n = text.count(key)?;
            if n != n_outputs {
                return Err(error(format!("`{key}` is {n}, but objective `{name}` has {n_outputs} scores")));
            }
        }
        Ok(Objective { text: stated, link, sigmoid, n_classes: n_outputs.max(2), n_outputs })
    }

    /// What a person should know of it.
    pub fn notes(&self, average: bool) -> Vec<String> {
        let mut notes = Vec::new();
        if self.link == Link::OneVsRest {
            notes.push(
                "multiclassova: LightGBM's own probabilities do not add up to 1; here they are divided by their sum"
                    .into(),
            );
        }
        if average {
            notes.push("average_output: margins are means over the iterations; LightGBM's raw scores are sums".into());
        }
        if self.sigmoid != 1.0 {
            notes.push(format!("margins are LightGBM's raw scores times sigmoid, {}", self.sigmoid));
        }
        notes
    }
}

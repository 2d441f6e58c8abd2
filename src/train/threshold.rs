//! Which probability of class 1 makes it the prediction, chosen on rows that the model was not fitted on.

use super::config::{Threshold, ThresholdMetric};
use crate::error::{Error, ErrorKind, Result};

/// Weights of rows of class 1 and of class 0 that a threshold takes for class 1.
#[derive(Clone, Copy, Debug)]
struct Taken {
    positive: f64,
    negative: f64,
}

/// A threshold and what it takes.
#[derive(Clone, Copy, Debug)]
struct Cut {
    threshold: f64,
    taken: Taken,
}

/// The threshold that `wanted` asks for. `is_1`: whether each row is of class 1; `p1`: its probability of it; `weight`: a factor
/// per row. Between two probabilities that occur the threshold is half-way, since any between them decides all these rows alike.
///
/// # Errors
/// One class only; or no threshold reaches the precision asked for: the error says which comes nearest.
pub(super) fn choose(wanted: Threshold, is_1: &[bool], p1: &[f64], weight: Option<&[f64]>) -> Result<f64> {
    if let Threshold::At(threshold) = wanted {
        return Ok(threshold);
    }
    let (cuts, all) = cuts(is_1, p1, weight);
    if all.positive <= 0.0 || all.negative <= 0.0 {
        return Err(bad("a threshold cannot be chosen: the held-out rows are all of one class; hold out more rows"));
    }
    let precision = |c: &Cut| c.taken.positive / (c.taken.positive + c.taken.negative);
    let recall = |c: &Cut| c.taken.positive / all.positive;
    let taking = || cuts.iter().filter(|c| c.taken.positive + c.taken.negative > 0.0);
    let best = match wanted {
        Threshold::At(threshold) => return Ok(threshold),
        Threshold::Best(metric) => largest(cuts.iter(), |c| value(metric, c.taken, all)),
        Threshold::Costs { false_positive, false_negative } => largest(cuts.iter(), |c| {
            -(false_positive * c.taken.negative + false_negative * (all.positive - c.taken.positive))
        }),
        Threshold::Recall(least) => {
            // The lowest takes all rows, and so has a recall of 1.
            let enough = taking().filter(|c| recall(c) >= least);
            largest(enough, precision)
        }
        Threshold::Precision(least) => {
            let enough = taking().filter(|c| precision(c) >= least);
            let Some(best) = largest(enough, recall) else {
                let most = taking().map(precision).fold(0.0, f64::max);
                return Err(bad(&format!(
                    "no threshold has a precision of {least} on the held-out rows, {most:.4} is the most: ask for less, or let \
                     training.threshold be {{metric: f1}}"
                )));
            };
            Some(best)
        }
    };
    // There are always cuts: at least one row is there.
    Ok(best.map_or(0.5, |c| c.threshold))
}

fn bad(message: &str) -> Error {
    Error::new(ErrorKind::Data, message)
}

/// Every way of telling the rows apart, from none taken for class 1 to all; and what all are.
fn cuts(is_1: &[bool], p1: &[f64], weight: Option<&[f64]>) -> (Vec<Cut>, Taken) {
    let mut order: Vec<usize> = (0..p1.len()).collect();
    order.sort_by(|&a, &b| p1[b].total_cmp(&p1[a]));
    let mut taken = Taken { positive: 0.0, negative: 0.0 };
    let mut cuts = Vec::new();
    // Above the largest; where that is 1, there is no threshold that takes none.
    let mut above = 1.0;
    for &i in &order {
        let p = p1[i];
        if p < above {
            cuts.push(Cut { threshold: between(p, above), taken });
            above = p;
        }
        let w = weight.map_or(1.0, |w| w[i]);
        if is_1[i] { taken.positive += w } else { taken.negative += w }
    }
    cuts.push(Cut { threshold: between(0.0, above), taken });
    (cuts, taken)
}

/// Half-way, above `low` and at most `high`.
fn between(low: f64, high: f64) -> f64 {
    let half = low + (high - low) / 2.0;
    if half > low { half } else { high }
}

/// The cut with the largest value; of equals the one nearest to one half.
fn largest<'a>(cuts: impl Iterator<Item = &'a Cut>, value: impl Fn(&Cut) -> f64) -> Option<Cut> {
    let far = |c: &Cut| (c.threshold - 0.5).abs();
    let better = |best: (f64, Cut), next: (f64, Cut)| {
        let is = next.0 > best.0 || (next.0 == best.0 && far(&next.1) < far(&best.1));
        if is { next } else { best }
    };
    cuts.map(|c| (value(c), *c)).reduce(better).map(|best| best.1)
}

fn value(metric: ThresholdMetric, taken: Taken, all: Taken) -> f64 {
    let (tp, fp) = (taken.positive, taken.negative);
    let (false_negative, tn) = (all.positive - tp, all.negative - fp);
    match metric {
        ThresholdMetric::F1 => 2.0 * tp / (2.0 * tp + fp + false_negative),
        ThresholdMetric::BalancedAccuracy => (tp / all.positive + tn / all.negative) / 2.0,
        ThresholdMetric::Mcc => {
            let scale = (tp + fp) * (tp + false_negative) * (tn + fp) * (tn + false_negative);
            if scale > 0.0 { (tp * tn - fp * false_negative) / scale.sqrt() } else { 0.0 }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const Y: [bool; 8] = [true, true, false, true, false, false, true, false];
    const P: [f64; 8] = [0.9, 0.8, 0.8, 0.6, 0.5, 0.3, 0.2, 0.1];

    fn chosen(wanted: Threshold) -> f64 {
        choose(wanted, &Y, &P, None).unwrap()
    }

    /// (true positives, false positives) of a threshold.
    fn taken(threshold: f64) -> (usize, usize) {
        let of = |class| (0..8).filter(|&i| Y[i] == class && P[i] >= threshold).count();
        (of(true), of(false))
    }

    #[test]
    fn each_wish_gets_the_best_threshold_of_all() {
        let f1 = |t: f64| {
            let (tp, fp) = taken(t);
            2.0 * tp as f64 / (tp + fp + 4) as f64
        };
        let got = chosen(Threshold::Best(ThresholdMetric::F1));
        let candidates = [0.05, 0.15, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95];
        assert!(candidates.iter().all(|t| f1(*t) <= f1(got)), "{got}");
        assert_eq!(got, 0.55, "half-way between the two probabilities around it");

        // Precision 3 of 4 at best beside 1 of 1: the one with more recall.
        assert_eq!(taken(chosen(Threshold::Precision(0.75))), (3, 1));
        assert_eq!(taken(chosen(Threshold::Precision(0.9))), (1, 0));
        assert_eq!(taken(chosen(Threshold::Recall(0.75))), (3, 1));
        assert_eq!(taken(chosen(Threshold::Recall(1.0))), (4, 3));
        assert_eq!(taken(chosen(Threshold::Recall(0.0))), (1, 0), "the most precision");
        let costs = |p, n| chosen(Threshold::Costs { false_positive: p, false_negative: n });
        assert_eq!(taken(costs(1.0, 10.0)), (4, 3));
        assert_eq!(taken(costs(10.0, 1.0)), (1, 0));
        assert_eq!(taken(costs(1.0, 0.0)).1, 0);
        assert_eq!(chosen(Threshold::At(0.123)), 0.123);
        assert_eq!(taken(chosen(Threshold::Best(ThresholdMetric::BalancedAccuracy))), (3, 1));
        assert_eq!(taken(chosen(Threshold::Best(ThresholdMetric::Mcc))), (3, 1));
    }

    #[test]
    fn weights_count_as_rows_do() {
        let weight = [1.0, 1.0, 3.0, 1.0, 1.0, 1.0, 2.0, 1.0];
        let (mut y, mut p) = (Y.to_vec(), P.to_vec());
        y.extend([false, false, true]);
        p.extend([0.8, 0.8, 0.2]);
        for wanted in [
            Threshold::Best(ThresholdMetric::F1),
            Threshold::Best(ThresholdMetric::Mcc),
            Threshold::Recall(0.6),
            Threshold::Costs { false_positive: 1.0, false_negative: 2.0 },
        ] {
            assert_eq!(choose(wanted, &Y, &P, Some(&weight)).unwrap(), choose(wanted, &y, &p, None).unwrap());
        }
    }

    #[test]
    fn sure_and_equal_probabilities_have_thresholds_too() {
        let best = Threshold::Best(ThresholdMetric::F1);
        let sure = choose(best, &[true, false], &[1.0, 0.0], None).unwrap();
        assert_eq!(sure, 0.5);
        let never = Threshold::Costs { false_positive: 1.0, false_negative: 0.0 };
        let equal = choose(never, &[true, false], &[0.25, 0.25], None).unwrap();
        assert!(equal > 0.25 && equal <= 1.0, "{equal}");
        let near = [0.3, f64::from_bits(0.3_f64.to_bits() + 1)];
        let t = choose(best, &[false, true], &near, None).unwrap();
        assert!(near[0] < t && near[1] >= t);
    }

    #[test]
    fn what_cannot_be_reached_is_told() {
        let e = choose(Threshold::Precision(0.9), &[false, true], &[0.9, 0.4], None).unwrap_err().to_string();
        assert!(e.starts_with("no threshold has a precision of 0.9 on the held-out rows, 0.5000 is the most"), "{e}");
        let e = choose(Threshold::Recall(0.9), &[true, true], &[0.9, 0.4], None).unwrap_err().to_string();
        assert!(e.contains("all of one class"), "{e}");
    }
}

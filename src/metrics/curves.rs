//! Curves: what a threshold gains and costs, and whether probabilities are what they say.
//!
//! `weight`: a factor per row; `None`: all 1.

/// Points of a curve.
type Points = Vec<(f64, f64)>;

/// Weights of positive and negative rows of each score, highest first.
fn groups(y: &[bool], score: &[f64], weight: Option<&[f64]>) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..y.len()).collect();
    order.sort_by(|&a, &b| score[b].total_cmp(&score[a]));
    let mut out: Vec<(f64, f64)> = Vec::new();
    let mut last = None;
    for i in order {
        if last != Some(score[i]) {
            out.push((0.0, 0.0));
            last = Some(score[i]);
        }
        if let Some((pos, neg)) = out.last_mut() {
            let w = weight.map_or(1.0, |w| w[i]);
            if y[i] { *pos += w } else { *neg += w }
        }
    }
    out
}

/// Points `(false positive rate, true positive rate)` from (0, 0) to (1, 1); `None` where one kind is absent.
pub fn roc_curve(y: &[bool], score: &[f64], weight: Option<&[f64]>) -> Option<Points> {
    let groups = groups(y, score, weight);
    let (positives, negatives) = groups.iter().fold((0.0, 0.0), |all, g| (all.0 + g.0, all.1 + g.1));
    if positives <= 0.0 || negatives <= 0.0 {
        return None;
    }
    let (mut tp, mut fp) = (0.0, 0.0);
    let mut out = vec![(0.0, 0.0)];
    for (p, n) in groups {
        tp += p;
        fp += n;
        out.push((fp / negatives, tp / positives));
    }
    Some(out)
}

/// Points `(recall, precision)` from the highest threshold down; `None` without positive rows.
pub fn precision_recall_curve(y: &[bool], score: &[f64], weight: Option<&[f64]>) -> Option<Points> {
    let groups = groups(y, score, weight);
    let positives: f64 = groups.iter().map(|g| g.0).sum();
    if positives <= 0.0 {
        return None;
    }
    let (mut tp, mut all) = (0.0, 0.0);
    let mut out = Vec::with_capacity(groups.len());
    for (p, n) in groups {
        tp += p;
        all += p + n;
        if all > 0.0 {
            out.push((tp / positives, tp / all));
        }
    }
    Some(out)
}

/// Per bin of equal width that has rows: mean probability, share of positives, rows (`calibration_curve`).
pub fn reliability(y: &[bool], p: &[f64], weight: Option<&[f64]>, bins: usize) -> Vec<(f64, f64, u64)> {
    let mut sums = vec![(0.0, 0.0, 0.0, 0u64); bins];
    for (i, (&y, &p)) in y.iter().zip(p).enumerate() {
        let w = weight.map_or(1.0, |w| w[i]);
        let bin = &mut sums[((p * bins as f64) as usize).min(bins - 1)];
        bin.0 += w * p;
        bin.1 += if y { w } else { 0.0 };
        bin.2 += w;
        bin.3 += 1;
    }
    let filled = sums.into_iter().filter(|b| b.2 > 0.0);
    filled.map(|(p, pos, all, n)| (p / all, pos / all, n)).collect()
}

use super::bins::Binned;
use super::grow::{Drawing, Finder, Limits, Node, Subtracting, grow};
use super::histogram::Scale;
use super::split::{Rules, Scanner};
use crate::model::Model;
use crate::train::params::{GradientBoosting, RandomForest};
use crate::train::{Params, Problem};
use ndarray::Array2;

/// A number with gaps, a category whose levels interleave, and noise; the label follows all but the noise.
fn sample(n: usize, n_classes: usize) -> (Array2<f64>, Vec<usize>) {
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    let mut x = Array2::zeros((n, 3));
    let mut y = Vec::new();
    for i in 0..n {
        let (a, c, noise) = (next(), (next() * 12.0).floor(), next());
        let high = usize::from(!(0.1..=0.6).contains(&a));
        let odd = c as usize % 2;
        let label = if n_classes == 2 { high ^ odd } else { high + odd };
        y.push(if next() < 0.05 { i % n_classes } else { label });
        x[[i, 0]] = if a < 0.1 { f64::NAN } else { a };
        x[[i, 1]] = c;
        x[[i, 2]] = noise;
    }
    (x, y)
}

fn accuracy(model: &Model, x: &Array2<f64>, y: &[usize], n_classes: usize) -> f64 {
    let mut p = vec![0.0; n_classes];
    let hits = x.rows().into_iter().zip(y).filter(|(row, y)| {
        model.predict_proba(&row.to_vec(), &mut p);
        let best = (0..n_classes).fold(0, |b, c| if p[c] > p[b] { c } else { b });
        best == **y
    });
    hits.count() as f64 / y.len() as f64
}

fn fit_with_threads(params: &Params, n_classes: usize, threads: usize) -> Model {
    let (x, y) = sample(6000, n_classes);
    let weight = vec![1.0; y.len()];
    let problem = Problem { x: x.view(), y: &y, n_classes, weight: &weight, levels: &[None, Some(12), None] };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| params.fit(&problem, None, 3, &()).unwrap().model)
}

fn all_params() -> Vec<Params> {
    let boost = GradientBoosting { n_estimators: 30, learning_rate: 0.2, ..Default::default() };
    let sampled = GradientBoosting { subsample: 0.7, colsample_bytree: 0.6, max_depth: 4, ..boost.clone() };
    let forest = RandomForest { n_estimators: 20, ..Default::default() };
    vec![Params::GradientBoosting(boost), Params::GradientBoosting(sampled), Params::RandomForest(forest)]
}

#[test]
fn trees_learn_gaps_levels_and_classes() {
    for n_classes in [2, 3] {
        let (x, y) = sample(3000, n_classes);
        for params in all_params() {
            let model = fit_with_threads(&params, n_classes, 2);
            let a = accuracy(&model, &x, &y, n_classes);
            assert!(a > 0.9, "{params:?} with {n_classes} classes: accuracy {a}");
        }
    }
}

#[test]
fn the_number_of_threads_does_not_change_the_model() {
    for n_classes in [2, 3] {
        for params in all_params() {
            let one = crate::wire::encode(&fit_with_threads(&params, n_classes, 1)).unwrap();
            for threads in [2, 5] {
                let more = crate::wire::encode(&fit_with_threads(&params, n_classes, threads)).unwrap();
                assert!(one == more, "{params:?} differs between 1 and {threads} threads");
            }
        }
    }
}

/// Everything about one node's best split, by trying all: `(gain, rows left)` of the best.
fn brute_force(x: &Array2<f64>, levels: &[Option<usize>], g: &[f64], h: &[f64], rules: &Rules) -> (f64, Vec<usize>) {
    let score = |rows: &[usize], lambda: f64| {
        let (sg, sh) = rows.iter().fold((0.0, 0.0), |s, &r| (s.0 + g[r], s.1 + h[r]));
        sg * sg / (sh + lambda)
    };
    let all: Vec<usize> = (0..g.len()).collect();
    let mut best = (0.0, Vec::new());
    let mut offer = |left: Vec<usize>, lambda: f64| {
        let right: Vec<usize> = all.iter().copied().filter(|r| !left.contains(r)).collect();
        if left.len() < rules.min_rows || right.len() < rules.min_rows {
            return;
        }
        let gain = score(&left, lambda) + score(&right, lambda) - score(&all, rules.lambda);
        if gain > best.0 {
            best = (gain, left);
        }
    };
    for f in 0..x.ncols() {
        let v = |r: usize| x[[r, f]];
        match levels[f] {
            None => {
                let cuts: Vec<f64> = all.iter().map(|&r| v(r)).filter(|v| !v.is_nan()).collect();
                for cut in cuts {
                    for missing_left in [false, true] {
                        let left = |r: &usize| v(*r) <= cut || (missing_left && v(*r).is_nan());
                        offer(all.iter().copied().filter(left).collect(), rules.lambda);
                    }
                }
            }
            Some(n) => {
                for set in 0..1u32 << (n + 1) {
                    let bit = |r: usize| if v(r).is_nan() { n as u32 } else { v(r) as u32 };
                    let left = |r: &usize| set >> bit(*r) & 1 == 1;
                    offer(all.iter().copied().filter(left).collect(), rules.lambda + rules.cat_l2);
                }
            }
        }
    }
    best
}

#[test]
fn the_first_split_is_the_best_of_all_there_are() {
    let mut state = 99u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    for case in 0..30 {
        let n = 40;
        let mut x = Array2::zeros((n, 3));
        for r in 0..n {
            x[[r, 0]] = (next() * 12.0).floor();
            x[[r, 1]] = if next() < 0.2 { f64::NAN } else { next() };
            x[[r, 2]] = if next() < 0.1 { f64::NAN } else { (next() * 6.0).floor() };
        }
        let g: Vec<f64> = (0..n).map(|r| next() - 0.5 + 0.3 * f64::from(x[[r, case % 3]] > 0.5)).collect();
        let h: Vec<f64> = (0..n).map(|_| 0.05 + next()).collect();
        let levels = [None, None, Some(6)];
        let (y, weight) = (vec![0; n], vec![1.0; n]);
        let problem = Problem { x: x.view(), y: &y, n_classes: 2, weight: &weight, levels: &levels };
        let rules = Rules {
            min_rows: 1 + case % 4,
            min_h: 0.0,
            lambda: 0.5,
            alpha: 0.0,
            gamma: 0.0,
            // The order of levels by gradient / hessian holds the best set only without penalties, so they cancel here.
            cat_smooth: 0.0,
            cat_l2: -0.5,
            max_cat: usize::MAX,
        };
        let (want, left) = brute_force(&x, &levels, &g, &h, &rules);
        let binned = Binned::fit(&problem, 255);
        let scale = Scale::new(n, n as f64, 2.0 * n as f64);
        let sums: Vec<_> = g.iter().zip(&h).map(|(g, h)| scale.pack(*g, *h)).collect();
        let limits = Limits { max_leaves: 2, max_depth: 0, min_split_rows: 2 };
        let features = [0, 1, 2];
        let mut rows: Vec<u32> = (0..n as u32).collect();
        let mut finder = Subtracting::new(&binned, &sums, &features, Scanner::new(rules, scale), Vec::new());
        let grown = grow(&binned, &mut rows, limits, &mut finder);
        let Node::Split { split, left: l, .. } = &grown.nodes[0] else { panic!("case {case}: no split") };
        assert!((split.gain - want).abs() < 1e-6, "case {case}: gain {} of {:?}, not {want}", split.gain, split);
        let Node::Leaf { rows: range, sums: leaf } = &grown.nodes[*l] else { panic!("case {case}: no leaf") };
        let mut got: Vec<usize> = rows[range.clone()].iter().map(|r| *r as usize).collect();
        got.sort_unstable();
        let other: Vec<usize> = (0..n).filter(|r| !left.contains(r)).collect();
        assert!(got == left || got == other, "case {case}: {got:?} go left, not {left:?}");
        let sum_g: f64 = got.iter().map(|&r| g[r]).sum();
        assert!((scale.g(leaf[0]) - sum_g).abs() < 1e-9, "case {case}: the leaf's sum");

        // A forest's finder, when it draws all features, finds a split of the same gain.
        let rng = crate::train::rng(case as u64, 0);
        let mut finder = Drawing::new(&binned, &sums, 1, 3, Scanner::new(rules, scale), rng);
        let total = finder.total(&rows);
        if let Some(drawn) = finder.best(&(), &rows, &total) {
            assert!((drawn.gain - want).abs() < 1e-6, "case {case}: the forest's gain {}", drawn.gain);
        }
    }
}

#[test]
fn boosting_keeps_the_round_that_validation_likes_best() {
    let (all, labels) = sample(3400, 3);
    let (x, xv) = all.view().split_at(ndarray::Axis(0), 1500);
    let (y, yv) = labels.split_at(1500);
    let weight = vec![1.0; 1900];
    let levels = [None, Some(12), None];
    let problem = Problem { x, y, n_classes: 3, weight: &weight[..1500], levels: &levels };
    let held = Problem { x: xv, y: yv, n_classes: 3, weight: &weight, levels: &levels };
    let p =
        GradientBoosting { learning_rate: 0.3, early_stopping_rounds: 10, min_samples_leaf: 5, ..Default::default() };
    let fitted = Params::GradientBoosting(p).fit(&problem, Some(&held), 1, &()).unwrap();
    let losses: Vec<f64> = fitted.curve.iter().map(|c| c.1.unwrap()).collect();
    let best = (0..losses.len()).fold(0, |b, i| if losses[i] < losses[b] { i } else { b });
    assert_eq!(fitted.rounds, Some(best + 1));
    assert_eq!(losses.len(), best + 11, "it stops ten rounds after the best");
    let Model::Forest(forest) = &fitted.model else { panic!("no forest") };
    assert_eq!(forest.plain().len(), 3 * (best + 1), "three trees for each round kept");
    // The last loss told is the one of the model given.
    let log_loss = |rows: usize| {
        let mut p = vec![0.0; 3];
        let each = (0..rows).map(|r| {
            fitted.model.predict_proba(&xv.row(r).to_vec(), &mut p);
            -crate::math::ln(p[yv[r]])
        });
        each.sum::<f64>() / rows as f64
    };
    assert!((log_loss(1900) - losses[best]).abs() < 1e-9, "{} is not {}", log_loss(1900), losses[best]);
    assert!(fitted.curve.windows(2).all(|w| w[1].0 < w[0].0), "the fitted rows' loss falls");
}

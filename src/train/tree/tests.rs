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

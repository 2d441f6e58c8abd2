mod golden;

use super::smo::solve;
use super::*;
use crate::math::{exp, tanh};
use ndarray::Array2;
use proptest::prelude::*;
use rand::RngExt;
use rayon::ThreadPoolBuilder;

/// Clouds, a class each, that overlap; a third of the values are 0.
fn clouds(n: usize, d: usize, n_classes: usize, seed: u64) -> (Array2<f64>, Vec<usize>) {
    let mut rng = crate::train::rng(seed, 99);
    let mut bell = || (0..6).map(|_| rng.random_range(-1.0..1.0)).sum::<f64>() / std::f64::consts::SQRT_2;
    let y: Vec<usize> = (0..n).map(|i| i % n_classes).collect();
    let x = Array2::from_shape_fn((n, d), |(i, j)| {
        let v = bell() + f64::from(u8::from(j % n_classes == y[i]));
        if v.abs() < 0.4 { 0.0 } else { v }
    });
    (x, y)
}

fn problem<'a>(x: &'a Array2<f64>, y: &'a [usize], weight: &'a [f64], levels: &'a [Option<usize>]) -> Problem<'a> {
    Problem { x: x.view(), y, n_classes: y.iter().max().unwrap() + 1, weight, levels }
}

fn fit_clouds(p: &Svm, n: usize, n_classes: usize) -> Fitted {
    let (x, y) = clouds(n, 5, n_classes, 3);
    fit(p, &problem(&x, &y, &vec![1.0; n], &[None; 5]), 7, &()).unwrap()
}

fn machine(fitted: &Fitted) -> &svm::Svm {
    let Model::Svm(m) = &fitted.model else { panic!("not a support vector machine") };
    m
}

/// As the definition has it.
fn value_of(kernel: Kernel, a: &[f64], b: &[f64]) -> f64 {
    let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    match kernel {
        Kernel::Linear => dot,
        Kernel::Rbf { gamma } => exp(-gamma * a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()),
        Kernel::Poly { gamma, coef0, degree } => (0..degree).fold(1.0, |p, _| p * (gamma * dot + coef0)),
        Kernel::Sigmoid { gamma, coef0 } => tanh(gamma * dot + coef0),
    }
}

fn kernels() -> impl Strategy<Value = Kernel> {
    let gamma = prop_oneof![0.01..0.5f64, 0.5..20.0f64];
    prop_oneof![
        Just(Kernel::Linear),
        gamma.clone().prop_map(|gamma| Kernel::Rbf { gamma }),
        (0.05..0.5f64, -0.5..1.0f64, 0..5u32).prop_map(|(gamma, coef0, degree)| Kernel::Poly { gamma, coef0, degree }),
        (0.01..0.3f64, -0.5..0.5f64).prop_map(|(gamma, coef0)| Kernel::Sigmoid { gamma, coef0 }),
    ]
}

const TOL: f64 = 1e-4;

fn settings(shrinking: bool, cache: usize) -> Settings {
    Settings { tol: TOL, shrinking, max_iter: None, cache }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// The conditions of the optimum, from the definition and in 64 bits.
    #[test]
    fn machines_are_optimal(kernel in kernels(), seed: u64, n in 5usize..150, c in 0.05..20.0f64) {
        let (x, classes) = clouds(n, 4, 2, seed);
        let y: Vec<f64> = classes.iter().map(|c| if *c == 0 { 1.0 } else { -1.0 }).collect();
        let mut rng = crate::train::rng(seed, 5);
        let penalty: Vec<f64> = (0..n).map(|_| c * rng.random_range(0.2..2.0)).collect();
        let ids: Vec<u32> = (0..n as u32).collect();
        let source = Source::new(kernel, x.view()).unwrap();
        let task = Task { ids: &ids, y: &y, penalty: &penalty };
        let m = solve(&source, &task, settings(seed % 2 == 0, 0), &(), &|_| ()).unwrap();
        prop_assert!(m.gap < TOL);
        let rows: Vec<Vec<f64>> = x.rows().into_iter().map(|r| r.to_vec()).collect();
        let (mut most, mut least) = (f64::NEG_INFINITY, f64::INFINITY);
        let mut largest = 1.0f64;
        for t in 0..n {
            let (from, to) = if y[t] > 0.0 { (0.0, penalty[t]) } else { (-penalty[t], 0.0) };
            prop_assert!(from <= m.beta[t] && m.beta[t] <= to);
            let mut value = y[t];
            for s in 0..n {
                let k = value_of(kernel, &rows[s], &rows[t]);
                value -= m.beta[s] * k;
                largest = largest.max((m.beta[s] * k).abs());
            }
            if m.beta[t] < to {
                most = most.max(value);
            }
            if m.beta[t] > from {
                least = least.min(value);
            }
        }
        prop_assert!(m.beta.iter().sum::<f64>().abs() < 1e-9 * c * n as f64);
        // What 32 bits of each kernel value may add up to.
        let slack = TOL + largest * 2e-6 * (n as f64).sqrt();
        prop_assert!(most - least < slack, "{most} {least} {slack}");
        prop_assert!(m.bias > least - slack && m.bias < most + slack, "{} {most} {least}", m.bias);
    }

    /// Room for columns changes no bit; leaving rows out changes nothing above the tolerance.
    #[test]
    fn cache_and_shrinking_change_only_time(kernel in kernels(), seed: u64) {
        let n = 700;
        let (x, classes) = clouds(n, 4, 2, seed);
        let y: Vec<f64> = classes.iter().map(|c| if *c == 0 { 1.0 } else { -1.0 }).collect();
        let penalty = vec![1.0; n];
        let ids: Vec<u32> = (0..n as u32).collect();
        let source = Source::new(kernel, x.view()).unwrap();
        let task = Task { ids: &ids, y: &y, penalty: &penalty };
        let fit = |shrinking, cache| solve(&source, &task, settings(shrinking, cache), &(), &|_| ()).unwrap();
        let all = fit(true, 1 << 24);
        for cache in [0, 5000, 50_000] {
            prop_assert_eq!(&fit(true, cache), &all);
        }
        let whole = fit(false, 1 << 24);
        prop_assert_eq!(&fit(false, 0), &whole);
        if matches!(kernel, Kernel::Sigmoid { .. }) {
            return Ok(()); // no inner product: there may be several optima
        }
        let objective = |m: &Machine| {
            let mut sum = 0.0;
            for (s, y) in y.iter().enumerate().take(n) {
                let row = x.row(s).to_vec();
                sum -= y * m.beta[s];
                sum += (0..n).map(|t| m.beta[s] * m.beta[t] * value_of(kernel, &row, &x.row(t).to_vec()) / 2.0).sum::<f64>();
            }
            sum
        };
        let (a, b) = (objective(&all), objective(&whole));
        prop_assert!((a - b).abs() < TOL * a.abs(), "{a} {b}");
        prop_assert!((all.bias - whole.bias).abs() < 20.0 * TOL, "{} {}", all.bias, whole.bias);
    }
}

#[test]
fn the_same_on_any_number_of_threads() {
    let p = Svm::default();
    let fits = [1, 2, 5].map(|threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| [2, 3].map(|k| fit_clouds(&p, 400, k).model))
    });
    assert_eq!(fits[0], fits[1]);
    assert_eq!(fits[0], fits[2]);
}

#[test]
fn wide_vectors_change_no_bit() {
    let p = |kernel, gamma| Svm { kernel, gamma: Gamma::Number(gamma), probability: false, ..Svm::default() };
    let (linear, poly, rbf, sigmoid) = (KernelName::Linear, KernelName::Poly, KernelName::Rbf, KernelName::Sigmoid);
    for p in [p(linear, 1.0), p(poly, 0.2), p(rbf, 0.2), p(rbf, 30.0), p(sigmoid, 0.1)] {
        let wide = fit_clouds(&p, 300, 2);
        let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let plain = pool.install(|| {
            lanes::PLAIN.set(true);
            fit_clouds(&p, 300, 2)
        });
        assert_eq!(wide.model, plain.model, "{p:?}");
    }
}

#[test]
fn rows_of_weight_0_are_as_if_they_were_not_there() {
    let (x, y) = clouds(120, 5, 3, 4);
    let weight: Vec<f64> = (0..120).map(|i| if i % 4 == 1 { 0.0 } else { 1.0 + (i % 3) as f64 }).collect();
    let p = Svm { gamma: Gamma::Number(0.3), probability: false, ..Svm::default() };
    let all = fit(&p, &problem(&x, &y, &weight, &[None; 5]), 1, &()).unwrap();
    let kept: Vec<usize> = (0..120).filter(|i| weight[*i] > 0.0).collect();
    let (x, y) = (x.select(ndarray::Axis(0), &kept), kept.iter().map(|&i| y[i]).collect::<Vec<_>>());
    let weight: Vec<f64> = kept.iter().map(|&i| weight[i]).collect();
    let without = fit(&p, &problem(&x, &y, &weight, &[None; 5]), 1, &()).unwrap();
    assert_eq!(machine(&all), machine(&without));
}

/// Classes without rows, classes with one, and rows that are all alike.
#[test]
fn little_to_learn_from_is_no_trap() {
    let (x, mut y) = clouds(40, 5, 2, 8);
    y[0] = 4; // one row of class 4, none of 2 and 3
    let p = Svm::default();
    for x in [x, Array2::zeros((40, 5)), Array2::from_elem((40, 5), 3.0)] {
        let fitted = fit(&p, &problem(&x, &y, &[1.0; 40], &[None; 5]), 1, &()).unwrap();
        fitted.model.check().unwrap();
        let mut out = [0.0; 5];
        fitted.model.predict_proba(&x.row(3).to_vec(), &mut out);
        assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-9 && out[2] < 0.2 && out[3] < 0.2, "{out:?}");
    }
    let y = [0, 1];
    let x = Array2::from_shape_vec((2, 1), vec![-1.0, 1.0]).unwrap();
    let fitted = fit(&p, &problem(&x, &y, &[1.0; 2], &[None]), 1, &()).unwrap();
    fitted.model.check().unwrap();
    let m = machine(&fitted);
    assert_eq!(m.n_support, [1, 1]);
    assert!(m.intercept[0].abs() < 1e-6);
}

#[test]
fn errors_say_what_would_be_right() {
    let (mut x, y) = clouds(20, 5, 2, 8);
    let error = |x: &Array2<f64>, weight: &[f64]| {
        fit(&Svm::default(), &problem(x, &y, weight, &[None; 5]), 1, &()).unwrap_err().to_string()
    };
    let halves: Vec<f64> = y.iter().map(|c| *c as f64).collect();
    assert!(error(&x, &halves).contains("at least two classes whose weight is above 0"));
    x[[3, 2]] = f64::NAN;
    assert!(error(&x, &[1.0; 20]).contains("set preprocessing.imputer"));
    for huge in [1e20, 1e150, -1e300] {
        x[[3, 2]] = huge;
        assert!(error(&x, &[1.0; 20]).contains("preprocessing.scaler"), "{huge}");
    }
}

#[test]
fn max_iter_ends_it_and_says_so() {
    let fitted = fit_clouds(&Svm { max_iter: 3, ..Svm::default() }, 200, 2);
    fitted.model.check().unwrap();
    assert!(fitted.notes[0].contains("1 of 1 machines (after 3 steps"), "{:?}", fitted.notes);
    assert!(fit_clouds(&Svm::default(), 200, 2).notes.is_empty());
}

/// What its end asks for, it gets, and soon.
#[test]
fn stops_when_told() {
    struct Stop(AtomicU64);
    impl Progress for Stop {
        fn step(&self, stage: &str, done: u64, total: u64) {
            assert!(stage == "machines" && done <= total);
        }
        fn proceed(&self) -> Result<()> {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0..3 => Ok(()),
                _ => Err(Error::new(ErrorKind::Interrupted, "enough")),
            }
        }
    }
    let (x, y) = clouds(3000, 5, 2, 8);
    let stop = Stop(AtomicU64::new(0));
    let e = fit(&Svm::default(), &problem(&x, &y, &[1.0; 3000], &[None; 5]), 1, &stop).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Interrupted);
    assert!(stop.0.into_inner() < 10);
}

#[test]
fn importance_is_a_linear_machines_only() {
    let fitted = fit_clouds(&Svm { kernel: KernelName::Linear, ..Svm::default() }, 200, 2);
    assert!((fitted.importance.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert_eq!(fit_clouds(&Svm::default(), 200, 2).importance, [0.0; 5]);
}

#[test]
fn sigmoids_are_those_of_the_likelihood() {
    // Both derivatives of the negative log likelihood are 0 there.
    let f: Vec<f64> = (0..50).map(|i| f64::from(i) / 10.0 - 2.0).collect();
    let y: Vec<f64> = (0..50).map(|i| if (i * 7) % 50 < i { 1.0 } else { -1.0 }).collect();
    let (a, b) = platt::sigmoid(&f, &y);
    let positive = y.iter().filter(|y| **y > 0.0).count() as f64;
    let (high, low) = ((positive + 1.0) / (positive + 2.0), 1.0 / (50.0 - positive + 2.0));
    let rest = |f: &f64, y: &f64| (if *y > 0.0 { high } else { low }) - math::sigmoid(-(a * f + b));
    let (g1, g2) = f.iter().zip(&y).fold((0.0, 0.0), |(g1, g2), (f, y)| (g1 + f * rest(f, y), g2 + rest(f, y)));
    assert!(a < -0.1 && g1.abs() < 1e-5 && g2.abs() < 1e-5, "{a} {b} {g1} {g2}");
    assert_eq!(platt::sigmoid(&[1.0, 1.0, 1.0], &[1.0, 1.0, 1.0]), (0.0, -math::ln(4.0)));
    assert_eq!(platt::sigmoid(&[], &[]), (0.0, 0.0));
}

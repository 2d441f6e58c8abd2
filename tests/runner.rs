//! The fast forms against the reference: [`Runner`] gives what [`Model::predict_proba`] gives, in every bit, for one row and for
//! blocks of any length, whatever the numbers.

#![allow(clippy::unwrap_used, clippy::panic)]

use hedgerow::math::{BLOCK, BOUND, Matrix};
use hedgerow::model::bayes::NaiveBayes;
use hedgerow::model::calibration::{Calibrated, Calibrator, Input};
use hedgerow::model::linear::{Link, Logistic};
use hedgerow::model::mlp::{Activation, Layer, Mlp};
use hedgerow::model::svm::{Kernel, Platt, Svm};
use hedgerow::model::{Model, Runner};

/// The allocator, counting this thread's allocations.
mod memory {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;

    thread_local! {
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }

    struct Counting;

    // SAFETY: every call is the system allocator's; the counter beside it is a plain cell.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            COUNT.with(|count| count.set(count.get() + 1));
            // SAFETY: as the caller promises.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
            // SAFETY: as the caller promises.
            unsafe { System.dealloc(at, layout) }
        }
    }

    #[global_allocator]
    static COUNTING: Counting = Counting;

    pub fn allocations(work: impl FnOnce()) -> u64 {
        let before = COUNT.with(Cell::get);
        work();
        COUNT.with(Cell::get) - before
    }
}

/// Numbers by a fixed rule.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize
    }

    /// In -1..1; now and then 0.
    fn number(&mut self) -> f64 {
        let n = self.next();
        if n.is_multiple_of(17) { 0.0 } else { (n % 200_001) as f64 / 100_000.0 - 1.0 }
    }

    fn numbers(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.number()).collect()
    }

    fn matrix(&mut self, rows: usize, cols: usize) -> Matrix {
        Matrix { rows, cols, data: self.numbers(rows * cols) }
    }

    /// A value of a feature; one row in four is absurd.
    fn row(&mut self, n: usize) -> Vec<f64> {
        let hard =
            [0.0, -0.0, 1e-308, -5e-324, BOUND, -BOUND, 1e155, 1e308, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        let absurd = self.next().is_multiple_of(4);
        (0..n)
            .map(|_| match self.next() {
                k if absurd && k.is_multiple_of(3) => hard[k % hard.len()],
                k if k.is_multiple_of(5) => 0.0,
                _ => 4.0 * self.number(),
            })
            .collect()
    }
}

/// Rows one by one, then in blocks.
fn equal(name: &str, model: &Model, draw: &mut Draw) {
    model.check().unwrap_or_else(|e| panic!("{name}: {e}"));
    let (n, k) = (model.n_features(), model.n_classes());
    let rows: Vec<Vec<f64>> = (0..BLOCK + 40).map(|_| draw.row(n)).collect();
    let mut expected = vec![vec![0.0; k]; rows.len()];
    for (x, p) in rows.iter().zip(&mut expected) {
        model.predict_proba(x, p);
    }
    assert!(n < 4 || expected.iter().any(|p| *p != expected[0]), "{name} answers everything alike");
    let bits = |p: &[f64]| p.iter().map(|p| p.to_bits()).collect::<Vec<_>>();

    let mut runner = Runner::new(model);
    let mut answer = vec![f64::NAN; k];
    for (x, p) in rows.iter().zip(&expected) {
        runner.predict_proba(model, x, &mut answer);
        assert_eq!(bits(&answer), bits(p), "{name} at {x:?}: {answer:?}, expected {p:?}");
    }

    let (mut x, mut out) = (vec![f64::NAN; n * BLOCK], vec![f64::NAN; k * BLOCK]);
    for (first, n_rows) in [(0, BLOCK), (40, BLOCK), (3, 1), (5, 2), (0, 7), (9, 8), (11, 9), (20, 63), (1, BLOCK - 1)]
    {
        for (r, row) in rows[first..first + n_rows].iter().enumerate() {
            row.iter().enumerate().for_each(|(j, v)| x[j * BLOCK + r] = *v);
        }
        runner.predict_block(model, &x, n_rows, &mut out);
        for (r, p) in expected[first..first + n_rows].iter().enumerate() {
            let answer: Vec<f64> = (0..k).map(|k| out[k * BLOCK + r]).collect();
            assert_eq!(bits(&answer), bits(p), "{name}, row {r} of {n_rows}: {:?}", rows[first + r]);
        }
    }
    // A row after a block: the room is another.
    runner.predict_proba(model, &rows[0], &mut answer);
    assert_eq!(bits(&answer), bits(&expected[0]), "{name}");
}

#[test]
fn every_example_equals_the_reference() {
    let mut draw = Draw(1);
    for (name, model) in Model::examples() {
        equal(name, &model, &mut draw);
    }
}

#[test]
fn linear_models_of_any_width() {
    let mut draw = Draw(2);
    for cols in (1..14).chain([30, 103]) {
        for (link, rows) in [(Link::Sigmoid, 1), (Link::Softmax, 2), (Link::Softmax, 5), (Link::OneVsRest, 4)] {
            let (coef, intercept) = (draw.matrix(rows, cols), draw.numbers(rows));
            let model = Model::Logistic(Logistic { coef, intercept, link });
            equal(&format!("{link:?} {rows} x {cols}"), &model, &mut draw);
            if rows < 3 {
                // Its margin.
                let platt = Calibrator::Platt { input: Input::Margin, a: vec![-1.25], b: vec![0.1] };
                let model = Model::Calibrated(Calibrated::same([(model, platt)]).into());
                equal(&format!("{link:?} {rows} x {cols}, calibrated"), &model, &mut draw);
            }
        }
    }
}

#[test]
fn perceptrons_of_any_shape() {
    let mut draw = Draw(3);
    for widths in [
        vec![1, 1],
        vec![2, 3, 1],
        vec![7, 16, 2],
        vec![30, 100, 50, 1],
        vec![5, 33, 17, 15, 3],
        vec![40, 1, 1, 10],
        vec![3, 64, 31, 1],
    ] {
        for activation in [Activation::Relu, Activation::Tanh, Activation::Logistic, Activation::Identity] {
            let layers =
                widths.windows(2).map(|w| Layer { weights: draw.matrix(w[1], w[0]), bias: draw.numbers(w[1]) });
            let mut layers: Vec<Layer> = layers.collect();
            layers[0].bias[0] = -0.0;
            let model = Model::Mlp(Mlp { layers, activation });
            equal(&format!("{activation:?} {widths:?}"), &model, &mut draw);
        }
    }
}

#[test]
fn support_vectors_of_any_number() {
    let mut draw = Draw(4);
    let kernels = [
        Kernel::Linear,
        Kernel::Rbf { gamma: 0.05 },
        Kernel::Rbf { gamma: -1.0 },
        Kernel::Poly { gamma: 0.3, coef0: 0.5, degree: 3 },
        Kernel::Sigmoid { gamma: 0.2, coef0: -0.1 },
    ];
    for kernel in kernels {
        for (cols, n_support) in
            [(1, vec![1, 1]), (30, vec![40, 37]), (4, vec![0, 5]), (9, vec![3, 14, 2]), (6, vec![5; 7])]
        {
            let k = n_support.len();
            let pairs = k * (k - 1) / 2;
            let n = n_support.iter().sum::<u32>() as usize;
            let svm = Svm {
                kernel,
                support: draw.matrix(n, cols),
                dual_coef: draw.matrix(k - 1, n),
                n_support: n_support.clone(),
                intercept: draw.numbers(pairs),
                platt: Some(Platt { a: vec![-1.5; pairs], b: draw.numbers(pairs) }),
            };
            let name = format!("{kernel:?} {n_support:?} x {cols}");
            let n = if k == 2 { 1 } else { k };
            let platt = Calibrator::Platt { input: Input::Margin, a: vec![-1.25; n], b: vec![0.1; n] };
            let margin = Calibrated::same([(Model::Svm(Svm { platt: None, ..svm.clone() }), platt)]);
            equal(&name, &Model::Svm(svm), &mut draw);
            equal(&format!("{name}, its margin"), &Model::Calibrated(margin.into()), &mut draw);
        }
    }
}

#[test]
fn naive_bayes_of_any_shape() {
    let mut draw = Draw(5);
    for (k, cols) in [(2, 1), (2, 30), (3, 8), (9, 5)] {
        let mut var = draw.matrix(k, cols);
        var.data.iter_mut().for_each(|v| *v = *v * *v + 1e-3);
        var.data[0] = 5e-324;
        let mut prior = vec![1.0 / k as f64; k];
        if k > 2 {
            prior[1] += prior[0];
            prior[0] = 0.0;
        }
        let model = Model::NaiveBayes(NaiveBayes { prior, mean: draw.matrix(k, cols), var });
        equal(&format!("{k} x {cols}"), &model, &mut draw);
    }
}

/// Once its layouts and room are made, a model of any kind answers rows and blocks from what it has.
#[test]
fn a_runner_allocates_nothing() {
    for (name, model) in Model::examples() {
        let (mut row, mut block) = (Runner::new(&model), Runner::new(&model));
        let x = vec![0.25; model.n_features() * BLOCK];
        let mut out = vec![0.0; model.n_classes() * BLOCK];
        let mut ask = |rows: usize| {
            row.predict_proba(&model, &x[..model.n_features()], &mut out[..model.n_classes()]);
            block.predict_block(&model, &x, rows, &mut out);
        };
        // A forest's first rows are the reference's: its layouts come after them.
        (0..100).for_each(|_| ask(BLOCK));
        assert_eq!(memory::allocations(|| [1, 7, 9, BLOCK].into_iter().for_each(&mut ask)), 0, "{name}");
    }
}

//! Kernels beside a baseline, in one process, in turn, many short rounds, the least of each: `cargo bench`.
//!
//! Ratios are what counts. A kernel that costs more of its baseline than stated here fails the run; the bounds are generous, some two times
//! what was measured when they were set, so that only a loss that matters is found. The baseline of a model is its reference (one row
//! after another through [`Model::predict_proba`]), that of what goes over columns is copying them.
//!
//! Why no library for benchmarks: criterion and divan measure one function after the other, and their ratios to each other change with
//! whatever else the machine does meanwhile. Without `--bench` (under `cargo test --all-targets`) it compares the answers, and measures nothing.

use hedgerow::math::{BLOCK, Matrix};
use hedgerow::model::forest::{Forest, Link, PlainNode, PlainTree, Test};
use hedgerow::model::linear::{self, Logistic};
use hedgerow::model::mlp::{Activation, Layer, Mlp};
use hedgerow::model::svm::{Kernel, Platt, Svm};
use hedgerow::model::{Model, Runner};
use hedgerow::pipeline::{Encoder, Encoders, Transform};
use hedgerow::profile::{Counter, Counts, Profile};
use std::hint::black_box;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Distinct blocks that are cycled over: 2,048 rows.
const BLOCKS: usize = 8;
const ROUNDS: usize = 60;
const ROUND: Duration = Duration::from_millis(4);

/// Numbers from a fixed seed: G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
struct Numbers(u64);

impl Numbers {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// -1..1
    fn one(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn many(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.one()).collect()
    }

    fn matrix(&mut self, rows: usize, cols: usize) -> Matrix {
        Matrix { rows, cols, data: self.many(rows * cols) }
    }
}

/// What is timed: a call works on a whole block.
struct Part {
    name: String,
    run: Box<dyn FnMut()>,
    /// Most of its baseline's time that it may take; none for a baseline.
    bound: Option<f64>,
}

/// A baseline and what is held to it.
struct Group(Vec<Part>);

/// A tree of this depth with thresholds among 200 cuts of each feature; `width` numbers in a leaf.
fn tree(numbers: &mut Numbers, features: usize, depth: usize, width: usize) -> PlainTree {
    let mut nodes = vec![PlainNode::Leaf(Vec::new())];
    let mut open = vec![(0, depth)];
    while let Some((at, depth)) = open.pop() {
        if depth == 0 {
            let leaf = if width == 1 { vec![numbers.one() / 10.0] } else { average(numbers, width) };
            nodes[at] = PlainNode::Leaf(leaf);
            continue;
        }
        let left = nodes.len();
        nodes.extend([PlainNode::Leaf(Vec::new()), PlainNode::Leaf(Vec::new())]);
        open.extend([(left + 1, depth - 1), (left, depth - 1)]);
        let feature = (numbers.bits() % features as u64) as usize;
        let cut = (numbers.bits() % 200) as f64 / 100.0 - 0.995;
        nodes[at] = PlainNode::Split { feature, test: Test::AtMost(cut), default_left: false, left, right: left + 1 };
    }
    PlainTree { nodes, output: 0 }
}

/// Two probabilities; scikit-learn's are shares of counts.
fn average(numbers: &mut Numbers, width: usize) -> Vec<f64> {
    let p = (numbers.bits() % 65) as f64 / 64.0;
    (0..width).map(|k| if k == 0 { 1.0 - p } else { p }).collect()
}

fn forest(link: Link, trees: usize, depth: usize) -> Model {
    let mut numbers = Numbers(1);
    let width = if link == Link::Average { 2 } else { 1 };
    let trees: Vec<PlainTree> = (0..trees).map(|_| tree(&mut numbers, 20, depth, width)).collect();
    let base = if link == Link::Average { Vec::new() } else { vec![0.1] };
    Model::Forest(Forest::new(20, 2, link, base, &trees).expect("sound trees"))
}

fn mlp(widths: &[usize]) -> Model {
    let mut numbers = Numbers(2);
    let layers = widths.windows(2).map(|w| Layer { weights: numbers.matrix(w[1], w[0]), bias: numbers.many(w[1]) });
    Model::Mlp(Mlp { layers: layers.collect(), activation: Activation::Relu })
}

fn svm(support: usize, features: usize) -> Model {
    let mut numbers = Numbers(3);
    Model::Svm(Svm {
        kernel: Kernel::Rbf { gamma: 1.0 / features as f64 },
        support: numbers.matrix(support, features),
        n_support: vec![(support / 2) as u32, (support - support / 2) as u32],
        dual_coef: numbers.matrix(1, support),
        intercept: vec![0.1],
        platt: Some(Platt { a: vec![-2.0], b: vec![0.1] }),
    })
}

fn logistic(features: usize) -> Model {
    let mut numbers = Numbers(4);
    let coef = numbers.matrix(1, features);
    Model::Logistic(Logistic { coef, intercept: vec![0.1], link: linear::Link::Sigmoid })
}

/// The reference, the runner row by row, and the runner block by block; compared before anything is timed.
fn model(name: &str, model: Model, row_bound: f64, block_bound: f64) -> Group {
    model.check().expect("a sound model");
    let (n, classes) = (model.n_features(), model.n_classes());
    let mut numbers = Numbers(5);
    let blocks: Rc<Vec<Vec<f64>>> = Rc::new((0..BLOCKS).map(|_| numbers.many(n * BLOCK)).collect());
    let rows: Rc<Vec<Vec<f64>>> = Rc::new(blocks.iter().map(|block| transposed(block, n)).collect());
    let model = Rc::new(model);

    let mut runner = Runner::new(&model);
    for (block, rows) in blocks.iter().zip(rows.iter()) {
        let mut expected = vec![0.0; classes];
        let mut single = vec![0.0; classes];
        let mut many = vec![0.0; classes * BLOCK];
        runner.predict_block(&model, block, BLOCK, &mut many);
        for (r, x) in rows.chunks_exact(n).enumerate() {
            model.predict_proba(x, &mut expected);
            runner.predict_proba(&model, x, &mut single);
            let column: Vec<f64> = many.chunks_exact(BLOCK).map(|column| column[r]).collect();
            let bits = |p: &[f64]| p.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&expected), bits(&single), "{name}: row {r} by itself");
            assert_eq!(bits(&expected), bits(&column), "{name}: row {r} in a block");
        }
    }

    let reference = {
        let (model, rows, mut at, mut out) = (model.clone(), rows.clone(), 0, vec![0.0; classes]);
        move || {
            at = (at + 1) % BLOCKS;
            for x in rows[at].chunks_exact(n) {
                model.predict_proba(black_box(x), &mut out);
                black_box(&out);
            }
        }
    };
    let row = {
        let (model, rows, mut at, mut out) = (model.clone(), rows, 0, vec![0.0; classes]);
        let mut runner = Runner::new(&model);
        move || {
            at = (at + 1) % BLOCKS;
            for x in rows[at].chunks_exact(n) {
                runner.predict_proba(&model, black_box(x), &mut out);
                black_box(&out);
            }
        }
    };
    let block = {
        let (mut at, mut out) = (0, vec![0.0; classes * BLOCK]);
        move || {
            at = (at + 1) % BLOCKS;
            runner.predict_block(&model, black_box(&blocks[at]), BLOCK, &mut out);
            black_box(&out);
        }
    };
    let part = |what: &str, run: Box<dyn FnMut()>, bound| Part { name: format!("{name}, {what}"), run, bound };
    Group(vec![
        part("reference", Box::new(reference), None),
        part("row by row", Box::new(row), Some(row_bound)),
        part("in blocks", Box::new(block), Some(block_bound)),
    ])
}

fn transposed(block: &[f64], n: usize) -> Vec<f64> {
    (0..BLOCK).flat_map(|r| (0..n).map(move |j| block[j * BLOCK + r])).collect()
}

/// What is done with the columns of a block besides the model: encoding and counting, beside copying them.
fn columns() -> Group {
    const SLOTS: usize = 20;
    let mut numbers = Numbers(6);
    let blocks: Rc<Vec<Vec<f64>>> = Rc::new((0..BLOCKS).map(|_| numbers.many(SLOTS * BLOCK)).collect());
    let copy = {
        let (blocks, mut at, mut out) = (blocks.clone(), 0, vec![0.0; SLOTS * BLOCK]);
        move || {
            at = (at + 1) % BLOCKS;
            out.copy_from_slice(black_box(&blocks[at]));
            black_box(&out);
        }
    };
    let encode = {
        let encoder = |slot| Encoder {
            slot,
            impute: Some(0.5),
            transform: Transform::Standard { mean: 0.1, scale: 1.5 },
            indicator: false,
        };
        let encoders = Encoders((0..SLOTS as u32).map(encoder).collect());
        let (blocks, mut at, mut out) = (blocks.clone(), 0, vec![0.0; SLOTS * BLOCK]);
        move || {
            at = (at + 1) % BLOCKS;
            encoders.encode_block(black_box(&blocks[at]), BLOCK, &mut out);
            black_box(&out);
        }
    };
    let edges: Vec<f64> = (1..64).map(|k| f64::from(k) / 32.0 - 1.0).collect();
    let counts = Counts {
        bins: vec![0; edges.len() + 1],
        edges,
        n: 0,
        missing: 0,
        min: f64::NAN,
        max: f64::NAN,
        mean: 0.0,
        m2: 0.0,
    };
    let reference = Profile { slots: vec![counts; SLOTS], predicted: vec![0; 2], probability: vec![[0; 10]; 2] };
    let answers = vec![0.5; 2 * BLOCK];
    let count = {
        let (blocks, answers) = (blocks.clone(), answers.clone());
        let (mut counter, mut at, wanted) = (Counter::new(&reference, None), 0, vec![true; BLOCK]);
        move || {
            at = (at + 1) % BLOCKS;
            counter.block(black_box(&blocks[at]), &answers, BLOCK, &wanted);
            black_box(&counter);
        }
    };
    let count_rows = {
        let rows: Vec<Vec<f64>> = blocks.iter().map(|block| transposed(block, SLOTS)).collect();
        let (mut counter, mut at) = (Counter::new(&reference, None), 0);
        move || {
            at = (at + 1) % BLOCKS;
            for row in rows[at].chunks_exact(SLOTS) {
                counter.row(black_box(row), &answers[..2]);
            }
            black_box(&counter);
        }
    };
    let part = |name: &str, run: Box<dyn FnMut()>, bound| Part { name: name.to_owned(), run, bound };
    Group(vec![
        part("20 columns, copying", Box::new(copy), None),
        part("20 columns, imputing and scaling", Box::new(encode), Some(70.0)),
        part("20 columns, counting for the profile", Box::new(count), Some(70.0)),
        part("20 columns, counting row by row", Box::new(count_rows), Some(90.0)),
    ])
}

/// The least time of a call of each part, in nanoseconds per row.
fn timed(Group(parts): &mut Group, rounds: usize) -> Vec<f64> {
    let mut least = vec![f64::INFINITY; parts.len()];
    for round in 0..=rounds {
        for (part, least) in parts.iter_mut().zip(&mut least) {
            let (mut calls, began) = (0u32, Instant::now());
            while calls == 0 || began.elapsed() < ROUND {
                (part.run)();
                calls += 1;
            }
            let took = began.elapsed().as_nanos() as f64 / f64::from(calls) / BLOCK as f64;
            // The first round warms up.
            if round > 0 {
                *least = least.min(took);
            }
        }
    }
    least
}

fn main() -> ExitCode {
    let mut groups = vec![
        model("boosting, 100 trees of depth 6", forest(Link::Sigmoid, 100, 6), 0.7, 0.5),
        model("forest, 50 trees of depth 11", forest(Link::Average, 50, 11), 0.5, 0.4),
        model("logistic regression, 30 features", logistic(30), 1.5, 1.5),
        model("MLP 30-100-50-1", mlp(&[30, 100, 50, 1]), 1.3, 1.3),
        model("SVM, 100 support vectors of 30", svm(100, 30), 1.3, 1.3),
        columns(),
    ];
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("the kernels answer as the reference does; `cargo bench` measures them");
        return ExitCode::SUCCESS;
    }
    let mut slow = 0;
    println!("{:44} {:>10} {:>10} {:>10}", "", "ns a row", "of it", "at most");
    for group in &mut groups {
        let least = timed(group, ROUNDS);
        for (part, ns) in group.0.iter().zip(&least) {
            let ratio = ns / least[0];
            let bound = part.bound.map_or(String::new(), |bound| format!("{bound:.2}"));
            let late = part.bound.is_some_and(|bound| ratio > bound);
            slow += usize::from(late);
            println!("{:44} {ns:10.1} {ratio:10.3} {bound:>10}{}", part.name, if late { "  TOO SLOW" } else { "" });
        }
    }
    if slow > 0 {
        eprintln!("error: {slow} kernels cost more of their baseline than they may");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

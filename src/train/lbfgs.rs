//! Limited-memory BFGS: Nocedal and Wright, "Numerical Optimization" (2nd edition, 2006), algorithms 7.4 and 7.5, with the line search
//! of algorithms 3.5 and 3.6 for the strong Wolfe conditions.
//!
//! Optimiser libraries bring their own linear algebra, whose sums have no promised order; this one is as short as its algorithm.

use crate::error::Result;
use crate::math::dot;
use std::collections::VecDeque;

/// Pairs of steps and gradient changes remembered.
const MEMORY: usize = 10;
/// Part of the slope's promise that a step must keep.
const DECREASE: f64 = 1e-4;
/// Part of the slope that may be left after a step.
const CURVATURE: f64 = 0.9;
/// Most evaluations of one line search.
const TRIALS: usize = 40;

/// When it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub iterations: usize,
    pub evaluations: usize,
    /// The largest component of the gradient that is small enough.
    pub gradient: f64,
    /// A step's gain, relative to the larger of the values and 1, that is too small to go on.
    pub gain: f64,
}

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The gradient is small enough.
    Gradient,
    /// Nothing is gained any more.
    Gain,
    /// The limit of iterations or evaluations is reached.
    Limit,
}

/// Where it ended.
#[derive(Clone, Debug)]
pub(crate) struct Minimum {
    pub x: Vec<f64>,
    /// The gradient's largest component.
    pub gradient: f64,
    pub iterations: usize,
    /// The value after each iteration.
    pub values: Vec<f64>,
    pub end: End,
}

/// Minimises `f(x, gradient) -> value` from `x`. `step` is told the number of each iteration.
pub(crate) fn minimise(
    mut x: Vec<f64>,
    limits: Limits,
    step: impl Fn(usize),
    mut f: impl FnMut(&[f64], &mut [f64]) -> Result<f64>,
) -> Result<Minimum> {
    let mut gradient = vec![0.0; x.len()];
    let mut value = f(&x, &mut gradient)?;
    let mut left = limits.evaluations.saturating_sub(1);
    let mut memory = Memory(VecDeque::new());
    let mut values = Vec::new();
    let mut end = End::Limit;
    let mut iterations = 0;
    loop {
        if max_abs(&gradient) <= limits.gradient {
            end = End::Gradient;
        }
        if end == End::Gradient || iterations == limits.iterations || left == 0 {
            break;
        }
        let mut direction = memory.direction(&gradient);
        if dot(&direction, &gradient) >= 0.0 {
            memory.0.clear();
            direction = gradient.iter().map(|g| -g).collect();
        }
        let first = if memory.0.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt().max(1.0) } else { 1.0 };
        let mut line =
            Line { x: &x, direction: &direction, trial: x.clone(), gradient: gradient.clone(), f: &mut f, left };
        let found = line.search(value, dot(&direction, &gradient), first)?;
        let (next, next_gradient, still) = (line.trial, line.gradient, line.left);
        left = still;
        let Some(next_value) = found else {
            if memory.0.is_empty() {
                end = if left == 0 { End::Limit } else { End::Gain };
                break;
            }
            // What was remembered misleads: once more, straight down.
            memory.0.clear();
            continue;
        };
        memory.keep(&x, &next, &gradient, &next_gradient);
        let gain = (value - next_value) / value.abs().max(next_value.abs()).max(1.0);
        (x, gradient, value) = (next, next_gradient, next_value);
        iterations += 1;
        values.push(value);
        step(iterations);
        if gain <= limits.gain && max_abs(&gradient) > limits.gradient {
            end = End::Gain;
            break;
        }
    }
    Ok(Minimum { gradient: max_abs(&gradient), x, iterations, values, end })
}

fn max_abs(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |m, x| m.max(x.abs()))
}

/// Steps, changes of the gradient, and 1 / their product.
struct Memory(VecDeque<(Vec<f64>, Vec<f64>, f64)>);

impl Memory {
    fn keep(&mut self, x: &[f64], next: &[f64], gradient: &[f64], next_gradient: &[f64]) {
        let less = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        let (s, y) = (less(next, x), less(next_gradient, gradient));
        let sy = dot(&s, &y);
        if sy <= f64::EPSILON * dot(&y, &y) {
            return;
        }
        if self.0.len() == MEMORY {
            self.0.pop_front();
        }
        self.0.push_back((s, y, 1.0 / sy));
    }

    /// Algorithm 7.4, downwards.
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut d: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.0.len());
        for (s, y, rho) in self.0.iter().rev() {
            let alpha = rho * dot(s, &d);
            d.iter_mut().zip(y).for_each(|(d, y)| *d -= alpha * y);
            alphas.push(alpha);
        }
        if let Some((_, y, rho)) = self.0.back() {
            let scale = 1.0 / (rho * dot(y, y));
            d.iter_mut().for_each(|d| *d *= scale);
        }
        for ((s, y, rho), alpha) in self.0.iter().zip(alphas.iter().rev()) {
            let beta = rho * dot(y, &d);
            d.iter_mut().zip(s).for_each(|(d, s)| *d += (alpha - beta) * s);
        }
        d
    }
}

/// A point on a line: how far along, the value, and the slope.
#[derive(Clone, Copy)]
struct Point {
    at: f64,
    value: f64,
    slope: f64,
}

struct Line<'a, F> {
    x: &'a [f64],
    direction: &'a [f64],
    /// The last point tried, and the gradient there.
    trial: Vec<f64>,
    gradient: Vec<f64>,
    f: &'a mut F,
    /// Evaluations.
    left: usize,
}

impl<F: FnMut(&[f64], &mut [f64]) -> Result<f64>> Line<'_, F> {
    fn point(&mut self, at: f64) -> Result<Point> {
        for ((t, x), d) in self.trial.iter_mut().zip(self.x).zip(self.direction) {
            *t = x + at * d;
        }
        let value = (self.f)(&self.trial, &mut self.gradient)?;
        self.left = self.left.saturating_sub(1);
        let value = if value.is_finite() { value } else { f64::INFINITY };
        Ok(Point { at, value, slope: dot(&self.gradient, self.direction) })
    }

    /// Algorithm 3.5: the value at the point found, which is the last one tried; none where there is none.
    fn search(&mut self, value: f64, slope: f64, first: f64) -> Result<Option<f64>> {
        let zero = Point { at: 0.0, value, slope };
        let mut last = zero;
        let mut at = first;
        for trial in 0..TRIALS.min(self.left) {
            let p = self.point(at)?;
            if p.value > value + DECREASE * at * slope || (trial > 0 && p.value >= last.value) {
                return self.zoom(zero, last, p);
            }
            if p.slope.abs() <= -CURVATURE * slope {
                return Ok(Some(p.value));
            }
            if p.slope >= 0.0 {
                return self.zoom(zero, p, last);
            }
            last = p;
            at *= 2.0;
        }
        Ok(Some(last.value).filter(|_| last.at > 0.0))
    }

    /// Algorithm 3.6: between `low`, the lowest so far, and `high`.
    fn zoom(&mut self, zero: Point, mut low: Point, mut high: Point) -> Result<Option<f64>> {
        for _ in 0..TRIALS.min(self.left) {
            let p = self.point(between(low, high))?;
            if p.value > zero.value + DECREASE * p.at * zero.slope || p.value >= low.value {
                high = p;
            } else {
                if p.slope.abs() <= -CURVATURE * zero.slope {
                    return Ok(Some(p.value));
                }
                if p.slope * (high.at - low.at) >= 0.0 {
                    high = low;
                }
                low = p;
            }
            if (high.at - low.at).abs() <= 1e-12 * high.at.abs().max(low.at.abs()) {
                break;
            }
        }
        if low.at == 0.0 {
            return Ok(None);
        }
        // It keeps the promise, if not the slope.
        Ok(Some(self.point(low.at)?.value))
    }
}

/// The minimum of the cubic through both points (equation 3.59), or the middle where that is too near an end.
fn between(a: Point, b: Point) -> f64 {
    let width = b.at - a.at;
    let d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.at - b.at);
    let root = (d1 * d1 - a.slope * b.slope).sqrt();
    let d2 = if width > 0.0 { root } else { -root };
    let at = b.at - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2);
    let part = (at - a.at) / width;
    if part > 0.05 && part < 0.95 { at } else { a.at + 0.5 * width }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    const TIGHT: Limits = Limits { iterations: 1000, evaluations: 10_000, gradient: 1e-9, gain: 0.0 };

    /// Rosenbrock's valley in pairs; its minimum is 0 at ones.
    fn valley(x: &[f64], g: &mut [f64]) -> Result<f64> {
        let mut value = 0.0;
        for (x, g) in x.as_chunks::<2>().0.iter().zip(g.as_chunks_mut::<2>().0) {
            let (off, rest) = (x[1] - x[0] * x[0], 1.0 - x[0]);
            value += 100.0 * off * off + rest * rest;
            *g = [-400.0 * x[0] * off - 2.0 * rest, 200.0 * off];
        }
        Ok(value)
    }

    #[test]
    fn it_finds_the_end_of_a_bent_valley() {
        let found = minimise([-1.2, 1.0].repeat(20), TIGHT, |_| {}, valley).unwrap();
        assert_eq!(found.end, End::Gradient);
        assert!(found.x.iter().all(|x| (x - 1.0).abs() < 1e-8) && found.iterations < 100, "{found:?}");
        assert!(found.values.windows(2).all(|w| w[1] < w[0]));
    }

    #[test]
    fn limits_end_it_and_errors_pass() {
        let few = Limits { iterations: 3, ..TIGHT };
        let found = minimise(vec![-1.2, 1.0], few, |_| {}, valley).unwrap();
        assert_eq!((found.end, found.iterations), (End::Limit, 3));
        let few = Limits { evaluations: 5, ..TIGHT };
        assert_eq!(minimise(vec![-1.2, 1.0], few, |_| {}, valley).unwrap().end, End::Limit);
        let mut n = 0;
        let stopped = minimise(
            vec![-1.2, 1.0],
            TIGHT,
            |_| {},
            |x, g| {
                n += 1;
                if n > 4 { Err(Error::new(ErrorKind::Interrupted, "stopped")) } else { valley(x, g) }
            },
        );
        assert!(stopped.is_err());
    }

    #[test]
    fn a_wall_of_infinity_is_stepped_back_from() {
        let f = |x: &[f64], g: &mut [f64]| {
            g[0] = 1.0 - 1.0 / x[0];
            Ok(if x[0] > 0.0 { x[0] - crate::math::ln(x[0]) } else { f64::NAN })
        };
        let found = minimise(vec![100.0], TIGHT, |_| {}, f).unwrap();
        assert!((found.x[0] - 1.0).abs() < 1e-8, "{found:?}");
    }
}

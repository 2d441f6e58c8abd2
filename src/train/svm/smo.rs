//! One machine: sequential minimal optimisation with working sets by second-order information and shrinking, as libsvm does
//! (Fan, Chen and Lin 2005; Chang and Lin, "LIBSVM: a library for support vector machines", 2011, section 4).
//!
//! With `beta = y alpha` the dual problem is: minimise `beta' K beta / 2 - y' beta`, the sum of `beta` 0, each between 0 and its
//! row's penalty where `y` is 1, between minus its penalty and 0 where `y` is -1. No sign stands before a kernel value then. `value`
//! is minus the gradient, `y - K beta`: at the optimum no row whose `beta` may rise has a larger one than a row whose `beta` may
//! fall, and all that may do both have the bias as theirs.

use super::cache::Columns;
use super::lanes::{self, First, LANES, SEGMENT};
use super::rows::Source;
use crate::error::Result;
use crate::train::Progress;

/// When and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) tol: f64,
    pub(super) shrinking: bool,
    /// Most steps; none: libsvm's bound, ten million or a hundred per row.
    pub(super) max_iter: Option<u64>,
    /// Numbers that kernel columns may take.
    pub(super) cache: usize,
}

/// Rows of a machine. All slices are of one length.
pub(super) struct Task<'a> {
    /// Indices in the source, each once.
    pub(super) ids: &'a [u32],
    /// 1 or -1, both at least once.
    pub(super) y: &'a [f64],
    /// Largest `alpha`, above 0.
    pub(super) penalty: &'a [f64],
}

/// A machine: `sum(beta K(row, x)) + bias` is its decision value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Machine {
    /// Per row of the task.
    pub(super) beta: Vec<f64>,
    pub(super) bias: f64,
    pub(super) steps: u64,
    /// By how much a pair still violated the conditions when it ended.
    pub(super) gap: f64,
}

/// Steps between two looks for rows to leave out.
const SHRINK_EVERY: u64 = 1000;

/// Where rows stand: those that are worked on come first.
struct Solver<'a> {
    task: &'a Task<'a>,
    rows: super::rows::Rows<'a>,
    columns: Columns,
    /// Which row of the task stands at a place, and its index in the source.
    who: Vec<u32>,
    ids: Vec<u32>,
    /// The places below it are worked on.
    active: usize,
    beta: Vec<f64>,
    /// The following are as long as columns are.
    value: Vec<f64>,
    diagonal: Vec<f32>,
    /// 0 where `beta` may rise, else minus infinity.
    up: Vec<f32>,
    /// 0 where `beta` may fall, else infinity.
    low: Vec<f32>,
    /// Per segment, what is looked for.
    best: Vec<f64>,
    /// Largest value of those that may rise, and the least of those that may fall.
    most: f64,
    least: f64,
}

/// Fits a machine. `told`: how far it is, by the largest violation.
pub(super) fn solve(
    source: &Source,
    task: &Task<'_>,
    settings: Settings,
    progress: &dyn Progress,
    told: &dyn Fn(f64),
) -> Result<Machine> {
    let n = task.ids.len();
    let rows = source.rows(task.ids);
    let padded = rows.padded();
    let mut value = task.y.to_vec();
    value.resize(padded, 0.0);
    let mut s = Solver {
        task,
        columns: Columns::new(n, padded, settings.cache),
        who: (0..n as u32).collect(),
        ids: task.ids.to_vec(),
        active: n,
        beta: vec![0.0; n],
        value,
        diagonal: rows.diagonal(task.ids),
        up: vec![f32::NEG_INFINITY; padded],
        low: vec![f32::INFINITY; padded],
        best: vec![0.0; padded.div_ceil(SEGMENT)],
        most: f64::INFINITY,
        least: f64::NEG_INFINITY,
        rows,
    };
    (0..n).for_each(|at| s.mark(at));
    let limit = settings.max_iter.unwrap_or((100 * n as u64).max(10_000_000));
    let every = SHRINK_EVERY.min(n as u64);
    let mut until_shrink = every;
    let mut opened = false;
    let mut steps = 0;
    let mut work = 0;
    // The step that is taken next, and the first row of the pair that it is taken on.
    let mut first = s.highest(None);
    while steps < limit {
        // Of such operations a core does some thousands in a microsecond.
        work += s.active * (8 + s.rows.features());
        if work >= 1 << 22 {
            work = 0;
            progress.proceed()?;
            told(s.most - s.least);
        }
        if settings.shrinking && until_shrink == 0 {
            until_shrink = every;
            s.least = s.lowest();
            if !opened && s.most - s.least <= settings.tol * 10.0 {
                opened = true;
                s.open(progress)?;
            }
            s.shrink();
            first = s.highest(None);
        }
        let pair = first.and_then(|i| Some((i, s.partner(i)?))).filter(|_| s.most - s.least >= settings.tol);
        let Some((i, j)) = pair else {
            if s.active == n {
                break;
            }
            s.open(progress)?;
            first = s.highest(None);
            until_shrink = 1;
            let Some(i) = first else { break };
            if s.partner(i).is_none() || s.most - s.least < settings.tol {
                break;
            }
            continue;
        };
        let size = s.step(i, j);
        first = s.highest(Some((i, j, size)));
        steps += 1;
        until_shrink = until_shrink.saturating_sub(1);
    }
    if s.active < n {
        s.open(progress)?;
    }
    if let Some(i) = s.highest(None) {
        s.partner(i);
    }
    Ok(s.machine(steps))
}

impl Solver<'_> {
    /// The range of `beta` at a place.
    fn range(&self, at: usize) -> (f64, f64) {
        let who = self.who[at] as usize;
        let penalty = self.task.penalty[who];
        if self.task.y[who] > 0.0 { (0.0, penalty) } else { (-penalty, 0.0) }
    }

    /// Says where `beta` may go.
    fn mark(&mut self, at: usize) {
        let (from, to) = self.range(at);
        self.up[at] = if self.beta[at] < to { 0.0 } else { f32::NEG_INFINITY };
        self.low[at] = if self.beta[at] > from { 0.0 } else { f32::INFINITY };
    }

    /// Whole blocks that hold all places that are worked on.
    fn span(&self) -> usize {
        self.active.next_multiple_of(LANES)
    }

    fn ready(&mut self, at: usize) {
        let span = self.span();
        self.columns.ready(self.who[at], self.ids[at], &self.rows, span);
    }

    /// Makes values follow a step of some size, up at the first place and down at the second. The place with the largest value of
    /// those that may rise: of equals the last, as libsvm has it.
    fn highest(&mut self, step: Option<(usize, usize, f64)>) -> Option<usize> {
        let span = self.span();
        let (value, up) = (&mut self.value[..span], &self.up[..span]);
        let (a, b, size) = match step {
            Some((i, j, size)) => {
                (self.columns.column(self.who[i], span), self.columns.column(self.who[j], span), size)
            }
            None => (&self.diagonal[..span], &self.diagonal[..span], 0.0),
        };
        let best = &mut self.best[..span.div_ceil(SEGMENT)];
        lanes::update(value, a, b, size, up, best);
        let (segment, most) = last_largest(best.iter().copied())?;
        self.most = most;
        if most == f64::NEG_INFINITY {
            return None;
        }
        let places = segment * SEGMENT..(segment * SEGMENT + SEGMENT).min(span);
        let start = places.start;
        let (at, _) = last_largest(places.map(|at| value[at] + f64::from(up[at])))?;
        Some(start + at)
    }

    /// The least value of those that may fall.
    fn lowest(&self) -> f64 {
        let values = self.value[..self.active].iter().zip(&self.low).map(|(v, low)| v + f64::from(*low));
        values.fold(f64::INFINITY, f64::min)
    }

    /// The place that gains most with `i`, of equals the last; none where no pair gains.
    fn partner(&mut self, i: usize) -> Option<usize> {
        self.ready(i);
        let span = self.span();
        let column = self.columns.column(self.who[i], span);
        let first = First { value: self.value[i], diagonal: self.diagonal[i] };
        let (value, low, diagonal) = (&self.value[..span], &self.low[..span], &self.diagonal[..span]);
        let best = &mut self.best[..span.div_ceil(SEGMENT)];
        self.least = lanes::gains(first, value, low, column, diagonal, best);
        let (segment, gain) = last_largest(best.iter().copied())?;
        if gain <= 0.0 {
            return None;
        }
        let places = segment * SEGMENT..(segment * SEGMENT + SEGMENT).min(span);
        let start = places.start;
        let gain = |at: usize| lanes::gain(first, value[at] + f64::from(low[at]), column[at], diagonal[at]);
        let (at, _) = last_largest(places.map(gain))?;
        Some(start + at)
    }

    /// Moves `beta` of a pair, up at `i` and down at `j`, as far as is best and allowed.
    fn step(&mut self, i: usize, j: usize) -> f64 {
        let curvature = {
            let column = self.columns.column(self.who[i], self.span());
            lanes::curvature(self.diagonal[i], self.diagonal[j], column[j])
        };
        self.ready(j);
        let ((_, top), (bottom, _)) = (self.range(i), self.range(j));
        let size = (self.value[i] - self.value[j]) / curvature;
        let (room_i, room_j) = (top - self.beta[i], self.beta[j] - bottom);
        let size = size.min(room_i).min(room_j);
        // At an end exactly, where it goes that far.
        self.beta[i] = if size >= room_i { top } else { self.beta[i] + size };
        self.beta[j] = if size >= room_j { bottom } else { self.beta[j] - size };
        self.mark(i);
        self.mark(j);
        size
    }

    /// Leaves out rows at an end of their range that no pair would move from there, where there are enough of them to be worth the
    /// copying.
    fn shrink(&mut self) {
        let settled = |at: usize| {
            let v = self.value[at];
            (self.up[at] != 0.0 && v > self.most) || (self.low[at] != 0.0 && v < self.least)
        };
        let (mut order, gone): (Vec<u32>, Vec<u32>) = (0..self.active as u32).partition(|at| !settled(*at as usize));
        if gone.len() < self.active / 16 + 1 {
            return;
        }
        let kept = order.len();
        order.extend(gone);
        fn take<T: Copy>(v: &mut [T], order: &[u32]) {
            let old = v[..order.len()].to_vec();
            v.iter_mut().zip(order).for_each(|(v, at)| *v = old[*at as usize]);
        }
        take(&mut self.who, &order);
        take(&mut self.ids, &order);
        take(&mut self.beta, &order);
        take(&mut self.value, &order);
        take(&mut self.diagonal, &order);
        take(&mut self.up, &order);
        take(&mut self.low, &order);
        self.rows.rearrange(&self.ids[..self.active]);
        self.columns.rearrange(&order, kept);
        self.up[kept..self.active].fill(f32::NEG_INFINITY);
        self.low[kept..self.active].fill(f32::INFINITY);
        self.active = kept;
    }

    /// Works on all rows again.
    fn open(&mut self, progress: &dyn Progress) -> Result<()> {
        let n = self.rows.len();
        if self.active == n {
            return Ok(());
        }
        let factors: Vec<(u32, f64)> =
            self.ids.iter().zip(&self.beta).filter(|(_, b)| **b != 0.0).map(|(id, b)| (*id, *b)).collect();
        let first = self.active / LANES * LANES;
        let sums = self.rows.sums(first, &factors, progress)?;
        for at in self.active..n {
            self.value[at] = self.task.y[self.who[at] as usize] - sums[at - first];
            self.mark(at);
        }
        self.active = n;
        Ok(())
    }

    fn machine(self, steps: u64) -> Machine {
        let n = self.rows.len();
        let mut beta = vec![0.0; n];
        let (mut free, mut total) = (0, 0.0);
        for at in 0..n {
            beta[self.who[at] as usize] = self.beta[at];
            if self.up[at] == 0.0 && self.low[at] == 0.0 {
                free += 1;
                total += self.value[at];
            }
        }
        let bias = if free > 0 { total / f64::from(free) } else { (self.most + self.least) / 2.0 };
        Machine { beta, bias, steps, gap: (self.most - self.least).max(0.0) }
    }
}

/// The last of the largest.
fn last_largest(values: impl Iterator<Item = f64>) -> Option<(usize, f64)> {
    values.enumerate().fold(None, |best, (at, v)| match best {
        Some((_, largest)) if v < largest => best,
        _ => Some((at, v)),
    })
}

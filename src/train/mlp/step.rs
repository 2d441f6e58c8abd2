//! Steps of the stochastic solvers, as scikit-learn's `AdamOptimizer` and `SGDOptimizer` take them.

use super::net::Net;
use super::product::{LANES, Row};
use super::real::Real;
use crate::math;
use crate::train::params::{LearningRate, Mlp, MlpSolver};
use crate::train::wide::{Work, widest};

/// A solver and what it remembers.
pub(super) struct Stepper<T> {
    adam: bool,
    /// adam: the gradient's mean; sgd: the last step.
    first: Vec<Row<T>>,
    /// adam: the squared gradient's mean.
    second: Vec<Row<T>>,
    /// adam: steps taken.
    t: u64,
    rate: f64,
}

impl<T: Real> Stepper<T> {
    pub fn new(p: &Mlp, net: &Net<T>) -> Stepper<T> {
        let adam = p.solver == MlpSolver::Adam;
        let zeros = |n: usize| vec![[T::ZERO; LANES]; n];
        let n = net.params.len();
        Stepper { adam, first: zeros(n), second: zeros(if adam { n } else { 0 }), t: 0, rate: p.learning_rate_init }
    }

    /// `gradient`: of the sum of losses over rows that weigh `weight` together.
    pub fn step(&mut self, p: &Mlp, net: &mut Net<T>, gradient: &[Row<T>], weight: f64) {
        self.t += 1;
        let mut rate = self.rate;
        if self.adam {
            let t = self.t as f64;
            rate *= (1.0 - math::pow(p.beta_2, t)).sqrt() / (1.0 - math::pow(p.beta_1, t));
        }
        let Net { layers, params, .. } = net;
        for layer in layers {
            for (range, alpha) in [(layer.weights.clone(), p.alpha), (layer.bias.clone(), 0.0)] {
                let params = params[range.clone()].as_flattened_mut();
                let gradient = Gradient {
                    sum: gradient[range.clone()].as_flattened(),
                    alpha: T::of(alpha),
                    weight: T::of(weight),
                };
                let (rate, first) = (T::of(rate), self.first[range.clone()].as_flattened_mut());
                if self.adam {
                    let second = self.second[range].as_flattened_mut();
                    let (beta_1, beta_2, epsilon) = (T::of(p.beta_1), T::of(p.beta_2), T::of(p.epsilon));
                    widest(Adam { params, gradient, first, second, rate, beta_1, beta_2, epsilon });
                } else {
                    let (momentum, nesterov) = (T::of(p.momentum), p.nesterovs_momentum);
                    widest(Sgd { params, gradient, velocity: first, rate, momentum, nesterov });
                }
            }
        }
    }

    /// After an epoch, `seen` rows after the beginning.
    pub fn epoch_ends(&mut self, p: &Mlp, seen: f64) {
        if !self.adam && p.learning_rate == LearningRate::Invscaling {
            self.rate = p.learning_rate_init / math::pow(seen + 1.0, p.power_t);
        }
    }

    /// Whether the fit shall go on, with smaller steps, although nothing improves.
    pub fn slows_down(&mut self, p: &Mlp) -> bool {
        if self.adam || p.learning_rate != LearningRate::Adaptive || self.rate <= 1e-6 {
            return false;
        }
        self.rate /= 5.0;
        true
    }
}

/// Gradient of the mean loss with its penalty.
struct Gradient<'a, T> {
    sum: &'a [T],
    alpha: T,
    weight: T,
}

impl<T: Real> Gradient<'_, T> {
    #[inline(always)]
    fn of(sum: T, param: T, alpha: T, weight: T) -> T {
        (sum + alpha * param) / weight
    }
}

struct Adam<'a, T> {
    params: &'a mut [T],
    gradient: Gradient<'a, T>,
    first: &'a mut [T],
    second: &'a mut [T],
    rate: T,
    beta_1: T,
    beta_2: T,
    epsilon: T,
}

impl<T: Real> Work for Adam<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<const WIDTH: usize>(self) {
        let Adam { params, gradient: Gradient { sum, alpha, weight }, first, second, rate, beta_1, beta_2, epsilon } =
            self;
        let (rest_1, rest_2) = (T::ONE - beta_1, T::ONE - beta_2);
        let moments = first.iter_mut().zip(second);
        for ((param, sum), (m, v)) in params.iter_mut().zip(sum).zip(moments) {
            let g = Gradient::of(*sum, *param, alpha, weight);
            *m = beta_1 * *m + rest_1 * g;
            *v = beta_2 * *v + rest_2 * (g * g);
            *param = *param - rate * *m / (v.sqrt() + epsilon);
        }
    }
}

struct Sgd<'a, T> {
    params: &'a mut [T],
    gradient: Gradient<'a, T>,
    velocity: &'a mut [T],
    rate: T,
    momentum: T,
    nesterov: bool,
}

impl<T: Real> Work for Sgd<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<const WIDTH: usize>(self) {
        let Sgd { params, gradient: Gradient { sum, alpha, weight }, velocity, rate, momentum, nesterov } = self;
        for ((param, sum), velocity) in params.iter_mut().zip(sum).zip(velocity) {
            let g = Gradient::of(*sum, *param, alpha, weight);
            let step = momentum * *velocity - rate * g;
            *velocity = step;
            *param = *param + if nesterov { momentum * step - rate * g } else { step };
        }
    }
}

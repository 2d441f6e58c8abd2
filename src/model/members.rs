//! Models over one row, each with an encoding of its own: what stacking, voting and calibration are made of. Their `x` is
//! the slots themselves; trees read them raw, linear models scaled, and what two members ask for alike is encoded once.

use super::{Asked, MAX_MEMBERS, Model, Runner, check_sizes, error};
use crate::error::{Error, Result};
use crate::math::Lot;
use crate::pipeline::{Encoder, Encoders, Ready, Slot, Transform};
use crate::wire::{Encode, decodes};

/// Models and what they read.
#[derive(Clone, Debug, PartialEq, Default, Encode)]
pub struct Members {
    /// Length of `x`.
    pub n_features: usize,
    /// Distinct encodings of `x`.
    pub encoders: Vec<Encoders>,
    /// Which encoding each reads, and the model.
    pub models: Vec<(u32, Model)>,
}

decodes!(struct Members { n_features, encoders, models });

impl Members {
    /// None yet, over `n_features` slots.
    ///
    /// ```
    /// use hedgerow::math::Matrix;
    /// use hedgerow::model::{Model, linear::{Link, Logistic}, members::Members};
    /// use hedgerow::pipeline::{Encoder, Encoders, Transform};
    /// let scaled = Transform::Standard { mean: 4.0, scale: 2.0 };
    /// let encoders = Encoders(vec![Encoder { slot: 1, impute: None, transform: scaled, indicator: false }]);
    /// let coef = Matrix { rows: 1, cols: 1, data: vec![0.5] };
    /// let model = Model::Logistic(Logistic { coef, intercept: vec![0.0], link: Link::Sigmoid });
    /// let mut members = Members::new(3);
    /// members.push(encoders.clone(), model.clone());
    /// members.push(encoders, model);
    /// assert_eq!((members.models.len(), members.encoders.len()), (2, 1));
    /// ```
    pub fn new(n_features: usize) -> Members {
        Members { n_features, encoders: Vec::new(), models: Vec::new() }
    }

    /// Models that all read `x` as it is.
    pub fn same(models: impl IntoIterator<Item = Model>) -> Members {
        let models: Vec<(u32, Model)> = models.into_iter().map(|model| (0, model)).collect();
        let n_features = models.first().map_or(0, |(_, model)| model.n_features());
        let pass = |slot| Encoder { slot, impute: None, transform: Transform::Pass, indicator: false };
        let encoders = vec![Encoders((0..n_features as u32).map(pass).collect())];
        Members { n_features, encoders, models }
    }

    /// Adds a model that reads this encoding.
    pub fn push(&mut self, encoders: Encoders, model: Model) {
        let encoding = self.encoding(encoders);
        self.models.push((encoding, model));
    }

    /// The index of this encoding, which joins unless it is there already.
    pub fn encoding(&mut self, encoders: Encoders) -> u32 {
        let found = self.encoders.iter().position(|e| *e == encoders).unwrap_or_else(|| {
            self.encoders.push(encoders);
            self.encoders.len() - 1
        });
        found as u32
    }

    /// Members over the slots that any of them reads, in order. `parts`: models and their encodings over all slots; `passed`: one
    /// more encoding of the kind. Gives the encoders that hand those slots on as they are, the members, and where `passed` is.
    pub fn gather(
        parts: impl IntoIterator<Item = (Encoders, Model)>,
        passed: Option<Encoders>,
    ) -> (Encoders, Members, Option<u32>) {
        let parts: Vec<(Encoders, Model)> = parts.into_iter().collect();
        let all = parts.iter().map(|(encoders, _)| encoders).chain(&passed);
        let mut read: Vec<u32> = all.flat_map(|e| e.0.iter().map(|e| e.slot)).collect();
        read.sort_unstable();
        read.dedup();
        let moved = |mut encoders: Encoders| {
            encoders.0.iter_mut().for_each(|e| e.slot = read.binary_search(&e.slot).unwrap_or_default() as u32);
            encoders
        };
        let mut members = Members::new(read.len());
        for (encoders, model) in parts {
            members.push(moved(encoders), model);
        }
        let passed = passed.map(|own| members.encoding(moved(own)));
        let pass = |slot: &u32| Encoder { slot: *slot, impute: None, transform: Transform::Pass, indicator: false };
        (Encoders(read.iter().map(pass).collect()), members, passed)
    }

    /// How many models there are.
    pub fn len(&self) -> usize {
        self.models.len()
    }

    /// Whether there is none, which [`Model::check`] refuses.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// Number of classes: the first's, which all share.
    pub(super) fn n_classes(&self) -> usize {
        self.models.first().map_or(0, |(_, model)| model.n_classes())
    }

    /// See [`Model::n_columns`].
    pub(super) fn n_columns(&self) -> usize {
        let encodings: usize = self.encoders.iter().map(Encoders::n_columns).sum();
        let models: usize = self.models.iter().map(|(_, model)| model.n_columns()).sum();
        encodings + models + self.n_classes()
    }

    /// Whether a missing value reaches no model that has no meaning for it, as far as the encoders alone show.
    pub(super) fn accepts_missing(&self) -> bool {
        let keeps = |e: &Encoder| e.impute.is_none() && !matches!(e.transform, Transform::OneHot { .. });
        self.models.iter().all(|(encoding, model)| {
            model.accepts_missing() || self.encoders.get(*encoding as usize).is_some_and(|e| !e.0.iter().any(keeps))
        })
    }

    /// `x`: (n_features,) → each encoding's columns.
    pub(super) fn encode(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let encode = |encoders: &Encoders| {
            let mut columns = vec![0.0; encoders.n_columns()];
            encoders.encode(x, &mut columns);
            columns
        };
        self.encoders.iter().map(encode).collect()
    }

    /// Each model with what it reads, in order. `encoded`: from [`encode`](Self::encode).
    pub(super) fn over<'a>(&'a self, encoded: &'a [Vec<f64>]) -> impl Iterator<Item = (&'a Model, &'a [f64])> {
        self.models.iter().map(|(encoding, model)| (model, encoded[*encoding as usize].as_slice()))
    }

    /// Proves the members, `level` deep, and that they agree about the classes; gives the width of each encoding. `passed`: an
    /// encoding that is read besides; `asked`: what each member is asked for.
    pub(super) fn check(&self, level: u32, passed: Option<u32>, asked: impl Fn(usize) -> Asked) -> Result<Vec<usize>> {
        if self.models.is_empty() {
            return Err(error("it has no member"));
        }
        if self.models.len().max(self.encoders.len()) > MAX_MEMBERS {
            return Err(error(format!("it has at most {MAX_MEMBERS} members and encodings")));
        }
        check_sizes(self.n_features, self.n_classes())?;
        let mut widths = Vec::new();
        for (i, encoders) in self.encoders.iter().enumerate() {
            if let Some(e) = encoders.0.iter().find(|e| e.slot as usize >= self.n_features) {
                return Err(error(format!("encoding {i} reads slot {}, but there are {}", e.slot, self.n_features)));
            }
            let is_read = |encoding: u32| encoding as usize == i;
            if !passed.is_some_and(is_read) && !self.models.iter().any(|(encoding, _)| is_read(*encoding)) {
                return Err(error(format!("encoding {i} is read by no member")));
            }
            widths.push(encoders.n_columns());
        }
        for (i, (encoding, model)) in self.models.iter().enumerate() {
            let named = |e: Error| e.context(member(i));
            model.check_at(level + 1, asked(i)).map_err(named)?;
            let width = width_of(&widths, *encoding).map_err(named)?;
            if model.n_features() != width {
                return Err(named(error(format!("it reads {} features, but is given {width}", model.n_features()))));
            }
            if model.n_classes() != self.n_classes() {
                let (own, first) = (model.n_classes(), self.n_classes());
                return Err(named(error(format!("it has {own} classes, the first member {first}"))));
            }
        }
        Ok(widths)
    }

    /// Proves each encoding over these columns, and that nothing missing reaches a model that has no meaning for it; gives
    /// what the columns of each encoding may hold.
    pub(super) fn fits(&self, columns: &[Slot]) -> Result<Vec<Vec<Slot>>> {
        let mut encoded = Vec::new();
        for (i, encoders) in self.encoders.iter().enumerate() {
            encoded.push(encoders.check(columns).map_err(|e| e.context(format!("encoding {i}")))?);
        }
        for (i, (encoding, model)) in self.models.iter().enumerate() {
            model.fits(&encoded[*encoding as usize]).map_err(|e| e.context(member(i)))?;
        }
        Ok(encoded)
    }
}

/// How members are run.
#[derive(Clone, Debug)]
pub(super) struct Fast {
    ready: Vec<Ready>,
    encoded: Vec<Vec<f64>>,
    runners: Vec<Runner>,
}

impl Fast {
    pub fn new(members: &Members) -> Fast {
        let runners = members.models.iter().map(|(_, model)| Runner::new(model)).collect();
        let ready = members.encoders.iter().map(Ready::new).collect();
        Fast { ready, encoded: vec![Vec::new(); members.encoders.len()], runners }
    }

    /// Each encoding's columns of `x`: before [`ask`](Self::ask).
    pub fn encode(&mut self, members: &Members, x: &[f64], lot: Lot) {
        for ((encoders, ready), room) in members.encoders.iter().zip(&self.ready).zip(&mut self.encoded) {
            let columns = lot.room(room, encoders.n_columns());
            if lot.stride == 1 {
                ready.encode(encoders, x, columns);
            } else {
                encoders.encode_block(x, lot.rows, columns);
            }
        }
    }

    /// The columns of an encoding.
    pub fn encoded(&self, encoding: u32) -> &[f64] {
        &self.encoded[encoding as usize]
    }

    /// What is asked of member `i`, to its columns.
    pub fn ask(&mut self, members: &Members, i: usize, asked: Asked, lot: Lot, out: &mut [f64]) {
        let (encoding, model) = &members.models[i];
        let x = &self.encoded[*encoding as usize][..model.n_features() * lot.stride];
        self.runners[i].ask(model, asked, x, lot, out);
    }
}

/// How messages call a member.
pub(super) fn member(i: usize) -> String {
    format!("member {i}")
}

/// The width of an encoding that is named.
pub(super) fn width_of(widths: &[usize], encoding: u32) -> Result<usize> {
    let found = widths.get(encoding as usize).copied();
    found.ok_or_else(|| error(format!("encoding {encoding} is named, but there are {}", widths.len())))
}

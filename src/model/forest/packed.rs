//! The forest's bytes: made for a small file, and for gzip.
//!
//! Nothing is stored per node that follows from the rest, and numbers of one kind stand together, each list as **planes**: all
//! lowest bytes, then all second bytes, and so on, so that a noisy low byte does not hide a quiet high one. In order:
//!
//! | what | how |
//! |---|---|
//! | `n_features`, `n_classes`, link, base | as they are |
//! | columns | feature and whether it asks sets; then each one's cuts or sets |
//! | cuts of a column | ascending, as steps between neighbours in the order of f64 bits (see [`Cuts`]) |
//! | which nodes are splits | a bit per node of all trees, in preorder; tree ends and right children follow from it |
//! | column of each split | planes |
//! | missing goes left | nothing where all splits agree, otherwise a bit per split |
//! | rank (or set) of each split | planes, per column; a column with one test takes no byte |
//! | leaf vector of each leaf | planes; 0: one not seen before, otherwise 1 + its number in order of appearance |
//! | leaf vectors | `Average`, where all are shares of counts (as a forest fitted without weights has them): the counts; two classes, where the first is 1 less the second: of the second alone; otherwise the bits of the numbers |
//! | score of each tree | planes; nothing where there is one score |

use super::{Column, Forest, LEAF, Link, Node, Tests, Tree};
use crate::wire::{Decode, DecodeError, Encode, EncodeError, Encoder, Refused, Source, decodes};

#[cfg(test)]
#[path = "packed_tests.rs"]
mod tests;

impl Encode for Forest {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.n_features.encode(encoder)?;
        self.n_classes.encode(encoder)?;
        self.link.encode(encoder)?;
        self.base.encode(encoder)?;
        let heads: Vec<(usize, bool)> =
            self.columns.iter().map(|c| (c.feature, matches!(c.tests, Tests::Sets(_)))).collect();
        heads.encode(encoder)?;
        for column in &self.columns {
            match &column.tests {
                Tests::Cuts(cuts) => Cuts::of(cuts).encode(encoder)?,
                Tests::Sets(sets) => sets.encode(encoder)?,
            }
        }

        self.nodes.len().encode(encoder)?;
        encode_bits(self.nodes.iter().map(|n| n.column != LEAF)).encode(encoder)?;
        let splits = || self.nodes.iter().filter(|n| n.column != LEAF);
        Planes::of(splits().map(|n| u64::from(n.column))).encode(encoder)?;
        let first = splits().next().is_some_and(|n| n.default_left);
        if splits().all(|n| n.default_left == first) {
            u8::from(first).encode(encoder)?;
        } else {
            MIXED.encode(encoder)?;
            encode_bits(splits().map(|n| n.default_left)).encode(encoder)?;
        }
        let mut args = vec![Vec::new(); self.columns.len()];
        for node in splits() {
            args[node.column as usize].push(u64::from(node.arg));
        }
        for args in args {
            Planes::of(args).encode(encoder)?;
        }

        let (named, order) = self.by_appearance();
        Planes::of(named).encode(encoder)?;
        let width = self.leaf_width();
        let vectors: Vec<&[f64]> = order.iter().map(|i| &self.leaves[i * width..(i + 1) * width]).collect();
        let average = self.link == Link::Average;
        let rest = average && width == 2 && vectors.iter().all(|v| v[0].to_bits() == (1.0 - v[1]).to_bits());
        let all_counts = |from| vectors.iter().map(|v| counts(v, from)).collect::<Option<Vec<_>>>();
        let bits = |from: usize| vectors.iter().map(|v| v[from..].iter().map(|p| p.to_bits()).collect()).collect();
        let (form, numbers): (u8, Vec<Vec<u64>>) = match all_counts(0).filter(|_| average) {
            Some(counts) => (COUNTS, counts),
            None if rest => all_counts(1).map_or_else(|| (REST, bits(1)), |counts| (COUNTS | REST, counts)),
            None => (0, bits(0)),
        };
        form.encode(encoder)?;
        Planes::of(numbers.concat()).encode(encoder)?;

        if self.n_scores() > 1 {
            Planes::of(self.trees.iter().map(|t| u64::from(t.output))).encode(encoder)?;
        }
        Ok(())
    }
}

// The loops over nodes, leaves and bytes are small functions of their own, called over and over: an engine of wasm starts with
// plain code, and makes better code function by function, for the next call.
impl Decode for Forest {
    fn decode(source: &mut Source<'_>) -> Result<Self, Refused> {
        Forest::unpack(source).map_err(|why| source.refuse(why))
    }
}

impl Forest {
    /// What its [`Encode`] wrote.
    #[inline(never)]
    fn unpack(source: &mut Source<'_>) -> Result<Forest, DecodeError> {
        let (n_features, n_classes) = (source.read()?, source.read()?);
        let (link, base) = (source.read()?, source.read()?);
        let heads: Vec<(usize, bool)> = source.read()?;
        let mut columns = Vec::new();
        for (feature, sets) in heads {
            let tests = if sets { Tests::Sets(source.read()?) } else { Tests::Cuts(source.read::<Cuts>()?.values()?) };
            columns.push(Column { feature, tests });
        }

        let n_nodes: usize = source.read()?;
        source.claim(n_nodes, size_of::<Node>())?;
        let is_split = Bits::decode(n_nodes, source)?;
        let n_splits = is_split.count();
        let column_of = source.read::<Planes>()?.small(n_splits)?;
        let default_left = match source.read::<u8>()? {
            MIXED => Missing::Each(Bits::decode(n_splits, source)?),
            all => Missing::All(all == 1),
        };
        let n_args = count(&column_of, columns.len())?;
        let (mut args, mut next_arg) = (Vec::with_capacity(n_splits), Vec::with_capacity(columns.len()));
        for n in n_args {
            next_arg.push(args.len());
            args.append(&mut source.read::<Planes>()?.small(n)?);
        }
        let leaf_of = source.read::<Planes>()?.small(n_nodes - n_splits)?;

        let (leaves, nodes, trees) = (Vec::new(), Vec::with_capacity(n_nodes), Vec::new());
        let mut forest = Forest { n_features, n_classes, link, base, columns, leaves, nodes, trees };
        let mut lists =
            Lists { is_split, column_of, default_left, args, next_arg, leaf_of, n_splits: 0, n_leaves: 0, seen: 0 };
        let mut open = Vec::new();
        while forest.nodes.len() < n_nodes {
            forest.trees.push(Tree { root: forest.nodes.len() as u32, output: 0 });
            lists.lay_out(&mut forest.nodes, &mut open)?;
        }

        let n_leaves = lists.seen as usize;
        drop(lists);
        let form: u8 = source.read()?;
        let (are_counts, rest) = (form & COUNTS != 0, form & REST != 0);
        if form > COUNTS | REST || rest && forest.leaf_width() != 2 {
            return Err(DecodeError::Other("leaf vectors have a form that is not known"));
        }
        let per_leaf = if form == REST { 1 } else { forest.leaf_width() };
        let n_numbers = n_leaves.checked_mul(per_leaf).ok_or(DecodeError::LimitExceeded)?;
        source.claim(n_numbers, size_of::<[f64; 2]>())?;
        let mut numbers = source.read::<Planes>()?.values(n_numbers)?;
        if are_counts {
            // Not yet known to be a number of classes.
            let width = per_leaf.max(1);
            numbers.chunks_mut(width.saturating_mul(512)).for_each(|piece| all_shares(piece, width));
        }
        forest.leaves = leaf_vectors(&numbers, form);

        if forest.n_scores() > 1 {
            let outputs = source.read::<Planes>()?.small(forest.trees.len())?;
            for (tree, output) in forest.trees.iter_mut().zip(outputs) {
                tree.output = output;
            }
        }
        Ok(forest)
    }
}

/// Splits of both missing directions: a bit each follows.
const MIXED: u8 = 2;
/// Leaf vectors are the shares of counts, not bits of numbers.
const COUNTS: u8 = 1;
/// Two classes: the probability of class 0 is 1 less the other's. Without counts only the other's bits are there.
const REST: u8 = 2;

impl Forest {
    /// Number of scores a tree may choose from.
    fn n_scores(&self) -> usize {
        if self.link == Link::Average { 1 } else { self.n_outputs() }
    }

    /// Per leaf 0 for a vector not seen before, otherwise 1 + its number in order of appearance; and that order.
    fn by_appearance(&self) -> (Vec<u64>, Vec<usize>) {
        let mut number = vec![0; self.leaves.len() / self.leaf_width()];
        let mut order = Vec::new();
        let named = self.nodes.iter().filter(|n| n.column == LEAF).map(|n| {
            let known = number[n.arg as usize];
            if known == 0 {
                order.push(n.arg as usize);
                number[n.arg as usize] = order.len() as u64;
            }
            known
        });
        (named.collect(), order)
    }
}

/// The decoded lists of a forest, and how far they are used up.
struct Lists {
    /// Per node.
    is_split: Bits,
    /// Per split; each is a column that is there.
    column_of: Vec<u32>,
    default_left: Missing,
    /// The tests of each column's splits, column after column.
    args: Vec<u32>,
    /// Per column, where in `args` its next is: as many follow as splits of it.
    next_arg: Vec<usize>,
    /// Per leaf, as it is written.
    leaf_of: Vec<u32>,
    /// Splits and leaves laid out, and leaf vectors seen.
    n_splits: usize,
    n_leaves: usize,
    seen: u32,
}

/// Where the splits send a missing value.
enum Missing {
    All(bool),
    Each(Bits),
}

impl Lists {
    /// Appends the next tree's nodes: its right children and its end follow from preorder. `open`: room to work in.
    #[inline(never)]
    fn lay_out(&mut self, nodes: &mut Vec<Node>, open: &mut Vec<u32>) -> Result<(), DecodeError> {
        const SHORT: DecodeError = DecodeError::Other("the nodes end before the trees do");
        // Splits whose left side is being laid out.
        open.clear();
        let end = self.column_of.len() + self.leaf_of.len();
        loop {
            let at = nodes.len();
            if at == end {
                return Err(SHORT);
            }
            if self.is_split.get(at) {
                let split = self.n_splits;
                self.n_splits += 1;
                let column = self.column_of[split];
                let next = &mut self.next_arg[column as usize];
                let arg = self.args[*next];
                *next += 1;
                let default_left = match &self.default_left {
                    Missing::All(left) => *left,
                    Missing::Each(left) => left.get(split),
                };
                nodes.push(Node { column, arg, right: 0, default_left });
                open.push(at as u32);
            } else {
                let name = self.leaf_of[self.n_leaves];
                self.n_leaves += 1;
                let arg = if name == 0 {
                    self.seen += 1;
                    self.seen - 1
                } else if name <= self.seen {
                    name - 1
                } else {
                    return Err(DecodeError::Other("a leaf names a leaf vector that did not appear"));
                };
                nodes.push(Node { column: LEAF, arg, right: 0, default_left: false });
                match open.pop() {
                    Some(parent) => nodes[parent as usize].right = at as u32 + 1,
                    None => return Ok(()),
                }
            }
        }
    }
}

/// How often each column is named.
#[inline(never)]
fn count(column_of: &[u32], n_columns: usize) -> Result<Vec<usize>, DecodeError> {
    let mut counts = vec![0; n_columns];
    for piece in column_of.chunks(PIECE) {
        if !add_counts(&mut counts, piece) {
            return Err(DecodeError::Other("a split names a column that is not there"));
        }
    }
    Ok(counts)
}

#[inline(never)]
fn add_counts(counts: &mut [usize], column_of: &[u32]) -> bool {
    column_of.iter().all(|column| counts.get_mut(*column as usize).map(|count| *count += 1).is_some())
}

/// The leaf vectors' numbers from their bits.
#[inline(never)]
fn leaf_vectors(bits: &[u64], form: u8) -> Vec<f64> {
    if form == REST {
        let mut leaves = vec![0.0; 2 * bits.len()];
        leaves.chunks_mut(2 * PIECE).zip(bits.chunks(PIECE)).for_each(|(leaves, bits)| with_rest(leaves, bits));
        return leaves;
    }
    let mut leaves = vec![0.0; bits.len()];
    leaves.chunks_mut(PIECE).zip(bits.chunks(PIECE)).for_each(|(leaves, bits)| numbers(leaves, bits));
    if form == COUNTS | REST {
        leaves.chunks_mut(2 * PIECE).for_each(restore_rest);
    }
    leaves
}

#[inline(never)]
fn numbers(leaves: &mut [f64], bits: &[u64]) {
    leaves.iter_mut().zip(bits).for_each(|(leaf, bits)| *leaf = f64::from_bits(*bits));
}

#[inline(never)]
fn with_rest(leaves: &mut [f64], bits: &[u64]) {
    for (leaf, bits) in leaves.chunks_exact_mut(2).zip(bits) {
        leaf[1] = f64::from_bits(*bits);
        leaf[0] = 1.0 - leaf[1];
    }
}

#[inline(never)]
fn restore_rest(leaves: &mut [f64]) {
    leaves.chunks_exact_mut(2).for_each(|leaf| leaf[0] = 1.0 - leaf[1]);
}

/// Numbers below 2^64, by bytes: all lowest, then all second, … Planes of zeros at either end are left out.
#[derive(Encode)]
struct Planes {
    /// How many of the lowest planes are left out.
    skip: u8,
    /// How many follow.
    count: u8,
    /// `count` planes of one byte per number.
    bytes: Vec<u8>,
}

decodes!(struct Planes { skip, count, bytes });

impl Planes {
    fn of(numbers: impl IntoIterator<Item = u64>) -> Planes {
        let numbers: Vec<u64> = numbers.into_iter().collect();
        let used = numbers.iter().fold(0, |all, v| all | v);
        if used == 0 {
            return Planes { skip: 0, count: 0, bytes: Vec::new() };
        }
        let (skip, end) = (used.trailing_zeros() / 8, 8 - used.leading_zeros() / 8);
        let bytes = (skip..end).flat_map(|plane| numbers.iter().map(move |v| (v >> (8 * plane)) as u8)).collect();
        Planes { skip: skip as u8, count: (end - skip) as u8, bytes }
    }

    /// How many numbers there are; 0 where all are 0.
    fn len(&self) -> usize {
        self.bytes.len().checked_div(self.count.into()).unwrap_or(0)
    }

    /// The `n` numbers. What they may claim is the caller's to bound.
    #[inline(never)]
    fn values(&self, n: usize) -> Result<Vec<u64>, DecodeError> {
        let mut values = vec![0; n];
        for (plane, bytes) in self.planes(n, 8)? {
            let pieces = values.chunks_mut(PIECE).zip(bytes.chunks(PIECE));
            pieces.for_each(|(values, bytes)| add_plane(values, bytes, 8 * plane));
        }
        Ok(values)
    }

    /// As [`values`](Self::values), where all are below 2^32.
    #[inline(never)]
    fn small(&self, n: usize) -> Result<Vec<u32>, DecodeError> {
        let mut values = vec![0; n];
        for (plane, bytes) in self.planes(n, 4)? {
            let pieces = values.chunks_mut(PIECE).zip(bytes.chunks(PIECE));
            pieces.for_each(|(values, bytes)| add_small_plane(values, bytes, 8 * plane));
        }
        Ok(values)
    }

    /// Each plane of `n` bytes, and which it is, of at most `most`.
    fn planes(&self, n: usize, most: usize) -> Result<impl Iterator<Item = (usize, &[u8])>, DecodeError> {
        let (skip, count) = (usize::from(self.skip), usize::from(self.count));
        if skip + count > most || n.checked_mul(count) != Some(self.bytes.len()) {
            return Err(DecodeError::Other("a list of numbers has another length"));
        }
        Ok((skip..).zip(self.bytes.chunks_exact(n.max(1))))
    }
}

/// How many numbers a small function is called for.
const PIECE: usize = 4096;

#[inline(never)]
fn add_plane(values: &mut [u64], bytes: &[u8], shift: usize) {
    values.iter_mut().zip(bytes).for_each(|(value, byte)| *value |= u64::from(*byte) << shift);
}

#[inline(never)]
fn add_small_plane(values: &mut [u32], bytes: &[u8], shift: usize) {
    values.iter_mut().zip(bytes).for_each(|(value, byte)| *value |= u32::from(*byte) << shift);
}

/// The cuts of a column. In the order of their bits (negative numbers mirrored), cuts that come from f32 numbers end in a run
/// of zeros, or in a run of ones: the last f64 before such a number. The longest run that all have is left out, and where a
/// run was of ones, the number after it is meant, less one half step: so `whole + half` orders as the cuts do.
#[derive(Encode)]
struct Cuts {
    /// Twice the first cut without its run, less 1 where the run was of ones. Nothing: no cuts.
    first: Option<i64>,
    /// Bits of the run.
    run: u8,
    /// From each to the next; never 0, so a 0 stands for the next of `jumps`.
    steps: Planes,
    /// Steps so long that all others would take more planes for them: across zero, mostly.
    jumps: Vec<u64>,
}

decodes!(struct Cuts { first, run, steps, jumps });

impl Cuts {
    /// `cuts`: finite, ascending.
    fn of(cuts: &[f64]) -> Cuts {
        let keys: Vec<i64> = cuts.iter().map(|c| super::sortable(*c)).collect();
        let run = keys.iter().map(|k| k.trailing_zeros().max(k.trailing_ones())).min().unwrap_or(0).min(62);
        let halves: Vec<i64> = keys
            .iter()
            .map(|k| if k.trailing_zeros() >= run { (k >> run) * 2 } else { ((k + 1) >> run) * 2 - 1 })
            .collect();
        let steps: Vec<u64> = halves.windows(2).map(|w| w[1].wrapping_sub(w[0]) as u64).collect();
        let is_jump = |step: u64, bytes: u32| step.checked_shr(8 * bytes).is_some_and(|rest| rest != 0);
        // A jump takes at most 9 bytes. With 8 there is none, so steps are never all jumps.
        let cost = |bytes: &u32| steps.iter().map(|s| bytes + if is_jump(*s, *bytes) { 9 } else { 0 }).sum::<u32>();
        let bytes = (1..=8).min_by_key(cost).unwrap_or(8);
        let short = steps.iter().map(|s| if is_jump(*s, bytes) { 0 } else { *s });
        let jumps = steps.iter().copied().filter(|s| is_jump(*s, bytes)).collect();
        Cuts { first: halves.first().copied(), run: run as u8, steps: Planes::of(short), jumps }
    }

    #[inline(never)]
    fn values(&self) -> Result<Vec<f64>, DecodeError> {
        if self.run > 62 {
            return Err(DecodeError::Other("a cut has more bits than a number"));
        }
        let Some(mut halves) = self.first else { return Ok(Vec::new()) };
        let cut = |halves: i64| {
            let whole = (halves >> 1).wrapping_add(halves & 1);
            super::unsortable(whole.wrapping_shl(self.run.into()).wrapping_sub(halves & 1))
        };
        let mut cuts = Vec::with_capacity(1 + self.steps.len());
        cuts.push(cut(halves));
        let mut jumps = self.jumps.iter();
        for step in self.steps.values(self.steps.len())? {
            let jump = if step == 0 { jumps.next() } else { Some(&step) };
            let Some(step) = jump else { return Err(DecodeError::Other("a step between cuts is missing")) };
            halves = halves.wrapping_add(*step as i64);
            cuts.push(cut(halves));
        }
        Ok(cuts)
    }
}

/// Eight to a byte, lowest first.
fn encode_bits(bits: impl Iterator<Item = bool>) -> Vec<u8> {
    let bits: Vec<bool> = bits.collect();
    bits.chunks(8).map(|eight| eight.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
}

/// A list of bits as it is written.
struct Bits(Vec<u8>);

impl Bits {
    /// `n` of them, and nothing in what is left of the last byte.
    #[inline(never)]
    fn decode(n: usize, source: &mut Source<'_>) -> Result<Bits, DecodeError> {
        let bytes = source.read::<Vec<u8>>()?;
        let past = bytes.last().map_or(0, |last| (last >> 1) >> ((n + 7) % 8));
        if bytes.len() != n.div_ceil(8) || past != 0 {
            return Err(DecodeError::Other("a list of bits has another length"));
        }
        Ok(Bits(bytes))
    }

    fn get(&self, i: usize) -> bool {
        self.0[i / 8] >> (i % 8) & 1 == 1
    }

    #[inline(never)]
    fn count(&self) -> usize {
        self.0.iter().map(|byte| byte.count_ones() as usize).sum()
    }
}

/// Counts whose shares of their sum are these probabilities, in every bit, if there are such; those before `from` need not
/// agree. `p`: adds up to 1.
fn counts(p: &[f64], from: usize) -> Option<Vec<u64>> {
    let mut total = 1;
    for v in &p[from..] {
        let d = denominator(*v)?;
        total = total / gcd(total, d) * d;
        if total > MAX_TOTAL {
            return None;
        }
    }
    let counts: Vec<u64> = p.iter().map(|v| (v * total as f64).round() as u64).collect();
    let mut back = counts.clone();
    shares(&mut back);
    let agree = back[from..].iter().zip(&p[from..]).all(|(b, v)| *b == v.to_bits());
    (agree && counts.iter().sum::<u64>() == total).then_some(counts)
}

/// [`shares`] of each vector of `width` counts.
#[inline(never)]
fn all_shares(counts: &mut [u64], width: usize) {
    counts.chunks_mut(width).for_each(shares);
}

/// Counts in place to the bits of their shares of the sum.
fn shares(counts: &mut [u64]) {
    let total = counts.iter().fold(0u64, |sum, c| sum.saturating_add(*c)) as f64;
    counts.iter_mut().for_each(|c| *c = (*c as f64 / total).to_bits());
}

/// Past it, counts take as many bytes as the numbers do.
const MAX_TOTAL: u64 = 1 << 24;

/// The smallest `d` for which some `n / d` is `v` exactly, found on the way of the continued fraction; `v` in 0..=1.
fn denominator(v: f64) -> Option<u64> {
    let (mut rest, mut before, mut now) = (v, (1.0, 0.0), (v.floor(), 1.0));
    while now.0 / now.1 != v {
        rest = 1.0 / (rest - rest.floor());
        let next = (rest.floor() * now.0 + before.0, rest.floor() * now.1 + before.1);
        (before, now) = (now, next);
        if now.1.is_nan() || now.1 > MAX_TOTAL as f64 {
            return None;
        }
    }
    Some(now.1 as u64)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

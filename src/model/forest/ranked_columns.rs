//! The columns that the block kernels read: ranks of a block of rows, each in the narrow form its comparisons ask for.
//!
//! Two forms, both in groups of 16 rows: column `c` of group `g` is at `(g * n + c) * 16`, of `n` columns.
//!
//! * **Bytes**, for nodes that 16 rows are held to at once. A column answers 254 cuts (one *part*): it holds
//!   `clamp(rank - 254 * part, 0, 255) - 128`, a node `k - 254 * part - 128` of its own rank `k`, and a row goes right where
//!   the byte is greater. Only cuts that such nodes name are counted: `kept` gives the rank among them.
//! * **Words**, for nodes that rows visit one by one: `rank << 16`, which leaves the low bits of a node's key free. Here a part
//!   is 32,765 cuts.
//!
//! NaN is the largest value where it goes right and the smallest where it goes left, so a column stands for one
//! direction. A set of categories is a column of its own: smallest where the row is in it, largest where not. Trees seldom share
//! sets, so those of a tree are written just before it is walked, into the first columns, which all trees share.

use super::ranked::{Grid, MAX_CUTS, MISSING, Ranked};
use super::{Forest, Node, Tests, contains};
use crate::math::BLOCK;
use crate::schema::order::order;
use crate::simd::{I8x16, I16x8};

/// Rows of a group.
pub(super) const GROUP: usize = 16;

/// Cuts of a part.
const PART: u32 = 254;

/// Cuts of a part of words. Its words hold ranks up to it; of a node the rank is less.
pub(super) const WORD_PART: u32 = 32_765;

/// A word that every node sends right.
const RIGHT: i32 = (WORD_PART as i32 + 1) << 16;

/// Most sets of a tree that bytes, and words, have columns for.
const BYTE_SETS: usize = 64;
const WORD_SETS: usize = 128;

/// Which sets a tree asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct TreeSets {
    first: usize,
    n_bytes: usize,
    n_words: usize,
}

/// Which tests of the forest a column answers.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Lane {
    /// The forest's column.
    column: u32,
    /// Which part of the cuts, or which set.
    part: u32,
    /// Whether NaN goes left.
    left: bool,
}

/// Which columns there are, given out as nodes ask for them.
#[derive(Clone, Debug)]
struct Numbering {
    /// Per column of the forest, where its parts begin in `at`.
    first: Vec<usize>,
    /// Per part and direction, its column; `NONE` so far.
    at: Vec<u16>,
    lanes: Vec<Lane>,
    /// The columns by those of the forest, once all are given out.
    order: Vec<u32>,
    most: usize,
}

const NONE: u16 = u16::MAX;

impl Numbering {
    /// `parts`: how many each column of the forest has.
    fn new(parts: impl Iterator<Item = usize>, most: usize) -> Numbering {
        let mut end = 0;
        let begin = |n| {
            end += 2 * n;
            end - 2 * n
        };
        let first = parts.map(begin).collect();
        Numbering { first, at: vec![NONE; end], lanes: Vec::new(), order: Vec::new(), most }
    }

    fn finish(&mut self) {
        let before = |a: u32, b: u32| self.lanes[a as usize].column < self.lanes[b as usize].column;
        self.order = order(self.lanes.len(), &before);
    }

    /// The columns from `from` in order that stand for this one of the forest; moves `from` past them.
    fn of(&self, column: usize, from: &mut usize) -> impl Iterator<Item = (usize, Lane)> + Clone {
        let lanes = self.order[*from..].iter().map(|at| (*at as usize, self.lanes[*at as usize]));
        let lanes = lanes.take_while(move |(_, lane)| lane.column as usize == column);
        *from += lanes.clone().count();
        lanes
    }

    /// The column of a part, unless there would be too many.
    fn number(&mut self, column: u32, part: u32, left: bool) -> Option<u16> {
        let at = &mut self.at[self.first[column as usize] + 2 * part as usize + usize::from(left)];
        if *at == NONE && self.lanes.len() < self.most {
            *at = self.lanes.len() as u16;
            self.lanes.push(Lane { column, part, left });
        }
        (*at != NONE).then_some(*at)
    }
}

/// The columns of both forms, and how blocks are put into them.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// Of cuts; they follow the columns of sets.
    bytes: Numbering,
    words: Numbering,
    /// How many columns of bytes, and of words, are kept for a tree's sets.
    for_sets: [usize; 2],
    /// The sets of the tree that is being laid out: of bytes, of words.
    own: [Vec<Lane>; 2],
    /// The sets of all trees.
    sets: Vec<Lane>,
    /// Per column of the forest that asks sets, the categories of a block.
    categories: Vec<[i8; BLOCK]>,
    /// Per column of the forest, and per rank among its cuts (0 to their number): the rank among those that bytes
    /// count; empty: the same.
    kept: Vec<Vec<u16>>,
    /// Per column of the forest, what ranks are found with where it has more than [`MAX_CUTS`].
    wide: Vec<Option<Wide>>,
}

/// What stands for a grid of all cuts where they are too many.
#[derive(Clone, Debug)]
struct Wide {
    /// Of the cuts that bytes count.
    named: Grid,
    /// Of each part of words.
    parts: Vec<Grid>,
}

impl Columns {
    /// None yet. `named`: per column of the forest, which cuts the nodes name that read bytes.
    pub(super) fn new(forest: &Forest, named: &[Vec<bool>], most_bytes: usize, most_words: usize) -> Columns {
        let kept: Vec<Vec<u16>> = named.iter().map(|named| kept(named)).collect();
        let counted = |i: usize, n: usize| kept[i].last().map_or(n, |last| usize::from(*last));
        let parts = |(i, column): (usize, &super::Column)| match &column.tests {
            Tests::Cuts(cuts) => counted(i, cuts.len()).div_ceil(PART as usize),
            Tests::Sets(_) => 0,
        };
        let word_parts = |column: &super::Column| match &column.tests {
            Tests::Cuts(cuts) => cuts.len().div_ceil(WORD_PART as usize),
            Tests::Sets(_) => 0,
        };
        let wide = |(column, named): (&super::Column, &Vec<bool>)| match &column.tests {
            Tests::Cuts(cuts) if cuts.len() > MAX_CUTS => {
                let named = cuts.iter().zip(named).filter_map(|(cut, named)| named.then_some(*cut));
                let named: Vec<f64> = named.take(MAX_CUTS).collect();
                Some(Wide { named: Grid::new(&named), parts: cuts.chunks(WORD_PART as usize).map(Grid::new).collect() })
            }
            _ => None,
        };
        let columns = &forest.columns;
        let any_sets = columns.iter().any(|c| matches!(c.tests, Tests::Sets(_)));
        let for_sets = if any_sets { [BYTE_SETS, WORD_SETS] } else { [0, 0] };
        Columns {
            bytes: Numbering::new(columns.iter().enumerate().map(parts), most_bytes - for_sets[0]),
            words: Numbering::new(columns.iter().map(word_parts), most_words - for_sets[1]),
            for_sets,
            own: Default::default(),
            sets: Vec::new(),
            categories: vec![[0; BLOCK]; if any_sets { columns.len() } else { 0 }],
            kept,
            wide: columns.iter().zip(named).map(wide).collect(),
        }
    }

    /// Call before the nodes of a tree ask.
    pub(super) fn begin_tree(&mut self) {
        self.own.iter_mut().for_each(Vec::clear);
    }

    /// Call after the nodes of a tree have asked, if it is walked by columns.
    pub(super) fn end_tree(&mut self) -> TreeSets {
        let first = self.sets.len();
        self.sets.extend(self.own.iter().flatten());
        TreeSets { first, n_bytes: self.own[0].len(), n_words: self.own[1].len() }
    }

    /// The column of a set, of bytes (0) or words (1).
    fn set(&mut self, form: usize, node: &Node) -> Option<u16> {
        let own = &mut self.own[form];
        let lane = Lane { column: node.column, part: node.arg, left: node.default_left };
        let found = own.iter().position(|l| *l == lane).unwrap_or(own.len());
        if found == own.len() && found < self.for_sets[form] {
            own.push(lane);
        }
        (found < own.len()).then_some(found as u16)
    }

    /// The column of bytes that a split reads, and what it compares with.
    pub(super) fn byte(&mut self, forest: &Forest, node: &Node) -> Option<(u16, i8)> {
        let (part, code) = match &forest.columns[node.column as usize].tests {
            Tests::Sets(_) => return Some((self.set(0, node)?, 0)),
            Tests::Cuts(_) => {
                let rank = self.kept[node.column as usize].get(node.arg as usize).map_or(node.arg, |k| u32::from(*k));
                if rank as usize >= MAX_CUTS {
                    return None;
                }
                (rank / PART, (rank % PART) as i32 - 128)
            }
        };
        Some((self.for_sets[0] as u16 + self.bytes.number(node.column, part, node.default_left)?, code as i8))
    }

    /// The column of words that a split reads, and its rank there.
    pub(super) fn word(&mut self, forest: &Forest, node: &Node) -> Option<(u16, u16)> {
        let (part, rank) = match &forest.columns[node.column as usize].tests {
            Tests::Sets(_) => return Some((self.set(1, node)?, 0)),
            Tests::Cuts(_) => (node.arg / WORD_PART, (node.arg % WORD_PART) as u16),
        };
        Some((self.for_sets[1] as u16 + self.words.number(node.column, part, node.default_left)?, rank))
    }

    /// How many columns of bytes.
    pub(super) fn n_bytes(&self) -> usize {
        self.for_sets[0] + self.bytes.lanes.len()
    }

    /// How many columns of words.
    pub(super) fn n_words(&self) -> usize {
        self.for_sets[1] + self.words.lanes.len()
    }

    /// Call after the last column was given out, and before a block comes.
    pub(super) fn finish(&mut self) {
        self.bytes.finish();
        self.words.finish();
    }

    /// Puts a block into its columns, but for sets. `x`: as [`Runner`](crate::model::Runner)'s; `bytes`, `words`: `groups` groups, every number of which is
    /// set.
    #[inline(never)]
    pub(super) fn encode(
        &mut self,
        forest: &Forest,
        ranked: &Ranked,
        x: &[f64],
        groups: usize,
        bytes: &mut [[i8; GROUP]],
        words: &mut [[i32; GROUP]],
    ) {
        let (columns, _) = x.as_chunks::<BLOCK>();
        let (n_bytes, n_words) = (self.n_bytes(), self.n_words());
        let mut all = [0; BLOCK];
        let n = groups * GROUP;
        let (mut next_bytes, mut next_words) = (0, 0);
        for (i, column) in forest.columns.iter().enumerate() {
            let mut as_bytes = self.bytes.of(i, &mut next_bytes).peekable();
            let as_words = self.words.of(i, &mut next_words);
            let (x, ranks) = (&columns[column.feature][..n], &mut all[..n]);
            if let Tests::Sets(_) = column.tests {
                self.categories[i].iter_mut().zip(x).for_each(|(to, x)| *to = category(*x));
                continue;
            }
            if as_bytes.peek().is_none() && as_words.clone().next().is_none() {
                continue;
            }
            let kept = &self.kept[i];
            if let Some(wide) = &self.wide[i] {
                for (at, lane) in as_words {
                    wide.parts[lane.part as usize].ranks(x, ranks);
                    word_part(
                        ranks,
                        &Lane { part: 0, ..lane },
                        words[self.for_sets[1] + at..].iter_mut().step_by(n_words).take(groups),
                    );
                }
                wide.named.ranks(x, ranks);
            } else if let Some(grid) = ranked.grid(i) {
                grid.ranks(x, ranks);
                for (at, lane) in as_words {
                    word_part(ranks, &lane, words[self.for_sets[1] + at..].iter_mut().step_by(n_words).take(groups));
                }
                if !kept.is_empty() {
                    for rank in ranks.iter_mut() {
                        *rank = kept.get(usize::from(*rank)).copied().unwrap_or(MISSING);
                    }
                }
            }
            for (at, lane) in as_bytes {
                byte_part(ranks, &lane, bytes[self.for_sets[0] + at..].iter_mut().step_by(n_bytes).take(groups));
            }
        }
    }
}

impl Columns {
    /// Puts a block into the columns of a tree's sets. After [`encode`](Self::encode) of the same block.
    #[inline(never)]
    pub(super) fn encode_sets(
        &self,
        forest: &Forest,
        of: TreeSets,
        x: &[f64],
        groups: usize,
        bytes: &mut [[i8; GROUP]],
        words: &mut [[i32; GROUP]],
    ) {
        let (n_bytes, n_words) = (self.n_bytes(), self.n_words());
        let (columns, _) = x.as_chunks::<BLOCK>();
        for (i, lane) in self.sets[of.first..][..of.n_bytes + of.n_words].iter().enumerate() {
            let column = &forest.columns[lane.column as usize];
            let Tests::Sets(sets) = &column.tests else { continue };
            let (categories, _) = self.categories[lane.column as usize].as_chunks::<GROUP>();
            let set = Members::new(&sets[lane.part as usize], lane.left, &columns[column.feature], categories);
            for g in 0..groups {
                let mut one = [0; GROUP];
                set.group(g, &mut one);
                if i < of.n_bytes {
                    bytes[g * n_bytes + i] = one;
                } else {
                    words[g * n_words + i - of.n_bytes] = one.map(|byte| if byte < 0 { 0 } else { RIGHT });
                }
            }
        }
    }
}

/// Per rank among all cuts, that among the named ones; nothing where all are.
fn kept(named: &[bool]) -> Vec<u16> {
    if named.len() <= MAX_CUTS && named.iter().all(|n| *n) {
        return Vec::new();
    }
    let mut kept = Vec::with_capacity(named.len() + 1);
    kept.push(0);
    let mut count = 0;
    for named in named {
        count += u16::from(*named && usize::from(count) < MAX_CUTS);
        kept.push(count);
    }
    kept
}

/// The ranks of a block, as the words of one part.
fn word_part<'a>(ranks: &[u16], lane: &Lane, out: impl Iterator<Item = &'a mut [i32; GROUP]>) {
    let missing = if lane.left { 0 } else { RIGHT };
    let below = (lane.part * WORD_PART) as u16;
    for (out, ranks) in out.zip(ranks.as_chunks::<GROUP>().0) {
        *out = ranks.map(|rank| match rank {
            MISSING => missing,
            rank => i32::from(rank.saturating_sub(below).min(WORD_PART as u16)) << 16,
        });
    }
}

/// The ranks of a block, as the bytes of one part.
fn byte_part<'a>(ranks: &[u16], lane: &Lane, out: impl Iterator<Item = &'a mut [i8; GROUP]>) {
    let below = I16x8::splat((PART * lane.part) as u16 as i16);
    let (most, flip) = (I16x8::splat(255), I8x16::splat(127));
    let missing = I16x8::splat(if lane.left { MISSING as i16 } else { 0 });
    let all = I16x8::splat(-1);
    let code = |ranks: [u16; 8]| {
        let ranks = I16x8::load(&ranks.map(|r| r as i16));
        // A missing number that goes left becomes 0; where it goes right it is the largest already.
        let ranks = ranks & ((ranks.eq(all) & missing) ^ all);
        // 255 less the code.
        most.sub_sat_u(ranks.sub_sat_u(below))
    };
    let (eights, _) = ranks.as_chunks::<8>();
    for (out, pair) in out.zip(eights.as_chunks::<2>().0) {
        (code(pair[0]).narrow_u(code(pair[1])) ^ flip).store(out);
    }
}

/// Categories of sets that are looked up by shuffles, 16 to each.
const SMALL: usize = 16 * TABLES;
const TABLES: usize = 14;

/// The category of a number as a byte: below [`SMALL`], or [`OTHER`], which no set of small categories has, or -1: missing.
fn category(v: f64) -> i8 {
    if v.is_nan() {
        -1
    } else if v > -1.0 && v < SMALL as f64 {
        // SAFETY: it is finite and cut off within 0..SMALL.
        (unsafe { v.to_int_unchecked::<i32>() }) as i8
    } else {
        OTHER
    }
}

/// As an unsigned byte, past all of [`SMALL`] and, less any multiple of 16 below it, past 15.
const OTHER: i8 = -2;

/// A set, ready to be asked by groups of rows: -128 in it, 127 not.
struct Members<'a> {
    set: &'a [u64],
    left: bool,
    x: &'a [f64; BLOCK],
    categories: &'a [[i8; GROUP]],
    /// Per category -1 in the set, 0 not; where the set has only small ones.
    tables: [I8x16; TABLES],
    n_tables: Option<usize>,
}

impl<'a> Members<'a> {
    fn new(set: &'a [u64], left: bool, x: &'a [f64; BLOCK], categories: &'a [[i8; GROUP]]) -> Members<'a> {
        let largest = set.last().map_or(0, |word| set.len() * 64 - word.leading_zeros() as usize);
        let mut members = Members { set, left, x, categories, tables: [I8x16::splat(0); TABLES], n_tables: None };
        if largest <= SMALL {
            let bit = I8x16::load(&std::array::from_fn(|i| (1u8 << (i % 8)) as i8));
            let n = largest.div_ceil(16);
            for (w, table) in members.tables[..n].iter_mut().enumerate() {
                let bits = (set[w / 4] >> (16 * (w % 4))) as u16;
                let bytes = I8x16::load(&std::array::from_fn(|i| (bits >> (i / 8 * 8)) as i8));
                *table = (bytes & bit).eq(bit);
            }
            members.n_tables = Some(n);
        }
        members
    }

    fn group(&self, g: usize, out: &mut [i8; GROUP]) {
        let Some(n) = self.n_tables else {
            let (x, _) = self.x.as_chunks::<GROUP>();
            let is_in = |v: f64| if v.is_nan() { self.left } else { contains(self.set, v) };
            *out = x[g].map(|v| if is_in(v) { -128 } else { 127 });
            return;
        };
        let mut at = I8x16::load(&self.categories[g]);
        let mut is_in = at.eq(I8x16::splat(-1)) & I8x16::splat(-i8::from(self.left));
        for table in &self.tables[..n] {
            is_in = is_in | table.swizzle(at);
            at = at - I8x16::splat(16);
        }
        (is_in ^ I8x16::splat(127)).store(out);
    }
}

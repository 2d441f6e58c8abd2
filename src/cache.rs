//! Answers kept: least recently used first to go, bounded in entries and bytes, with a time to live.
//!
//! **Keys are exact.** A key is the bits of all slots ([`math::bits`](crate::math::bits)), derived features among them, and
//! nothing is answered on a hash alone; so an entry cannot be another record's, and goes stale only by its age.
//!
//! **Shape.** All keys have one length and so have all answers, so entries live in flat arrays, chained twice by index: per
//! hash bucket, and by use. A general map would allocate for every key and could not tell its bytes. The arrays grow as
//! entries come, up to the bound; then a new entry takes the place of the one least recently used.
//!
//! **Time** is the caller's, in seconds. An entry from the future (the clock went backwards) has no known age and counts as
//! expired.

use crate::math;
use serde::Serialize;

/// How much is kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Most entries; 0 turns the cache off.
    pub entries: usize,
    /// Most bytes that keys, answers and their bookkeeping take.
    pub bytes: usize,
    /// Seconds an entry answers; it has expired when its age reaches this.
    pub ttl: f64,
}

/// What a cache has done, and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Stats {
    /// Answers found.
    pub hits: u64,
    /// Answers not found, or too old.
    pub misses: u64,
    /// Entries that made place for another.
    pub evictions: u64,
    /// Misses because the entry was too old.
    pub expired: u64,
    /// Entries held now.
    pub entries: usize,
    /// Bytes they take.
    pub bytes: usize,
}

/// What an answer is kept under: the bits of all slots.
#[derive(Clone, Debug)]
pub struct Key {
    bits: Vec<u64>,
    hash: u64,
}

impl Key {
    /// For so many slots.
    pub fn new(slots: usize) -> Key {
        Key { bits: vec![0; slots], hash: 0 }
    }

    /// Becomes the key of these slots, as many as it is for.
    ///
    /// The hash takes four numbers at a time, in lanes that do not wait for each other. A step (turn, xor, multiplication by an odd number) is a
    /// bijection of what comes in and turns the upper bits, where round numbers differ, to where the next multiplication spreads them. That
    /// is against collisions by accident; one on purpose costs a comparison, for keys are compared in full.
    pub fn set(&mut self, slots: &[f64]) {
        let mix = |hash: u64, bits: u64| (hash.rotate_left(29) ^ bits).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mut lanes = [1, 2, 3, 4];
        let (fours, rest) = slots.as_chunks::<4>();
        let (to, to_rest) = self.bits.as_chunks_mut::<4>();
        for (four, to) in fours.iter().zip(to) {
            for k in 0..4 {
                to[k] = math::bits(four[k]);
                lanes[k] = mix(lanes[k], to[k]);
            }
        }
        for ((v, to), lane) in rest.iter().zip(to_rest).zip(&mut lanes) {
            *to = math::bits(*v);
            *lane = mix(*lane, *to);
        }
        let hash = lanes.into_iter().fold(0, mix);
        // The low bits choose the bucket; a multiplication spreads upwards.
        self.hash = hash ^ (hash >> 32);
    }

    fn is(&self, bits: &[u64]) -> bool {
        // Not `==`, which compares byte by byte in wasm.
        self.bits.iter().zip(bits).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    }
}

/// A map from keys of `key_len` numbers to answers of `value_len` numbers.
#[derive(Debug)]
pub struct Cache {
    key_len: usize,
    value_len: usize,
    capacity: usize,
    ttl: f64,
    /// Entry `i` has `keys[i * key_len..][..key_len]`, `values[i * value_len..][..value_len]` and `links[i]`.
    keys: Vec<u64>,
    values: Vec<f64>,
    links: Vec<Links>,
    /// First entry of each bucket, or `NONE`; a power of two of them, at most twice the entries.
    buckets: Vec<u32>,
    newest: u32,
    oldest: u32,
    stats: Stats,
}

#[derive(Clone, Copy, Debug)]
struct Links {
    stamp: f64,
    hash: u64,
    /// The next entry of its bucket.
    next: u32,
    newer: u32,
    older: u32,
}

const NONE: u32 = u32::MAX;

impl Cache {
    /// An empty cache; it allocates as entries come.
    pub fn new(key_len: usize, value_len: usize, limits: Limits) -> Cache {
        let capacity = limits.entries.min(limits.bytes / entry_bytes(key_len, value_len)).min(NONE as usize - 1);
        Cache {
            key_len,
            value_len,
            capacity,
            ttl: limits.ttl,
            keys: Vec::new(),
            values: Vec::new(),
            links: Vec::new(),
            buckets: Vec::new(),
            newest: NONE,
            oldest: NONE,
            stats: Stats::default(),
        }
    }

    /// Whether it keeps anything at all.
    pub fn is_on(&self) -> bool {
        self.capacity > 0
    }

    /// The answer kept under `key`, unless it is too old at `now`. It becomes the most recently used.
    pub fn get(&mut self, key: &Key, now: f64) -> Option<&[f64]> {
        if self.capacity == 0 {
            return None;
        }
        let found = self.find(key);
        let fresh = found.filter(|i| {
            let age = now - self.links[*i].stamp;
            age >= 0.0 && age < self.ttl
        });
        let Some(i) = fresh else {
            self.stats.misses += 1;
            // It stays where it is: the caller computes the answer anew and `insert` writes over it.
            self.stats.expired += u64::from(found.is_some());
            return None;
        };
        self.stats.hits += 1;
        self.unlink_use(i);
        self.link_newest(i);
        Some(&self.values[i * self.value_len..(i + 1) * self.value_len])
    }

    /// Keeps `value` under `key`, in place of what was there, or of the least recently used where the cache is full.
    pub fn insert(&mut self, key: &Key, value: &[f64], now: f64) {
        debug_assert!(key.bits.len() == self.key_len && value.len() == self.value_len);
        if self.capacity == 0 {
            return;
        }
        let i = match self.find(key) {
            Some(i) => {
                self.unlink_use(i);
                i
            }
            None => {
                let i = self.place();
                self.keys[i * self.key_len..(i + 1) * self.key_len].copy_from_slice(&key.bits);
                let bucket = self.bucket(key.hash);
                self.links[i].hash = key.hash;
                self.links[i].next = std::mem::replace(&mut self.buckets[bucket], i as u32);
                i
            }
        };
        self.values[i * self.value_len..(i + 1) * self.value_len].copy_from_slice(value);
        self.links[i].stamp = now;
        self.link_newest(i);
    }

    /// Counters, and what is held.
    pub fn stats(&self) -> Stats {
        let entries = self.links.len();
        Stats { entries, bytes: entries * entry_bytes(self.key_len, self.value_len), ..self.stats }
    }

    fn find(&self, key: &Key) -> Option<usize> {
        if self.buckets.is_empty() {
            return None;
        }
        let mut i = self.buckets[self.bucket(key.hash)];
        while i != NONE {
            let at = i as usize;
            let link = &self.links[at];
            if link.hash == key.hash && key.is(&self.keys[at * self.key_len..(at + 1) * self.key_len]) {
                return Some(at);
            }
            i = link.next;
        }
        None
    }

    /// A place for a new entry, linked nowhere: a new one, or the oldest entry's.
    fn place(&mut self) -> usize {
        let n = self.links.len();
        if n < self.capacity {
            if n == self.buckets.len() {
                self.grow();
            }
            self.keys.resize((n + 1) * self.key_len, 0);
            self.values.resize((n + 1) * self.value_len, 0.0);
            self.links.push(Links { stamp: 0.0, hash: 0, next: NONE, newer: NONE, older: NONE });
            return n;
        }
        self.stats.evictions += 1;
        let i = self.oldest as usize;
        self.unlink_use(i);
        let bucket = self.bucket(self.links[i].hash);
        if self.buckets[bucket] as usize == i {
            self.buckets[bucket] = self.links[i].next;
        } else {
            let mut before = self.buckets[bucket] as usize;
            while self.links[before].next as usize != i {
                before = self.links[before].next as usize;
            }
            self.links[before].next = self.links[i].next;
        }
        i
    }

    /// Doubles the arrays (never past the bound) and the buckets.
    fn grow(&mut self) {
        let n = self.links.len();
        let more = n.max(8).min(self.capacity - n);
        self.keys.reserve_exact(more * self.key_len);
        self.values.reserve_exact(more * self.value_len);
        self.links.reserve_exact(more);
        self.buckets = vec![NONE; (n + more).next_power_of_two()];
        for i in 0..n {
            let bucket = self.bucket(self.links[i].hash);
            self.links[i].next = std::mem::replace(&mut self.buckets[bucket], i as u32);
        }
    }

    fn bucket(&self, hash: u64) -> usize {
        hash as usize & (self.buckets.len() - 1)
    }

    fn unlink_use(&mut self, i: usize) {
        let Links { newer, older, .. } = self.links[i];
        match newer {
            NONE => self.newest = older,
            k => self.links[k as usize].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            k => self.links[k as usize].newer = newer,
        }
    }

    fn link_newest(&mut self, i: usize) {
        let before = std::mem::replace(&mut self.newest, i as u32);
        self.links[i].newer = NONE;
        self.links[i].older = before;
        match before {
            NONE => self.oldest = i as u32,
            k => self.links[k as usize].newer = i as u32,
        }
    }
}

/// What one entry takes at most: its key, its answer, its links, and its buckets (up to two).
fn entry_bytes(key_len: usize, value_len: usize) -> usize {
    8 * (key_len + value_len) + size_of::<Links>() + 2 * size_of::<u32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(of: &[u64]) -> Key {
        let mut key = Key::new(of.len());
        key.set(&of.iter().map(|k| *k as f64).collect::<Vec<_>>());
        key
    }

    fn cache(entries: usize, ttl: f64) -> Cache {
        Cache::new(1, 1, Limits { entries, bytes: usize::MAX, ttl })
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut c = cache(2, 10.0);
        c.insert(&key(&[1]), &[0.1], 0.0);
        c.insert(&key(&[2]), &[0.2], 0.0);
        assert_eq!(c.get(&key(&[1]), 0.0), Some(&[0.1][..]));
        c.insert(&key(&[3]), &[0.3], 0.0);
        assert_eq!(c.get(&key(&[2]), 0.0), None);
        assert_eq!(c.get(&key(&[1]), 0.0), Some(&[0.1][..]));
        assert_eq!(c.get(&key(&[3]), 0.0), Some(&[0.3][..]));
        let s = c.stats();
        assert_eq!((s.hits, s.misses, s.evictions, s.expired, s.entries), (3, 1, 1, 0, 2));
    }

    #[test]
    fn an_entry_answers_until_its_time_and_then_again_when_it_is_new() {
        let mut c = cache(2, 10.0);
        c.insert(&key(&[1]), &[0.1], 100.0);
        assert!(c.get(&key(&[1]), 109.999).is_some());
        assert!(c.get(&key(&[1]), 110.0).is_none());
        c.insert(&key(&[1]), &[0.5], 110.0);
        assert_eq!(c.get(&key(&[1]), 111.0), Some(&[0.5][..]));
        let s = c.stats();
        assert_eq!((s.hits, s.misses, s.expired, s.entries), (2, 1, 1, 1));
    }

    #[test]
    fn a_clock_that_goes_backwards_makes_an_entry_expire() {
        let mut c = cache(2, 10.0);
        c.insert(&key(&[1]), &[0.1], 100.0);
        assert!(c.get(&key(&[1]), 99.0).is_none());
        c.insert(&key(&[1]), &[0.2], 99.0);
        assert_eq!(c.get(&key(&[1]), 99.0), Some(&[0.2][..]));
        assert!(c.get(&key(&[1]), f64::NAN).is_none());
    }

    #[test]
    fn bytes_bound_it_too_and_nothing_turns_it_off() {
        let bytes = 3 * entry_bytes(4, 2);
        let mut c = Cache::new(4, 2, Limits { entries: 100, bytes, ttl: 1.0 });
        for k in 0..50 {
            c.insert(&key(&[k, 0, 0, k]), &[0.0, 1.0], 0.0);
        }
        assert_eq!((c.stats().entries, c.stats().bytes, c.stats().evictions), (3, bytes, 47));
        let held = 8 * (c.keys.capacity() + c.values.capacity())
            + size_of::<Links>() * c.links.capacity()
            + 4 * c.buckets.capacity();
        assert!(held <= bytes, "{held} > {bytes}");
        for limits in [Limits { entries: 0, bytes: 1 << 20, ttl: 1.0 }, Limits { entries: 9, bytes: 10, ttl: 1.0 }] {
            let mut off = Cache::new(4, 2, limits);
            off.insert(&key(&[1, 1, 1, 1]), &[0.0, 1.0], 0.0);
            assert_eq!(off.get(&key(&[1, 1, 1, 1]), 0.0), None);
            assert_eq!(off.stats(), Stats::default());
        }
    }

    #[test]
    fn keys_of_round_numbers_fill_the_buckets_evenly() {
        // Whole numbers and halves in few of 30 slots: what differs is in the upper bits of the numbers alone.
        let mut hashes = std::collections::BTreeSet::new();
        let mut buckets = vec![0u32; 4096];
        let mut key = Key::new(30);
        for i in 0..4096u32 {
            let mut slots = [0.0; 30];
            (slots[(i % 7) as usize], slots[11], slots[29]) =
                (f64::from(i / 7), f64::from(i % 16), f64::from(i % 3) / 2.0);
            key.set(&slots);
            hashes.insert(key.hash);
            buckets[key.hash as usize % 4096] += 1;
        }
        assert_eq!(hashes.len(), 4096);
        // Of 4096 balls in as many urns 63 % are hit, and none of them more than about seven times.
        let hit = buckets.iter().filter(|n| **n > 0).count();
        assert!((2450..2750).contains(&hit) && buckets.iter().all(|n| *n < 10), "{hit}");
    }

    #[test]
    fn what_is_missing_is_one_key_and_the_order_counts() {
        let hash = |slots: &[f64]| {
            let mut key = Key::new(slots.len());
            key.set(slots);
            (key.hash, key.bits)
        };
        assert_eq!(hash(&[1.0, -f64::NAN]), hash(&[1.0, f64::NAN]));
        for (a, b) in [
            ([1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 2.0, 3.0, 4.0, 1.0]),
            ([1.0, 2.0, 0.0, 0.0, 0.0], [2.0, 1.0, 0.0, 0.0, 0.0]),
        ] {
            assert_ne!(hash(&a).0, hash(&b).0);
        }
    }

    #[test]
    fn keys_of_one_hash_are_told_apart() {
        // Every key in one bucket and, forged, of one hash: the chain is walked by the keys themselves.
        let mut c = cache(4, 1.0);
        for k in 0..4 {
            c.insert(&key(&[k]), &[k as f64], 0.0);
        }
        let same = key(&[0]).hash;
        let bucket = c.bucket(same);
        c.buckets.fill(NONE);
        for i in 0..4 {
            c.links[i].hash = same;
            c.links[i].next = std::mem::replace(&mut c.buckets[bucket], i as u32);
        }
        let forged = |k: u64| Key { hash: same, ..key(&[k]) };
        for k in 0..4u64 {
            assert_eq!(c.find(&forged(k)), Some(k as usize));
        }
        assert_eq!(c.find(&forged(4)), None);
    }

    proptest! {
        /// Against a list that is kept by hand.
        #[test]
        fn it_is_a_list_in_order_of_use(ops in prop::collection::vec((0u64..12, any::<bool>(), 0u32..4), 0..400), entries in 1usize..9) {
            let mut c = cache(entries, 20.0);
            let mut list: Vec<(u64, f64, f64)> = Vec::new();
            let mut now = 0.0;
            for (k, get, later) in ops {
                now += f64::from(later);
                let at = list.iter().position(|e| e.0 == k);
                if get {
                    let expected = at.filter(|i| now - list[*i].2 < 20.0).map(|i| {
                        let e = list.remove(i);
                        list.push(e);
                        e.1
                    });
                    prop_assert_eq!(c.get(&key(&[k]), now).map(|v| v[0]), expected);
                } else {
                    match at {
                        Some(i) => { list.remove(i); }
                        None if list.len() == entries => { list.remove(0); }
                        None => {}
                    }
                    list.push((k, now * 7.0, now));
                    c.insert(&key(&[k]), &[now * 7.0], now);
                }
                prop_assert_eq!(c.stats().entries, list.len());
            }
        }
    }
}

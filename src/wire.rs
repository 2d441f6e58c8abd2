//! How a value becomes bytes and comes back: the only file that names bincode.
//!
//! The format is bincode 2's `standard()` configuration (little endian, variable-length integers), written by its own derive.
//! bincode is unmaintained (RUSTSEC-2025-0141); `wincode` reads and writes the same bytes, so a change of crate is a change
//! of this file.
//!
//! Types are read by a [`Decode`] of ours over one [`Source`], which `decodes!` writes: bincode's derive is compiled
//! into every type anew, with each number's decoding and a copy of each error, and made the engine three times as large there.
//!
//! Decoding is bounded three ways, because the bytes may come from anyone:
//! * **bytes**: what a value may claim in memory is a small multiple of the bytes it is read from ([`budget`]), so a forged
//!   length of a small file cannot ask for a large allocation;
//! * **depth**: types that contain themselves do so through [`Nested`], which counts, so a forged nesting cannot overflow the
//!   stack;
//! * **tail**: bytes after the last value are refused.
//!
//! Field order and variant order of every type that derives [`Encode`] *are* the format, and its `decodes!` names them in the same order:
//! append variants, never reorder them, and change a struct only together with [`FORMAT`](crate::artifact::FORMAT).

pub use bincode::{
    Encode,
    enc::Encoder,
    error::{DecodeError, EncodeError},
};
use std::ops::{Deref, DerefMut};

/// What a decoded value may claim in memory, whatever its bytes say.
pub const DECODE_LIMIT: usize = 512 << 20;

/// How deep a value may contain its own kind.
pub const MAX_DEPTH: u32 = 32;

/// What a value read from `len` bytes may claim in memory: 64 bytes for each, and 64 KiB. A list of flags with names of one
/// letter, the widest step from bytes to memory that was found, takes 28 (`tests/artifact.rs` measures it).
pub fn budget(len: usize) -> usize {
    len.saturating_mul(64).saturating_add(64 << 10).min(DECODE_LIMIT)
}

/// The bytes of `value`.
pub fn encode<T: Encode>(value: &T) -> Result<Vec<u8>, EncodeError> {
    bincode::encode_to_vec(value, bincode::config::standard())
}

/// The value that all of `bytes` stand for; refuses a tail, a claim beyond [`budget`] and a nesting beyond [`MAX_DEPTH`].
pub fn decode<T: Decode>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut source = Source { rest: bytes, budget: budget(bytes.len()), depth: 0, why: None };
    match T::decode(&mut source) {
        Ok(value) if source.rest.is_empty() => Ok(value),
        Ok(_) => Err(DecodeError::Other("bytes are left over after the last value")),
        Err(refused) => Err(source.why.unwrap_or(refused.into())),
    }
}

/// A value that can be read back from what its [`Encode`] wrote.
pub trait Decode: Sized {
    /// Reads one.
    fn decode(source: &mut Source<'_>) -> Result<Self, Refused>;

    /// Reads `len`, which are claimed already.
    fn decode_all(source: &mut Source<'_>, len: usize) -> Result<Vec<Self>, Refused> {
        let mut all = Vec::with_capacity(len);
        for _ in 0..len {
            // Each claims its own bytes.
            source.budget += size_of::<Self>();
            all.push(Self::decode(source)?);
        }
        Ok(all)
    }
}

/// The bytes that are still to be read, and what may still be claimed.
#[derive(Debug)]
pub struct Source<'a> {
    rest: &'a [u8],
    budget: usize,
    /// How many [`Nested`] values this is inside of.
    depth: u32,
    /// The first reason of refusal.
    why: Option<DecodeError>,
}

/// The bytes are refused; the [`Source`] knows why. (Small, since it is handed up through every type.)
#[derive(Clone, Copy, Debug)]
pub struct Refused(());

impl From<Refused> for DecodeError {
    fn from(_: Refused) -> Self {
        DecodeError::Other("it is not what it should be")
    }
}

impl Source<'_> {
    /// Notes why.
    #[cold]
    #[inline(never)]
    pub fn refuse(&mut self, why: DecodeError) -> Refused {
        self.why.get_or_insert(why);
        Refused(())
    }

    /// The next value.
    pub fn read<T: Decode>(&mut self) -> Result<T, Refused> {
        T::decode(self)
    }

    /// Counts the memory of `n` values before it is taken.
    #[inline(never)]
    pub fn claim(&mut self, n: usize, size: usize) -> Result<(), Refused> {
        match n.checked_mul(size).and_then(|bytes| self.budget.checked_sub(bytes)) {
            Some(budget) => self.budget = budget,
            None => return Err(self.refuse(DecodeError::LimitExceeded)),
        }
        Ok(())
    }

    /// The next `n` bytes.
    #[inline(never)]
    fn take(&mut self, n: usize) -> Result<&[u8], Refused> {
        let Some((taken, rest)) = self.rest.split_at_checked(n) else {
            return Err(self.refuse(DecodeError::UnexpectedEnd { additional: n - self.rest.len() }));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// An integer of `size` bytes, written by bincode's rule: one byte up to 250, or the number of a width no larger than its
    /// type's and the bytes of that, lowest first.
    #[inline(never)]
    fn integer(&mut self, size: usize) -> Result<u64, Refused> {
        self.claim(1, size)?;
        let first = self.take(1)?[0];
        if first <= 250 {
            return Ok(first.into());
        }
        // 251, 252, 253: of 2, 4, 8 bytes.
        let width = 1 << (first - 250);
        if width > size {
            return Err(self.refuse(DecodeError::Other("a number is wider than its type")));
        }
        Ok(self.take(width)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The number of an enum's variant.
    pub fn variant(&mut self) -> Result<u64, Refused> {
        self.integer(4)
    }

    /// Refuses a variant that is not known.
    #[cold]
    pub fn unknown_variant(&mut self, found: u64) -> Refused {
        use bincode::error::AllowedEnumVariants::Allowed;
        // Whoever asks which would be right has the program; the type's name would be carried for nothing.
        self.refuse(DecodeError::UnexpectedVariant { type_name: "", allowed: &Allowed(&[]), found: found as u32 })
    }
}

/// Writes a type's [`Decode`]: a struct's fields in their order, or an enum's variants with their numbers on the wire.
macro_rules! decodes {
    (struct $type:ident { $($field:ident),* $(,)? }) => {
        impl $crate::wire::Decode for $type {
            #[inline(never)]
            fn decode(source: &mut $crate::wire::Source<'_>) -> Result<Self, $crate::wire::Refused> {
                Ok($type { $($field: source.read()?),* })
            }
        }
    };
    (enum $type:ident { $($n:literal: $variant:ident $({ $($field:ident),* })? $(($($item:ident),*))?),* $(,)? }) => {
        impl $crate::wire::Decode for $type {
            #[inline(never)]
            fn decode(source: &mut $crate::wire::Source<'_>) -> Result<Self, $crate::wire::Refused> {
                Ok(match source.variant()? {
                    $($n => $type::$variant $({ $($field: source.read()?),* })? $(($({ let $item = source.read()?; $item }),*))?,)*
                    other => return Err(source.unknown_variant(other)),
                })
            }
        }
    };
}
pub(crate) use decodes;

macro_rules! integers {
    ($($type:ident),*) => {$(
        impl Decode for $type {
            fn decode(source: &mut Source<'_>) -> Result<Self, Refused> {
                // Fits: a wider one is refused.
                Ok(source.integer(size_of::<$type>())? as $type)
            }
        }
    )*};
}
integers!(u16, u32, u64);

impl Decode for usize {
    fn decode(source: &mut Source<'_>) -> Result<Self, Refused> {
        // Eight bytes on every target.
        let number = source.integer(8)?;
        usize::try_from(number).map_err(|_| source.refuse(DecodeError::OutsideUsizeRange(number)))
    }
}

impl Decode for i64 {
    fn decode(source: &mut Source<'_>) -> Result<Self, Refused> {
        // Zigzag: 0, -1, 1, -2, …
        let number = source.integer(8)?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

impl Decode for u8 {
    #[inline(never)]
    fn decode(source: &mut Source<'_>) -> Result<Self, Refused> {
        source.claim(1, 1)?;
        Ok(source.take(1)?[0])
    }

    fn decode_all(source: &mut Source<'_>, len: usize) -> Result<Vec<Self>, Refused> {
        Ok(source.take(len)?.to_vec())
    }
}

impl Decode for bool {
    #[inline(never)]
    fn decode(source: &mut Source<'_>) -> Result<Self, Refused> {
        match source.read::<u8>()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(source.refuse(DecodeError::InvalidBooleanValue(other))),
        }
    }
}

impl Decode for f64 {
    #[inline(never)]
    fn decode(source: &mut Source<'_>) -> Result<Self, Refused> {
        source.claim(1, 8)?;
        Ok(f64::from_bits(source.take(8)?.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte))))
    }

    fn decode_all(source: &mut Source<'_>, len: usize) -> Result<Vec<Self>, Refused> {
        // The claim of `len` numbers has held, so this is within a usize.
        let (all, _) = source.take(8 * len)?.as_chunks::<8>();
        Ok(all.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
    }
}

impl Decode for String {
    #[inline(never)]
    fn decode(source: &mut Source<'_>) -> Result<Self, Refused> {
        String::from_utf8(source.read()?).map_err(|e| source.refuse(DecodeError::Utf8 { inner: e.utf8_error() }))
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(source: &mut Source<'_>) -> Result<Self, Refused> {
        match source.read::<u8>()? {
            0 => Ok(None),
            1 => source.read().map(Some),
            other => Err(source.unknown_variant(other.into())),
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    #[inline(never)]
    fn decode(source: &mut Source<'_>) -> Result<Self, Refused> {
        let len = source.read()?;
        source.claim(len, size_of::<T>())?;
        T::decode_all(source, len)
    }
}

impl Decode for [u64; 10] {
    fn decode(source: &mut Source<'_>) -> Result<Self, Refused> {
        let mut all = [0; 10];
        for one in &mut all {
            *one = source.read()?;
        }
        Ok(all)
    }
}

impl<A: Decode, B: Decode> Decode for (A, B) {
    fn decode(source: &mut Source<'_>) -> Result<Self, Refused> {
        Ok((source.read()?, source.read()?))
    }
}

/// A boxed value of a kind that may contain itself. On the wire it is the value; its decoding counts the depth.
#[derive(Clone, Debug, PartialEq)]
pub struct Nested<T>(Box<T>);

impl<T> Nested<T> {
    /// Boxes `value`.
    pub fn new(value: T) -> Self {
        Nested(Box::new(value))
    }
}

impl<T> From<T> for Nested<T> {
    fn from(value: T) -> Self {
        Nested::new(value)
    }
}

impl<T> Deref for Nested<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Nested<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Encode> Encode for Nested<T> {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        T::encode(&self.0, encoder)
    }
}

impl<T: Decode> Decode for Nested<T> {
    #[inline(never)]
    fn decode(source: &mut Source<'_>) -> Result<Self, Refused> {
        source.depth += 1;
        if source.depth > MAX_DEPTH {
            return Err(source.refuse(DecodeError::Other("it is nested too deeply")));
        }
        let value = source.read()?;
        source.depth -= 1;
        Ok(Nested(Box::new(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_and_a_tail_does_not() {
        let value = (vec![1.5f64, f64::NAN], (String::from("é"), Some(7u64)));
        let mut bytes = encode(&value).unwrap();
        let back: (Vec<f64>, (String, Option<u64>)) = decode(&bytes).unwrap();
        assert_eq!((back.0[0], back.0[1].to_bits(), &back.1), (1.5, f64::NAN.to_bits(), &value.1));
        bytes.push(0);
        assert!(decode::<(Vec<f64>, (String, Option<u64>))>(&bytes).is_err());
    }

    #[test]
    fn a_forged_length_is_refused_before_it_is_allocated() {
        // 253 announces a u64: two to the sixtieth numbers; then a length that fits the constant limit but not these few bytes.
        for len in [1u64 << 60, 1 << 24, u64::MAX] {
            let mut bytes = vec![253];
            bytes.extend(len.to_le_bytes());
            assert!(matches!(decode::<Vec<f64>>(&bytes), Err(DecodeError::LimitExceeded)), "{len}");
        }
    }

    #[derive(Debug)]
    struct Chain {
        next: Option<Nested<Chain>>,
    }
    decodes!(struct Chain { next });

    #[test]
    fn integers_are_read_as_bincode_reads_them() {
        fn same<T: Decode + bincode::Decode<()> + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
            // Without a limit a forged length would end bincode in a panic.
            let limited = bincode::config::standard().with_limit::<65_536>();
            let theirs = bincode::decode_from_slice::<T, _>(bytes, limited);
            let theirs = theirs.ok().filter(|(_, taken)| *taken == bytes.len()).map(|(v, _)| v);
            assert_eq!(decode::<T>(bytes).ok(), theirs, "{bytes:?}");
        }
        for first in 0..=255 {
            for len in 0..=16 {
                let bytes: Vec<u8> = std::iter::once(first).chain((0..len).map(|k| 201 + k)).collect();
                same::<u8>(&bytes);
                same::<u16>(&bytes);
                same::<u32>(&bytes);
                same::<u64>(&bytes);
                same::<usize>(&bytes);
                same::<i64>(&bytes);
                same::<bool>(&bytes);
                same::<f64>(&bytes);
                same::<String>(&bytes);
                same::<Option<u8>>(&bytes);
                same::<Vec<u16>>(&bytes);
            }
        }
    }

    #[test]
    fn a_forged_nesting_is_refused_before_the_stack_ends() {
        let chain = |n: usize| [vec![1u8; n], vec![0]].concat();
        let mut deepest = &decode::<Chain>(&chain(MAX_DEPTH as usize)).unwrap();
        let mut depth = 0;
        while let Some(next) = &deepest.next {
            (deepest, depth) = (next, depth + 1);
        }
        assert_eq!(depth, MAX_DEPTH);
        for n in [MAX_DEPTH as usize + 1, 10_000_000] {
            assert!(matches!(decode::<Chain>(&chain(n)), Err(DecodeError::Other("it is nested too deeply"))), "{n}");
        }
    }
}

//! How a value becomes bytes and comes back: the only file that names bincode.
//!
//! The format is bincode 2's `standard()` configuration (little endian, variable-length integers), written by its own derive.
//! bincode is unmaintained (RUSTSEC-2025-0141); `wincode` reads and writes the same bytes, so a change of crate is a change
//! of this file.
//!
//! Decoding is bounded three ways, because the bytes may come from anyone:
//! * **bytes**: what a value may claim in memory is a small multiple of the bytes it is read from ([`budget`]), so a forged
//!   length of a small file cannot ask for a large allocation;
//! * **depth**: types that contain themselves do so through [`Nested`], which counts, so a forged nesting cannot overflow the
//!   stack;
//! * **tail**: bytes after the last value are refused.
//!
//! Field order and variant order of every type that derives these two traits *are* the format: append variants, never
//! reorder them, and change a struct only together with [`FORMAT`](crate::artifact::FORMAT). A type that holds a [`Nested`]
//! says so to the derive: `#[bincode(decode_context = "crate::wire::Depth")]`.

pub use bincode::{
    BorrowDecode, Decode, Encode,
    de::{BorrowDecoder, Decoder},
    enc::Encoder,
    error::{AllowedEnumVariants, DecodeError, EncodeError},
    impl_borrow_decode, impl_borrow_decode_with_context,
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
pub fn decode<T: Decode<Depth>>(bytes: &[u8]) -> Result<T, DecodeError> {
    let config = bincode::config::standard().with_limit::<DECODE_LIMIT>();
    let mut decoder = bincode::de::DecoderImpl::new(Rest(bytes), config, Depth(0));
    // bincode's limit is a constant; what these bytes may not claim is claimed before they are read.
    decoder.claim_bytes_read(DECODE_LIMIT - budget(bytes.len()))?;
    let value = T::decode(&mut decoder)?;
    match decoder.reader().0 {
        [] => Ok(value),
        _ => Err(DecodeError::Other("bytes are left over after the last value")),
    }
}

/// The bytes that are still to be read. Unlike bincode's own reader of slices it is not made part of every number's and text's
/// decoding, which would double the engine's size.
struct Rest<'a>(&'a [u8]);

impl bincode::de::read::Reader for Rest<'_> {
    #[inline(never)]
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), DecodeError> {
        let Some((read, rest)) = self.0.split_at_checked(bytes.len()) else {
            return Err(DecodeError::UnexpectedEnd { additional: bytes.len() - self.0.len() });
        };
        bytes.copy_from_slice(read);
        self.0 = rest;
        Ok(())
    }
}

/// How many [`Nested`] values the decoder is inside of.
#[derive(Debug, Default)]
pub struct Depth(u32);

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

impl<T: Decode<Depth>> Decode<Depth> for Nested<T> {
    fn decode<D: Decoder<Context = Depth>>(decoder: &mut D) -> Result<Self, DecodeError> {
        decoder.context().0 += 1;
        if decoder.context().0 > MAX_DEPTH {
            return Err(DecodeError::Other("it is nested too deeply"));
        }
        let value = T::decode(decoder)?;
        decoder.context().0 -= 1;
        Ok(Nested(Box::new(value)))
    }
}

impl<'de, T: Decode<Depth>> bincode::BorrowDecode<'de, Depth> for Nested<T> {
    fn borrow_decode<D: BorrowDecoder<'de, Context = Depth>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Self::decode(decoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_and_a_tail_does_not() {
        let value = (vec![1.5f64, f64::NAN], String::from("é"), Some(7u64));
        let mut bytes = encode(&value).unwrap();
        let back: (Vec<f64>, String, Option<u64>) = decode(&bytes).unwrap();
        assert_eq!((back.0[0], back.0[1].to_bits(), &back.1, back.2), (1.5, f64::NAN.to_bits(), &value.1, Some(7)));
        bytes.push(0);
        assert!(decode::<(Vec<f64>, String, Option<u64>)>(&bytes).is_err());
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

    #[derive(Debug, Encode, Decode)]
    #[bincode(decode_context = "crate::wire::Depth")]
    struct Chain(Option<Nested<Chain>>);

    #[test]
    fn a_forged_nesting_is_refused_before_the_stack_ends() {
        let chain = |n: usize| [vec![1u8; n], vec![0]].concat();
        assert!(decode::<Chain>(&chain(MAX_DEPTH as usize)).is_ok());
        for n in [MAX_DEPTH as usize + 1, 10_000_000] {
            assert!(matches!(decode::<Chain>(&chain(n)), Err(DecodeError::Other("it is nested too deeply"))), "{n}");
        }
    }
}

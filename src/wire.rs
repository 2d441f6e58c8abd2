//! How a value becomes bytes and comes back: the only file that names bincode.
//!
//! The format is bincode 2's `standard()` configuration (little endian, variable-length integers), written by its own derive.
//! bincode is unmaintained (RUSTSEC-2025-0141); `wincode` reads and writes the same bytes, so a change of crate is a change
//! of this file. Decoding is always bounded in bytes and never accepts a tail.
//!
//! Field order and variant order of every type that derives these two traits *are* the format: append variants, never
//! reorder them, and change a struct only together with [`FORMAT`](crate::artifact::FORMAT).

pub use bincode::{
    Decode, Encode,
    de::{BorrowDecoder, Decoder},
    enc::Encoder,
    error::{DecodeError, EncodeError},
};

/// What a decoded body may claim in memory, whatever its lengths say.
pub const DECODE_LIMIT: usize = 512 << 20;

/// The bytes of `value`.
pub fn encode<T: Encode>(value: &T) -> Result<Vec<u8>, EncodeError> {
    bincode::encode_to_vec(value, bincode::config::standard())
}

/// The value that all of `bytes` stand for; refuses a tail and anything that would claim more than [`DECODE_LIMIT`].
pub fn decode<T: Decode<()>>(bytes: &[u8]) -> Result<T, DecodeError> {
    let config = bincode::config::standard().with_limit::<DECODE_LIMIT>();
    let (value, used) = bincode::decode_from_slice(bytes, config)?;
    if used == bytes.len() { Ok(value) } else { Err(DecodeError::Other("bytes are left over after the last value")) }
}

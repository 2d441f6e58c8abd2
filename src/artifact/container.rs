//! The bytes around an artifact: signature, lengths, digest.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 10 | signature `89 "HEDGE" 0D 0A 1A 0A`: as in PNG, it breaks where a transfer clears the eighth bit, changes line ends or stops at ^Z |
//! | 10 | 2 | format version, u16 |
//! | 12 | 4 | length of the header, u32 |
//! | 16 | 8 | length of the body, u64 |
//! | 24 | 32 | SHA-256 of everything else (bytes 0..24 and 56..); in hex the model's id |
//! | 56 | … | header: JSON, for people and tools |
//! | … | … | body: the artifact in [`wire`](crate::wire) form |
//!
//! Integers are little endian.

use super::FORMAT;
use crate::error::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

/// What every file starts with.
pub const SIGNATURE: [u8; 10] = *b"\x89HEDGE\r\n\x1a\n";

/// The largest file that is read or written.
pub const MAX_FILE: u64 = 256 << 20;

/// The largest header that is read or written.
pub const MAX_HEADER: u64 = 4 << 20;

/// Bytes before the digest, and bytes before the header.
const FIXED: usize = 24;
const PREFIX: usize = FIXED + 32;

/// The parts of a file whose lengths and digest are right. Nothing is known yet about what they say.
#[derive(Clone, Copy, Debug)]
pub struct Container<'a> {
    /// JSON.
    pub header: &'a [u8],
    /// An [`Artifact`](super::Artifact) in wire form.
    pub body: &'a [u8],
    digest: &'a [u8],
}

impl<'a> Container<'a> {
    /// Takes a file apart: signature, version, caps, lengths that add up, digest; in this order.
    #[inline(never)]
    pub fn open(file: &'a [u8]) -> Result<Self> {
        if !file.starts_with(&SIGNATURE) {
            return Err(not_ours(file));
        }
        if let Some(format) = at::<2>(file, 10).map(u16::from_le_bytes)
            && format != FORMAT
        {
            let why = if format > FORMAT { "a newer hedgerow reads it" } else { "no version of hedgerow wrote it" };
            return Err(broken(format!("the file is of format {format}, this hedgerow reads format {FORMAT}; {why}")));
        }
        let (Some(header), Some(body), Some(digest)) = (at::<4>(file, 12), at::<8>(file, 16), file.get(FIXED..PREFIX))
        else {
            return Err(cut(file.len(), PREFIX as u64));
        };
        let (header, body) = (u64::from(u32::from_le_bytes(header)), u64::from_le_bytes(body));
        if header > MAX_HEADER {
            return Err(broken(format!(
                "the file announces a header of {header} bytes; at most {MAX_HEADER} are read"
            )));
        }
        let need = (PREFIX as u64 + header).saturating_add(body);
        if need > MAX_FILE {
            return Err(broken(format!("the file announces a size of {need} bytes; at most {MAX_FILE} are read")));
        }
        let have = file.len() as u64;
        if have < need {
            return Err(cut(file.len(), need));
        }
        if have > need {
            return Err(broken(format!(
                "the file has {} bytes after its end (it should have {need} in all)",
                have - need
            )));
        }
        let (fixed, rest) = (&file[..FIXED], &file[PREFIX..]);
        if sha256(fixed, rest) != digest {
            return Err(broken("the file was changed after it was written: its SHA-256 is not the one it carries"));
        }
        // Fits: it is at most MAX_HEADER.
        let (header, body) = rest.split_at(header as usize);
        Ok(Container { header, body, digest })
    }

    /// The model's id: the file's SHA-256 in hex, 64 digits.
    pub fn id(&self) -> String {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let digit = |n: u8| char::from(HEX[usize::from(n)]);
        self.digest.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
    }
}

/// Puts a file together.
pub fn seal(header: &[u8], body: &[u8]) -> Result<Vec<u8>> {
    let size = PREFIX as u64 + header.len() as u64 + body.len() as u64;
    if header.len() as u64 > MAX_HEADER {
        return Err(broken(format!("the header would have {} bytes; at most {MAX_HEADER} are read", header.len())));
    }
    if size > MAX_FILE {
        return Err(broken(format!("the file would have {size} bytes; at most {MAX_FILE} are read")));
    }
    let mut file = Vec::with_capacity(PREFIX + header.len() + body.len());
    file.extend(SIGNATURE);
    file.extend(FORMAT.to_le_bytes());
    file.extend((header.len() as u32).to_le_bytes());
    file.extend((body.len() as u64).to_le_bytes());
    file.extend([0; PREFIX - FIXED]);
    file.extend(header);
    file.extend(body);
    let digest = sha256(&file[..FIXED], &file[PREFIX..]);
    file[FIXED..PREFIX].copy_from_slice(&digest);
    Ok(file)
}

fn sha256(fixed: &[u8], rest: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(fixed);
    // By pieces: an engine of wasm starts with plain code, and takes up better code only where a function is called anew.
    rest.chunks(4096).for_each(|piece| hash.update(piece));
    hash.finalize().into()
}

/// `N` bytes of the file from `start`, if it has them.
fn at<const N: usize>(file: &[u8], start: usize) -> Option<[u8; N]> {
    file.get(start..start + N)?.try_into().ok()
}

fn broken(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Artifact, message)
}

#[inline(never)]
fn cut(have: usize, need: u64) -> Error {
    broken(format!("the file is cut short: it has {have} of {need} bytes"))
}

/// Why a file without our signature may be what it is.
#[inline(never)]
fn not_ours(file: &[u8]) -> Error {
    if file.is_empty() {
        return broken("the file is empty");
    }
    if SIGNATURE.starts_with(file) {
        return cut(file.len(), PREFIX as u64);
    }
    let start = &file[..file.len().min(16)];
    let why = if start.windows(5).any(|w| w == b"HEDGE") {
        "its signature was changed on the way, as a transfer or a read as text does; take it as binary"
    } else if start.trim_ascii_start().starts_with(b"<") {
        "it looks like a web page; is the address right?"
    } else if start.trim_ascii_start().starts_with(b"{") {
        "it looks like JSON"
    } else {
        "it does not start with the signature"
    };
    broken(format!("this is not a .hedge file: {why}"))
}

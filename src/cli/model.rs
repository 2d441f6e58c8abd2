//! Opening a `.hedge` file that was named on the command line.

use crate::artifact::container::MAX_FILE;
use crate::artifact::header::Header;
use crate::artifact::{Artifact, Container};
use crate::error::{Error, ErrorKind, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A file taken apart and proven; its witnesses are not replayed yet.
pub struct ModelFile {
    /// The header.
    pub header: Header,
    /// The body.
    pub artifact: Artifact,
    /// SHA-256 of the file, in hex.
    pub id: String,
    /// The file's size in bytes.
    pub size: usize,
}

/// The bytes of a file, no more of them than a model may have.
pub fn bytes(path: &Path) -> Result<Vec<u8>> {
    let cannot = |e: std::io::Error| Error::from(e).context(format!("reading {}", path.display()));
    let mut bytes = Vec::new();
    File::open(path).map_err(cannot)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > MAX_FILE {
        let message = format!("{} is larger than {} MiB, the most a model may have", path.display(), MAX_FILE >> 20);
        return Err(Error::new(ErrorKind::Artifact, message));
    }
    Ok(bytes)
}

/// Takes a file apart and proves it.
pub fn read(path: &Path) -> Result<ModelFile> {
    open(&bytes(path)?).map_err(|e| e.context(path.display().to_string()))
}

/// Takes the bytes of a file apart and proves them.
pub fn open(file: &[u8]) -> Result<ModelFile> {
    let container = Container::open(file)?;
    let (header, artifact) = (Header::read(file)?, Artifact::open(&container)?);
    Ok(ModelFile { header, artifact, id: container.id(), size: file.len() })
}

//! Where results go: standard output, or a file that is there whole or not at all.

use crate::error::{Error, ErrorKind, Result};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::NamedTempFile;

/// Files being written, so that an interrupt can take them away.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remove_unfinished() {
    for path in unfinished().iter() {
        let _ = std::fs::remove_file(path);
    }
}

/// On Ctrl-C, a termination or a hang-up: files half written go, then the process ends with 130, as shells expect.
pub fn remove_unfinished_files_when_interrupted() {
    let set = ctrlc::set_handler(|| {
        remove_unfinished();
        std::process::exit(130);
    });
    if let Err(error) = set {
        warn(&format!("an interrupt may leave a temporary file behind: {error}"));
    }
}

/// Prints an error the way clap prints its own.
pub fn say_error(error: &Error) {
    let style = clap::builder::Styles::styled();
    // An error may draw a picture of several lines.
    let lines: Vec<String> = error.to_string().lines().map(|line| clean(line).into_owned()).collect();
    anstream::eprintln!("{}error:{:#} {}", style.get_error(), style.get_error(), lines.join("\n"));
}

/// Prints what went on but should be known.
pub fn warn(message: &str) {
    let yellow = anstyle::AnsiColor::Yellow.on_default().bold();
    anstream::eprintln!("{yellow}warning:{yellow:#} {}", clean(message));
}

/// Standard output, colours removed where they are not wanted (`NO_COLOR`, a pipe). A reader that hangs up (`| head`) has what
/// it wanted: the process ends, and that is no error.
pub fn stdout() -> BufWriter<impl Write> {
    BufWriter::with_capacity(1 << 16, Piped(anstream::stdout().lock()))
}

struct Piped<W>(W);

impl<W: Write> Write for Piped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        end_if_hung_up(self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        end_if_hung_up(self.0.flush())
    }
}

fn end_if_hung_up<T>(result: io::Result<T>) -> io::Result<T> {
    if matches!(&result, Err(error) if error.kind() == io::ErrorKind::BrokenPipe) {
        remove_unfinished();
        std::process::exit(0);
    }
    result
}

/// What a command writes to: `-` is standard output.
pub enum Output {
    /// Standard output.
    Stdout(Box<dyn Write>),
    /// A file, renamed into place by [`Output::finish`]; dropped before, it leaves nothing.
    File { path: PathBuf, temporary: BufWriter<NamedTempFile> },
    /// A path that is no regular file (`/dev/null`, a named pipe): written as it is.
    Device { path: PathBuf, file: BufWriter<File> },
}

impl Output {
    /// Opens `path`. The temporary file lies beside it, so that the rename cannot cross file systems.
    pub fn create(path: &Path) -> Result<Output> {
        if path == Path::new("-") {
            // Not through anstream, which takes control characters for colours: these are data.
            let out = BufWriter::with_capacity(1 << 16, Piped(io::stdout().lock()));
            return Ok(Output::Stdout(Box::new(out)));
        }
        let cannot = |error: io::Error| Error::from(error).context(format!("writing {}", path.display()));
        // A link is followed: what it points to is replaced, not the link.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        match std::fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => {
                return Err(Error::new(
                    ErrorKind::Io,
                    format!("{} is a folder; give the name of a file", path.display()),
                ));
            }
            Ok(meta) if !meta.is_file() => {
                let file = File::options().write(true).open(&path).map_err(cannot)?;
                return Ok(Output::Device { path, file: BufWriter::new(file) });
            }
            _ => {}
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut name = tempfile::Builder::new();
        name.prefix(".hedgerow-").suffix(".part");
        #[cfg(unix)]
        name.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask, as any new file
        // Held while the file is made, so that no interrupt falls between its making and its listing.
        let mut list = unfinished();
        let temporary = name.tempfile_in(folder).map_err(cannot)?;
        list.insert(temporary.path().to_path_buf());
        Ok(Output::File { path, temporary: BufWriter::with_capacity(1 << 16, temporary) })
    }

    /// Puts what was written in its place.
    pub fn finish(mut self) -> Result<()> {
        self.flush()?;
        if let Output::File { path, temporary } = self {
            let cannot = |error: io::Error| Error::from(error).context(format!("writing {}", path.display()));
            let temporary = temporary.into_inner().map_err(|e| cannot(e.into_error()))?;
            let name = temporary.path().to_path_buf();
            let persisted = temporary.persist(&path).map_err(|e| cannot(e.error));
            unfinished().remove(&name);
            persisted?;
        }
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (result, path) = match self {
            Output::Stdout(out) => return out.write(bytes),
            Output::File { path, temporary } => (temporary.write(bytes), path),
            Output::Device { path, file } => (file.write(bytes), path),
        };
        result.map_err(|error| io::Error::new(error.kind(), format!("writing {}: {error}", path.display())))
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Output::Stdout(out) => out.flush(),
            Output::File { temporary, .. } => temporary.flush(),
            Output::Device { file, .. } => file.flush(),
        }
    }
}

/// Writes `bytes` to `path`, whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut out = Output::create(path)?;
    out.write_all(bytes)?;
    out.finish()
}

/// `value` as JSON with two spaces' indent, and a line end, to standard output.
pub fn print_json(value: &serde_json::Value) -> Result<()> {
    let mut out = stdout();
    serde_json::to_writer_pretty(&mut out, value)
        .map_err(|error| Error::from(io::Error::from(error)))
        .and_then(|()| Ok(writeln!(out)?))?;
    Ok(out.flush()?)
}

/// Text from a file, safe to show: control characters (which could drive the terminal) are escaped.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    safe.into()
}

/// A count with its thousands apart: `12,345`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let first = digits.len() % 3;
    let (head, tail) = digits.split_at(first);
    let groups = tail.as_bytes().chunks(3).map(|c| std::str::from_utf8(c).unwrap_or_default());
    std::iter::once(head).filter(|h| !h.is_empty()).chain(groups).collect::<Vec<_>>().join(",")
}

/// A number to six significant digits, for a person.
pub fn figure(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    ryu_js::Buffer::new().format(rounded).to_string()
}

/// This machine's clock, seconds since 1970 UTC.
pub fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

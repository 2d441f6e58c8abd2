//! Records through several threads and out in order.
//!
//! One thread reads, some work, the caller's takes what they made in the order of the records. What is on the way is bounded; and no record waits
//! for more of them than a stream has: before it is asked again, what it gave is handed on.

use crate::data::{Line, Reader};
use crate::error::{Error, ErrorKind, Result};
use crate::math::BLOCK;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Most records handed on together, and of how many bytes of the source: the record that reaches either is the last.
const MOST: usize = 4096;
const MOST_BYTES: u64 = 1 << 20;

/// Records that follow each other.
pub struct Lines {
    /// Them.
    pub lines: Vec<Line>,
    /// How much of the source has been read.
    pub bytes: u64,
}

/// What is still being made of some records.
type Promise<T> = Receiver<Result<T>>;

/// Reads to the end; has each of `workers` work in a thread of its own; hands their results to `sink` in order. Errors of the reader are
/// told to be of `name`. Where there is one worker and the source never lets one wait (it is no `stream`), all is done in the caller's thread.
///
/// Threads are not waited for: where this ends early, the reader may be waiting for input that never comes, and the process is about to
/// end.
pub fn in_order<T: Send + 'static>(
    reader: Reader,
    name: String,
    stream: bool,
    mut workers: Vec<impl FnMut(Lines) -> Result<T> + Send + 'static>,
    sink: &mut impl Sink<T>,
) -> Result<()> {
    if let ([work], false) = (&mut workers[..], stream) {
        return alone(reader, &name, work, sink);
    }
    let room = 2 * workers.len();
    let (jobs, queue) = sync_channel::<(Lines, SyncSender<Result<T>>)>(room);
    let (promises, results) = sync_channel::<Promise<T>>(room);
    let queue = Arc::new(Mutex::new(queue));
    for mut work in workers {
        let queue = Arc::clone(&queue);
        let body = move || {
            loop {
                let job = lock(&queue).recv();
                let Ok((lines, result)) = job else { return };
                // Nobody waits for it where the run has ended early.
                let _ = result.send(work(lines));
            }
        };
        thread::Builder::new().spawn(body)?;
    }
    let reading = thread::Builder::new().spawn(move || read(reader, &name, stream, jobs, promises))?;
    let stopped = || Error::new(ErrorKind::Io, "a thread stopped before its answers were there");
    loop {
        let promise = match results.try_recv() {
            Err(TryRecvError::Empty) => {
                if stream {
                    sink.idle()?;
                }
                results.recv().ok()
            }
            other => other.ok(),
        };
        let Some(promise) = promise else {
            // The reader has no more to give, or has panicked.
            return reading.join().map_err(|_| stopped());
        };
        sink.take(promise.recv().map_err(|_| stopped())??)?;
    }
}

fn alone<T>(
    mut reader: Reader,
    name: &str,
    mut work: impl FnMut(Lines) -> Result<T>,
    sink: &mut impl Sink<T>,
) -> Result<()> {
    let mut lines = Vec::new();
    loop {
        let end = match reader.next() {
            Some(Ok(line)) => {
                lines.push(line);
                None
            }
            Some(Err(error)) => Some(Err(error.context(name))),
            None => Some(Ok(())),
        };
        if lines.len() >= if end.is_some() { 1 } else { BLOCK } {
            sink.take(work(Lines { lines: std::mem::take(&mut lines), bytes: reader.bytes() })?)?;
        }
        if let Some(end) = end {
            return end;
        }
    }
}

/// Where results go.
pub trait Sink<T> {
    /// The next.
    fn take(&mut self, result: T) -> Result<()>;
    /// There is none yet, for a stream has not given more.
    fn idle(&mut self) -> Result<()>;
}

/// Reads until the end, an error (which comes after all that was read before it), or until nobody takes results any more.
fn read<T: Send + 'static>(
    mut reader: Reader,
    name: &str,
    stream: bool,
    jobs: SyncSender<(Lines, SyncSender<Result<T>>)>,
    promises: SyncSender<Promise<T>>,
) {
    let read = Arc::new(Mutex::new(Vec::new()));
    let bytes = reader.counter();
    let hand_on = {
        let (read, promises) = (Arc::clone(&read), promises.clone());
        move || {
            let lines = std::mem::take(&mut *lock(&read));
            if lines.is_empty() {
                return true;
            }
            let (result, promise) = sync_channel(1);
            let lines = Lines { lines, bytes: bytes.load(std::sync::atomic::Ordering::Relaxed) };
            promises.send(promise).is_ok() && jobs.send((lines, result)).is_ok()
        }
    };
    if stream {
        let hand_on = hand_on.clone();
        reader.before_waiting(move || {
            hand_on();
        });
    }
    let mut from = reader.bytes();
    while let Some(line) = reader.next() {
        let bytes = reader.bytes();
        match line {
            Ok(line) => {
                let full = {
                    let mut read = lock(&read);
                    read.push(line);
                    read.len() >= MOST || bytes - from >= MOST_BYTES
                };
                if full {
                    from = bytes;
                    if !hand_on() {
                        return;
                    }
                }
            }
            Err(error) => {
                hand_on();
                let (result, promise) = sync_channel(1);
                let _ = result.send(Err(error.context(name)));
                let _ = promises.send(promise);
                return;
            }
        }
    }
    hand_on();
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read};

    #[derive(Default)]
    struct Counts(Vec<usize>);

    impl Sink<usize> for Counts {
        fn take(&mut self, result: usize) -> Result<()> {
            self.0.push(result);
            Ok(())
        }
        fn idle(&mut self) -> Result<()> {
            Ok(())
        }
    }

    /// How many records each job has.
    fn jobs(input: impl Read + Send + 'static, stream: bool) -> (Vec<usize>, Result<()>) {
        let work = |lines: Lines| Ok(lines.lines.len());
        let mut counts = Counts::default();
        let ended = in_order(Reader::new(input, None).unwrap(), "data".into(), stream, vec![work; 2], &mut counts);
        (counts.0, ended)
    }

    #[test]
    fn a_job_of_a_file_is_bounded_by_records_and_by_bytes() {
        let text = |cell: usize, n: usize| Cursor::new(format!("a\n{}", format!("{}\n", "7".repeat(cell)).repeat(n)));
        let (counts, ended) = jobs(text(100, 10_000), false);
        assert!(ended.is_ok());
        assert_eq!(counts, [4096, 4096, 10_000 - 2 * 4096]);
        let (counts, ended) = jobs(text(100_000, 100), false);
        assert!(ended.is_ok());
        assert_eq!(counts.iter().sum::<usize>(), 100);
        assert!(counts.iter().all(|n| *n <= 12), "{counts:?}");
    }

    /// A source that gives a header and a record, and then stops as a bug would.
    struct Broken(Cursor<&'static str>);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(buffer)? {
                0 => panic!("a bug of the source"),
                n => Ok(n),
            }
        }
    }

    #[test]
    fn a_reader_that_stops_is_no_end() {
        for stream in [false, true] {
            let (_, ended) = jobs(Broken(Cursor::new("a\n1\n")), stream);
            assert!(ended.unwrap_err().to_string().contains("a thread stopped"));
        }
    }
}

//! Records through several threads and out in order.
//!
//! One thread reads, some work, the caller's takes what they made in the order of the records. What is on the way is bounded; and no record waits
//! for more of them than the source has: before it is asked again, what it gave is handed on.

use crate::data::{Line, Reader};
use crate::error::{Error, ErrorKind, Result};
use crate::math::BLOCK;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Most records handed on together.
const MOST: usize = 4096;

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
    thread::Builder::new().spawn(move || read(reader, &name, jobs, promises))?;
    loop {
        let promise = match results.try_recv() {
            Ok(promise) => promise,
            Err(TryRecvError::Disconnected) => return Ok(()),
            Err(TryRecvError::Empty) => {
                if stream {
                    sink.idle()?;
                }
                let Ok(promise) = results.recv() else { return Ok(()) };
                promise
            }
        };
        let stopped = |_| Error::new(ErrorKind::Io, "a thread stopped before its answers were there");
        sink.take(promise.recv().map_err(stopped)??)?;
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
    reader.before_waiting({
        let hand_on = hand_on.clone();
        move || {
            hand_on();
        }
    });
    for line in reader.by_ref() {
        match line {
            Ok(line) => {
                let full = {
                    let mut read = lock(&read);
                    read.push(line);
                    read.len() >= MOST
                };
                if full && !hand_on() {
                    return;
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

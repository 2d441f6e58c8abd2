//! Fits what it is asked to, and says what that cost: the library's side of `training.py`.
//!
//! A JSON object per line on standard input, one per line on standard output; see [`Ask`] and [`Answer`]. Numbers come from
//! files of little-endian doubles, so that no parsing is measured; the clock runs over [`Params::fit`] alone. Linux only: times and memory come from
//! `/proc/self`.

use hedgerow::train::config::ModelKind;
use hedgerow::train::{Params, Problem};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fs;
use std::io::{BufRead, Write};
use std::time::Instant;

/// What to fit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// rows x columns; a matrix that is generated instead where it begins with `generate:`, then rows.
    x: String,
    /// A class per row.
    y: String,
    columns: usize,
    classes: usize,
    /// Number of levels of each column that holds level indices.
    #[serde(default)]
    levels: Vec<Option<usize>>,
    #[serde(rename = "type")]
    kind: ModelKind,
    parameters: Map<String, Value>,
    /// Rows for early stopping.
    #[serde(default)]
    validation: Option<(String, String)>,
    seed: u64,
    threads: usize,
    /// Rows to answer, and where the probabilities go.
    #[serde(default)]
    predict: Option<(String, String)>,
}

/// What it cost.
#[derive(Serialize)]
struct Answer {
    /// Seconds of all threads.
    cpu: f64,
    /// Seconds that passed.
    wall: f64,
    /// Bytes that the process grew by at most while it fitted.
    memory: u64,
    rounds: Option<usize>,
    notes: Vec<String>,
    /// Of the model, written out.
    sha256: String,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

fn doubles(path: &str) -> Outcome<Vec<f64>> {
    let bytes = fs::read(path).map_err(|e| format!("{path}: {e}"))?;
    let (words, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(format!("{path} is not made of doubles").into());
    }
    Ok(words.iter().map(|w| f64::from_le_bytes(*w)).collect())
}

fn matrix(path: &str, columns: usize) -> Outcome<Array2<f64>> {
    let values = doubles(path)?;
    Array2::from_shape_vec((values.len() / columns, columns), values).map_err(|e| format!("{path}: {e}").into())
}

fn classes(path: &str) -> Outcome<Vec<usize>> {
    Ok(doubles(path)?.into_iter().map(|v| v as usize).collect())
}

/// Seconds that all threads have worked.
fn cpu() -> Outcome<f64> {
    let mut total = 0;
    for task in fs::read_dir("/proc/self/task")? {
        let line = fs::read_to_string(task?.path().join("schedstat"))?;
        total += line.split_whitespace().next().ok_or("schedstat is empty")?.parse::<u64>()?;
    }
    Ok(total as f64 / 1e9)
}

/// A line of `/proc/self/status`, in bytes.
fn status(name: &str) -> Outcome<u64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|l| l.strip_prefix(name)).ok_or("no such line")?;
    let kilobytes: u64 = line.trim_start_matches(':').trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

/// Numbers from a fixed seed, and a class that follows some of them: rows that no file holds.
fn generated(rows: usize, columns: usize) -> (Array2<f64>, Vec<usize>) {
    let mut state = 42u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    let x = Array2::from_shape_simple_fn((rows, columns), &mut next);
    let y = x
        .rows()
        .into_iter()
        .map(|r| usize::from(r[0] + r[1] * r[2] + 0.5 * r[3] * f64::from(r[4] > 0.0) > 0.3 * next()))
        .collect();
    (x, y)
}

fn answer(line: &str) -> Outcome<Answer> {
    let ask: Ask = serde_json::from_str(line)?;
    let (x, y) = match ask.x.strip_prefix("generate:") {
        Some(rows) => generated(rows.parse()?, ask.columns),
        None => (matrix(&ask.x, ask.columns)?, classes(&ask.y)?),
    };
    let weight = vec![1.0; y.len()];
    let levels = if ask.levels.is_empty() { vec![None; ask.columns] } else { ask.levels };
    let problem = Problem { x: x.view(), y: &y, n_classes: ask.classes, weight: &weight, levels: &levels };
    let held = match &ask.validation {
        Some((x, y)) => Some((matrix(x, ask.columns)?, classes(y)?)),
        None => None,
    };
    let held_weight = vec![1.0; held.as_ref().map_or(0, |h| h.1.len())];
    let validation = held.as_ref().map(|(x, y)| Problem { x: x.view(), y, weight: &held_weight, ..problem });
    let params = Params::new(ask.kind, &ask.parameters)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(ask.threads).build()?;
    // Forgets the peak so far.
    fs::write("/proc/self/clear_refs", "5")?;
    let before = status("VmRSS")?;
    let (cpu_before, clock) = (cpu()?, Instant::now());
    let fitted = pool.install(|| params.fit(&problem, validation.as_ref(), ask.seed, &()))?;
    let (wall, cpu_after) = (clock.elapsed().as_secs_f64(), cpu()?);
    let memory = status("VmHWM")?.saturating_sub(before);
    if let Some((path, out)) = &ask.predict {
        let rows = matrix(path, ask.columns)?;
        fs::write(out, probabilities(&fitted.model, rows.view(), ask.classes))?;
    }
    let sha256 = Sha256::digest(format!("{:?}", fitted.model)).iter().map(|b| format!("{b:02x}")).collect();
    Ok(Answer { cpu: cpu_after - cpu_before, wall, memory, rounds: fitted.rounds, notes: fitted.notes, sha256 })
}

fn probabilities(model: &hedgerow::model::Model, x: ArrayView2<'_, f64>, classes: usize) -> Vec<u8> {
    let mut p = vec![0.0; classes];
    let rows = x.rows().into_iter().flat_map(|row| {
        model.predict_proba(&row.to_vec(), &mut p);
        p.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()
    });
    rows.collect()
}

fn main() -> Outcome<()> {
    for line in std::io::stdin().lock().lines() {
        let reply = match answer(&line?) {
            Ok(answer) => serde_json::to_string(&answer)?,
            Err(e) => serde_json::json!({ "error": e.to_string() }).to_string(),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{reply}")?;
        out.flush()?;
    }
    Ok(())
}

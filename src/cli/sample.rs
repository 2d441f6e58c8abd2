//! `hedgerow sample`: data sets to try things on, made from a seed.

use super::{Outcome, output::Output};
use crate::error::Result;
use std::path::PathBuf;

/// Write a made-up data set as CSV, the same for the same seed
#[derive(clap::Args)]
pub struct Args {
    /// Which data set
    #[arg(value_enum)]
    set: Set,
    /// How many rows
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rows: u32,
    /// The seed
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Where to write to; `-` is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Set {
    /// Projects and whether they became an innovation
    Innovation,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let mut out = Output::create(&args.out)?;
    match args.set {
        Set::Innovation => crate::data::sample::innovation(args.rows as usize, args.seed, &mut out)?,
    }
    out.finish()?;
    Ok(Outcome::Fine)
}

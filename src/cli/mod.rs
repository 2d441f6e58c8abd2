//! The command line: what was typed to what is meant.
//!
//! This file is the table of contents: the commands, and what their outcomes mean to a shell. Each command has a file of its
//! own. Results go to standard output, what is told on the way to standard error, so a pipe carries results alone.

mod answer;
mod bind;
mod completions;
mod export;
mod import;
mod inspect;
mod model;
mod output;
mod predict;
mod sample;
mod stream;
mod train;
mod types;
mod verify;

use crate::error::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Trains a tabular classifier natively, into one small file that answers anywhere with the same bits.
#[derive(Parser)]
#[command(name = "hedgerow", version, about, max_term_width = 110)]
#[command(
    after_help = "Exit codes: 0 fine; 1 the answer is no (a record was rejected, a file is not sound, an import answers otherwise); 2 an error."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Train(train::Args),
    Import(import::Args),
    Predict(predict::Args),
    Inspect(inspect::Args),
    Verify(verify::Args),
    Types(types::Args),
    Bind(bind::Args),
    Export(export::Args),
    Sample(sample::Args),
    Completions(completions::Args),
}

/// How a command that ran to its end came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing to object to: exit code 0.
    Fine,
    /// The answer is no: exit code 1.
    No,
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    output::remove_unfinished_files_when_interrupted();
    match dispatch(cli.command) {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::No) => ExitCode::from(1),
        Err(error) => {
            output::say_error(&error);
            ExitCode::from(2)
        }
    }
}

fn dispatch(command: Command) -> Result<Outcome> {
    match command {
        Command::Train(args) => train::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Types(args) => types::run(&args),
        Command::Bind(args) => bind::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Sample(args) => sample::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}

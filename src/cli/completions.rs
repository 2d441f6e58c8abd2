//! `hedgerow completions`: tab completion for a shell.

use super::{Cli, Outcome, output};
use crate::error::Result;
use clap::CommandFactory;
use std::io::Write;

/// Print a completion script for a shell
///
/// For bash: hedgerow completions bash > ~/.local/share/bash-completion/completions/hedgerow
#[derive(clap::Args)]
pub struct Args {
    /// The shell to complete in
    shell: clap_complete::Shell,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hedgerow", &mut script);
    output::stdout().write_all(&script)?;
    Ok(Outcome::Fine)
}

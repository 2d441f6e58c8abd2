//! The `hedgerow` command.
fn main() -> std::process::ExitCode {
    hedgerow::cli::run()
}

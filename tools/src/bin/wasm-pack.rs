//! wasm-pack's command line, without its look for a newer release.
use clap::Parser;

fn main() {
    env_logger::init();
    let args = wasm_pack::Cli::parse();
    wasm_pack::PBAR.set_log_level(args.log_level);
    if args.quiet {
        wasm_pack::PBAR.set_quiet(true);
    }
    if let Err(error) = wasm_pack::command::run_wasm_pack(args.cmd) {
        eprintln!("error: {error:#}");
        std::process::exit(1);
    }
}

//! Compares the crate `cpu` with the processor of this machine on as many random cases as wished.
//!
//! `cargo run -p tests --release --bin silicon -- --cases 10000000 --seed 1`

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser;
use tests::silicon::campaign;
use tests::silicon::corpus;

/// Random cases on this machine's processor and on the emulated 80386, compared.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many cases
    #[arg(long, default_value_t = 1_000_000)]
    cases: u64,
    /// The number of the first case
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Another seed, other cases
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the cases that agree, with what the silicon made of them, to this file
    #[arg(long)]
    record: Option<PathBuf>,
    /// Tells which instructions ended the cases, too
    #[arg(long)]
    mnemonics: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let kept = Mutex::new(Vec::new());
    let is_recording = arguments.record.is_some();
    let keep = |number: u64, case: &_, outcome: &_| {
        if is_recording && let Ok(mut kept) = kept.lock() {
            kept.push((number, corpus::write(case, outcome)));
        }
    };
    let numbers = arguments.first..arguments.first.saturating_add(arguments.cases);
    let report = match campaign::run(arguments.seed, numbers, &keep) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    print!("{report}");
    if arguments.mnemonics {
        for (mnemonic, count) in &report.mnemonics {
            println!("{count:>10}  {mnemonic}");
        }
    }
    if let Some(path) = arguments.record {
        let mut kept = kept.into_inner().unwrap_or_default();
        kept.sort();
        let lines = kept.into_iter().map(|(_, line)| line + "\n");
        let head = format!(
            "# Cases of seed {:x} on real silicon; the format is in tests/src/silicon/corpus.rs.\n",
            arguments.seed
        );
        let text: String = std::iter::once(head).chain(lines).collect();
        if let Err(error) = fs::write(&path, text) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    if report.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

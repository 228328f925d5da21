//! The program `sundown`.

use std::process::ExitCode;

fn main() -> ExitCode {
    sundown::cli::main(std::env::args_os()).into()
}

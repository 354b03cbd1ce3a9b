//! The project's own chores: `cargo xtask demo`, `test`, `sweep`, `header`, `sanitize`, `shim-suites`,
//! `install`, `structure`, `layout`, `bits`, `corpora`, `tokens`.

mod bits;
mod corpora;
mod demo;
mod header;
mod install;
mod layout;
mod sanitize;
mod setup;
mod shim_suites;
mod structure;
mod sweep;
mod test;
mod tokens;
mod work;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Shows the whole job on a throw-away token: list, renew, install, prove
    Demo {
        /// Keep the folder and print the commands to go on by hand
        #[arg(long)]
        keep: bool,
        /// Show 「USBトークンへの更新」 instead: the old certificate is in a file and in a browser's profile, the token is empty
        #[arg(long)]
        onto_token: bool,
    },
    /// Installs what the tests need, then runs every check and every test
    Test {
        /// Only these steps; without any, all of them
        #[arg(value_name = "STEP")]
        steps: Vec<String>,
        /// List the steps and do nothing
        #[arg(long)]
        list: bool,
    },
    /// Runs the whole fault sweep, or with `--case NAME` one case again; `-- --help` lists the options
    Sweep {
        /// Passed on to the sweep
        #[arg(value_name = "OPTION", trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Makes include/usbtoken.h from the crate usbtoken-ffi
    Header {
        /// Write nothing; fail when the header differs or an item has no documentation
        #[arg(long)]
        check: bool,
    },
    /// Runs the C tests on a library whose Rust code has AddressSanitizer
    Sanitize,
    /// Runs the test suites of others on a driver without the shim and through it, and compares their verdicts
    ShimSuites(shim_suites::Options),
    /// Installs the C library: shared and static, header, pkg-config file, CMake package
    Install(install::Options),
    /// Runs a 64-bit program with a 32-bit driver, and the other way: with Debian's i386 packages, unpacked beneath target/
    Bits,
    /// Checks the layout of the C types of PKCS#11 for 32 and 64 bits, Linux and Windows
    Layout,
    /// Reads other projects' test certificates and compares with openssl
    Corpora(corpora::Options),
    /// Keeps the promises on every PKCS#11 implementation that this machine can bring up
    Tokens(tokens::Options),
    /// Measures how the source hangs together: modules, imports, public items, what nothing emits
    Structure(structure::Options),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().chore {
        Chore::Demo { keep, onto_token } => demo::run(keep, onto_token),
        Chore::Sweep { words } => sweep::run(&words),
        Chore::Test { steps, list } => test::run(&steps, list),
        Chore::Header { check } => header::run(check),
        Chore::Sanitize => sanitize::run(),
        Chore::ShimSuites(options) => shim_suites::run(&options),
        Chore::Install(options) => install::run(&options),
        Chore::Bits => bits::run(),
        Chore::Layout => layout::run(),
        Chore::Corpora(options) => corpora::run(&options),
        Chore::Tokens(options) => tokens::run(&options),
        Chore::Structure(options) => structure::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("\nxtask: {problem}");
            ExitCode::FAILURE
        }
    }
}

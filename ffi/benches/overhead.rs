//! What a renewal with P-256 costs from C, from Rust and for a C program by hand that does the least it can: calls, logins,
//! and the time of whole processes, in turns. Also what the shared library weighs: `cargo bench -p usbtoken-ffi`.

#[path = "../tests/common/mod.rs"]
mod common;

use std::process::Command;
use std::time::Duration;

use common::ways::{Programs, Way, renew_when_told_to};
use common::{libraries, root, succeed};

const ROUNDS: usize = 15;

fn main() {
    if renew_when_told_to() {
        return;
    }
    renewals();
    library();
}

fn renewals() {
    let programs = Programs::compile();
    let mut times = Way::ALL.map(|_| Vec::new());
    let mut of_the_ca = Vec::new();
    for _ in 0..ROUNDS {
        for (way, times) in Way::ALL.into_iter().zip(&mut times) {
            let (whole, ca) = programs.time(way);
            times.push(whole);
            of_the_ca.push(ca);
        }
    }
    let ca = median(of_the_ca);
    println!(
        "A renewal with P-256, median of {ROUNDS}, whole processes; the CA's program takes {ca:.1?} of each:"
    );
    let mut least: Option<(usize, f64)> = None;
    for (way, times) in Way::ALL.into_iter().zip(times) {
        let (calls, time) = (programs.calls(way), median(times));
        let logins = calls.iter().filter(|name| *name == "C_Login").count();
        let own = time.saturating_sub(ca).as_secs_f64();
        let (least_calls, least_own) = *least.get_or_insert((calls.len(), own));
        println!(
            "{:5} {:3} calls ({:.2}), {logins} login, {time:6.1?}, without the CA {:5.1} ms ({:.2})",
            format!("{way:?}"),
            calls.len(),
            calls.len() as f64 / least_calls as f64,
            own * 1e3,
            own / least_own,
        );
    }
}

fn library() {
    let folder = tempfile::tempdir().unwrap();
    let library = libraries().join("libusbtoken_ffi.so");
    let stripped = folder.path().join("libusbtoken.so");
    succeed(Command::new("strip").arg("-o").arg(&stripped).arg(&library).output().unwrap(), "strip");
    let size = std::fs::metadata(&stripped).unwrap().len();
    println!("The shared library: {size} bytes stripped");

    let program = folder.path().join("load");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O2"]).arg(root().join("ffi/benches/load.c"));
    succeed(compiler.args(["-ldl", "-o"]).arg(&program).output().unwrap(), "load.c");
    let load = || {
        let printed = Command::new(&program).arg(&stripped).output().unwrap();
        Duration::from_nanos(succeed(printed, "load").trim().parse().unwrap())
    };
    println!(
        "Loading it (dlopen, nothing deferred), median of {ROUNDS}: {:.2?}",
        median((0..ROUNDS).map(|_| load()).collect())
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

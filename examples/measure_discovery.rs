//! Measures what finding drivers and listing certificates cost; the numbers in docs/discovery.md are from here.
//!
//! ```sh
//! cargo run --quiet --example measure_discovery
//! ```
//!
//! Needs SoftHSM. It runs itself again, once for each row, because the driver shim and SoftHSM read their
//! configuration once a process.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use usbtoken::catalogue::Machine;
use usbtoken::discovery::candidates::SearchPaths;
use usbtoken::discovery::p11kit;
use usbtoken::{Finder, TokenUri};
use usbtoken_testkit::{Kind, SoftToken, TestCa, common_name, days_from_now, shim, softhsm_module};

/// Runs of each row; the median is printed.
const RUNS: usize = 7;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => measure_all(),
        ["find", folder] => find(Path::new(folder)),
        ["list", module, uri] => list(module, uri),
        _ => panic!("usage: measure_discovery"),
    }
}

fn measure_all() {
    let soft = SoftToken::fresh();
    println!("entries | installed | one sleeps | median | C_* calls");
    for (entries, installed, sleep) in [
        (1, 1, 0),
        (10, 1, 0),
        (50, 1, 0),
        (10, 10, 0),
        (50, 50, 0),
        (1, 1, 2_000),
        (10, 10, 2_000),
        (50, 50, 2_000),
    ] {
        let row = catalogue(&soft, entries, installed, sleep);
        println!("{entries:7} | {installed:9} | {sleep:7} ms | {:>6} | {}", millis(row.0), row.1);
    }
    println!("\ncertificates | median | C_* calls | calls - n | ms per certificate");
    for count in [10, 100, 1_000] {
        certificates(count);
    }
}

/// A user's list with that many drivers, of which the first is the shim in front of SoftHSM.
fn catalogue(soft: &SoftToken, entries: usize, installed: usize, sleep: u64) -> (Duration, usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut list = String::new();
    for number in 0..entries {
        let path = match number {
            0 => shim(),
            _ => folder.path().join(format!("libdriver{number}.so")),
        };
        if number > 0 && number < installed {
            std::fs::copy(softhsm_module(), &path).expect("a copy of SoftHSM");
        }
        writeln!(list, "[[driver]]\nname = \"{number}\"\npath = \"{}\"", path.display()).expect("a String");
    }
    std::fs::write(folder.path().join("drivers.toml"), list).expect("the list");
    let trace = folder.path().join("trace.jsonl");
    let run = |variables: &[(&str, &str)]| {
        let mut command = this_program(soft);
        command.arg("find").arg(folder.path()).env("USBTOKEN_SHIM_DRIVER", softhsm_module());
        command.env("USBTOKEN_SHIM_DELAYS", format!("C_Initialize={sleep}")).envs(variables.iter().copied());
        took(&mut command)
    };
    let median = median((0..RUNS).map(|_| run(&[])).collect());
    run(&[("USBTOKEN_SHIM_TRACE", trace.to_str().expect("a path in UTF-8"))]);
    (median, calls(&trace))
}

/// Searches with that folder as the only place, and prints the microseconds.
fn find(folder: &Path) {
    let places = SearchPaths {
        machine: Machine { multiarch: "nowhere".into(), ..Machine::current() },
        user_file: Some(folder.join("drivers.toml")),
        p11kit: p11kit::Folders::default(),
        ..SearchPaths::usual()
    };
    let begin = Instant::now();
    let found = Finder::new().search_paths(places).trust_any_owner().tokens().expect("a driver");
    let took = begin.elapsed();
    assert_eq!(found.tokens.len(), 1, "{:?}", found.skipped);
    println!("{}", took.as_micros());
}

/// A token with that many certificates.
fn certificates(count: usize) {
    let soft = SoftToken::fresh();
    let ca = TestCa::of_kind(Kind::P256);
    let first = soft.first_credential(&ca, Kind::P256, days_from_now(11));
    let issued: Vec<Vec<u8>> = (1..count)
        .map(|_| ca.issue(&first.subject, &first.spki).not_after(days_from_now(200)).der())
        .collect();
    soft.inspect(|inspector| {
        for (number, der) in issued.iter().enumerate() {
            inspector.write_certificate(der, &number.to_be_bytes(), &common_name(der));
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace.jsonl");
    let run = |module: PathBuf, variables: &[(&str, &Path)]| {
        let mut command = this_program(&soft);
        command.arg("list").arg(module).arg(soft.uri()).envs(variables.iter().copied());
        took(&mut command)
    };
    let median = median((0..RUNS).map(|_| run(softhsm_module(), &[])).collect());
    let softhsm = softhsm_module();
    run(shim(), &[("USBTOKEN_SHIM_DRIVER", softhsm.as_path()), ("USBTOKEN_SHIM_TRACE", trace.as_path())]);
    let calls = calls(&trace);
    let each = median.as_secs_f64() * 1_000.0 / count as f64;
    println!(
        "{count:12} | {:>6} | {calls:9} | {:9} | {each:.3}",
        millis(median),
        calls.saturating_sub(count)
    );
    assert!(calls <= count + 20, "more calls than n + 20");
}

/// Lists as `usbtoken list` does, from the load of the driver on, and prints the microseconds.
fn list(module: &str, uri: &str) {
    let uri: TokenUri = uri.parse().expect("a URI");
    let begin = Instant::now();
    let token = Finder::new().module(module).find(&uri).expect("the token");
    let count = token.credentials().expect("certificates").iter().count();
    drop(token);
    let took = begin.elapsed();
    assert!(count > 0);
    println!("{}", took.as_micros());
}

fn this_program(soft: &SoftToken) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the path of this program"));
    command.envs(soft.env());
    command
}

fn took(command: &mut Command) -> Duration {
    let output = command.output().expect("this program again");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    Duration::from_micros(text.trim().parse().expect("microseconds"))
}

/// Every call that the shim wrote down, those before C_Initialize included; the first line says who writes.
fn calls(trace: &Path) -> usize {
    let text = std::fs::read_to_string(trace).expect("the trace");
    text.lines().filter(|line| line.contains("\"fn\":")).count()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}

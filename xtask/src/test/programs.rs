//! The test programs of the workspace, several at a time: most of their time they wait for a driver's deadline or a key.

use std::collections::{BTreeSet, VecDeque};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::work::{self, Done};

/// What takes longest begins first, so that it is not waited for alone at the end.
const FIRST: &[&str] = &["hosted", "sweep", "odd_drivers", "install", "hosts", "fuzz"];

/// At most so many at a time: some of them measure how a driver's calls overlap.
const MOST: usize = 2;

/// One call of `cargo test` and what became of it.
struct Ran {
    arguments: Vec<String>,
    passed: bool,
    time: Duration,
}

/// Runs them all, to the end also where one fails. What each prints comes whole, after it has ended.
pub fn run() -> Done {
    let waiting = Mutex::new(calls(&targets()?)?);
    let ended = Mutex::new(Vec::new());
    let at_a_time = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..at_a_time).map(|_| scope.spawn(|| work_off(&waiting, &ended))).collect();
        workers.into_iter().try_for_each(|one| one.join().unwrap_or(Err("a worker ended".to_owned())))
    })?;
    let ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
    let failed: Vec<String> =
        ended.iter().filter(|ran| !ran.passed).map(|ran| ran.arguments.join(" ")).collect();
    println!("\nthe longest of {}:", ended.len());
    let mut by_time: Vec<&Ran> = ended.iter().collect();
    by_time.sort_by_key(|ran| std::cmp::Reverse(ran.time));
    for ran in by_time.iter().take(8) {
        println!("{:7.1} s  {}", ran.time.as_secs_f64(), ran.arguments.join(" "));
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("not passed: {}", failed.join(", "))) }
}

/// Takes the next one until there is none.
fn work_off(waiting: &Mutex<VecDeque<Vec<String>>>, ended: &Mutex<Vec<Ran>>) -> Done {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(arguments) = next else { return Ok(()) };
        let begin = Instant::now();
        let mut command = work::cargo();
        command.args(["test", "--workspace"]).args(&arguments).stdin(Stdio::null());
        let line = work::shown(&command);
        let output = command.output().map_err(|error| format!("`{line}` cannot be started: {error}"))?;
        let (time, passed) = (begin.elapsed(), output.status.success());
        let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
        println!(
            "\n-- {line}: {} in {:.1} s\n{}{}",
            if passed { "passed" } else { "FAILED" },
            time.as_secs_f64(),
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        );
        ended.push(Ran { arguments, passed, time });
    }
}

/// The names of the workspace's test programs.
fn targets() -> Done<BTreeSet<String>> {
    let text = work::output(work::cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
    let each = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let targets = each(&metadata, "packages").into_iter().flat_map(|package| each(&package, "targets"));
    let is_test = |target: &Value| target["kind"] == serde_json::json!(["test"]);
    let names = targets.filter(is_test).filter_map(|target| target["name"].as_str().map(str::to_owned));
    Ok(names.collect())
}

/// The arguments of each call, in the order in which they begin.
fn calls(names: &BTreeSet<String>) -> Done<VecDeque<Vec<String>>> {
    if let Some(gone) = FIRST.iter().find(|name| !names.contains(**name)) {
        return Err(format!("there is no test program `{gone}` to begin with"));
    }
    let rest = names.iter().map(String::as_str).filter(|name| !FIRST.contains(name));
    let named = |name: &str| vec!["--test".to_owned(), name.to_owned()];
    let others = ["--lib", "--bins", "--doc"].map(|kind| vec![kind.to_owned()]);
    let first = FIRST.iter().map(|name| named(name));
    Ok(first.chain(others).chain(rest.map(named)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every test program of the workspace is called, once.
    #[test]
    fn every_program_is_called_once() {
        let names = targets().expect("Cargo knows its workspace");
        assert!(names.contains("sweep") && names.contains("users"), "{names:?}");
        let calls = calls(&names).expect("what begins first is there");
        let called: Vec<&String> = calls.iter().filter_map(|words| words.get(1)).collect();
        assert_eq!(called.len(), names.len());
        assert_eq!(called.into_iter().collect::<BTreeSet<_>>(), names.iter().collect());
        let kinds: Vec<&String> = calls.iter().filter(|words| words.len() == 1).flatten().collect();
        assert_eq!(kinds, ["--lib", "--bins", "--doc"]);
    }

    /// A name that is gone is an error and not a program that is not run.
    #[test]
    fn a_first_one_that_is_gone_is_an_error() {
        assert!(calls(&BTreeSet::from(["sweep".to_owned()])).is_err());
    }
}

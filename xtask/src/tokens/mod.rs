//! `cargo xtask tokens`: the promises on every implementation of PKCS#11 that this machine can bring up.
//!
//! `hardware-tests/tokens/NAME.sh` brings one up in an empty folder and takes it down; what runs on it is the suite of
//! `hardware-tests/`. docs/tokens.md is made of the reports.

mod document;
mod implementation;
mod kryoptic;

use std::fs;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use self::implementation::{IMPLEMENTATIONS, Implementation, may_have_own_view};
use crate::setup;
use crate::work::{self, Done};

/// No implementation and its script may take longer, in seconds.
const LIMIT: &str = "1200";

/// What takes longest begins first.
const LONGEST: &str = "opensc";

/// One renewal of a token with one credential may make at most 1.2 times the 33 calls that it makes on SoftHSM.
const MOST_CALLS: u64 = 39;

/// Where it makes more, with the reason in docs/calls.md: the driver is started anew in the middle, in another host; another token
/// is plugged in that may hold the renewal already.
const DEARER: &[(&str, u64)] = &[("opensc", 49), ("p11-kit-proxy", 44)];

/// Which, and whether the page is written.
#[derive(clap::Args)]
pub struct Options {
    /// Only these; without any, all of them
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// List them and do nothing
    #[arg(long)]
    list: bool,
    /// Write docs/tokens.md from the reports of this run and of earlier ones
    #[arg(long)]
    write: bool,
}

/// Runs the suite on each.
pub fn run(options: &Options) -> Done {
    if options.list {
        IMPLEMENTATIONS.iter().for_each(|one| println!("{:16} {}: {}", one.name, one.what, one.shows));
        return Ok(());
    }
    let is_known = |name: &&String| IMPLEMENTATIONS.iter().any(|one| one.name == **name);
    if let Some(unknown) = options.names.iter().find(|name| !is_known(name)) {
        return Err(format!("there is no implementation `{unknown}`; --list shows them"));
    }
    let is_chosen =
        |one: &&Implementation| options.names.is_empty() || options.names.iter().any(|name| name == one.name);
    let chosen: Vec<&Implementation> = IMPLEMENTATIONS.iter().filter(is_chosen).collect();
    let packages = [
        ["build", "--quiet", "--package", "usbtoken-hardware-tests", "--bins"],
        ["build", "--quiet", "--package", "usbtoken-cli", "--bins"],
    ];
    packages.iter().try_for_each(|words| work::run(work::cargo().args(words)))?;
    // The page has the seconds of each: then nothing runs beside it.
    let at_a_time = if options.write { 1 } else { 2 };
    let (failed, not_run) = run_each(&chosen, at_a_time)?;
    if options.write {
        document::write(IMPLEMENTATIONS)?;
    }
    if !not_run.is_empty() {
        println!("\nNOT RUN on this machine: {}", not_run.join(", "));
    }
    match failed.as_slice() {
        [] => {
            println!(
                "\nevery promise that was tried was kept, on {} implementations",
                chosen.len() - not_run.len()
            );
            Ok(())
        }
        _ => Err(format!("not every promise was kept on: {}", failed.join(", "))),
    }
}

/// Runs the suite on each, so many at a time, and returns where it failed and where it was not run. What it prints comes whole.
fn run_each(chosen: &[&Implementation], at_a_time: usize) -> Done<(Vec<&'static str>, Vec<&'static str>)> {
    let may_have_view = may_have_own_view();
    // They install and build, so one after the other.
    let may_run = |one: &&Implementation| !one.own_view || may_have_view;
    chosen.iter().copied().filter(may_run).try_for_each(|one| setup::ensure(one.needs))?;
    let mut by_time = chosen.to_vec();
    by_time.sort_by_key(|one| one.name != LONGEST);
    let (waiting, ended) = (Mutex::new(by_time.into_iter()), Mutex::new((Vec::new(), Vec::new())));
    // Every token of NSS has the serial number 0, so that two of them are one to the lock of a job.
    let nss = Mutex::new(());
    let work_off = || {
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(one) = next else { return };
            let is_run = may_run(&one);
            let _alone = one.is_nss().then(|| nss.lock().unwrap_or_else(PoisonError::into_inner));
            let begin = Instant::now();
            let kept = if is_run { keep_promises(one) } else { Ok(String::new()) };
            let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
            println!("\n== {}: {}", one.name, one.what);
            if !is_run {
                println!("NOT RUN: it takes root and namespaces");
                ended.1.push(one.name);
                continue;
            }
            match kept {
                Ok(text) => print!("{text}"),
                Err(problem) => {
                    println!("{problem}");
                    ended.0.push(one.name);
                }
            }
            println!("{:16} {:7.1} s", one.name, begin.elapsed().as_secs_f64());
        }
    };
    std::thread::scope(|scope| (0..at_a_time).for_each(|_| drop(scope.spawn(work_off))));
    Ok(ended.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Brings it up in a folder of its own, and runs the suite on it. Returns what that printed.
fn keep_promises(one: &Implementation) -> Done<String> {
    let folder = tempfile::Builder::new().prefix("usbtoken-token-").tempdir();
    let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?;
    let mut command = Command::new("timeout");
    command.args([LIMIT, "sh"]).arg(one.script()).arg(folder.path());
    command.arg(work::programs()?.join("promises")).arg("--yes").arg("--report").arg(one.report()?);
    for kind in one.kinds {
        command.args(["--key", kind]);
    }
    for (promise, why) in one.impossible {
        command.arg("--impossible").arg(format!("{promise}={why}"));
    }
    if one.needs.iter().any(|need| need.package == kryoptic::NEEDS) {
        command.env("KRYOPTIC", kryoptic::module()?);
    }
    command.env("CARD", work::programs()?.join("card"));
    let _ = fs::remove_file(one.report()?);
    let printed = work::output(&mut command)?;
    let report = one.last().ok_or("there is no report")?;
    let renewed = report["renewed"].as_array().into_iter().flatten();
    let limit = DEARER.iter().find(|(name, _)| *name == one.name).map_or(MOST_CALLS, |(_, calls)| *calls);
    let dear = renewed.filter_map(|one| one["calls"].as_u64()).find(|calls| *calls > limit);
    dear.map_or(Ok(printed), |calls| Err(format!("a renewal made {calls} calls, and {limit} is the limit")))
}

//! `cargo xtask test`: the steps, as data, and how they are run.

mod programs;

use std::process::Command;
use std::time::Instant;

use crate::setup;
use crate::work::{self, Done};

/// One thing to do: a call of Cargo.
struct Step {
    name: &'static str,
    /// Cargo's arguments.
    cargo: &'static [&'static str],
    /// Environment variables.
    env: &'static [(&'static str, &'static str)],
}

/// The step that runs the test programs, after Cargo has built them.
const TEST: &str = "test";

/// The step that plays several users, as root in a mount namespace. Not every machine grants that; then it is not run, and
/// the closing lines say so.
const USERS: &str = "users";

/// In this order. The tests come last: their closing lines are what a reader searches for.
const STEPS: &[Step] = &[
    Step { name: "format", cargo: &["fmt", "--all", "--check"], env: &[] },
    Step {
        name: "lint",
        cargo: &["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"],
        env: &[],
    },
    Step {
        name: "docs",
        cargo: &["doc", "--quiet", "--workspace", "--lib", "--no-deps"],
        env: &[("RUSTDOCFLAGS", "-D warnings")],
    },
    Step {
        name: "header",
        cargo: &["run", "--quiet", "--package", "xtask", "--", "header", "--check"],
        env: &[],
    },
    // What tests would build while they run; here the time it takes is seen.
    Step {
        name: "shim",
        cargo: &[
            "build",
            "--package",
            "usbtoken-shim",
            "--features",
            "faults",
            "--target-dir",
            "target/faults",
        ],
        env: &[],
    },
    // The short ones; the rest takes minutes and comes from PyPI.
    Step {
        name: "suites",
        cargo: &["run", "--quiet", "--package", "xtask", "--", "shim-suites", "--debug", "nss", "ssh"],
        env: &[],
    },
    Step { name: "sanitize", cargo: &["run", "--quiet", "--package", "xtask", "--", "sanitize"], env: &[] },
    Step {
        name: "corpora",
        cargo: &["run", "--quiet", "--package", "xtask", "--", "corpora", "--few"],
        env: &[],
    },
    Step { name: "tokens", cargo: &["run", "--quiet", "--package", "xtask", "--", "tokens"], env: &[] },
    Step {
        name: USERS,
        cargo: &["test", "--package", "usbtoken", "--test", "users", "--", "--ignored"],
        env: &[],
    },
    Step { name: TEST, cargo: &["test", "--workspace", "--no-run"], env: &[] },
];

/// Runs the named steps, or all.
pub fn run(only: &[String], list: bool) -> Done {
    if list {
        for step in STEPS {
            let then = if step.name == TEST { ", then each program, two at a time" } else { "" };
            println!("{:8} cargo {}{then}", step.name, step.cargo.join(" "));
        }
        return Ok(());
    }
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        return Err(format!("there is no step `{unknown}`; there are: {}", names.join(", ")));
    }
    setup::ensure(setup::TESTS)?;
    setup::ensure_components()?;
    let chosen = STEPS.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name));
    let start = Instant::now();
    let (mut times, mut not_run) = (Vec::new(), Vec::new());
    for step in chosen {
        println!("\n== {}: cargo {}", step.name, step.cargo.join(" "));
        if step.name == USERS && !may_play_users() {
            println!("NOT RUN: it takes root, or sudo without a password, and a mount namespace");
            not_run.push(step.name);
            continue;
        }
        let begin = Instant::now();
        work::run(work::cargo().args(step.cargo).envs(step.env.iter().copied()))
            .and_then(|()| if step.name == TEST { programs::run() } else { Ok(()) })
            .map_err(|problem| format!("step `{}`: {problem}", step.name))?;
        times.push((step.name, begin.elapsed()));
    }
    println!();
    for (name, time) in times {
        println!("{name:8} {:7.1} s", time.as_secs_f64());
    }
    for name in &not_run {
        println!("{name:8} NOT RUN on this machine");
    }
    let passed = if not_run.is_empty() { "everything passed" } else { "everything that was run passed" };
    println!("{:8} {:7.1} s, {passed}", "total", start.elapsed().as_secs_f64());
    Ok(())
}

fn may_play_users() -> bool {
    let command = "unshare --mount --propagation private true";
    let script = format!("if [ $(id -u) = 0 ]; then {command}; else sudo -n {command}; fi");
    let tried = Command::new("sh").args(["-c", &script]).output();
    tried.is_ok_and(|done| done.status.success())
}

//! The test programs of the workspace, several at a time: most of their time they wait for a driver's deadline or a key.
//!
//! They are run as Cargo built them and not through Cargo, which would build something anew for each of them.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::work::{self, Done};

/// What takes longest begins first, so that it is not waited for alone at the end.
const FIRST: &[&str] = &["hosted", "sweep", "odd_drivers", "install", "hosts", "fuzz"];

/// At most so many at a time: some of them measure how a driver's calls overlap.
const MOST: usize = 2;

/// What tests run besides the programs that Cargo builds with them.
const BESIDE: &[&[&str]] =
    &[&["build", "--package", "usbtoken-shim", "--features", "faults", "--target-dir", "target/faults"]];

/// One program of tests, or the examples of the documentation.
#[derive(Clone, Debug, PartialEq)]
struct Program {
    name: String,
    run: Run,
}

#[derive(Clone, Debug, PartialEq)]
enum Run {
    /// An executable, run in the folder of its package.
    Built { executable: PathBuf, folder: PathBuf },
    /// Arguments of Cargo.
    ByCargo(&'static [&'static str]),
}

/// What became of one.
struct Ran {
    name: String,
    passed: bool,
    time: Duration,
}

/// Builds what is missing and runs them all, to the end also where one fails. What each prints comes whole, after it has ended.
pub fn run() -> Done {
    for arguments in BESIDE {
        work::run(work::cargo().args(*arguments))?;
    }
    let waiting = Mutex::new(in_order(programs()?)?);
    let ended = Mutex::new(Vec::new());
    let at_a_time = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..at_a_time).map(|_| scope.spawn(|| work_off(&waiting, &ended))).collect();
        workers.into_iter().try_for_each(|one| one.join().unwrap_or(Err("a worker ended".to_owned())))
    })?;
    let ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
    let failed: Vec<&str> = ended.iter().filter(|ran| !ran.passed).map(|ran| ran.name.as_str()).collect();
    println!("\nthe longest of {}:", ended.len());
    let mut by_time: Vec<&Ran> = ended.iter().collect();
    by_time.sort_by_key(|ran| std::cmp::Reverse(ran.time));
    for ran in by_time.iter().take(12) {
        println!("{:7.1} s  {}", ran.time.as_secs_f64(), ran.name);
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("not passed: {}", failed.join(", "))) }
}

/// Takes the next one until there is none.
fn work_off(waiting: &Mutex<VecDeque<Program>>, ended: &Mutex<Vec<Ran>>) -> Done {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(Program { name, run }) = next else { return Ok(()) };
        let begin = Instant::now();
        let output = run.command().stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("{name} cannot be started: {error}"))?;
        let (time, passed) = (begin.elapsed(), output.status.success());
        let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
        println!(
            "\n-- {name}: {} in {:.1} s ({})\n{}{}",
            if passed { "passed" } else { "FAILED" },
            time.as_secs_f64(),
            output.status,
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        );
        ended.push(Ran { name, passed, time });
    }
}

impl Run {
    fn command(&self) -> Command {
        match self {
            Run::Built { executable, folder } => {
                let mut command = Command::new(executable);
                command.current_dir(folder).env("USBTOKEN_TESTS_BUILT", "1");
                command.env("CARGO", work::cargo().get_program());
                command
            }
            Run::ByCargo(arguments) => {
                let mut command = work::cargo();
                command.args(*arguments);
                command
            }
        }
    }
}

/// The programs, as Cargo says where it has built them.
fn programs() -> Done<Vec<Program>> {
    let build = ["test", "--workspace", "--no-run", "--quiet", "--message-format", "json"];
    let said = work::output(work::cargo().args(build))?;
    let lines = said.lines().filter_map(|line| serde_json::from_str(line).ok());
    let programs: Vec<Program> = lines.filter_map(|message: Value| program_of(&message)).collect();
    let metadata = work::output(work::cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value =
        serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    check_all_are_there(&programs, &metadata)?;
    Ok(programs)
}

/// Nothing that has tests may be left out, whatever Cargo prints.
fn check_all_are_there(programs: &[Program], metadata: &Value) -> Done {
    let each = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let targets = each(metadata, "packages").into_iter().flat_map(|package| each(&package, "targets"));
    let names = targets.filter(|target| target["test"] == true).map(|target| name_of(&target));
    let missing: Vec<String> = names
        .map(Option::unwrap_or_default)
        .filter(|name| programs.iter().all(|program| program.name != *name))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("not built: {}", missing.join(", "))) }
}

/// What a target of Cargo's is called here.
fn name_of(target: &Value) -> Option<String> {
    let (kind, name) = (target["kind"][0].as_str()?, target["name"].as_str()?);
    Some(if kind == "test" { name.to_owned() } else { format!("{name} ({kind})") })
}

/// The program that this message of Cargo's names, if it names one with tests.
fn program_of(message: &Value) -> Option<Program> {
    let is_test = message["reason"] == "compiler-artifact" && message["profile"]["test"] == true;
    let executable = message["executable"].as_str().filter(|_| is_test)?;
    let folder = PathBuf::from(message["manifest_path"].as_str()?).parent()?.to_path_buf();
    let name = name_of(&message["target"])?;
    Some(Program { name, run: Run::Built { executable: executable.into(), folder } })
}

/// In the order in which they begin; the examples of the documentation come last.
fn in_order(programs: Vec<Program>) -> Done<VecDeque<Program>> {
    let (mut first, rest): (Vec<_>, Vec<_>) =
        programs.into_iter().partition(|program| FIRST.contains(&program.name.as_str()));
    if let Some(gone) = FIRST.iter().find(|name| first.iter().all(|program| program.name != **name)) {
        return Err(format!("there is no test program `{gone}` to begin with"));
    }
    first.sort_by_key(|program| FIRST.iter().position(|name| *name == program.name));
    let doc = Program { name: "examples of the documentation".to_owned(), run: Run::ByCargo(DOC) };
    Ok(first.into_iter().chain(rest).chain([doc]).collect())
}

const DOC: &[&str] = &["test", "--quiet", "--workspace", "--doc"];

#[cfg(test)]
mod tests {
    use super::*;

    /// Every test program of the workspace, every library's and every command's own tests are run.
    #[test]
    fn what_has_tests_is_run() {
        let target =
            |kind: &str, name: &str, test| serde_json::json!({"kind": [kind], "name": name, "test": test});
        let targets = [
            target("lib", "usbtoken", true),
            target("test", "sweep", true),
            target("example", "login", false),
        ];
        let metadata = serde_json::json!({"packages": [{"targets": targets}]});
        let built = [program("sweep"), program("usbtoken (lib)")];
        check_all_are_there(&built, &metadata).unwrap();
        assert!(check_all_are_there(&built[..1], &metadata).unwrap_err().contains("usbtoken (lib)"));
    }

    fn program(name: &str) -> Program {
        Program { name: name.to_owned(), run: Run::ByCargo(&[]) }
    }

    #[test]
    fn the_longest_begin_and_nothing_is_left_out() {
        let names = ["a", "fuzz", "hosts", "install", "odd_drivers", "b", "sweep", "hosted"];
        let order: Vec<String> =
            in_order(names.map(program).to_vec()).unwrap().into_iter().map(|program| program.name).collect();
        let expected = ["hosted", "sweep", "odd_drivers", "install", "hosts", "fuzz", "a", "b"];
        assert_eq!(order[..8], expected);
        assert_eq!(order[8..], ["examples of the documentation"]);
    }

    /// A name that is gone is an error and not a program that is not run.
    #[test]
    fn a_first_one_that_is_gone_is_an_error() {
        assert!(in_order(vec![program("sweep")]).is_err());
    }

    /// What Cargo builds for others is not run.
    #[test]
    fn only_tests_are_run() {
        let message = serde_json::json!({
            "reason": "compiler-artifact", "manifest_path": "/w/apps/cli/Cargo.toml", "executable": "/t/usbtoken",
            "target": {"name": "usbtoken", "kind": ["bin"]}, "profile": {"test": false},
        });
        assert_eq!(program_of(&message), None);
        let mut test = message;
        test["profile"]["test"] = true.into();
        let program = program_of(&test).unwrap();
        assert_eq!(program.name, "usbtoken (bin)");
        assert_eq!(
            program.run,
            Run::Built { executable: "/t/usbtoken".into(), folder: "/w/apps/cli".into() }
        );
    }
}

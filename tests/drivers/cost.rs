//! What a process of its own costs a driver: `cargo bench --bench hosted`. Both ways in turn, in one run.

#[path = "../common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use common::{Bank, install};
use usbtoken::{Finder, Pin, Renewal, Run};
use usbtoken_testkit::{Kind, NameDer, SoftKey, Text, command, days_from_now, driver_host, softhsm_module};

const RENEWALS: usize = 41;
const LISTS: usize = 15;
const CERTIFICATES: u16 = 1_000;
const MANY: usize = 1_000;
const NEIGHBOURS: usize = 50;

fn finder(hosted: bool) -> Finder {
    // Built once, and not while it is measured.
    static HOST: OnceLock<PathBuf> = OnceLock::new();
    let finder = Finder::new().module(softhsm_module());
    if hosted { finder.driver_host(HOST.get_or_init(driver_host)) } else { finder.in_process() }
}

/// One renewal of a P-256 key, with an answer that costs nothing.
fn renewal(hosted: bool) -> Duration {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let uri = bank.soft.uri().parse().unwrap();
    let begun = Instant::now();
    let token = finder(hosted).find(&uri).unwrap();
    let session = token.login(Pin::new(bank.soft.pin().into())).unwrap();
    drop(token);
    let old = session.credentials().unwrap().by_id(&bank.old.id).only().unwrap();
    let pending = Renewal::of(&old).begin(&session, &Run::default()).unwrap();
    let mut took = begun.elapsed();
    let answer = bank.certify(&pending);
    let begun = Instant::now();
    drop(install(&session, &answer).unwrap());
    drop((old, pending, session));
    took += begun.elapsed();
    took
}

fn list(bank: &Bank, hosted: bool) -> Duration {
    let begun = Instant::now();
    let token = finder(hosted).find(&bank.soft.uri().parse().unwrap()).unwrap();
    assert!(token.credentials().unwrap().into_iter().count() > usize::from(CERTIFICATES));
    drop(token);
    begun.elapsed()
}

/// C_Initialize, C_GetSlotList, C_GetTokenInfo, C_Finalize: what a search does.
fn search(bank: &Bank, hosted: bool) -> Duration {
    let begun = Instant::now();
    drop(finder(hosted).find(&bank.soft.uri().parse().unwrap()).unwrap());
    begun.elapsed()
}

/// The command, in a folder for its state that has nothing of earlier runs.
fn the_command(state: &Path) -> Command {
    let mut command = Command::new(command());
    command.env("XDG_STATE_HOME", state);
    command
}

/// So many drivers that take 30 ms for each call, each with one token, listed by the command.
fn neighbours(folder: &Path, hosted: bool) -> Duration {
    let mut list = the_command(folder);
    list.args(["list", "--json", "--trust-driver"]).args((!hosted).then_some("--in-process"));
    for number in 0..NEIGHBOURS {
        list.arg("--module").arg(folder.join(format!("libslow{number}.so")));
    }
    let begun = Instant::now();
    assert!(list.env("SLOW_MS", "30").output().unwrap().status.success());
    begun.elapsed()
}

/// A process that lists them: the command, or what does no more than it has to.
fn list_by(program: &mut Command, bank: &Bank) -> Duration {
    let begun = Instant::now();
    let output = program.envs(bank.soft.env()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    begun.elapsed()
}

fn list_command(bank: &Bank, state: &Path, hosted: bool) -> Command {
    let mut list = the_command(state);
    list.args(["list", "--json", "--token", &bank.soft.uri(), "--module"]).arg(softhsm_module());
    list.args((!hosted).then_some("--in-process"));
    list
}

fn compiled(source: &str, program: &Path, how: &[&str]) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drivers").join(source);
    let mut compiler = Command::new("cc");
    let compiler = compiler.args(how).args(["-O2", "-w", "-o"]).arg(program).arg(source);
    assert!(compiler.status().expect("`cargo xtask test` installs cc").success());
}

fn slow_drivers(folder: &Path) {
    let driver = folder.join("libslow.so");
    compiled("slow.c", &driver, &["-shared", "-fPIC"]);
    for number in 0..NEIGHBOURS {
        std::fs::copy(&driver, folder.join(format!("libslow{number}.so"))).unwrap();
    }
}

/// The middle one and the shortest of each way, measured in turn.
fn both(what: &str, times: usize, mut measure: impl FnMut(bool) -> Duration) {
    let mut taken = [Vec::new(), Vec::new()];
    for _ in 0..times {
        for hosted in [false, true] {
            taken[usize::from(hosted)].push(measure(hosted));
        }
    }
    let [here, hosted] = taken.map(|mut taken| {
        taken.sort();
        [taken.len() / 2, 0].map(|at| taken[at].as_secs_f64() * 1e3)
    });
    let [middle, least] = [0, 1].map(|at| hosted[at] / here[at]);
    println!(
        "{what:34} {:8.2} ms {:8.2} ms {middle:6.2}   {:8.2} ms {:8.2} ms {least:6.2}",
        here[0], hosted[0], here[1], hosted[1]
    );
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn children() -> usize {
    let this = std::process::id();
    std::fs::read_to_string(format!("/proc/{this}/task/{this}/children")).unwrap().split_whitespace().count()
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn main() {
    println!(
        "{:34} {:>11} {:>11}  ratio   {:>11} {:>11}  ratio",
        "", "here", "in a host", "least", "in a host"
    );
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    both("search", 25, |hosted| search(&bank, hosted));
    drop(bank);
    let folder = tempfile::tempdir().unwrap();
    slow_drivers(folder.path());
    both("list, 50 drivers, 30 ms a call", 9, |hosted| neighbours(folder.path(), hosted));
    both("renewal, P-256", RENEWALS, renewal);
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    bank.soft.inspect(|inspector| {
        for number in 0..CERTIFICATES {
            let subject = NameDer::new().common(Text::Utf8, &format!("user {number}")).to_der();
            let spki = SoftKey::generate(Kind::P256).spki();
            let issue = bank.ca.issue(&subject, &spki).not_after(days_from_now(200));
            inspector.write_certificate(&issue.der(), &[0x70, (number >> 8) as u8, number as u8], "many");
        }
    });
    both("list, 1,000 certificates", LISTS, |hosted| list(&bank, hosted));
    both("the same, whole processes", LISTS, |hosted| {
        list_by(&mut list_command(&bank, folder.path(), hosted), &bank)
    });
    let least = folder.path().join("list");
    compiled("list.c", &least, &[]);
    both("the least in C, and the command", LISTS, |hosted| match hosted {
        false => list_by(Command::new(&least).arg(softhsm_module()).arg(bank.soft.label()), &bank),
        true => list_by(&mut list_command(&bank, folder.path(), true), &bank),
    });
    drop(bank);

    many_jobs();
}

/// A thousand jobs in one process, three of ten begun and abandoned, the others installed and the old credential removed: each with
/// a driver host of its own.
fn many_jobs() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    for round in 0..=MANY {
        if round % (MANY / 5) == 0 {
            println!(
                "{round:5} jobs: {} kB resident, {} descriptors, {} children, {} objects on the token",
                resident(),
                descriptors(),
                children(),
                bank.soft.snapshot().objects().len()
            );
        }
        let token = finder(true).find(&bank.soft.uri().parse().unwrap()).unwrap();
        let session = token.login(Pin::new(bank.soft.pin().into())).unwrap();
        let credentials = session.credentials().unwrap();
        let old = credentials.into_iter().next().unwrap().clone();
        let pending = Renewal::of(&old).outside_window().begin(&session, &Run::default()).unwrap();
        if round % 10 < 3 {
            let pending = session.pending().unwrap();
            session.abandon(&pending[0], &Run::default()).unwrap();
            continue;
        }
        // Each ends later than the one before, as a CA's do.
        let later = days_from_now(100) + Duration::from_secs(round as u64);
        let answer = bank.ca.issue_for(pending.request().to_der()).not_after(later).der();
        drop(install(&session, &answer).unwrap());
        bank.retire(&session, &old).unwrap();
    }
    assert_eq!(children(), 0, "a host or a zombie is left");
}

//! Drivers beside the one that is meant: none waits for another.
//!
//! The driver shim reads its configuration from the environment once, so each test runs in a process of its own: this
//! program again, with one test that is otherwise ignored.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use usbtoken::discovery::each;
use usbtoken::{Cancel, Code, Finder, Token, TokenUri};
use usbtoken_testkit::{SoftToken, shim, softhsm_module};

/// So long a search would take that waits for a driver that hangs.
const NEVER: Duration = Duration::from_secs(300);

/// What no machine needs that does not wait for it.
const SOON: Duration = Duration::from_secs(60);

fn beside_a_shim(test: &str, faults: &str) {
    let soft = SoftToken::fresh();
    // A library of its own, behind one neighbour only: two that begin and end the same one at once crash it.
    let folder = tempfile::tempdir().unwrap();
    let behind = folder.path().join("libbehind.so");
    std::fs::copy(softhsm_module(), &behind).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .envs(soft.env())
        .env("SHIM", shim())
        .env("TOKEN", soft.uri())
        .env("USBTOKEN_SHIM_DRIVER", &behind)
        .env("USBTOKEN_SHIM_FAULT", faults)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let problems = String::from_utf8_lossy(&output.stderr);
    // Not by its end: SoftHSM crashes at the end of a process in which nobody could finalise it.
    assert!(text.contains("1 passed"), "{}: {text}{problems}", output.status);
}

fn variable(name: &str) -> String {
    std::env::var(name).expect("runs only when another test starts it")
}

/// The token, named by all that it says of itself.
fn whole() -> TokenUri {
    let found = Finder::new().module(softhsm_module()).find(&variable("TOKEN").parse().unwrap()).unwrap();
    let identity = found.identity();
    TokenUri::of_token(&identity.label, &identity.manufacturer, &identity.model, &identity.serial)
}

/// Drivers that hang, each a file of its own.
fn hanging(folder: &Path, count: usize) -> Vec<PathBuf> {
    let copy = |number| {
        let copy = folder.join(format!("libhanging{number}.so"));
        std::fs::copy(variable("SHIM"), &copy).unwrap();
        copy
    };
    (0..count).map(copy).collect()
}

fn before_and_behind(folder: &Path) -> Finder {
    let neighbours = hanging(folder, 4);
    let (before, behind) = neighbours.split_at(2);
    let finder = before.iter().fold(Finder::new().time_limit(NEVER), Finder::module);
    behind.iter().fold(finder.module(softhsm_module()), Finder::module)
}

#[test]
fn a_token_that_is_named_whole_is_there_although_its_neighbours_hang_at_their_start() {
    beside_a_shim("inside_neighbours_hang_at_their_start", "C_Initialize:hang");
}

#[test]
#[ignore = "run by a_token_that_is_named_whole_is_there_although_its_neighbours_hang_at_their_start"]
fn inside_neighbours_hang_at_their_start() {
    let folder = tempfile::tempdir().unwrap();
    let (finder, uri, begin) = (before_and_behind(folder.path()), whole(), Instant::now());
    let token = finder.find(&uri).unwrap();
    assert_eq!(token.module().path(), Path::new(&softhsm_module()).canonicalize().unwrap());
    assert!(token.credentials().unwrap().is_empty());
    // Those that were left behind are not asked again, and the token is found again all the same.
    drop(token);
    finder.find(&uri).unwrap();
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());

    // Half a name could mean a token of the neighbours': they are waited for.
    let half: TokenUri = variable("TOKEN").parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let others = hanging(folder.path(), 1);
    let finder = Finder::new().module(&others[0]).module(softhsm_module());
    let begin = Instant::now();
    finder.time_limit(Duration::from_millis(700)).find(&half).unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(700), "{:?}", begin.elapsed());
}

#[test]
fn a_token_that_is_named_whole_is_waited_for_alone() {
    for hanging in ["C_Initialize", "C_GetSlotList", "C_Finalize"] {
        beside_a_shim("inside_a_token_that_is_named_whole_is_waited_for", &format!("{hanging}:hang"));
    }
}

#[test]
#[ignore = "run by a_token_that_is_named_whole_is_waited_for_alone"]
fn inside_a_token_that_is_named_whole_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let uri = whole();
    // One: two that are the same library behind are not ended, and SoftHSM not with them.
    let finder =
        Finder::new().time_limit(NEVER).module(&hanging(folder.path(), 1)[0]).module(softhsm_module());
    // Plugged in while it is waited for: SoftHSM sees it once it is started anew.
    let configuration = std::fs::read_to_string(variable("SOFTHSM2_CONF")).unwrap();
    let line = configuration.lines().find(|line| line.starts_with("directories.tokendir")).unwrap();
    let tokens = PathBuf::from(line.split_once('=').unwrap().1.trim());
    let place = std::fs::read_dir(tokens).unwrap().next().unwrap().unwrap().path();
    let away = folder.path().join("away");
    std::fs::rename(&place, &away).unwrap();
    let plug = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        std::fs::rename(away, place).unwrap();
    });
    let begin = Instant::now();
    let token = finder.wait(&uri, begin + NEVER, &Cancel::new()).unwrap();
    plug.join().unwrap();
    assert!(token.credentials().unwrap().is_empty());
    assert!(begin.elapsed() > Duration::from_millis(700) && begin.elapsed() < SOON, "{:?}", begin.elapsed());
    // It is there: none of the others is waited for.
    drop(token);
    let begin = Instant::now();
    finder.wait(&uri, begin + NEVER, &Cancel::new()).unwrap();
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
}

#[test]
fn neighbours_that_hang_at_their_end_hold_up_no_one() {
    beside_a_shim("inside_neighbours_hang_at_their_end", "C_Finalize:hang");
}

#[test]
#[ignore = "run by neighbours_that_hang_at_their_end_hold_up_no_one"]
fn inside_neighbours_hang_at_their_end() {
    let folder = tempfile::tempdir().unwrap();
    let hanging = hanging(folder.path(), 1);
    let finder =
        hanging.iter().fold(Finder::new().module(softhsm_module()).time_limit(NEVER), Finder::module);
    let begin = Instant::now();
    // Every driver shows the token; that of the first is taken, and the others are ended.
    let half: TokenUri = variable("TOKEN").parse().unwrap();
    let token = finder.find(&half).unwrap();
    assert_eq!(token.module().path(), Path::new(&softhsm_module()).canonicalize().unwrap());
    assert_eq!(finder.tokens().unwrap().tokens.len(), 1);
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
}

#[test]
fn a_driver_that_hangs_while_it_is_read_is_told_and_the_others_are_read() {
    beside_a_shim("inside_a_driver_hangs_while_it_is_read", "C_OpenSession:hang");
}

#[test]
#[ignore = "run by a_driver_that_hangs_while_it_is_read_is_told_and_the_others_are_read"]
fn inside_a_driver_hangs_while_it_is_read() {
    let found = |driver: String| Finder::new().module(driver).find(&whole()).unwrap();
    let tokens = vec![found(variable("SHIM")), found(softhsm_module().display().to_string())];
    let read = |token: Token| token.credentials().map(|list| list.iter().count());
    let lists = each(tokens, Duration::from_secs(2), read).unwrap();
    assert_eq!(lists[0].as_ref().unwrap_err().code(), Code::DriverTimeout);
    assert_eq!(lists[1].as_ref().unwrap(), &0);
}

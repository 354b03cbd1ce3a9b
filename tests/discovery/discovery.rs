//! Finding drivers and tokens, side by side and with a time limit; waiting for a token.
//!
//! The driver shim reads its configuration from the environment once, so tests that need it run in a process of
//! their own: this program again, with one test that is otherwise ignored.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use usbtoken::catalogue::{Catalogue, Machine};
use usbtoken::discovery::candidates::SearchPaths;
use usbtoken::discovery::p11kit;
use usbtoken::error::Fact;
use usbtoken::{Cancel, Code, Finder, TokenUri};
use usbtoken_testkit::{SoftToken, shim, softhsm_module};

/// Runs a test of this program, marked as ignored, with the shim in front of SoftHSM.
fn with_shim(soft: &SoftToken, test: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .envs(soft.env())
        .env("SHIM", shim())
        .env("TOKEN", soft.uri())
        .env("USBTOKEN_SHIM_DRIVER", softhsm_module())
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{problems}");
}

fn variable(name: &str) -> String {
    std::env::var(name).expect("runs only when another test starts it")
}

fn uri() -> TokenUri {
    variable("TOKEN").parse().unwrap()
}

/// SoftHSM under other file names: for the system's loader each is another library.
fn copies(folder: &Path, count: usize) -> Vec<PathBuf> {
    (0..count)
        .map(|number| {
            let copy = folder.join(format!("libcopy{number}.so"));
            std::fs::copy(softhsm_module(), &copy).unwrap();
            copy
        })
        .collect()
}

fn among(finder: Finder, paths: &[PathBuf]) -> Finder {
    paths.iter().fold(finder, |finder, path| finder.module(path))
}

#[test]
fn ten_drivers_of_which_one_sleeps_take_as_long_as_that_one() {
    let soft = SoftToken::fresh();
    with_shim(&soft, "inside_one_driver_of_ten_sleeps", &[("USBTOKEN_SHIM_DELAYS", "C_Initialize=2000")]);
}

#[test]
#[ignore = "run by ten_drivers_of_which_one_sleeps_take_as_long_as_that_one"]
fn inside_one_driver_of_ten_sleeps() {
    let folder = tempfile::tempdir().unwrap();
    let nine = copies(folder.path(), 9);
    let finder = among(Finder::new().module(variable("SHIM")), &nine);

    let begin = Instant::now();
    let found = finder.tokens().unwrap();
    let took = begin.elapsed();
    assert_eq!(found.tokens.len(), 1, "one token, seen ten times");
    assert!(found.skipped.is_empty(), "{:?}", found.skipped);
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(5), "{took:?}");
    drop(found);

    // With a limit below the two seconds the others go on without it, and it is told which one was left.
    let begin = Instant::now();
    let found = finder.clone().time_limit(Duration::from_millis(700)).tokens().unwrap();
    let took = begin.elapsed();
    assert!(took < Duration::from_millis(1_900), "{took:?}");
    assert_eq!(found.tokens.len(), 1);
    assert_eq!(found.skipped.len(), 1);
    assert_eq!(found.skipped[0].code(), Code::DriverTimeout);
    let shim = variable("SHIM");
    assert!(found.skipped[0].facts().any(|(fact, value)| fact == Fact::Path && value == shim));
}

#[test]
fn a_driver_that_hangs_is_an_error_when_there_is_no_other_and_ends_no_wait_late() {
    let soft = SoftToken::fresh();
    with_shim(&soft, "inside_a_driver_hangs", &[("USBTOKEN_SHIM_FAULT", "C_Initialize:hang")]);
}

#[test]
#[ignore = "run by a_driver_that_hangs_is_an_error_when_there_is_no_other_and_ends_no_wait_late"]
fn inside_a_driver_hangs() {
    let finder = Finder::new().module(variable("SHIM")).time_limit(Duration::from_millis(300));
    assert_eq!(finder.find(&uri()).unwrap_err().code(), Code::DriverTimeout);
    let begin = Instant::now();
    let error = Finder::new()
        .module(variable("SHIM"))
        .module("/nonexistent/driver.so")
        .wait(&uri(), begin + Duration::from_millis(500), &Cancel::new())
        .unwrap_err();
    assert!(matches!(error.code(), Code::WaitTimedOut | Code::DriverTimeout), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(2));
}

#[test]
fn the_doctor_tells_of_a_driver_that_hangs_and_shows_the_others() {
    let soft = SoftToken::fresh();
    with_shim(
        &soft,
        "inside_the_doctor_meets_a_driver_that_hangs",
        &[("USBTOKEN_SHIM_FAULT", "C_Initialize:hang")],
    );
}

#[test]
#[ignore = "run by the_doctor_tells_of_a_driver_that_hangs_and_shows_the_others"]
fn inside_the_doctor_meets_a_driver_that_hangs() {
    let limit = Duration::from_millis(500);
    let finder = Finder::new().module(variable("SHIM")).module(softhsm_module()).time_limit(limit);
    let begin = Instant::now();
    let diagnosis = usbtoken::doctor::examine(&finder, std::time::SystemTime::now()).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(diagnosis.tokens.len(), 1);
    let error = diagnosis.drivers[0].outcome.as_ref().unwrap_err();
    assert_eq!(error.code(), Code::DriverTimeout);
    let problem = &diagnosis.problems[0].kind;
    let named = diagnosis.problems.iter().any(|one| one.kind.code().1 == "driver_timeout");
    assert!(named, "{problem:?}");
}

#[test]
fn a_driver_that_hangs_in_the_middle_of_a_wait_does_not_move_the_deadline() {
    let soft = SoftToken::fresh();
    with_shim(
        &soft,
        "inside_a_driver_hangs_in_the_middle_of_a_wait",
        &[("USBTOKEN_SHIM_FAULT", "C_GetSlotList#3:hang")],
    );
}

#[test]
#[ignore = "run by a_driver_that_hangs_in_the_middle_of_a_wait_does_not_move_the_deadline"]
fn inside_a_driver_hangs_in_the_middle_of_a_wait() {
    let other: TokenUri = "pkcs11:token=another".parse().unwrap();
    let begin = Instant::now();
    let error = Finder::new()
        .module(variable("SHIM"))
        .wait(&other, begin + Duration::from_secs(1), &Cancel::new())
        .unwrap_err();
    let took = begin.elapsed();
    assert_eq!(error.code(), Code::WaitTimedOut, "{error}");
    assert!(took >= Duration::from_secs(1) && took < Duration::from_millis(2_800), "{took:?}");
}

#[test]
fn a_token_that_was_pulled_is_found_again() {
    let soft = SoftToken::fresh();
    // The shim counts calls: the token is pulled at the login and back eight calls later.
    with_shim(&soft, "inside_a_token_is_pulled", &[("USBTOKEN_SHIM_FAULT", "C_Login:remove,back=8")]);
}

#[test]
#[ignore = "run by a_token_that_was_pulled_is_found_again"]
fn inside_a_token_is_pulled() {
    let finder = Finder::new().module(variable("SHIM"));
    let token = finder.find(&uri()).unwrap();
    let pin = || usbtoken::Pin::new(b"123456".to_vec());
    let error = token.login(pin()).unwrap_err();
    // The PIN was sent: whether it cost a try is not known.
    assert_eq!(error.code(), Code::PinUncertain);
    let deadline = Instant::now() + Duration::from_secs(20);
    // `token` keeps the driver initialised, as in a program that goes on working.
    let back = finder.wait(&uri(), deadline, &Cancel::new()).unwrap();
    assert_eq!(back.identity(), token.identity());
    back.login(pin()).unwrap();
}

#[test]
fn a_token_that_is_inserted_while_waiting_is_returned() {
    let soft = SoftToken::fresh();
    let sibling = soft.sibling("LATE");
    let tokens = soft.folder().path().join("tokens");
    let away = soft.folder().path().join("away");
    let entry = |serial: &str| {
        std::fs::read_dir(&tokens)
            .unwrap()
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.to_string_lossy().ends_with(serial))
    };
    // SoftHSM names a token's folder by a UUID that ends in the serial number's digits.
    let last = sibling.serial().get(sibling.serial().len() - 8..).unwrap();
    let place = entry(last).expect("the token's folder");
    std::fs::rename(&place, &away).unwrap();

    let finder = Finder::new().module(soft.module());
    let uri: TokenUri = sibling.uri().parse().unwrap();
    assert_eq!(finder.find(&uri).unwrap_err().code(), Code::TokenNotFound);
    let begin = Instant::now();
    let (from, to) = (away.clone(), place.clone());
    let inserting = thread::spawn(move || {
        thread::sleep(Duration::from_millis(800));
        std::fs::rename(from, to).unwrap();
    });
    let token = finder.wait(&uri, begin + Duration::from_secs(30), &Cancel::new()).unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(700));
    assert_eq!(token.identity().serial, sibling.serial());
    inserting.join().unwrap();
    // What is there already is returned at once.
    let begin = Instant::now();
    finder.wait(&uri, begin + Duration::from_secs(30), &Cancel::new()).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_wait_ends_at_its_deadline_and_names_what_it_saw() {
    let soft = SoftToken::fresh();
    let uri: TokenUri = "pkcs11:token=another".parse().unwrap();
    for millis in [0, 900] {
        let begin = Instant::now();
        let limit = Duration::from_millis(millis);
        let error =
            Finder::new().module(soft.module()).wait(&uri, begin + limit, &Cancel::new()).unwrap_err();
        let took = begin.elapsed();
        assert_eq!(error.code(), Code::WaitTimedOut);
        assert!(took >= limit && took < limit + Duration::from_millis(1_500), "{took:?}");
        if millis > 0 {
            assert!(error.facts().any(|(fact, value)| fact == Fact::Candidate && value.contains("BANK")));
        }
    }
}

#[test]
fn a_wait_is_cancelled_from_another_thread() {
    let soft = SoftToken::fresh();
    let uri: TokenUri = "pkcs11:token=another".parse().unwrap();
    let cancel = Cancel::new();
    let other = cancel.clone();
    let begin = Instant::now();
    let stopping = thread::spawn(move || {
        thread::sleep(Duration::from_millis(600));
        other.cancel();
    });
    let error =
        Finder::new().module(soft.module()).wait(&uri, begin + Duration::from_secs(60), &cancel).unwrap_err();
    let took = begin.elapsed();
    assert_eq!(error.code(), Code::Cancelled);
    assert!(took >= Duration::from_millis(500) && took < Duration::from_millis(2_500), "{took:?}");
    stopping.join().unwrap();
}

#[test]
fn several_that_match_end_the_wait_and_a_missing_driver_does_too() {
    let soft = SoftToken::fresh();
    let _second = soft.sibling("SECOND");
    let deadline = Instant::now() + Duration::from_secs(30);
    let wait =
        |finder: Finder| finder.wait(&TokenUri::default(), deadline, &Cancel::new()).unwrap_err().code();
    assert_eq!(wait(Finder::new().module(soft.module())), Code::TokenAmbiguous);
    assert_eq!(wait(Finder::new().module("/nonexistent/driver.so")), Code::DriverMissing);
    assert!(Instant::now() < deadline - Duration::from_secs(20));
}

/// A machine whose only places are these.
fn places(folder: &Path, environment: &[(&str, &str)]) -> SearchPaths {
    let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    // No driver of the built-in catalogue is installed in this machine's folders.
    let multiarch = "nowhere".to_owned();
    SearchPaths {
        machine: Machine { environment, multiarch, ..Machine::current() },
        catalogue: Catalogue::builtin().clone(),
        user_file: Some(folder.join("drivers.toml")),
        p11kit: p11kit::Folders { system_modules: vec![folder.join("modules")], ..Default::default() },
    }
}

#[test]
fn without_a_named_driver_the_known_ones_are_asked_and_bad_ones_passed_over() {
    let soft = SoftToken::fresh();
    let folder = tempfile::tempdir().unwrap();
    let modules = folder.path().join("modules");
    std::fs::create_dir(&modules).unwrap();
    let softhsm = softhsm_module().display().to_string();
    std::fs::write(modules.join("softhsm2.module"), format!("module: {softhsm}\n")).unwrap();
    std::fs::write(modules.join("gone.module"), "module: /nonexistent/gone.so\n").unwrap();
    let no_library = folder.path().join("text.so");
    std::fs::write(&no_library, "no library").unwrap();
    let user = format!("[[driver]]\nname = \"mine\"\npath = \"{}\"\n", no_library.display());
    std::fs::write(folder.path().join("drivers.toml"), user).unwrap();

    let finder = Finder::new().search_paths(places(folder.path(), &[])).trust_any_owner();
    let found = finder.tokens().unwrap();
    assert_eq!(found.tokens.len(), 1);
    assert_eq!(found.tokens[0].identity().serial, soft.serial());
    let mut codes: Vec<_> = found.skipped.iter().map(|error| error.code()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [Code::DriverMissing, Code::DriverNotLibrary]);
    assert_eq!(finder.find(&soft.uri().parse().unwrap()).unwrap().identity().serial, soft.serial());

    // module-name chooses among them.
    let named = |name: &str| finder.find(&format!("{}?module-name={name}", soft.uri()).parse().unwrap());
    assert!(named("softhsm2").is_ok());
    assert_eq!(named("text").unwrap_err().code(), Code::DriverNotLibrary);
    assert_eq!(named("other").unwrap_err().code(), Code::DriverMissing);

    // Whoever names one means that one.
    let only =
        Finder::new().search_paths(places(folder.path(), &[("USBTOKEN_MODULE", "/nonexistent/env.so")]));
    let error = only.tokens().unwrap_err();
    assert_eq!(error.code(), Code::DriverMissing);
    assert!(error.facts().any(|(_, value)| value == "/nonexistent/env.so"));
    let none = tempfile::tempdir().unwrap();
    let error = Finder::new().search_paths(places(none.path(), &[])).tokens().unwrap_err();
    assert_eq!(error.code(), Code::DriverMissing);
}

/// Runs a test of this program, marked as ignored, with a driver that reports slot events; returns what it was asked.
fn with_events(test: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (driver, log) = (folder.path().join("libevents.so"), folder.path().join("log"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/discovery/events.c");
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&driver).arg(source).status().unwrap();
    assert!(compiled.success());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env("EVENTS_DRIVER", &driver)
        .env("EVENTS_TOKEN", folder.path().join("token"))
        .env("EVENTS_LOG", &log)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{problems}");
    std::fs::read_to_string(log).unwrap()
}

fn insert_after(pause: u64) {
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(pause));
        std::fs::write(variable("EVENTS_TOKEN"), "").unwrap();
    });
}

#[test]
fn initial_events_are_drained_and_a_later_one_is_followed_by_a_look() {
    let asked = with_events("inside_a_token_is_inserted_with_an_event");
    assert!(asked.starts_with("IEENS"), "{asked}");
    assert!(asked.trim_end_matches('S').ends_with('E'), "{asked}");
}

#[test]
#[ignore = "run by initial_events_are_drained_and_a_later_one_is_followed_by_a_look"]
fn inside_a_token_is_inserted_with_an_event() {
    insert_after(600);
    let uri: TokenUri = "pkcs11:token=EVENT".parse().unwrap();
    let finder = Finder::new().module(variable("EVENTS_DRIVER"));
    let begin = Instant::now();
    finder.wait(&uri, begin + Duration::from_secs(2), &Cancel::new()).unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(500));
}

#[test]
fn a_driver_that_has_told_of_an_event_is_not_asked_for_its_slots_meanwhile() {
    let asked = with_events("inside_a_driver_has_told_of_an_event");
    let after = asked.rsplit_once('E').map(|(_, after)| after).unwrap();
    assert!(after.starts_with("SSNNN"), "{asked}");
    assert!(asked.contains("NSSN"), "before the event its silence is not believed: {asked}");
}

#[test]
#[ignore = "run by a_driver_that_has_told_of_an_event_is_not_asked_for_its_slots_meanwhile"]
fn inside_a_driver_has_told_of_an_event() {
    insert_after(700);
    let other: TokenUri = "pkcs11:token=another".parse().unwrap();
    let finder = Finder::new().module(variable("EVENTS_DRIVER"));
    let error =
        finder.wait(&other, Instant::now() + Duration::from_millis(2_200), &Cancel::new()).unwrap_err();
    assert_eq!(error.code(), Code::WaitTimedOut);
}

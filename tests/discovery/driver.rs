//! The driver layer against SoftHSM: who initialises, who finalises, which token is meant.

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use serial_test::serial;
use usbtoken::driver::Module;
use usbtoken::error::Fact;
use usbtoken::pki::SignatureAlgorithm;
use usbtoken::{Code, Finder, Pin, TokenUri};
use usbtoken_testkit::{Kind, SoftToken, TestCa, days_from_now, manual_subject, shim, softhsm_module};

fn uri(text: &str) -> TokenUri {
    text.parse().unwrap()
}

fn finder() -> Finder {
    Finder::new().module(softhsm_module())
}

fn host() -> Pkcs11 {
    Pkcs11::new(softhsm_module()).unwrap()
}

#[test]
#[serial]
fn a_driver_that_the_host_initialised_is_still_its_own_when_we_are_gone() {
    let soft = SoftToken::fresh();
    let host = host();
    host.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slots = host.get_slots_with_token().unwrap().len();

    let token = finder().find(&uri(&soft.uri())).unwrap();
    let session = token.login(Pin::new(soft.pin().into())).unwrap();
    drop((session, token));

    assert_eq!(host.get_slots_with_token().unwrap().len(), slots, "not finalised by us");
    host.finalize().unwrap();
}

#[test]
#[serial]
fn a_driver_that_we_initialised_is_finalised_with_its_last_user() {
    let _soft = SoftToken::fresh();
    let first = Module::load(&softhsm_module()).unwrap();
    let second = Module::load(&softhsm_module()).unwrap();
    drop(first);
    second.info().unwrap();
    drop(second);
    // Only a finalised driver can be initialised.
    let host = host();
    host.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    host.finalize().unwrap();
}

/// The host has a session of its own: our login ends with our last session.
#[test]
#[serial]
fn a_login_of_ours_ends_with_our_last_session() {
    use cryptoki::session::SessionState;
    let soft = SoftToken::fresh();
    let host = host();
    host.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slots = host.get_slots_with_token().unwrap().into_iter();
    let label = |slot| host.get_token_info(slot).unwrap().label().trim_end().to_owned();
    let slot = slots.into_iter().find(|slot| label(*slot) == soft.label()).unwrap();
    let theirs = host.open_rw_session(slot).unwrap();
    let state = || theirs.get_session_info().unwrap().session_state();

    let token = finder().find(&uri(&soft.uri())).unwrap();
    let login = || token.login(Pin::new(soft.pin().into())).unwrap();
    let (first, second) = (login(), login());
    assert_eq!(state(), SessionState::RwUser);
    drop(first);
    assert_eq!(state(), SessionState::RwUser, "one of ours is left");
    drop(second);
    assert_eq!(state(), SessionState::RwPublic, "logged out");
    drop((token, theirs));
    host.finalize().unwrap();
}

#[test]
#[serial]
fn a_login_that_was_there_before_stays() {
    use cryptoki::session::UserType;
    use cryptoki::types::AuthPin;
    let soft = SoftToken::fresh();
    let host = host();
    host.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slot = host
        .get_slots_with_token()
        .unwrap()
        .into_iter()
        .find(|slot| host.get_token_info(*slot).unwrap().label().trim_end() == soft.label())
        .unwrap();
    let theirs = host.open_rw_session(slot).unwrap();
    theirs.login(UserType::User, Some(&AuthPin::new(soft.pin().to_owned().into()))).unwrap();

    let ours = finder().find(&uri(&soft.uri())).unwrap();
    drop(ours.login(Pin::new(soft.pin().into())).unwrap());

    let state = theirs.get_session_info().unwrap().session_state();
    assert_eq!(state, cryptoki::session::SessionState::RwUser, "still logged in");
    drop(theirs);
    host.finalize().unwrap();
}

#[test]
#[serial]
fn two_tokens_with_one_label_are_told_apart_by_serial_only() {
    let first = SoftToken::fresh();
    let second = first.sibling(first.label());
    let by_label = uri(&format!("pkcs11:token={}", first.label()));

    let error = finder().find(&by_label).unwrap_err();
    assert_eq!(error.code(), Code::TokenAmbiguous);
    let candidates: Vec<&str> =
        error.facts().filter(|(fact, _)| *fact == Fact::Candidate).map(|(_, value)| value).collect();
    assert_eq!(candidates.len(), 2);
    assert!(candidates.iter().any(|text| text.contains(first.serial())), "{candidates:?}");

    let token = finder().find(&uri(&format!("pkcs11:serial={}", second.serial()))).unwrap();
    assert_eq!(token.identity().serial, second.serial());
}

#[test]
#[serial]
fn what_is_not_there_is_said_with_what_is() {
    let soft = SoftToken::fresh();
    let error = finder().find(&uri("pkcs11:token=OTHER")).unwrap_err();
    assert_eq!(error.code(), Code::TokenNotFound);
    assert!(error.to_string().contains(soft.serial()), "{error}");

    let error = Finder::new().module("/no/such/driver.so").find(&uri("pkcs11:")).unwrap_err();
    assert_eq!(error.code(), Code::DriverMissing);
    let other_library = format!("{};library-manufacturer=Nobody", soft.uri());
    assert_eq!(finder().find(&uri(&other_library)).unwrap_err().code(), Code::TokenNotFound);
}

#[test]
#[serial]
fn a_bad_driver_beside_a_good_one_does_not_spoil_the_search() {
    let soft = SoftToken::fresh();
    let finder = Finder::new().module("/no/such/driver.so").module(softhsm_module());
    assert_eq!(finder.find(&uri(&soft.uri())).unwrap().identity().serial, soft.serial());
    let found = finder.tokens().unwrap();
    assert_eq!(found.tokens.len(), 1);
    assert_eq!(found.skipped.first().unwrap().code(), Code::DriverMissing);
}

#[test]
#[serial]
fn a_wrong_pin_is_sent_once_and_leaves_no_login() {
    let soft = SoftToken::fresh();
    let token = finder().find(&uri(&soft.uri())).unwrap();
    let error = token.login(Pin::new(b"9999".to_vec())).unwrap_err();
    assert_eq!(error.code(), Code::PinIncorrect);
    let call = error.pkcs11_call().unwrap();
    assert_eq!((call.function, call.name), ("C_Login", "CKR_PIN_INCORRECT"));
    assert!(!format!("{error} {error:?}").contains("9999"));
    assert_eq!(token.login(Pin::new(Vec::new())).unwrap_err().code(), Code::PinLength);
    token.login(Pin::new(soft.pin().into())).unwrap();
}

/// Set in the child that logs in twice: module, URI and PIN, one a line.
const CHILD: &str = "USBTOKEN_TEST_LOG_IN_TWICE";

/// Not a test by itself: the child that enters a wrong PIN and then the right one.
#[test]
fn logs_in_twice_when_told_to() {
    let Ok(arguments) = std::env::var(CHILD) else { return };
    let [module, token_uri, pin] = arguments.lines().collect::<Vec<_>>().try_into().unwrap();
    let token = Finder::new().module(module).find(&uri(token_uri)).unwrap();
    assert_eq!(token.login(Pin::new(b"9999".to_vec())).unwrap_err().code(), Code::PinIncorrect);
    assert_eq!(token.login(Pin::new(pin.into())).unwrap_err().code(), Code::PinFinalTry);
}

/// What a token said of its PIN is believed for a moment, but never across a login: the next try may be the last.
#[test]
#[serial]
fn after_a_login_the_state_of_the_pin_is_asked_again() {
    let soft = SoftToken::fresh();
    let arguments = format!("{}\n{}\n{}", shim().display(), soft.uri(), soft.pin());
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "logs_in_twice_when_told_to"])
        .envs(soft.env())
        .env(CHILD, arguments)
        .env("USBTOKEN_SHIM_DRIVER", soft.module())
        // Two slots when the token is found, one after the refusal; then the one that counts.
        .env("USBTOKEN_SHIM_FAULT", "C_GetTokenInfo#4:lie=final-try")
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    // The right PIN was not sent.
    let token = finder().find(&uri(&soft.uri())).unwrap();
    token.login(Pin::new(soft.pin().into())).unwrap();
}

/// Set in the child that reads from eight threads: module and URI, one a line.
const THREADS: &str = "USBTOKEN_TEST_EIGHT_THREADS";

/// Not a test by itself: the child whose eight threads read the token, each in sessions of its own.
#[test]
fn reads_from_eight_threads_when_told_to() {
    let Ok(arguments) = std::env::var(THREADS) else { return };
    let [module, token_uri] = arguments.lines().collect::<Vec<_>>().try_into().unwrap();
    let token = Finder::new().module(module).find(&uri(token_uri)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(token.credentials().unwrap().iter().count(), 1));
        }
    });
}

/// CKR_CANT_LOCK: such a driver is initialised for one thread, and then never sees two at once.
#[test]
#[serial]
fn in_a_driver_that_cannot_lock_is_one_thread_at_a_time() {
    let soft = SoftToken::fresh();
    soft.first_credential(&TestCa::of_kind(Kind::P256), Kind::P256, days_from_now(11));
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "reads_from_eight_threads_when_told_to"])
        .envs(soft.env())
        .env(THREADS, format!("{}\n{}", shim().display(), soft.uri()))
        .env("USBTOKEN_SHIM_DRIVER", soft.module())
        .env("USBTOKEN_SHIM_FAULT", "C_Initialize#1:ckr=CKR_CANT_LOCK")
        .env("USBTOKEN_SHIM_DELAY_MS", "5")
        .env("USBTOKEN_SHIM_TRACE", &trace)
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");

    let lines = std::fs::read_to_string(trace).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let calls: Vec<_> = lines.filter(|line| line["n"].as_u64().is_some_and(|number| number > 0)).collect();
    let threads: std::collections::BTreeSet<_> = calls.iter().map(|call| call["thread"].as_u64()).collect();
    assert!(threads.len() > 8, "{threads:?}");
    assert_eq!(calls.iter().filter(|call| call["fn"] == "C_Initialize").count(), 2);
    // A call that takes its 5 ms while another takes its own has begun long before that one's end.
    let mut times: Vec<(i128, i128)> = calls
        .iter()
        .map(|call| {
            let end: jiff::Timestamp = call["t"].as_str().unwrap().parse().unwrap();
            let end = end.as_nanosecond() / 1_000;
            (end - i128::from(call["us"].as_i64().unwrap()), end)
        })
        .collect();
    times.sort_unstable();
    for pair in times.windows(2) {
        assert!(pair[1].0 > pair[0].1 - 1_000, "two threads in the driver: {pair:?}");
    }
}

/// CKA_ALWAYS_AUTHENTICATE: the PIN is sent again between C_SignInit and C_Sign, for this one signature.
#[test]
#[serial]
fn a_key_that_asks_each_time_signs() {
    let soft = SoftToken::fresh();
    let (subject, ca) = (manual_subject().to_der(), TestCa::of_kind(Kind::P256));
    let certificate = soft.inspect(|inspector| {
        inspector.generate_pair_that_asks(Kind::P256, b"asks", "asks");
        let certificate = ca.issue(&subject, &inspector.public_key(b"asks")).der();
        inspector.write_certificate(&certificate, b"asks", "asks");
        certificate
    });
    let token = finder().find(&uri(&soft.uri())).unwrap();
    let session = token.login(Pin::new(soft.pin().into())).unwrap();
    let asks = session.credentials().unwrap().by_id(b"asks").only().unwrap();
    for message in [&b"one"[..], b"two"] {
        let signature = session.sign_as(&asks, message).unwrap();
        asks.certificate().public_key().verify(SignatureAlgorithm::EcdsaSha256, message, &signature).unwrap();
    }
    assert_eq!(asks.certificate().der(), certificate);
}

#[test]
#[serial]
fn eight_threads_look_at_one_token() {
    let soft = SoftToken::fresh();
    let ca = TestCa::of_kind(Kind::P256);
    soft.first_credential(&ca, Kind::P256, days_from_now(11));
    let token = finder().find(&uri(&soft.uri())).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert_eq!(token.credentials().unwrap().iter().count(), 1);
                }
            });
        }
    });
}

/// The child shares memory with the parent's copy of the driver, but not its locks or its connection.
#[cfg(unix)]
#[test]
#[serial]
fn a_forked_child_is_told_so() {
    let soft = SoftToken::fresh();
    let token = finder().find(&uri(&soft.uri())).unwrap();
    // SAFETY: the child calls nothing but our code on this one thread, writes nothing, and ends by _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let error = token.credentials().unwrap_err();
        let code = if error.code() == Code::Forked { 0 } else { 1 };
        // SAFETY: ends the process; no destructor of the parent's copies runs.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: waits for the child that was just made.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0, "the child saw another error, or crashed");
    assert_eq!(token.credentials().unwrap().iter().count(), 0, "the parent goes on");
}

/// It has no part in the lock, whether its parent holds that or not, and lets go of nothing.
#[cfg(unix)]
#[test]
#[serial]
fn a_forked_child_cannot_reserve_its_parents_token() {
    let soft = SoftToken::fresh();
    let find = || finder().find(&uri(&soft.uri())).unwrap();
    let (token, other) = (find(), find());
    let mut reservation = None;
    for holds in [false, true] {
        if holds {
            reservation = Some(token.reserve().unwrap());
        }
        // SAFETY: the child calls nothing but our code on this one thread, writes nothing, and ends by _exit.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let reserved = token.reserve().map(drop);
            let held = reservation.as_ref().map_or(Ok(()), usbtoken::driver::Reservation::check);
            let told = |result: usbtoken::Result<()>| result.is_err_and(|error| error.code() == Code::Forked);
            let is_told = told(reserved) && told(held) == holds;
            drop(reservation);
            // SAFETY: ends the process; no destructor of the parent's copies runs.
            unsafe { libc::_exit(i32::from(!is_told)) };
        }
        let mut status = 0;
        // SAFETY: waits for the child that was just made.
        unsafe { libc::waitpid(child, &mut status, 0) };
        assert_eq!(status, 0, "the child was told something else, or crashed");
    }
    let reservation = reservation.unwrap();
    reservation.check().unwrap();
    assert_eq!(other.reserve().unwrap_err().code(), Code::Busy);
    drop(reservation);
    drop(other.reserve().unwrap());
}

/// A browser's own softokn wants libraries that stand beside it, where the system's loader does not search.
#[cfg(target_os = "linux")]
#[test]
#[serial]
fn softokn_finds_what_the_browser_has_beside_it() {
    let _soft = SoftToken::fresh();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("beside.c"), "int beside(void) { return 1; }").unwrap();
    let softokn = r#"
        #include <dlfcn.h>
        int beside(void);
        unsigned long C_GetFunctionList(void **list) {
            void *driver = dlopen(DRIVER, RTLD_NOW);
            unsigned long (*of_driver)(void **) = driver ? dlsym(driver, "C_GetFunctionList") : 0;
            return beside() && of_driver ? of_driver(list) : 5;
        }"#;
    std::fs::write(file("softokn.c"), softokn).unwrap();
    let compile = |source: &str, name: &str, more: &[&str]| {
        let mut compiler = std::process::Command::new("cc");
        compiler.current_dir(folder.path()).args(["-shared", "-fPIC", "-w", source, "-o", name]);
        compiler.arg(format!("-Wl,-soname,{name}")).arg(format!("-DDRIVER={:?}", softhsm_module()));
        assert!(compiler.args(more).status().unwrap().success());
    };
    compile("beside.c", "libmozsqlite3.so", &[]);
    compile("softokn.c", "libother.so", &["-L.", "-lmozsqlite3"]);
    compile("softokn.c", "libsoftokn3.so", &["-L.", "-lmozsqlite3"]);
    assert_eq!(Module::load(&file("libother.so")).unwrap_err().code(), Code::DriverUnloadable);
    Module::load(&file("libsoftokn3.so")).unwrap().info().unwrap();
}

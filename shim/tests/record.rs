//! What stands in a trace, what never does, and what is said when there is nothing to record.

#[macro_use]
mod common;

use common::pkcs11::{Pkcs11, attribute};
use common::{PIN, SO_PIN, Scene, Token, arg, assert_nowhere, shim, softhsm};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use usbtoken_pkcs11::types::*;
use usbtoken_shim::trace::Trace;

const WRONG_PIN: &str = "wrong-pin-4418";
const NEW_PIN: &str = "new-pin-9026-vb";
const DATA: &[u8] = b"contents-of-a-data-object-2217";
const SECRET_KEY: &[u8] = b"secret-key-bytes-16!";
const SIGNED: &[u8] = b"digest-that-is-signed-9918273645";
const CERTIFICATE: &[u8] = include_bytes!("data/certificate.der");

/// Touches everything that has to be kept out of a trace.
fn use_secrets(p: &Pkcs11) {
    assert_eq!(p.initialize(), CKR_OK);
    let (_, session) = p.open(p.slot());
    assert_eq!(p.login(session, WRONG_PIN), CKR_PIN_INCORRECT);
    assert_eq!(p.login(session, PIN), CKR_OK);
    let (_, data) = p.create_data(session, "a data object", DATA);
    assert_eq!(p.ask(session, data, CKA_VALUE, Some(64)).length, DATA.len() as CK_ULONG);
    let mut secret = [
        attribute(CKA_CLASS, &CKO_SECRET_KEY),
        attribute(CKA_KEY_TYPE, &CKK_GENERIC_SECRET),
        attribute(CKA_SENSITIVE, &CK_FALSE),
        attribute(CKA_EXTRACTABLE, &CK_TRUE),
        attribute(CKA_VALUE, SECRET_KEY),
    ];
    let mut key = 0;
    assert_eq!(call!(p, C_CreateObject(session, secret.as_mut_ptr(), 5, &mut key)), CKR_OK);
    assert_eq!(p.ask(session, key, CKA_VALUE, Some(64)).rv, CKR_OK);
    let (rv, public, private) = p.generate(session, b"\xAB\x01");
    assert_eq!(rv, CKR_OK);
    assert_eq!(p.sign(session, private, SIGNED).0, CKR_OK);
    assert_eq!(p.ask(session, public, CKA_EC_POINT, Some(67)).rv, CKR_OK);
    assert_eq!(p.ask(session, private, CKA_VALUE, Some(64)).rv, CKR_ATTRIBUTE_SENSITIVE);
    let mut certificate = [
        attribute(CKA_CLASS, &CKO_CERTIFICATE),
        attribute(CKA_CERTIFICATE_TYPE, &CKC_X_509),
        attribute(CKA_SUBJECT, b"subject".as_slice()),
        attribute(CKA_VALUE, CERTIFICATE),
    ];
    let mut object = 0;
    assert_eq!(call!(p, C_CreateObject(session, certificate.as_mut_ptr(), 4, &mut object)), CKR_OK);
    let (rv, count, found) = p.find(session, CKO_CERTIFICATE);
    assert_eq!((rv, count, &found[..]), (CKR_OK, 1, &[object][..]));
    assert_eq!(p.ask(session, object, CKA_VALUE, Some(1024)).length, CERTIFICATE.len() as CK_ULONG);
    // The same bytes in a data object are data.
    let (_, looks_like_one) = p.create_data(session, "a certificate as data", CERTIFICATE);
    assert_eq!(p.find(session, CKO_DATA).1, 2);
    assert_eq!(p.ask(session, looks_like_one, CKA_VALUE, Some(1024)).rv, CKR_OK);
    let (old, new) = (PIN.as_ptr().cast_mut(), NEW_PIN.as_ptr().cast_mut());
    let (old_length, new_length) = (PIN.len() as CK_ULONG, NEW_PIN.len() as CK_ULONG);
    assert_eq!(call!(p, C_SetPIN(session, old, old_length, new, new_length)), CKR_OK);
    assert_eq!(call!(p, C_Logout(session)), CKR_OK);
    let so_pin = SO_PIN.as_ptr().cast_mut();
    assert_eq!(call!(p, C_Login(session, CKU_SO, so_pin, SO_PIN.len() as CK_ULONG)), CKR_OK);
    assert_eq!(call!(p, C_InitPIN(session, old, old_length)), CKR_OK);
    assert_eq!(p.finalize(), CKR_OK);
}

fn assert_no_secret(trace: &str) {
    for (what, secret) in [
        ("the PIN", PIN.as_bytes()),
        ("a wrong PIN", WRONG_PIN.as_bytes()),
        ("a new PIN", NEW_PIN.as_bytes()),
        ("the security officer's PIN", SO_PIN.as_bytes()),
        ("a data object's contents", DATA),
        ("a secret key", SECRET_KEY),
        ("signed data", SIGNED),
    ] {
        assert_nowhere(trace, secret, what);
    }
}

#[test]
fn no_secret_is_recorded() {
    let played = Scene::new().play("no_secret_is_recorded", use_secrets);
    let trace = played.token.trace_text();
    assert_no_secret(&trace);
    assert_nowhere(&trace, CERTIFICATE, "a certificate, though only its digest was wanted");
    assert!(trace.contains(r#""type":"CKA_EC_POINT""#) && trace.contains(r#""sha256":""#));
    // What is no secret is there.
    let created = &played.calls_of("C_CreateObject")[0];
    assert_eq!(created.args["pTemplate"][0]["value"], "CKO_DATA");
    assert_eq!(created.args["pTemplate"][2]["value"], "a data object");
    assert_eq!(created.args["pTemplate"][3]["len"], DATA.len());
    let login = &played.calls_of("C_Login")[0];
    assert_eq!((login.args["pPin"].as_str(), login.rv.as_str()), (Some("withheld"), "CKR_PIN_INCORRECT"));
    let generated = &played.calls_of("C_GenerateKeyPair")[0];
    assert_eq!(generated.args["pMechanism"]["type"], "CKM_EC_KEY_PAIR_GEN");
    assert_eq!(generated.args["pPrivateKeyTemplate"][4]["value"], "ab01");
}

#[test]
fn certificates_are_recorded_whole_only_when_asked() {
    let played = Scene::new()
        .with("USBTOKEN_SHIM_PUBLIC", "full")
        .play("certificates_are_recorded_whole_only_when_asked", use_secrets);
    let trace = played.token.trace_text();
    assert_no_secret(&trace);
    let hex: String = CERTIFICATE.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(trace.matches(&hex).count(), 2, "as it was written, and as it was found and read: {trace}");
}

#[test]
fn a_summary_counts_calls_and_logins() {
    let played = Scene::new().play("a_summary_counts_calls_and_logins", use_secrets);
    let summary = played.trace().summary();
    assert_eq!((summary.logins, summary.failed_logins, summary.processes, summary.unreadable), (3, 1, 1, 0));
    let last = played.calls_of("C_Finalize")[0].n;
    assert_eq!(summary.calls, last);
    assert!(summary.functions.iter().any(|sum| sum.function == "C_GenerateKeyPair" && sum.us > 0));
}

#[test]
fn a_killed_process_loses_at_most_its_last_line() {
    let (mut command, token) = Scene::new().prepare("a_killed_process_loses_at_most_its_last_line", |p| {
        let session = p.ready();
        for call in 1.. {
            assert_ne!(p.ask(session, 1, CKA_LABEL, Some(8)).rv, CKR_OK);
            println!("call {call}");
        }
    });
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut returned = 0;
    for line in lines.map_while(Result::ok) {
        if let Some(call) = line.strip_prefix("call ").and_then(|call| call.parse::<usize>().ok()) {
            returned = call;
            if call == 500 {
                child.kill().unwrap();
            }
        }
    }
    assert!(!child.wait().unwrap().success());
    assert!(returned >= 500);
    let text = token.trace_text();
    let trace = Trace::parse(&text);
    let recorded = trace.calls.iter().filter(|call| call.function == "C_GetAttributeValue").count();
    assert!(recorded >= returned, "{recorded} of {returned}");
    let last = text.lines().count();
    assert!(trace.unreadable.iter().all(|line| *line == last), "{:?} of {last}", trace.unreadable);
}

#[test]
fn a_process_that_hangs_has_written_what_came_before() {
    let scene = Scene::faults("C_Login:hang");
    let (mut command, token) = scene.prepare("a_process_that_hangs_has_written_what_came_before", |p| {
        p.ready();
    });
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !token.trace_text().contains("C_OpenSession") {
        assert!(Instant::now() < deadline, "{}", token.trace_text());
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it hangs");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!token.trace_text().contains("C_Login\""));
}

#[test]
fn threads_and_processes_share_a_trace() {
    const NAME: &str = "threads_and_processes_share_a_trace";
    let (mut command, token) = Scene::new().prepare(NAME, |p| {
        assert_eq!(p.initialize(), CKR_OK);
        let slot = p.slots(false)[0];
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..200).for_each(|_| assert_eq!(p.token_info(slot).0, CKR_OK)));
            }
        });
    });
    let mut other = command.stdout(Stdio::null()).spawn().unwrap();
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
    assert!(other.wait().unwrap().success());
    let trace = Trace::parse(&token.trace_text());
    assert!(trace.unreadable.is_empty());
    assert_eq!(trace.starts.len(), 2);
    assert_eq!(trace.counted(), 2 * (2 + 4 * 200));
    for start in &trace.starts {
        let mut numbers: Vec<_> = trace
            .calls
            .iter()
            .filter(|call| call.pid == start.pid && call.n > 0)
            .map(|call| call.n)
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=802).collect::<Vec<_>>());
    }
}

#[test]
fn delays_are_felt() {
    let scene = Scene::new()
        .with("USBTOKEN_SHIM_DELAY_MS", "30")
        .with("USBTOKEN_SHIM_DELAYS", "C_GetSlotList=0,C_GenerateKeyPair/CKM_EC_KEY_PAIR_GEN=250");
    let played = scene.play("delays_are_felt", |p| {
        let session = p.ready();
        let (rv, ..) = p.generate(session, b"1");
        assert_eq!(rv, CKR_OK);
    });
    let took = |function: &str| played.calls_of(function)[0].us;
    assert!((30_000..250_000).contains(&took("C_GetTokenInfo")), "{}", took("C_GetTokenInfo"));
    assert!(took("C_GenerateKeyPair") >= 250_000);
    assert!(took("C_GetSlotList") < 30_000);
}

/// Loads the module with this configuration, which must fail, and returns what it says.
fn refused(token: &Token, configure: impl FnOnce(&mut Command)) -> String {
    let mut tool = token.command("pkcs11-tool");
    tool.arg("--module").arg(shim()).arg("--show-info");
    configure(&mut tool);
    let output = tool.output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.matches("usbtoken-shim: ").count(), 1, "one line, once: {said}");
    said
}

#[test]
fn a_driver_that_is_none_is_refused_in_one_line() {
    let token = Token::new();
    let driver = |path: &str| {
        refused(&token, |tool| {
            tool.env("USBTOKEN_SHIM_DRIVER", path);
        })
    };
    assert!(driver("/no/such/driver.so").contains("cannot load the driver"));
    assert!(driver("libsofthsm2.so").contains("must be absolute"));
    assert!(driver(arg(&shim())).contains("this very module"));
    let no_driver = token.path("nothing.so");
    std::fs::write(&no_driver, "not a library").unwrap();
    assert!(driver(arg(&no_driver)).contains("cannot load the driver"));
    assert!(refused(&token, |_| {}).contains("no driver is configured"));
    let no_folder = refused(&token, |tool| {
        tool.env("USBTOKEN_SHIM_DRIVER", softhsm())
            .env("USBTOKEN_SHIM_TRACE", "/no/such/folder/trace")
            .env("USBTOKEN_SHIM_ON_TRACE_FAILURE", "refuse");
    });
    assert!(no_folder.contains("/no/such/folder/trace"));
}

#[test]
fn a_missing_driver_is_a_general_error() {
    let played = Scene::new()
        .with("USBTOKEN_SHIM_DRIVER", "/no/such.so")
        .play_until("a_missing_driver_is_a_general_error", |_| unreachable!("the module does not load"));
    assert!(!played.output.status.success());
    let said = played.stderr();
    assert!(
        said.contains(&format!("called `Result::unwrap()` on an `Err` value: {CKR_GENERAL_ERROR}")),
        "{said}"
    );
}

#[test]
fn a_module_that_was_preloaded_does_not_call_itself() {
    // Preloaded, its symbols come before the driver's own; SoftHSM's function list would lead back to us.
    let token = Token::new();
    let output = token
        .command_through("pkcs11-tool")
        .env("LD_PRELOAD", shim())
        .arg("--module")
        .arg(shim())
        .arg("--show-info")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("bound to this module's symbols"), "{output:?}");
}

#[test]
fn a_build_without_faults_says_so_and_injects_none() {
    // A folder of its own, or the build would replace the module that the other tests load.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shim-without-faults");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline", "--package", "usbtoken-shim", "--lib", "--target-dir"])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(built.success());
    let module = target.join("debug").join(shim().file_name().unwrap());
    let token = Token::new();
    let output = token
        .command_through("pkcs11-tool")
        .env("USBTOKEN_SHIM_FAULT", "*:ckr=CKR_DEVICE_ERROR; 1:exit")
        .arg("--module")
        .arg(&module)
        .arg("--show-info")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("usbtoken-shim: this build cannot inject faults (feature `faults`); 2 configured"),
        "{said}"
    );
    let trace = Trace::parse(&token.trace_text());
    assert!(trace.starts[0].faults.is_empty() && trace.calls.iter().all(|call| call.fault.is_none()));
    // Not even the code is there.
    let code = std::fs::read(&module).unwrap();
    assert!(!code.windows(15).any(|window| window == b"garbage-handles"));
    let faulty = std::fs::read(shim()).unwrap();
    assert!(faulty.windows(15).any(|window| window == b"garbage-handles"), "the search can find it");
}

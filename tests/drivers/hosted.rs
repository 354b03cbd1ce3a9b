//! Drivers in a process of their own: one that crashes, ends or hangs takes nothing with it, and what was begun is gone on with.
//! `ends.c` plays them in front of SoftHSM.
#![cfg(target_os = "linux")]

mod ahead;
#[path = "../common/mod.rs"]
mod common;
mod confined;
mod ends;
mod interrupted;
mod told;
mod writing;

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use common::{Bank, Said, facts, refused};
use ends::{driver, host, is_there, said, short, signal, until_gone};
use usbtoken::error::{Fact, Step};
use usbtoken::{Cancel, Code, Finder, Pin, Renewal, Run};
use usbtoken_testkit::{Kind, days_from_now, softhsm_module};

fn bank() -> Bank {
    Bank::alone(Kind::P256, days_from_now(11))
}

/// Each function that a renewal calls.
fn functions_of_a_renewal() -> Vec<String> {
    let bank = bank();
    let said = bank.run_hosted("", &["renew", "--issuer", &bank.issuer("")]);
    assert_eq!(said.exit, 0, "{said:?}");
    bank.assert_one_new_credential();
    let mut functions: Vec<String> = bank.noted().into_iter().map(|(name, _)| name).collect();
    functions.sort();
    functions.dedup();
    functions
}

#[test]
fn a_renewal_makes_the_same_calls_in_a_process_of_its_own() {
    let one = bank();
    let child = one.hosted("", &["renew", "--issuer", &one.issuer("")]).spawn().unwrap();
    let command = child.id();
    assert_eq!(said(child).exit, 0);
    one.assert_one_new_credential();
    let hosted = one.noted();
    assert_eq!(one.hosts().len(), 1);
    assert_ne!(one.hosts()[0], command);
    assert!(!is_there(one.hosts()[0]));
    drop(one);

    let other = bank();
    other.ends("");
    let mut command = other.command(driver(), &["renew", "--issuer", &other.issuer("")]);
    assert_eq!(Said::of(command.output().unwrap()).exit, 0);
    let names = |noted: Vec<(String, u32)>| noted.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(hosted), names(other.noted()));
}

/// The first call of each function, and each way to end: the error names the function, the token is whole, and the job goes on.
#[test]
fn a_driver_that_ends_in_a_function_is_named_and_the_job_goes_on() {
    let ways = ["crash", "abort", "exit", "kill", "crash-after"];
    for (at, function) in functions_of_a_renewal().into_iter().enumerate() {
        let bank = bank();
        let what = format!("{}:{function}:1", ways[at % ways.len()]);
        let said = bank.run_hosted(&what, &["renew", "--issuer", &bank.issuer("")]);
        let hosts = bank.hosts();
        if ["C_CloseSession", "C_Finalize", "C_Logout"].contains(&function.as_str()) {
            // All is done by then.
            assert_eq!(said.exit, 0, "{what}: {said:?}");
            bank.assert_one_new_credential();
        } else {
            let error = said.failed(Code::DriverCrashed);
            assert_eq!(error["facts"]["function"][0], function.as_str(), "{what}: {error:#}");
            // Only in C_Login has the PIN been sent.
            let may_have_counted = error["facts"].to_string().contains("pin_may_have_counted");
            assert_eq!(may_have_counted, function == "C_Login", "{what}: {error:#}");
            bank.goes_on(&what);
        }
        assert!(hosts.into_iter().all(|process| !is_there(process)), "{what}");
    }
}

/// A driver's child has the driver's end of the sockets, and lives on: that the driver has crashed is seen all the same.
#[test]
fn a_driver_that_crashes_and_leaves_a_child_is_known_to_have_crashed() {
    for function in ["C_GetTokenInfo", "C_Login", "C_CreateObject"] {
        let bank = bank();
        let begun = Instant::now();
        let said = bank.run_hosted(&format!("orphan:{function}:1"), &["renew", "--issuer", &bank.issuer("")]);
        let error = said.failed(Code::DriverCrashed);
        assert_eq!(error["facts"]["function"][0], function, "{error:#}");
        assert!(error.to_string().contains("signal 11"), "{error:#}");
        // Its child is there for twenty.
        assert!(begun.elapsed() < std::time::Duration::from_secs(12), "{function}: {:?}", begun.elapsed());
        bank.goes_on(function);
    }
}

/// Each call that changes something, ended before it and after it, by what no program can stop.
#[test]
fn a_host_that_is_killed_while_it_writes_leaves_what_can_be_gone_on_with() {
    for function in ["C_GenerateKeyPair", "C_CreateObject", "C_Sign"] {
        for way in ["kill", "kill-after"] {
            for times in 1..=3 {
                let bank = bank();
                let what = format!("{way}:{function}:{times}");
                let said = bank.run_hosted(&what, &["renew", "--issuer", &bank.issuer("")]);
                if said.exit == 0 {
                    // It is not called that often.
                    bank.assert_one_new_credential();
                    break;
                }
                said.failed(Code::DriverCrashed);
                bank.goes_on(&what);
            }
        }
    }
}

#[test]
fn a_driver_that_ends_while_it_loads_spoils_no_search() {
    for (way, function) in [("crash", "load"), ("exit", "load"), ("abort", "C_GetFunctionList")] {
        let bank = bank();
        let mut command = bank.hosted(&format!("{way}:{function}:1"), &["list"]);
        command.arg("--module").arg(softhsm_module());
        let found = Said::of(command.output().unwrap()).json();
        assert_eq!(found[0]["token"]["label"], bank.soft.label(), "{found:#}");
        let error = bank.run_hosted(&format!("{way}:{function}:1"), &["list"]).failed(Code::DriverCrashed);
        assert_eq!(error["facts"]["function"][0], "C_GetFunctionList", "{error:#}");
    }
}

/// Each function that reads, by the library: past its deadline it is ended, and the next search begins anew.
#[test]
fn a_driver_that_hangs_while_it_reads_is_ended_at_its_deadline() {
    let reading = [
        ("C_Initialize", 1),
        ("C_GetSlotList", 1),
        ("C_GetTokenInfo", 1),
        ("C_OpenSession", 1),
        ("C_FindObjectsInit", 1),
        ("C_FindObjects", 1),
        ("C_FindObjectsFinal", 1),
        ("C_GetAttributeValue", 1),
        ("C_Login", 1),
        ("load", 1),
    ];
    let bank = bank();
    for (function, times) in reading {
        bank.ends(&format!("hang:{function}:{times}"));
        let begun = Instant::now();
        let work = || {
            let token = bank.finder().find(&bank.soft.uri().parse().unwrap())?;
            token.credentials()?;
            token.login(Pin::new(bank.soft.pin().into())).map(drop)
        };
        let error = refused(work(), Code::DriverTimeout);
        let named = if function == "load" { "C_GetFunctionList" } else { function };
        assert_eq!(facts(&error, Fact::Function), [named], "{error}");
        assert!(begun.elapsed() >= short().read, "{function}");
        assert!(bank.hosts().into_iter().all(|process| !is_there(process)), "{function}");
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
    bank.ends("");
    bank.finder().find(&bank.soft.uri().parse().unwrap()).unwrap();
}

/// A login that does not return is stopped by who runs it, and what became of the PIN is said.
#[test]
fn a_login_can_be_stopped_while_the_driver_hangs() {
    let bank = bank();
    bank.ends("hang:C_Login:1");
    let finder = Finder::new().module(driver()).driver_host(host());
    let token = finder.find(&bank.soft.uri().parse().unwrap()).unwrap();
    let cancel = Cancel::new();
    let run = Run::default().cancel(&cancel);
    cancel.cancel();
    let begun = Instant::now();
    let error = refused(run.watch(|| token.login(Pin::new(bank.soft.pin().into()))), Code::Cancelled);
    // Its deadline is a minute.
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(facts(&error, Fact::Function), ["C_Login"], "{error}");
    assert_eq!(facts(&error, Fact::Reason), ["pin_may_have_counted"], "{error}");
}

/// A function that writes is told of and not ended, unless the caller says so.
#[test]
fn a_call_that_writes_goes_on_until_the_caller_stops_it() {
    let bank = bank();
    let any = bank.soft.uri().parse().unwrap();
    let begin = |ends: &str, run: &Run<'_>| {
        bank.ends(ends);
        let token = bank.finder().find(&any).unwrap();
        let session = token.login(Pin::new(bank.soft.pin().into())).unwrap();
        let old = session.credentials().unwrap().by_id(&bank.old.id).only().unwrap();
        Renewal::of(&old).begin(&session, run)
    };
    let told = Mutex::new(Vec::new());
    let find = || bank.finder().time_limit(std::time::Duration::from_millis(500)).find(&any);
    let tell = |step: Step| {
        let begun = Instant::now();
        if step == Step::StillWorking && !told.lock().unwrap().contains(&step) {
            // Whoever searches for the token meanwhile is told who has it: on this thread at once, on another after its time.
            for found in [find(), std::thread::scope(|scope| scope.spawn(find).join().unwrap())] {
                let busy = refused(found, Code::Busy);
                assert_eq!(facts(&busy, Fact::Function), ["C_GenerateKeyPair"], "{busy}");
                assert_eq!(facts(&busy, Fact::Holder), ["this_program"], "{busy}");
            }
            assert!(begun.elapsed() < Finder::TIME_LIMIT, "{:?}", begun.elapsed());
        }
        told.lock().unwrap().push(step);
    };
    let pending = begin("sleep:C_GenerateKeyPair:1", &Run::default().progress(&tell)).unwrap();
    assert!(told.lock().unwrap().contains(&Step::StillWorking), "{told:?}");
    drop(pending);
    let waits = bank.run_hosted("", &["pending"]).json();
    let id = waits[0]["id"].as_str().unwrap();
    bank.run_hosted("", &["abandon", "--yes", "--id", id]).json();
    bank.soft.snapshot().assert_same_as(&bank.before);

    let cancel = Cancel::new();
    let stop = cancel.clone();
    let tell = move |step: Step| {
        if step == Step::StillWorking {
            stop.cancel();
        }
    };
    let run = Run::default().progress(&tell).cancel(&cancel);
    let error = refused(begin("hang:C_GenerateKeyPair:1", &run), Code::Cancelled);
    assert_eq!(facts(&error, Fact::Function), ["C_GenerateKeyPair"], "{error}");
    assert!(bank.hosts().into_iter().all(|process| !is_there(process)));
    // The lock is free, and nothing is half there.
    bank.goes_on("cancelled");
}

/// Which PIN holds is not known then, and no program sends the old one again by itself.
#[test]
fn a_change_of_the_pin_that_is_interrupted_says_so() {
    let bank = bank();
    for way in ["INT", "TERM"] {
        let mut change =
            bank.hosted("hang:C_SetPIN:1", &["pin", "change", "--new-pin-env", "NEW", "--pin-corrected"]);
        let child = change.env("NEW", "739104").spawn().unwrap();
        let process = bank.until_noted("hang");
        signal(way, child.id());
        said(child).failed(Code::PinChangeUncertain);
        until_gone(process);
        bank.run_hosted("", &["list"]).failed(Code::PinWrongBefore);
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
    assert_eq!(bank.run_hosted("", &["list", "--pin-corrected"]).exit, 0);
}

/// A PIN that was sent when the driver ended may have been counted: no program sends it again by itself.
#[test]
fn a_login_without_an_answer_counts_as_a_wrong_pin() {
    let ways =
        [("crash", Code::DriverCrashed), ("crash-after", Code::DriverCrashed), ("hang", Code::DriverTimeout)];
    for (way, code) in ways {
        let bank = bank();
        let issuer = bank.issuer("");
        let renew = ["renew", "--driver-limit", "2", "--issuer", &issuer];
        bank.run_hosted(&format!("{way}:C_Login:1"), &renew).failed(code);
        bank.run_hosted("", &renew).failed(Code::PinWrongBefore);
        assert!(bank.noted().iter().all(|(function, _)| function != "C_Login"), "{way}");
        let said = bank.run_hosted("", &[&renew[..], &["--pin-corrected"]].concat());
        assert_eq!(said.exit, 0, "{way}: {said:?}");
        bank.assert_one_new_credential();
    }
}

/// Whatever a driver does when it is ended: what was done is said, and how it went.
#[test]
fn a_driver_that_ends_at_its_end_takes_no_result() {
    let bank = bank();
    let whole = bank.run_hosted("", &["list"]).json();
    for way in ["exit", "abort", "crash", "kill", "close", "hang", "abort-after", "exit-after"] {
        let listed = bank.run_hosted(&format!("{way}:C_Finalize:1"), &["list"]);
        assert_eq!(listed.json(), whole, "{way}");
        let none = ["list", "--token", "pkcs11:token=NONE"];
        bank.run_hosted(&format!("{way}:C_Finalize:1"), &none).failed(Code::TokenNotFound);
    }
    // In the command's own process they do.
    bank.ends("exit:C_Finalize:1");
    let inside = bank.command(driver(), &["list", "--in-process"]).output().unwrap();
    assert!(inside.stdout.is_empty(), "{inside:?}");
}

/// What a driver does when it is unloaded is not waited for, and changes no result.
#[test]
fn a_driver_that_crashes_as_it_goes_takes_no_result() {
    let bank = bank();
    let whole = bank.run_hosted("", &["list"]).json();
    for way in ["crash", "abort", "exit", "hang"] {
        assert_eq!(bank.run_hosted(&format!("{way}:unload:1"), &["list"]).json(), whole, "{way}");
        assert!(bank.hosts().into_iter().all(|process| !is_there(process)), "{way}");
    }
    let said = bank.run_hosted("crash:unload:1", &["renew", "--issuer", &bank.issuer("")]);
    assert_eq!(said.exit, 0, "{said:?}");
    bank.assert_one_new_credential();
}

/// A slot that is named spares the driver the others: SoftHSM shows a blank one beside each token.
#[test]
fn a_slot_that_is_named_spares_the_others() {
    let bank = bank();
    let serial = bank.soft.serial();
    // SoftHSM numbers slots by the end of the serial number.
    let number = u32::from_str_radix(&serial[serial.len() - 8..], 16).unwrap() & 0x7fff_ffff;
    let asked = |uri: &str| {
        bank.ends("");
        let found = bank.finder().find(&uri.parse().unwrap());
        let asked = bank.noted().iter().filter(|(function, _)| function == "C_GetTokenInfo").count();
        (found.map(|token| token.identity().serial.clone()), asked)
    };
    let (found, others) = asked(&format!("pkcs11:serial={serial}"));
    assert_eq!((found.unwrap().as_str(), others), (serial, 2));
    let (found, others) = asked(&format!("pkcs11:slot-id={number}"));
    assert_eq!((found.unwrap().as_str(), others), (serial, 1));
    let (found, others) = asked("pkcs11:slot-id=77");
    refused(found, Code::TokenNotPresent);
    assert_eq!(others, 0);
}

/// Where nothing is said, the program beside the command; and no other of that name.
#[test]
fn the_host_beside_the_command_is_used() {
    let bank = bank();
    bank.ends("crash:C_GetSlotList:1");
    Said::of(bank.command(driver(), &["list"]).output().unwrap()).failed(Code::DriverCrashed);
    let inside = bank.command(driver(), &["list", "--in-process"]).output().unwrap();
    assert_eq!(inside.status.signal(), Some(11), "{inside:?}");

    bank.ends("");
    let alone = bank.file("usbtoken");
    std::fs::copy(common::usbtoken(), &alone).unwrap();
    let folder = Path::new(host()).parent().unwrap().display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    let run = |arguments: &[&str]| {
        let usual = bank.command(driver(), arguments);
        let mut command = Command::new(&alone);
        command.args(usual.get_args()).current_dir(usual.get_current_dir().unwrap()).env("PATH", &path);
        command.envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        (process.id(), said(process))
    };
    let (process, said) = run(&["preflight"]);
    let notices = said.json()["notices"].to_string();
    assert!(notices.contains("driver_in_process"), "{notices}");
    assert_eq!(bank.hosts(), [process]);
    assert!(!run(&["preflight", "--in-process"]).1.stdout.contains("driver_in_process"));
    // With the program beside it.
    std::fs::copy(host(), bank.file("usbtoken-driver")).unwrap();
    bank.ends("crash:C_GetSlotList:1");
    run(&["list"]).1.failed(Code::DriverCrashed);
}

/// What the system lacks is no fault of the host's program; one that nobody may run is as one that is not there.
#[test]
fn what_the_system_lacks_is_told_as_that() {
    let bank = bank();
    let run = |program: &Path, limit: &str| {
        let usual = bank.hosted("", &["preflight"]);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {limit} && exec \"$0\" \"$@\"")]).arg(program);
        command.args(usual.get_args().filter(|word| *word != "--driver-host" && *word != host()));
        command.envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Said::of(command.output().unwrap())
    };
    let error = run(common::usbtoken(), "9").failed(Code::OutOfMemory);
    assert!(error["facts"]["detail"][0].as_str().unwrap().contains("usbtoken-driver"), "{error:#}");
    run(common::usbtoken(), "64").json();

    let alone = bank.file("usbtoken");
    std::fs::copy(common::usbtoken(), &alone).unwrap();
    let empty = bank.write("usbtoken-driver", b"");
    std::fs::set_permissions(&empty, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let notices = run(&alone, "64").json()["notices"].to_string();
    assert!(notices.contains("driver_in_process") && notices.contains("usbtoken-driver"), "{notices}");
}

/// Some drivers close what they did not open, the way to the caller among it.
#[test]
fn a_driver_that_closes_descriptors_can_be_used() {
    let bank = bank();
    let said = bank.run_hosted("close:C_Initialize:1", &["renew", "--issuer", &bank.issuer("")]);
    assert_eq!(said.exit, 0, "{said:?}");
    bank.assert_one_new_credential();
    assert_eq!(bank.hosts().len(), 1);
    assert!(!is_there(bank.hosts()[0]));
}

/// What a host has and has not, while it is in a call.
#[test]
fn a_host_has_little() {
    let bank = bank();
    let mut command = bank.hosted("hang:C_GetTokenInfo:1", &["list"]);
    let child = command.env("LD_DEBUG_OUTPUT", "/nowhere").env("GCONV_PATH", "/nowhere").spawn().unwrap();
    let process = bank.until_noted("hang");
    let read = |what: &str| std::fs::read_to_string(format!("/proc/{process}/{what}")).unwrap();
    let status = read("status");
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    let limits = read("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    let environment = String::from_utf8(std::fs::read(format!("/proc/{process}/environ")).unwrap()).unwrap();
    assert!(!environment.contains("LD_DEBUG_OUTPUT") && !environment.contains("GCONV_PATH"), "{environment}");
    assert!(environment.contains("SOFTHSM2_CONF"), "{environment}");
    assert!(!environment.contains("TEST_PIN"), "{environment}");
    let mut open: Vec<String> = std::fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .map(|entry| std::fs::read_link(entry.unwrap().path()).unwrap().display().to_string())
        .collect();
    open.sort();
    let others: Vec<&String> = open.iter().filter(|file| !file.starts_with("socket:")).collect();
    assert!(
        open.len() == 4 && others.len() == 3 && others.iter().all(|file| *file == "/dev/null"),
        "{open:?}"
    );
    // Ctrl-C at the terminal goes to the group of the caller.
    let group = |process: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        stat.rsplit(") ").next().unwrap().split(' ').nth(2).unwrap().to_owned()
    };
    assert_ne!(group(process), group(child.id()));
    signal("KILL", child.id());
    said(child);
    until_gone(process);
}

/// A program that is no host, one that is not there, and one that says anything.
#[test]
fn what_is_no_host_is_said_to_be_none() {
    let bank = bank();
    let with = |program: &std::path::Path| {
        let finder = Finder::new().module(softhsm_module()).driver_host(program).trust_any_owner();
        finder.deadlines(short()).find(&bank.soft.uri().parse().unwrap())
    };
    refused(with("/nowhere/usbtoken-driver".as_ref()), Code::DriverHostUnusable);
    refused(with("usbtoken-driver".as_ref()), Code::DriverHostUnusable);
    refused(with(bank.file("").as_path()), Code::DriverHostUnusable);
    let script = |text: &str| {
        let program = bank.write("host.sh", format!("#!/bin/sh\n{text}\n").as_bytes());
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        program
    };
    for says in [
        "exit 0",
        "head -c 100000 /dev/urandom >&0",
        "head -c 100000 /dev/zero >&0",
        "printf '\\377\\377\\377\\377' >&0; sleep 1",
    ] {
        let error = with(&script(says)).expect_err(says);
        // No driver is there yet that could be blamed.
        assert_eq!(error.code(), Code::DriverHostUnusable, "{says}: {error}");
    }
    // It says that it is a host, and then nothing that is an answer.
    let error =
        with(&script("printf '\\001\\000\\000\\000\\000\\377\\377\\377\\377' >&0; sleep 1")).unwrap_err();
    assert_eq!(error.code(), Code::DriverCrashed, "{error}");
    let error = with(&script("sleep 100")).expect_err("it says nothing");
    assert_eq!(error.code(), Code::DriverHostUnusable, "{error}");
    assert!(host().starts_with('/'));
}

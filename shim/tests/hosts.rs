//! Unusual hosts, written in C: each does the same through the shim as without it.

mod common;

use common::shim;
use common::stage::{Stage, functions, said, told};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

// The host's descriptors are its own.

#[test]
fn a_daemon_that_closes_everything_has_its_file_to_itself() {
    let stage = Stage::new("");
    let output = stage.same("closes_all", &["data"]);
    assert_eq!(fs::read_to_string(stage.path("data")).unwrap(), "host data\n");
    let trace = stage.trace();
    assert!(trace.unreadable.is_empty() && said(&output).is_empty(), "{}", said(&output));
    assert_eq!(
        functions(&trace),
        ["C_GetFunctionList", "C_Initialize", "C_GetInfo", "C_GetInfo", "C_Finalize"],
        "the trace is opened again"
    );
}

#[test]
fn a_file_that_got_the_traces_number_is_not_written_to() {
    let stage = Stage::new("");
    let trace = stage.path("trace");
    let output = stage.same("takes_the_number", &["data", common::arg(&trace)]);
    let taken: u32 = said(&output).trim().strip_prefix("taken ").unwrap().parse().unwrap();
    assert!(taken >= 64, "the trace's number was found, and is high: {taken}");
    assert_eq!(fs::read_to_string(stage.path("data")).unwrap(), "host data\n");
    assert_eq!(stage.trace().counted(), 4);
}

#[test]
fn with_few_descriptors_the_trace_takes_a_lower_one() {
    let stage = Stage::new("");
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 20; exec \"$@\"", "sh"])
        .arg(stage.path("hosts"))
        .arg("takes_the_number")
        .arg(shim())
        .args(["data", common::arg(&stage.path("trace"))])
        .current_dir(stage.folder.path())
        .env("USBTOKEN_SHIM_DRIVER", stage.path("driver.so"))
        .env("USBTOKEN_SHIM_TRACE", "trace")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let taken: u32 = said(&output).trim().strip_prefix("taken ").unwrap().parse().unwrap();
    assert!((3..20).contains(&taken), "{taken}");
    assert_eq!(stage.trace().counted(), 4);
}

#[test]
fn the_trace_is_never_a_standard_file() {
    let stage = Stage::new("");
    stage.same("without_standard_files", &[]);
    assert!(!stage.trace_text().contains("words of the host"));
    assert_eq!((stage.trace().counted(), stage.trace().unreadable.len()), (4, 0));
}

#[test]
fn a_file_in_place_of_the_standard_error_gets_no_line_of_ours() {
    let stage = Stage::new("");
    stage.same("file_as_standard_error", &["data"]);
    assert_eq!(fs::read_to_string(stage.path("data")).unwrap(), "host data\n");
}

// Unloading.

#[test]
fn a_thousand_cycles_leave_nothing() {
    let stage = Stage::new("");
    for finalize in ["0", "1"] {
        let output = stage.same("cycles", &["1000", finalize, "usbtoken_shim"]);
        assert!(told(&output).contains("descriptors more: 0, threads: 1, modules: 0"), "{}", told(&output));
        let more: i64 = said(&output).trim().strip_prefix("bytes more: ").unwrap().parse().unwrap();
        assert!(more < 16 * 1024, "{more} bytes more after a thousand cycles");
    }
    assert_eq!(stage.trace().starts.len(), 2 * 1020);
}

#[test]
fn a_driver_that_was_left_initialised_is_unloaded_as_without_us() {
    let stage = Stage::new("says-goodbye");
    let output = stage.same("cycles", &["2", "0", "usbtoken_shim"]);
    assert_eq!(told(&output).matches("driver unloaded").count(), 22);
    // And when the process ends without dlclose, once.
    assert_eq!(told(&stage.same("careless", &[])).matches("driver unloaded").count(), 1);
}

#[test]
fn a_process_may_end_in_the_middle_of_a_call() {
    let output = Stage::new("").same("ends_in_the_middle", &[]);
    assert!(told(&output).contains("at the end 0 0"), "{}", told(&output));
}

// Cancellation and unwinding.

#[test]
fn a_wait_can_be_cancelled() {
    let output = Stage::new("").same("cancels_a_wait", &[]);
    assert_eq!(told(&output).matches("cleanup handler\ncancelled: 1").count(), 2);
}

#[test]
fn short_calls_can_be_cancelled_and_their_lines_are_whole() {
    let stage = Stage::new("");
    stage.same("cancels_short_calls", &[]);
    let trace = stage.trace();
    assert!(trace.unreadable.is_empty() && trace.counted() >= 200, "{:?}", trace.unreadable);
    assert_eq!(functions(&trace).last(), Some(&"C_Finalize"));
}

#[test]
fn a_call_can_be_left_by_longjmp_and_by_pthread_exit() {
    let stage = Stage::new("");
    assert_eq!(told(&stage.same("jumps_out", &[])).matches("jumped").count(), 3);
    assert!(told(&stage.same("exits_in_a_callback", &[])).contains("ended with 7"));
    assert!(stage.trace().unreadable.is_empty());
    let again = Stage::new("starts-at-the-second-time").same("starts_again", &[]);
    assert!(told(&again).contains("C_Initialize 0\n"), "{}", told(&again));
}

// Other people's rights.

#[test]
fn a_set_uid_host_reads_no_environment() {
    let stage = Stage::new("says-goodbye");
    let output = stage.traced("set_uid", &[], "trace");
    assert!(told(&output).contains("AT_SECURE 1\nC_GetFunctionList 0x5"), "{}", told(&output));
    assert!(!told(&output).contains("driver unloaded"), "the caller's driver was not loaded");
    assert!(said(&output).contains("no driver is configured"), "{}", said(&output));
    assert!(!stage.path("trace").exists());
    // The same host, had it no such rights.
    assert!(told(&stage.traced("careless", &[], "trace")).contains("driver unloaded"));
}

// The trace neither kills nor hangs nor changes the host.

#[test]
fn errno_is_the_drivers_or_the_hosts_own() {
    let output = Stage::new("").same("keeps_errno", &[]);
    assert!(told(&output).contains("errno 4711\nerrno 4721\nerrno 4722"), "{}", told(&output));
    // Nor does a trace that cannot be written change it.
    let stage = Stage::new("");
    let limited = Command::new("sh")
        .args(["-c", "ulimit -f 0; exec \"$@\"", "sh"])
        .arg(stage.path("hosts"))
        .arg("keeps_errno")
        .arg(shim())
        .current_dir(stage.folder.path())
        .env("USBTOKEN_SHIM_DRIVER", stage.path("driver.so"))
        .env("USBTOKEN_SHIM_TRACE", "trace")
        .output()
        .unwrap();
    assert_eq!(told(&limited), told(&output));
    assert_eq!(said(&limited).matches("usbtoken-shim: ").count(), 1, "{}", said(&limited));
}

#[test]
fn after_a_line_that_was_cut_short_the_next_begins_on_its_own() {
    let stage = Stage::new("");
    let output = stage.same("file_size_limit", &[]);
    assert_eq!(said(&output).matches("the trace is incomplete from here on").count(), 1, "{}", said(&output));
    let trace = stage.trace();
    assert_eq!(trace.unreadable.len(), 1, "the one that was cut: {}", stage.trace_text());
    assert_eq!(trace.calls.last().map(|call| call.n), Some(8), "what comes after it is there");
}

#[test]
fn another_processs_torn_line_is_not_continued() {
    let stage = Stage::new("");
    let trace = stage.path("trace");
    fs::write(&trace, "{\"t\":\"2026-11-22T00:00:00.0000").unwrap();
    fs::set_permissions(&trace, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(stage.traced("careless", &[], &trace).status.success());
    let trace = stage.trace();
    assert_eq!((trace.unreadable, trace.starts.len()), (vec![1], 1));
}

#[test]
fn the_hosts_signals_are_as_they_were() {
    let output = Stage::new("").same("keeps_its_signals", &[]);
    assert!(told(&output).contains("waiting: 0 0\nwaiting: 1 1\nblocked: 0 0"), "{}", told(&output));
}

/// A trace at this place is not written: the host goes on, and hears one line about it.
fn goes_on_without(stage: &Stage, trace: &Path, reason: &str) {
    let direct = stage.direct("careless", &[]);
    let output = stage.traced("careless", &[], trace);
    assert_eq!(told(&output), told(&direct));
    let line = said(&output);
    assert!(line.lines().count() == 1 && line.starts_with("usbtoken-shim: the trace "), "{line}");
    assert!(line.contains(reason) && line.contains("nothing is recorded"), "{line}");
    // Refused when that is what is configured; and a host that does not examine return values lives on.
    let mut refused = stage.command("careless", &shim(), &[]);
    let refused = refused
        .env("USBTOKEN_SHIM_TRACE", trace)
        .env("USBTOKEN_SHIM_ON_TRACE_FAILURE", "refuse")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&refused.stdout),
        "C_GetFunctionList 0x5\nC_Initialize 0x5\nC_GetInfo 0x5\n"
    );
    assert!(refused.status.success() && said(&refused).lines().count() == 1, "{refused:?}");
}

#[test]
fn a_trace_that_is_no_file_is_refused() {
    let stage = Stage::new("");
    let pipe = stage.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    goes_on_without(&stage, &pipe, "is no file");
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    goes_on_without(&stage, Path::new("/dev/full"), "");
    goes_on_without(&stage, stage.folder.path(), "is no file");
    goes_on_without(&stage, &stage.path("no/such/folder/trace"), "No such file or directory");
}

#[test]
fn whoever_ignores_that_the_driver_is_missing_finds_functions_that_fail() {
    let stage = Stage::new("");
    for (scene, ways) in [
        ("careless", "C_GetFunctionList 0x5\n"),
        (
            "careless_with_interfaces",
            "C_GetFunctionList 0x5\nC_GetInterfaceList 0x5 0\nC_GetInterface 0x5 PKCS 11\n",
        ),
    ] {
        let mut host = stage.command(scene, &shim(), &[]);
        let output = host.env("USBTOKEN_SHIM_DRIVER", "/no/such/driver.so").output().unwrap();
        assert!(output.status.success() && said(&output).lines().count() == 1, "{output:?}");
        let functions = "C_Initialize 0x5\nC_GetInfo 0x5\n";
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{ways}{functions}"));
    }
}

#[test]
fn a_pipe_whose_reader_waits_lets_it_go() {
    let stage = Stage::new("");
    let pipe = stage.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut reader = Command::new("head").arg("-1").arg(&pipe).stdout(Stdio::piped()).spawn().unwrap();
    // The reader may open it before us or after; either way neither waits for ever.
    let output = stage.traced("careless", &[], &pipe);
    assert!(output.status.success() && said(&output).contains("is no file"), "{output:?}");
    reader.kill().unwrap();
    reader.wait().unwrap();
}

#[test]
fn a_file_that_is_not_this_users_alone_is_not_written_to() {
    let stage = Stage::new("");
    let open = stage.path("open");
    fs::write(&open, "somebody's\n").unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o640)).unwrap();
    goes_on_without(&stage, &open, "chmod 600");

    let own = stage.path("bashrc");
    fs::write(&own, "alias ll=ls\n").unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o600)).unwrap();
    let (link, dangling, hard) = (stage.path("link"), stage.path("dangling"), stage.path("hard"));
    symlink(&own, &link).unwrap();
    symlink(stage.path("created"), &dangling).unwrap();
    goes_on_without(&stage, &link, "symbolic link");
    goes_on_without(&stage, &dangling, "symbolic link");
    assert!(!stage.path("created").exists());
    fs::hard_link(&own, &hard).unwrap();
    goes_on_without(&stage, &hard, "hard links");
    assert_eq!(fs::read_to_string(&own).unwrap(), "alias ll=ls\n");

    // Another user's: one that root gives away; for anyone else there is one of root's.
    let theirs = stage.path("theirs");
    fs::write(&theirs, "").unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o600)).unwrap();
    let theirs = if std::os::unix::fs::chown(&theirs, Some(65534), None).is_ok() {
        theirs
    } else {
        "/etc/passwd".into()
    };
    let before = fs::read(&theirs).unwrap();
    goes_on_without(&stage, &theirs, "another user's");
    assert_eq!(fs::read(&theirs).unwrap(), before);
}

#[test]
fn a_new_trace_is_this_users_alone_whatever_the_umask() {
    let stage = Stage::new("");
    let output = Command::new("sh")
        .args(["-c", "umask 000; exec \"$@\"", "sh"])
        .arg(stage.path("hosts"))
        .arg("careless")
        .arg(shim())
        .current_dir(stage.folder.path())
        .env("USBTOKEN_SHIM_DRIVER", stage.path("driver.so"))
        .env("USBTOKEN_SHIM_TRACE", "trace")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(fs::metadata(stage.path("trace")).unwrap().mode() & 0o777, 0o600);
}

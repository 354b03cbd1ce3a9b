//! Drivers that misbehave, written in C: an application fares as without the shim, and the trace shows nothing that the
//! driver did not write.

mod common;

use common::shim;
use common::stage::{Stage, said, told};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const SECRET: &str = "PIN=648219-SECRET";

// What is shown.

#[test]
fn what_the_driver_did_not_write_is_not_shown() {
    for driver in ["stops-at-the-first", "buffer-too-small", "writes-nothing"] {
        let stage = Stage::new(driver);
        stage.same("stale_buffers", &[]);
        let text = stage.trace_text();
        assert!(text.contains("C_GetAttributeValue") && text.contains("CKA_LABEL"), "{text}");
        common::assert_nowhere(&text, SECRET.as_bytes(), driver);
        common::assert_nowhere(&text, b"648219", driver);
    }
    // A driver that writes is shown, also when it is asked again into the same buffer.
    let stage = Stage::new("");
    stage.same("stale_buffers", &[]);
    let text = stage.trace_text();
    assert_eq!(text.matches(r#""value":"from the driver""#).count(), 2, "{text}");
    common::assert_nowhere(&text, SECRET.as_bytes(), "a buffer that was longer");
}

#[test]
fn a_structure_that_the_driver_left_half_empty_is_half_shown() {
    let stage = Stage::new("leaves-fields");
    stage.same("stale_structures", &[]);
    let text = stage.trace_text();
    assert!(text.contains(r#""label":"token""#), "{text}");
    common::assert_nowhere(&text, SECRET.as_bytes(), "a structure");
    common::assert_nowhere(&text, b"648219", "a structure");
}

#[test]
fn what_the_driver_refused_is_not_shown_and_text_ends_at_its_nul() {
    for (driver, shown) in [("refuses", false), ("", true)] {
        let stage = Stage::new(driver);
        stage.same("gives_too_much", &[]);
        let text = stage.trace_text();
        assert_eq!(text.contains("a short label"), shown, "{text}");
        common::assert_nowhere(&text, b"648219", "what stands behind a label");
    }
}

#[test]
fn pointers_to_nowhere_are_the_drivers_to_refuse() {
    let stage = Stage::new("");
    stage.same("wild_pointers", &[]);
    assert!(stage.trace().unreadable.is_empty() && stage.trace().counted() > 30);
}

#[test]
fn a_sandbox_may_forbid_to_read_arguments() {
    let stage = Stage::new("");
    stage.same("sandbox", &[]);
    let trace = stage.trace();
    assert_eq!(trace.counted(), 4);
    assert_eq!(trace.calls[2].args["pInfo"], serde_json::Value::Null);
}

// Drivers that hand out lists of their own making, and those that lead back.

#[test]
fn lists_that_are_made_anew_are_told_apart() {
    let stage = Stage::new("new-lists");
    let output = stage.same("many_lists", &["14"]);
    // The first list is that of the symbols, and each has its own functions.
    assert!(
        said(&output).contains("different 14") && said(&output).contains("by its symbol 0x8000000a"),
        "{output:?}"
    );
    // Beyond what can be told apart all goes on.
    let many = stage.traced("many_lists", &["40"], "trace");
    assert!(many.status.success() && !told(&many).contains("list "), "{many:?}");
    assert!(
        said(&many).contains("different 16") && said(&many).matches("more than 16").count() == 1,
        "{many:?}"
    );
}

#[test]
fn copies_of_one_list_are_one() {
    let output = Stage::new("copies").same("many_lists", &["40"]);
    assert!(said(&output).contains("different 1\n"), "{output:?}");
}

#[test]
fn a_driver_that_leads_back_is_refused() {
    let at_once = Stage::new("leads-back").through("careless", &[]);
    assert_eq!(
        String::from_utf8_lossy(&at_once.stdout),
        "C_GetFunctionList 0x5\nC_Initialize 0x5\nC_GetInfo 0x5\n"
    );
    assert!(said(&at_once).contains("leads back to this module"), "{at_once:?}");
    // One that leads back later has its own way with the refusal.
    let later = Stage::new("leads-back-later").through("careless", &[]);
    assert!(told(&later).contains("C_Initialize 0x30"), "{later:?}");
    assert_eq!(said(&later).matches("its C_Initialize calls ours").count(), 1, "{later:?}");
}

/// The first of these that is there.
fn installed(places: &[&str], package: &str) -> PathBuf {
    let found = places.iter().map(PathBuf::from).find(|place| place.is_file());
    found.unwrap_or_else(|| panic!("{package} is installed"))
}

fn proxy() -> PathBuf {
    let places = [
        "/usr/lib/x86_64-linux-gnu/p11-kit-proxy.so",
        "/usr/lib/aarch64-linux-gnu/p11-kit-proxy.so",
        "/usr/lib64/p11-kit-proxy.so",
    ];
    installed(&places, "p11-kit's proxy (libp11-kit0)")
}

#[test]
fn p11_kits_proxy_is_asked_as_often_as_one_likes() {
    let stage = Stage::new("");
    let run = |module: &Path| {
        let mut host = stage.command("asks_often", module, &["12"]);
        host.env("USBTOKEN_SHIM_DRIVER", proxy()).env("USBTOKEN_SHIM_TRACE", "trace").output().unwrap()
    };
    let (direct, through) = (run(&proxy()), run(&shim()));
    assert!(direct.status.success(), "{direct:?}");
    assert_eq!(told(&through), told(&direct), "{}", said(&through));
}

#[test]
fn a_circle_through_p11_kits_proxy_ends() {
    let stage = Stage::new("");
    let modules = stage.path("pkcs11/modules");
    let copy = stage.path("shim.so");
    fs::create_dir_all(&modules).unwrap();
    fs::copy(shim(), &copy).unwrap();
    fs::write(modules.join("shim.module"), format!("module: {}\n", copy.display())).unwrap();
    fs::write(stage.path("pkcs11/pkcs11.conf"), "user-config: only\n").unwrap();
    let mut host = Command::new("timeout");
    host.arg("60").arg(stage.path("hosts")).arg("asks_often").arg(&copy).arg("2");
    host.current_dir(stage.folder.path())
        .env("XDG_CONFIG_HOME", stage.folder.path())
        .env("USBTOKEN_SHIM_DRIVER", proxy());
    // p11-kit reads no user's configuration for root.
    if fs::metadata(stage.folder.path()).unwrap().uid() == 0 {
        fs::set_permissions(stage.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        host.uid(65534);
    }
    let output = host.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(said(&output).contains("leads back to this module"), "{output:?}");
}

#[test]
fn a_circle_through_opensc_s_spy_ends() {
    let places = [
        "/usr/lib/x86_64-linux-gnu/pkcs11-spy.so",
        "/usr/lib/aarch64-linux-gnu/pkcs11-spy.so",
        "/usr/lib64/pkcs11-spy.so",
        "/usr/lib64/pkcs11/pkcs11-spy.so",
    ];
    let spy = installed(&places, "OpenSC's spy (opensc-pkcs11)");
    let stage = Stage::new("");
    let mut host = Command::new("timeout");
    host.arg("20").arg(stage.path("hosts")).arg("careless").arg(shim());
    let output = host
        .current_dir(stage.folder.path())
        .env("USBTOKEN_SHIM_DRIVER", &spy)
        .env("PKCS11SPY", shim())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(said(&output).contains("leads back to this module"), "{output:?}");
}

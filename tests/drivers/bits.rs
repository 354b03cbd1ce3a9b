//! A 32-bit driver under a 64-bit program, and the other way: `cargo xtask bits` brings a 32-bit SoftHSM and builds the programs.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "../common/mod.rs"]
mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Bank, Said};
use usbtoken::Code;
use usbtoken_testkit::{Kind, days_from_now, driver_host, softhsm_module};

fn built(name: &str) -> PathBuf {
    let folder = std::env::var_os("USBTOKEN_TEST_32_BITS").expect("`cargo xtask bits` sets it");
    PathBuf::from(folder).join(name)
}

fn narrow_softhsm() -> PathBuf {
    let root = std::env::var_os("USBTOKEN_TEST_32_BIT_ROOT").expect("`cargo xtask bits` sets it");
    PathBuf::from(root).join("usr/lib/i386-linux-gnu/softhsm/libsofthsm2.so")
}

/// A bank's token, and both hosts in one folder.
fn bank(kind: Kind) -> (Bank, String) {
    let bank = Bank::alone(kind, days_from_now(11));
    let host = bank.file("usbtoken-driver");
    std::fs::copy(driver_host(), &host).unwrap();
    std::fs::copy(built("usbtoken-driver"), bank.file("usbtoken-driver32")).unwrap();
    let host = host.to_str().unwrap().to_owned();
    (bank, host)
}

fn run(bank: &Bank, arguments: &[&str]) -> Said {
    Said::of(bank.command(&narrow_softhsm(), arguments).output().unwrap())
}

#[test]
#[ignore = "run by `cargo xtask bits`"]
fn a_32_bit_driver_is_used_in_a_32_bit_host() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let (bank, host) = bank(kind);
        let list = |module: &Path| {
            Said::of(bank.command(module, &["list", "--driver-host", &host]).output().unwrap())
        };
        let same = || {
            let narrow = list(&narrow_softhsm()).json();
            // What the attributes of a key prove is among it.
            assert_eq!(narrow[0]["proof_level"], "proven", "{narrow:#}");
            assert_eq!(narrow, list(&softhsm_module()).json());
        };
        same();
        let said = run(&bank, &["renew", "--driver-host", &host, "--issuer", &bank.issuer("")]);
        assert_eq!(said.exit, 0, "{said:?}");
        bank.assert_one_new_credential();
        same();
    }
}

#[test]
#[ignore = "run by `cargo xtask bits`"]
fn without_a_fitting_host_it_is_said_which_is_needed() {
    let (bank, host) = bank(Kind::P256);
    let fitting = bank.file("usbtoken-driver32");
    let list = ["list", "--driver-host", &host];
    // Another one could write into it.
    std::fs::set_permissions(&fitting, PermissionsExt::from_mode(0o777)).unwrap();
    let error = run(&bank, &list).failed(Code::DriverWrongBitness);
    assert_eq!(error["facts"]["driver_host"][0], fitting.to_str().unwrap(), "{error:#}");
    std::fs::remove_file(&fitting).unwrap();
    let error = run(&bank, &list).failed(Code::DriverWrongBitness);
    assert_eq!(error["facts"]["driver_host"][0], fitting.to_str().unwrap(), "{error:#}");
    run(&bank, &["list", "--in-process"]).failed(Code::DriverWrongBitness);
    // One that has the name and not the bitness.
    std::fs::copy(driver_host(), &fitting).unwrap();
    run(&bank, &list).failed(Code::DriverUnloadable);
}

#[test]
#[ignore = "run by `cargo xtask bits`"]
fn a_64_bit_driver_is_used_under_a_32_bit_program() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let mut program = Command::new(built("slots"));
    program.arg(driver_host()).arg(softhsm_module()).envs(bank.soft.env());
    let output = program.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.lines().any(|label| label == bank.soft.label()), "{shown}");
    assert!(shown.starts_with("32 bits\n"), "{shown}");
}

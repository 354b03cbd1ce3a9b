//! While the CA works the PIN is not in the memory of the command: the program that asks the CA searches it, as root.

#![cfg(target_os = "linux")]

mod common;

use common::Stage;

const PIN: &str = "pin-7731-to-be-wiped";

/// Counts a text in what a process can write; the text comes inverted, so that the search does not find itself elsewhere.
const SEARCH: &str = r#"
import sys
process, wanted, into = sys.argv[1], bytes(255 - byte for byte in bytes.fromhex(sys.argv[2])), sys.argv[3]
found = 0
with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb", 0) as memory:
    for line in maps:
        place, rights = line.split()[:2]
        if not rights.startswith("rw"):
            continue
        begin, end = (int(number, 16) for number in place.split("-"))
        memory.seek(begin)
        try:
            found += memory.read(end - begin).count(wanted)
        except OSError:
            pass
with open(into, "w") as file:
    file.write(str(found))
"#;

/// An argument, which the search finds.
const LOGIN: &str = "login-of-the-ca";

/// How often the PIN is in the memory of the command, and the name of the login's file, at each operation of its helper.
fn copies(how: &str) -> [(u32, u32); 2] {
    let stage = Stage::with_pin(PIN);
    let root = if is_root() { "" } else { "sudo -n" };
    stage.write("search.py", SEARCH.as_bytes());
    stage.write(LOGIN, b"user1031\nS3cret!word\n");
    let search = |text: &str, into: &str| {
        format!("{root} python3 search.py $PPID {} {into}.$USBTOKEN_OPERATION || exit 3", inverted(text))
    };
    let helper = format!(
        "#!/bin/sh\n{}\n{}\n[ $USBTOKEN_OPERATION = AUTHORISE ] || exit 2\n",
        search(PIN, "pin"),
        search(LOGIN, "login")
    );
    stage.write("helper", helper.as_bytes());
    stage.tool("chmod", &["+x", "helper"]).succeeded();
    let renew = format!("usbtoken renew --json {how} --issuer-login={LOGIN} --issuer-helper \"$PWD/helper\"");
    stage.shell(&renew).failed("issuer_rejected", 6);
    ["AUTHORISE", "SUBMIT"].map(|operation| {
        (count(&stage, &format!("pin.{operation}")), count(&stage, &format!("login.{operation}")))
    })
}

fn inverted(text: &str) -> String {
    text.bytes().map(|byte| format!("{:02x}", 255 - byte)).collect()
}

fn count(stage: &Stage, file: &str) -> u32 {
    assert!(
        stage.file(file).exists(),
        "only root can search: run this test as root, or let sudo ask no password"
    );
    String::from_utf8(stage.read(file)).unwrap().parse().unwrap()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn the_pin_is_gone_while_the_ca_works() {
    for how in ["--pin-file pin", "--pin-file - < pin", "--in-process --pin-file pin"] {
        let [at_login, at_request] = copies(how);
        assert!(at_login.1 > 0 && at_request.1 > 0, "{how}: what is there is found");
        assert_eq!((at_login.0, at_request.0), (0, 0), "{how}: while it logs in and while it is asked");
    }
}

/// A server that takes the connection and says nothing is waited for without the PIN.
#[test]
fn the_pin_is_gone_while_a_server_works() {
    let stage = Stage::with_pin(PIN);
    let inverted = inverted(PIN);
    let root = if is_root() { "" } else { "sudo -n" };
    stage.write("search.py", SEARCH.as_bytes());
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("https://localhost:{}/", silent.local_addr().unwrap().port());
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    command.args(["--json", "--pin-file", "pin", "confirm", "--server-ca", "ca/root.pem", "--url", &url]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = stage.at_home(&mut command).spawn().unwrap();
    let waits = silent.accept();
    stage.shell(&format!("{root} python3 search.py {} {inverted} found", child.id())).succeeded();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(waits);
    assert_eq!(count(&stage, "found"), 0);
}

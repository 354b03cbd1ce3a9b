//! The login at the bank's server from C, and the removal that waits for it. The server is `openssl s_server`.

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use common::{Stage, c_test, succeed};
use usbtoken_testkit::{Kind, NameDer, SoftKey, TestCa, Text, days_from_now};

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server of this stage's CA that demands a certificate of it, and its port.
fn server(stage: &Stage) -> (Server, u16) {
    let folder = stage.folder.path();
    let ca = TestCa::at(&folder.join("ca"));
    let key = SoftKey::generate(Kind::P256);
    let subject = NameDer::new().common(Text::Utf8, "localhost").to_der();
    // GeneralNames: one dNSName.
    let names = [&[0x30, 11, 0x82, 9][..], b"localhost"].concat();
    let issue = ca.issue(&subject, &key.spki()).server_only().extension("2.5.29.17", false, &names);
    std::fs::write(folder.join("server.der"), issue.not_before(days_from_now(-1)).der()).unwrap();
    std::fs::write(folder.join("server.key"), key.to_pem()).unwrap();
    let bundle = ["ca/ca.pem", "ca/root.pem"].map(|file| std::fs::read(folder.join(file)).unwrap()).concat();
    std::fs::write(folder.join("clients.pem"), bundle).unwrap();
    let mut child = Command::new("openssl")
        .args(["s_server", "-accept", "0", "-cert", "server.der", "-certform", "DER", "-key", "server.key"])
        .args([
            "-cert_chain",
            "ca/ca.pem",
            "-CAfile",
            "clients.pem",
            "-Verify",
            "3",
            "-verify_return_error",
            "-www",
        ])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT ").map(str::to_owned)).unwrap();
    // What it goes on saying is taken, or it would wait for that.
    std::thread::spawn(move || lines.for_each(drop));
    (Server(child), said.rsplit(':').next().unwrap().trim().parse().unwrap())
}

#[test]
fn the_old_one_goes_after_a_confirmed_login() {
    let stage = Stage::set();
    stage.token.foreign_objects();
    let before = stage.token.snapshot();
    let (_server, port) = server(&stage);
    let read =
        |file: &str| String::from_utf8(std::fs::read(stage.folder.path().join(file)).unwrap()).unwrap();
    let example = include_str!("../../examples/banks/manual-bank.toml");
    let (head, rest) = example.split_once("anchors = [").unwrap();
    let (_, tail) = rest.split_once("\n]\n").unwrap();
    let driver = format!("path = {:?}", stage.token.module());
    let login = format!("localhost:{port}/\"\nlogin_anchors = ['''{}''']", read("ca/root.pem"));
    let text = format!("{head}anchors = ['''\n{}''']\n{tail}", read("ca/ca.pem"))
        .replacen("path = \"/usr/lib/softhsm/libsofthsm2.so\"", &driver, 1)
        .replace("key = \"rsa2048\"", "key = \"like-old\"")
        .replace("www.gaitame.example.jp/login\"", &login)
        .replace("old = \"keep\"", "old = \"remove-after-confirmation\"");
    let profile = stage.folder.path().join("bank.toml");
    std::fs::write(&profile, text).unwrap();

    let program = c_test("confirm", &["-fsanitize=address,undefined"], stage.folder.path());
    let mut command = Command::new(program);
    command.arg(&profile).arg(stage.token.uri()).arg(stage.token.pin()).arg(stage.ca_command("p7-base64"));
    command.envs(stage.token.env()).env("LSAN_OPTIONS", common::leak_options());
    succeed(command.output().unwrap(), "confirm");

    let after = stage.token.snapshot();
    assert!(after.with_id(&[1]).next().is_none(), "{}", after.difference(&before));
    assert_eq!(after.objects().len(), before.objects().len());
}

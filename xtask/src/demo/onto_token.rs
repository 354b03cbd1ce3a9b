//! `cargo xtask demo --onto-token`: the old certificate is on this computer, in a file and in a browser's profile, and the renewal
//! goes onto an empty token.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use usbtoken_testkit::{TestCa, days_from_now, manual_subject};

use super::Stage;
use crate::work::{self, Done};

/// The password of the file. It is a demonstration's.
const PASSWORD: &str = "demo";

/// Shows it.
pub(super) fn show(stage: &Stage) -> Done {
    let old = Old::make(stage)?;
    let before = old.bytes()?;
    let from_file = ["--from", "file:old.p12", "--from-password", "password"];
    let from_profile = ["--from", "nss:profile#old"];

    println!("\n$ usbtoken list --everywhere --also file:old.cer");
    let list = ["list", "--everywhere", "--also", "file:old.cer"];
    // The list needs no PIN, and logs in where it has one.
    print!(
        "{}",
        work::output(
            Command::new(stage.programs.join("usbtoken"))
                .args(stage.without_pin())
                .args(list)
                .current_dir(&stage.folder)
                .env("HOME", &stage.folder)
                .envs(stage.token.env())
        )?
    );

    println!("\n$ usbtoken preflight {}", from_profile.join(" "));
    print!(
        "{}",
        work::output(stage.usbtoken().arg("preflight").args(from_profile).current_dir(&stage.folder))?
    );
    println!("\n$ usbtoken renew {}", from_file.join(" "));
    print!("{}", work::output(stage.usbtoken().arg("renew").args(from_file).current_dir(&stage.folder))?);

    let token = stage.token.snapshot();
    let new = token.objects().iter().find(|object| object.class == "CKO_CERTIFICATE");
    let new = new.ok_or("no new certificate is on the token")?;
    stage.prove(&new.id, new.bytes("Value").ok_or("the new certificate cannot be read")?)?;

    println!("\nOnce more, from the browser's profile: it is renewed, and nothing is written.");
    println!("$ usbtoken renew {}", from_profile.join(" "));
    print!("{}", work::output(stage.usbtoken().arg("renew").args(from_profile).current_dir(&stage.folder))?);
    stage.token.snapshot().assert_same_as(&token);
    if old.bytes()? != before {
        return Err("the old certificate's file or profile has changed".to_owned());
    }
    println!("\nThe file and the profile are byte for byte what they were.");
    log_in(stage)
}

/// Logs in with the new credential at a server that lets in only those whom the bank's CA has certified.
fn log_in(stage: &Stage) -> Done {
    stage.openssl(&[
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-out",
        "server.key",
    ])?;
    let self_signed =
        ["req", "-x509", "-key", "server.key", "-out", "server.pem", "-subj", "/CN=localhost", "-days", "2"];
    stage.openssl(
        &[
            &self_signed[..],
            &["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"],
        ]
        .concat(),
    )?;
    let mut server = Server::start(stage)?;
    let url = format!("https://localhost:{}/", server.port);
    println!("\n$ usbtoken confirm --url {url} --server-ca server.pem");
    let confirm =
        ["confirm", "--url", &url, "--server-ca", "server.pem", "--trust-anchor", "ca/ca.pem", "--token"];
    let mut command = Command::new(stage.programs.join("usbtoken"));
    command.arg("--pin-file").arg(stage.pin_file()).args(["--lang", "ja"]);
    command.arg("--module").arg(usbtoken_testkit::softhsm_module()).args(confirm).arg(stage.token.uri());
    let said = work::output(command.current_dir(&stage.folder).envs(stage.token.env()));
    server.end();
    print!("{}", said?);
    Ok(())
}

/// The old certificate on this computer.
struct Old {
    files: Vec<PathBuf>,
}

impl Old {
    /// Has the bank's CA issue one that ends in 11 days, and puts it into a file and into a profile.
    fn make(stage: &Stage) -> Done<Old> {
        println!("\nThe old certificate, in old.p12 and in the profile of a browser (profile/)");
        let write = |name: &str, bytes: &[u8]| {
            std::fs::write(stage.folder.join(name), bytes).map_err(|error| format!("{name}: {error}"))
        };
        stage.openssl(&["genpkey", "-algorithm", "RSA", "-out", "old.key"])?;
        stage.openssl(&["pkey", "-in", "old.key", "-pubout", "-outform", "DER", "-out", "old.spki"])?;
        let spki =
            std::fs::read(stage.folder.join("old.spki")).map_err(|error| format!("old.spki: {error}"))?;
        let issue = TestCa::at(&stage.folder.join("ca"))
            .issue(&manual_subject().to_der(), &spki)
            .not_after(days_from_now(11))
            .der();
        write("old.cer", &issue)?;
        write("password", PASSWORD.as_bytes())?;
        stage.openssl(&["x509", "-inform", "DER", "-in", "old.cer", "-out", "old.pem"])?;
        let export =
            ["pkcs12", "-export", "-in", "old.pem", "-inkey", "old.key", "-name", "old", "-out", "old.p12"];
        stage.openssl(&[&export[..], &["-passout", "file:password"]].concat())?;
        std::fs::create_dir(stage.folder.join("profile")).map_err(|error| format!("profile: {error}"))?;
        let nss = |program: &str, words: &[&str]| {
            let command = Command::new(program)
                .args(words)
                .args(["-d", "sql:profile"])
                .current_dir(&stage.folder)
                .output();
            let output = command.map_err(|error| format!("{program}: {error}"))?;
            match output.status.success() {
                true => Ok(()),
                false => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr))),
            }
        };
        nss("certutil", &["-N", "--empty-password"])?;
        nss("pk12util", &["-i", "old.p12", "-w", "password"])?;
        let names = ["old.p12", "profile/cert9.db", "profile/key4.db", "profile/pkcs11.txt"];
        Ok(Old { files: names.map(|name| stage.folder.join(name)).to_vec() })
    }

    fn bytes(&self) -> Done<Vec<Vec<u8>>> {
        let read =
            |file: &PathBuf| std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()));
        self.files.iter().map(read).collect()
    }
}

/// A server of openssl's that demands a certificate of the bank's CA.
struct Server {
    child: Child,
    port: String,
}

impl Server {
    fn start(stage: &Stage) -> Done<Server> {
        let mut command = Command::new("openssl");
        command.args([
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-cert",
            "server.pem",
            "-key",
            "server.key",
            "-www",
        ]);
        command.args(["-CAfile", "ca/ca.pem", "-Verify", "3", "-verify_return_error", "-partial_chain"]);
        let child = command
            .current_dir(&stage.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = child.map_err(|error| format!("openssl s_server: {error}"))?;
        let lines = child
            .stdout
            .take()
            .map(|out| BufReader::new(out).lines())
            .into_iter()
            .flatten()
            .map_while(Result::ok);
        let port = lines
            .filter_map(|line| {
                line.strip_prefix("ACCEPT ")?.rsplit_once(':').map(|(_, port)| port.to_owned())
            })
            .next();
        match port {
            Some(port) => Ok(Server { child, port }),
            None => Err("openssl s_server does not say its port".to_owned()),
        }
    }

    fn end(&mut self) {
        // It answers what it was asked, and is no longer needed.
        std::thread::sleep(Duration::from_millis(50));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The program `openssl` for tests: it makes what is read and judges what is written.

use std::path::PathBuf;
use std::process::Command;

use super::{Certificate, PublicKey, SignatureAlgorithm};

/// A temporary folder in which openssl works.
pub(super) struct OpenSsl {
    folder: tempfile::TempDir,
}

/// The subject of the bank's manual.
pub(super) const SUBJECT: &str =
    "/O=(9936)NTT DATA CORPORATION/OU=(9936)ANSER-WEB(BizSOL) TEST CA - G4/OU=second/CN=TARO YAMADA 0001";

impl OpenSsl {
    pub fn new() -> Self {
        OpenSsl { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Runs openssl with words separated by blanks; gives what it printed on both streams.
    pub fn run(&self, words: &str) -> String {
        self.run_with(&words.split_whitespace().collect::<Vec<_>>())
    }

    /// Whether openssl says that it succeeded.
    pub fn succeeds(&self, words: &str) -> bool {
        self.output(&words.split_whitespace().collect::<Vec<_>>()).status.success()
    }

    fn output(&self, words: &[&str]) -> std::process::Output {
        Command::new("openssl")
            .args(words)
            .current_dir(&self.folder)
            .output()
            .expect("the tests need the program openssl (Debian: apt-get install openssl)")
    }

    pub fn run_with(&self, words: &[&str]) -> String {
        let output = self.output(words);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "openssl {words:?}: {said}");
        said
    }

    /// Makes `NAME.key`; `kind` is `rsa` (2048 bits), `P-256`, `P-384` or another curve.
    pub fn key(&self, name: &str, kind: &str) -> PublicKey {
        let option = match kind {
            "rsa" => "-algorithm RSA -pkeyopt rsa_keygen_bits:2048".to_owned(),
            "ed25519" => "-algorithm ED25519".to_owned(),
            curve => format!("-algorithm EC -pkeyopt ec_paramgen_curve:{curve}"),
        };
        self.run(&format!("genpkey {option} -out {name}.key"));
        PublicKey::from_spki_der(&self.spki(name)).unwrap()
    }

    pub fn spki(&self, name: &str) -> Vec<u8> {
        self.run(&format!("pkey -in {name}.key -pubout -outform DER -out {name}.spki"));
        self.read(&format!("{name}.spki"))
    }

    /// Makes a CA `NAME.key` and `NAME.pem`.
    pub fn ca(&self, name: &str) -> Certificate {
        self.key(name, "P-256");
        let subject = format!("/C=JP/O=Test CA/CN={name}");
        let request = format!("req -x509 -new -key {name}.key -out {name}.pem -days 3650 -subj");
        let mut words: Vec<&str> = request.split(' ').collect();
        words.push(&subject);
        words.extend(["-addext", "keyUsage=critical,keyCertSign,cRLSign"]);
        self.run_with(&words);
        self.certificate(name)
    }

    /// Issues `NAME.pem` for `NAME.key` by a CA with extensions (lines of openssl's configuration) and more
    /// options of `openssl x509`.
    pub fn issue(&self, name: &str, ca: &str, subject: &str, extensions: &str, options: &str) -> Certificate {
        self.write("extensions", extensions);
        let request = format!("req -new -key {name}.key -out {name}.csr -subj");
        let mut words: Vec<&str> = request.split(' ').collect();
        words.push(subject);
        self.run_with(&words);
        self.run(&format!(
            "x509 -req -in {name}.csr -CA {ca}.pem -CAkey {ca}.key -out {name}.pem -extfile extensions {options}"
        ));
        self.certificate(name)
    }

    /// The usual leaf for client authentication.
    pub fn leaf(&self, name: &str, ca: &str) -> Certificate {
        self.issue(name, ca, SUBJECT, LEAF, "-days 365")
    }

    pub fn der(&self, name: &str) -> Vec<u8> {
        self.run(&format!("x509 -in {name}.pem -outform DER -out {name}.der"));
        self.read(&format!("{name}.der"))
    }

    pub fn certificate(&self, name: &str) -> Certificate {
        Certificate::from_der(&self.der(name)).unwrap()
    }

    /// Signs as the token would.
    pub fn sign(&self, name: &str, algorithm: SignatureAlgorithm, message: &[u8]) -> Vec<u8> {
        let digest = match algorithm {
            SignatureAlgorithm::EcdsaSha384 => "sha384",
            _ => "sha256",
        };
        self.write("message", message);
        self.run(&format!("dgst -{digest} -sign {name}.key -out signature message"));
        self.read("signature")
    }
}

pub(super) const LEAF: &str = "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n\
    extendedKeyUsage=clientAuth\nsubjectAltName=email:taro@example.co.jp\nsubjectKeyIdentifier=hash\n";

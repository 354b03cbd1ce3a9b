//! The test CA: a root, an issuing CA beneath it, and what they sign.

use std::path::Path;
use std::time::SystemTime;

use super::answer::{self, Form};
use super::behaviour::Behaviour;
use super::issue::Issue;
use super::name::{NameDer, Text};
use super::request::ParsedRequest;
use crate::clock::days_from_now;
use crate::key::{Kind, SoftKey};

/// A root and an issuing CA.
pub struct TestCa {
    root: Authority,
    issuing: Authority,
    behaviour: Behaviour,
}

struct Authority {
    key: SoftKey,
    name: Vec<u8>,
    certificate: Vec<u8>,
}

impl TestCa {
    /// A new one whose keys are on P-256, which takes no time.
    pub fn new() -> TestCa {
        TestCa::of_kind(Kind::P256)
    }

    /// A new one with keys of this kind.
    pub fn of_kind(kind: Kind) -> TestCa {
        let (root_key, issuing_key) = (SoftKey::generate(kind), SoftKey::generate(kind));
        let (root_name, issuing_name) = (name("TEST ROOT CA"), name("TEST CA - G4"));
        let ten_years = days_from_now(3650);
        let a_year_ago = days_from_now(-400);
        let sign = |name: &[u8], key: &SoftKey| {
            let issue = Issue::new(&root_key, &root_name, name, &key.spki());
            issue.ca(true).not_before(a_year_ago).not_after(ten_years).der()
        };
        let root_certificate = sign(&root_name, &root_key);
        let issuing_certificate = sign(&issuing_name, &issuing_key);
        TestCa {
            root: Authority { key: root_key, name: root_name, certificate: root_certificate },
            issuing: Authority { key: issuing_key, name: issuing_name, certificate: issuing_certificate },
            behaviour: Behaviour::default(),
        }
    }

    /// The CA kept in this folder; made on the first call.
    pub fn at(dir: &Path) -> TestCa {
        if !dir.join("ca.key").exists() {
            let ca = TestCa::new();
            ca.save(dir);
            return ca;
        }
        let read = |file: &str| std::fs::read(dir.join(file)).expect("a file of the test CA");
        let load = |stem: &str, subject: &str| Authority {
            key: SoftKey::from_pem(&String::from_utf8_lossy(&read(&format!("{stem}.key")))),
            name: name(subject),
            certificate: read(&format!("{stem}.der")),
        };
        let (root, issuing) = (load("root", "TEST ROOT CA"), load("ca", "TEST CA - G4"));
        TestCa { root, issuing, behaviour: Behaviour::default() }
    }

    /// The same CA, behaving in this way.
    #[must_use]
    pub fn behaving(self, behaviour: Behaviour) -> TestCa {
        TestCa { behaviour, ..self }
    }

    /// Writes keys and certificates, each certificate as DER and PEM.
    pub fn save(&self, dir: &Path) {
        std::fs::create_dir_all(dir).expect("the folder can be made");
        for (stem, authority) in [("root", &self.root), ("ca", &self.issuing)] {
            let write = |end: &str, bytes: &[u8]| {
                std::fs::write(dir.join(format!("{stem}.{end}")), bytes).expect("the file can be written")
            };
            write("der", &authority.certificate);
            write("pem", answer::pem(&authority.certificate).as_bytes());
            // Last: its presence says that all is there.
            write("key", authority.key.to_pem().as_bytes());
        }
    }

    /// The root's certificate, DER.
    pub fn root(&self) -> &[u8] {
        &self.root.certificate
    }

    /// The issuing CA's certificate, DER.
    pub fn issuing(&self) -> &[u8] {
        &self.issuing.certificate
    }

    /// The issuing CA's key, to sign what [`Issue`] cannot express.
    pub fn key(&self) -> &SoftKey {
        &self.issuing.key
    }

    /// Starts a certificate for this subject (DER) and public key (SubjectPublicKeyInfo, DER).
    pub fn issue(&self, subject: &[u8], spki: &[u8]) -> Issue<'_> {
        let issue = Issue::new(&self.issuing.key, &self.issuing.name, subject, spki);
        issue.not_before(self.behaviour.begin.moment())
    }

    /// A TLS server of this name: its chain and its key, PEM.
    pub fn server(&self, host: &str, not_after: SystemTime) -> (String, String) {
        let key = SoftKey::generate(Kind::P256);
        let subject = NameDer::new().common(Text::Utf8, host).to_der();
        let length = u8::try_from(host.len()).expect("a short name");
        // GeneralNames: one dNSName.
        let names = [&[0x30, length + 2, 0x82, length][..], host.as_bytes()].concat();
        let issue = self.issue(&subject, &key.spki()).server_only().extension("2.5.29.17", false, &names);
        let certificate = issue.not_before(days_from_now(-30)).not_after(not_after).der();
        (answer::pem(&certificate) + &answer::pem(self.issuing()), key.to_pem())
    }

    /// Starts a certificate signed by the root itself.
    pub fn issue_from_root(&self, subject: &[u8], spki: &[u8]) -> Issue<'_> {
        Issue::new(&self.root.key, &self.root.name, subject, spki)
    }

    /// Starts the certificate that a request (PEM or DER) asks for: its subject, its key, and the alternative names
    /// it asks for; late and with the subject of its own making when that is how this CA behaves.
    ///
    /// # Panics
    /// When the request is none or not signed by its own key.
    pub fn issue_for(&self, request: &[u8]) -> Issue<'_> {
        let request = ParsedRequest::parse(request).unwrap_or_else(|problem| panic!("{problem}"));
        self.issue_for_parsed(&request)
    }

    /// The same for a request that is parsed already.
    pub fn issue_for_parsed(&self, request: &ParsedRequest) -> Issue<'_> {
        std::thread::sleep(self.behaviour.late);
        let issue = self.issue(&self.behaviour.naming.apply(&request.subject), &request.spki);
        match request.extension("2.5.29.17") {
            Some(names) => issue.extension("2.5.29.17", false, names),
            None => issue,
        }
    }

    /// Renders an answer: the certificate alone, or with the CAs' where the form has room for them.
    pub fn answer(&self, form: Form, certificate: &[u8]) -> Vec<u8> {
        std::thread::sleep(self.behaviour.slow);
        answer::render(form, certificate, &[&self.issuing.certificate, &self.root.certificate])
    }

    /// An answer with the CAs' certificates and no one else's.
    pub fn answer_without_leaf(&self, form: Form) -> Vec<u8> {
        answer::render(form, &self.issuing.certificate, &[&self.root.certificate])
    }
}

impl Default for TestCa {
    fn default() -> Self {
        TestCa::new()
    }
}

fn name(unit: &str) -> Vec<u8> {
    let name = NameDer::new().country("JP").organization(Text::Printable, "(9936)NTT DATA CORPORATION");
    name.unit(Text::Printable, unit).to_der()
}

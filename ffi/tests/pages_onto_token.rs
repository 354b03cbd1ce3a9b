//! 「USBトークンへの更新」 from a page: the old certificate is on this computer or on another token, the token that the bank has sent is
//! empty.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use common::{c_test, succeed};
use usbtoken_testkit::{
    Folder, Form, Issue, Kind, NameDer, ParsedRequest, SoftToken, TestCa, Text, days_from_now, manual_bank,
    manual_subject, serial_hex,
};

const BANK: &str = "https://www.gaitame.example.jp";

/// Pages in processes of their own, before an empty token of the bank's.
struct Pages {
    token: SoftToken,
    ca: TestCa,
    folder: tempfile::TempDir,
    program: PathBuf,
    by_the_bank: bool,
    named: bool,
}

impl Pages {
    fn open() -> Self {
        let (token, folder) = (Folder::temporary().token("BANK"), tempfile::tempdir().unwrap());
        let ca = TestCa::at(&folder.path().join("ca"));
        let text = manual_bank(&folder.path().join("ca/ca.pem"));
        let text = text.replace("key = \"rsa2048\"", "key = \"like-old\"");
        fs::write(folder.path().join("bank.toml"), text).unwrap();
        let program = c_test("page", &["-fsanitize=address,undefined"], folder.path());
        Pages { token, ca, folder, program, by_the_bank: true, named: false }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate that ends then, in `NAME.der` and with its key in `NAME.p12`; its DER.
    fn old(&self, name: &str, not_after: SystemTime) -> Vec<u8> {
        self.issued(name, |issue| issue.not_after(not_after))
    }

    fn issued(&self, name: &str, how: impl FnOnce(Issue<'_>) -> Issue<'_>) -> Vec<u8> {
        let run = |words: &str| {
            let mut command = Command::new("openssl");
            succeed(command.args(words.split(' ')).current_dir(self.folder.path()).output().unwrap(), words)
        };
        run(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"));
        run(&format!("pkey -in {name}.key -pubout -outform DER -out {name}.spki"));
        let spki = fs::read(self.file(&format!("{name}.spki"))).unwrap();
        let der = how(self.ca.issue(&manual_subject().to_der(), &spki)).der();
        fs::write(self.file(&format!("{name}.der")), &der).unwrap();
        run(&format!("x509 -inform DER -in {name}.der -out {name}.pem"));
        run(&format!("pkcs12 -export -in {name}.pem -inkey {name}.key -passout pass:x -out {name}.p12"));
        der
    }

    /// Puts it into the profile of this user's Firefox.
    fn import_to_firefox(&self, name: &str) {
        let profile = self.file("home/.mozilla/firefox/x.default");
        let run = |program: &str, words: &[&str]| {
            let output = Command::new(program).args(words).current_dir(self.folder.path()).output().unwrap();
            succeed(output, program)
        };
        let folder = format!("sql:{}", profile.display());
        if !profile.exists() {
            fs::create_dir_all(&profile).unwrap();
            run("certutil", &["-N", "-d", &folder, "--empty-password"]);
        }
        run("pk12util", &["-i", &format!("{name}.p12"), "-d", &folder, "-W", "x", "-K", ""]);
    }

    fn printed(&self, words: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        let token = &self.token;
        command.arg(token.module()).arg(token.uri()).arg(token.pin()).arg("-").arg(BANK).args(words);
        command.envs(token.env()).env("LSAN_OPTIONS", common::leak_options()).env("HOME", self.file("home"));
        command.current_dir(self.folder.path());
        if self.by_the_bank {
            command.env("USBTOKEN_TEST_BANK", self.file("bank.toml"));
        }
        if self.named {
            command.env("USBTOKEN_TEST_PROVIDER", "1");
        }
        succeed(command.output().unwrap(), &words.join(" "))
    }

    /// The HRESULT and the code.
    fn play(&self, words: &[&str]) -> (String, u32) {
        let printed = self.printed(words);
        let line: Vec<&str> = printed.lines().last().unwrap().split(' ').collect();
        (line[1].to_owned(), line[3].parse().unwrap())
    }

    /// What the page learns before anyone is asked.
    fn probe(&self, which: &[&str]) -> u32 {
        let printed = self.printed(&[&["probe"], which].concat());
        printed.lines().find_map(|line| line.strip_prefix("bits ")).unwrap().parse().unwrap()
    }

    /// The CA's answer to the request in this file.
    fn answer(&self, file: &Path, not_after: SystemTime) -> Vec<u8> {
        let request = ParsedRequest::parse(&fs::read(file).unwrap()).unwrap();
        let der = self.ca.issue(&manual_subject().to_der(), &request.spki).not_after(not_after).der();
        fs::write(self.file("answer"), self.ca.answer(Form::P7Base64, &der)).unwrap();
        der
    }

    /// As openssl has it.
    fn thumbprint(&self, name: &str) -> String {
        let file = format!("{name}.der");
        let words = ["x509", "-inform", "DER", "-in", &file, "-fingerprint", "-sha1", "-noout"];
        let output = Command::new("openssl").args(words).current_dir(self.folder.path()).output().unwrap();
        succeed(output, "openssl").trim().rsplit('=').next().unwrap().replace(':', "")
    }

    fn abandon(&self) {
        for key in self.token.snapshot().of_class("CKO_PRIVATE_KEY") {
            self.token.inspect(|inspector| inspector.destroy(&key.id));
        }
    }
}

const OK: &str = "00000000";
const TOKEN: u32 = 1;
const RENEWABLE: u32 = 2;
const RENEWED: u32 = 4;

#[test]
fn a_page_moves_the_certificate_of_the_browser_onto_the_token() {
    let pages = Pages::open();
    assert_eq!(pages.probe(&[]), TOKEN);
    let old = pages.old("old", days_from_now(11));
    pages.import_to_firefox("old");
    assert_eq!(pages.probe(&[]), TOKEN | RENEWABLE);
    let which = ["-".to_owned(), pages.thumbprint("old"), serial_hex(&old), "@old.der".to_owned()];
    for which in &which {
        assert_eq!(pages.probe(&[which.as_str()][usize::from(which == "-")..]), TOKEN | RENEWABLE, "{which}");
        assert_eq!(pages.play(&["renew", which, "request"]), (OK.to_owned(), 0), "{which}");
        let request = ParsedRequest::parse(&fs::read(pages.file("request")).unwrap()).unwrap();
        assert_eq!(request.subject, manual_subject().to_der());
        if which != "@old.der" {
            pages.abandon();
        }
    }
    let waiting = pages.token.snapshot();
    // Another page, another process: the old one is found again and compared.
    pages.answer(&pages.file("request"), days_from_now(5));
    assert_eq!(pages.play(&["install", "-", "answer"]).1, 512);
    pages.token.snapshot().assert_same_as(&waiting);
    let new = pages.answer(&pages.file("request"), days_from_now(365));
    assert_eq!(pages.play(&["install", "-", "answer"]), (OK.to_owned(), 0));
    assert_eq!(pages.token.snapshot().of_class("CKO_CERTIFICATE").count(), 1);
    for which in [&[][..], &["@old.der"]] {
        assert_eq!(pages.probe(which), TOKEN | RENEWED);
    }
    let done = pages.token.snapshot();
    assert_eq!(pages.play(&["renew", "@old.der", "request"]).0, "80070050", "{}", serial_hex(&new));
    done.assert_same_as(&pages.token.snapshot());
}

/// A page does not choose the token that a certificate from elsewhere goes onto: the bank does, or the program around the page.
#[test]
fn onto_no_token_that_no_one_has_named() {
    let mut pages = Pages::open();
    pages.old("old", days_from_now(11));
    pages.import_to_firefox("old");
    pages.by_the_bank = false;
    assert_eq!(pages.probe(&[]), TOKEN);
    assert_eq!(pages.play(&["renew", "@old.der", "request"]), ("80090019".to_owned(), 841));
    // And not which certificate of this computer is the bank's.
    pages.named = true;
    assert_eq!(pages.play(&["renew", "-", "request"]).0, "80092004");
    assert!(pages.token.snapshot().objects().is_empty());
    assert_eq!(pages.play(&["renew", "@old.der", "request"]), (OK.to_owned(), 0));
    pages.abandon();
    pages.by_the_bank = true;
    let text = fs::read_to_string(pages.file("bank.toml")).unwrap();
    fs::write(pages.file("bank.toml"), text.replace("pkcs11:token=BANK;", "pkcs11:token=OTHER;")).unwrap();
    assert_eq!((pages.probe(&[]), pages.play(&["renew", "@old.der", "request"]).1), (0, 146));
    assert!(pages.token.snapshot().objects().is_empty());
}

#[test]
fn what_cannot_be_renewed_onto_the_token_is_refused() {
    let pages = Pages::open();
    let stranger = NameDer::new().common(Text::Utf8, "Another CA").to_der();
    pages.old("early", days_from_now(200));
    pages.old("ended", days_from_now(-2));
    pages.issued("foreign", |issue| issue.issuer(&stranger).not_after(days_from_now(11)));
    pages.import_to_firefox("early");
    pages.import_to_firefox("foreign");
    let run = "x509 -in ca/ca.pem -outform DER -out ca.der".split(' ');
    succeed(Command::new("openssl").args(run).current_dir(pages.file("")).output().unwrap(), "openssl");
    for (which, hresult, code) in [
        ("@ca.der", "800B0103", 840),
        ("@early.der", "800B0101", 801),
        ("@ended.der", "800B0101", 802),
        // Another CA's is not the bank's, and a number of nothing is found nowhere.
        ("-", "80092004", 230),
        ("00112233445566778899", "80092004", 230),
    ] {
        assert_eq!(pages.play(&["renew", which, "request"]), (hresult.to_owned(), code), "{which}");
        assert!(pages.token.snapshot().objects().is_empty(), "{which}");
    }
    assert_eq!((pages.probe(&[]), pages.probe(&["@early.der"])), (TOKEN, TOKEN));
    // Two that may be meant; a number says which.
    let first = pages.old("first", days_from_now(11));
    pages.import_to_firefox("first");
    pages.old("second", days_from_now(12));
    pages.import_to_firefox("second");
    assert_eq!(pages.play(&["renew", "-", "request"]), ("80092004".to_owned(), 251));
    assert_eq!(pages.play(&["renew", &serial_hex(&first), "request"]), (OK.to_owned(), 0));
}

/// Where each user has a token of their own, what waits there for another user forbids a page a second one.
#[test]
fn a_request_of_another_user_forbids_a_pages_where_the_bank_says_so() {
    let pages = Pages::open();
    let bank = fs::read_to_string(pages.file("bank.toml")).unwrap();
    let refuse = bank.replace("old = \"keep\"", "old = \"keep\"\nother_users = \"refuse\"");
    assert_ne!(bank, refuse);
    fs::write(pages.file("bank.toml"), refuse).unwrap();
    let other = NameDer::new().organization(Text::Utf8, "Other").common(Text::Utf8, "login099").to_der();
    pages.old("old", days_from_now(11));
    pages.issued("theirs", |issue| issue.subject(&other).not_after(days_from_now(12)));
    assert_eq!(pages.play(&["renew", "@theirs.der", "request"]), (OK.to_owned(), 0));
    let waiting = pages.token.snapshot();
    assert_eq!(pages.play(&["renew", "@old.der", "request"]).1, 830);
    waiting.assert_same_as(&pages.token.snapshot());
}

/// What may be in a place that could not be read is not said to be nowhere: the code is that of the command.
#[test]
fn a_profile_that_cannot_be_read_is_said() {
    let pages = Pages::open();
    let old = pages.old("old", days_from_now(11));
    pages.import_to_firefox("old");
    let database = pages.file("home/.mozilla/firefox/x.default/cert9.db");
    let whole = fs::read(&database).unwrap();
    fs::write(&database, b"SQLite format 3").unwrap();
    for which in ["-", &serial_hex(&old)] {
        assert_eq!(pages.play(&["renew", which, "request"]).1, 141, "{which}");
    }
    fs::write(&database, whole).unwrap();
    // As a Firefox does that writes all the time.
    let writing = fs::OpenOptions::new().write(true).open(&database).unwrap();
    rustix::fs::fcntl_lock(&writing, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_eq!(pages.play(&["renew", "-", "request"]).1, 850);
    drop(writing);
    assert!(pages.token.snapshot().objects().is_empty());
    assert_eq!(pages.play(&["renew", "-", "request"]), (OK.to_owned(), 0));
}

/// The old token and the empty new one are plugged in.
#[test]
fn a_page_moves_the_certificate_of_the_old_token_onto_the_new_one() {
    let pages = Pages::open();
    let old_token = pages.token.sibling("OLD");
    let old = old_token.first_credential(&pages.ca, Kind::P256, days_from_now(11)).certificate;
    assert_eq!(pages.probe(&[]), TOKEN | RENEWABLE);
    let before = old_token.snapshot();
    assert_eq!(pages.play(&["renew", &serial_hex(&old), "request"]), (OK.to_owned(), 0));
    pages.answer(&pages.file("request"), days_from_now(5));
    assert_eq!(pages.play(&["install", "-", "answer"]).1, 512);
    pages.answer(&pages.file("request"), days_from_now(365));
    assert_eq!(pages.play(&["install", "-", "answer"]), (OK.to_owned(), 0));
    old_token.snapshot().assert_same_as(&before);
    assert_eq!(pages.token.snapshot().objects().len(), 3);
    assert_eq!(pages.probe(&[]), TOKEN | RENEWED);
}

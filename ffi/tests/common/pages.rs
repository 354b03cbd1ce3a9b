//! Pages of one bank, each in a process of its own (`ffi/tests/c/page.c`).

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use usbtoken_testkit::{Form, NameDer, ParsedRequest, Snapshot, Text, days_from_now, manual_bank};

use super::{Stage, c_test, leak_options, succeed};

pub const BANK: &str = "https://www.gaitame.example.jp";

/// Pages in processes of their own, on one token.
pub struct Pages {
    pub stage: Stage,
    pub program: PathBuf,
    pub profile: Option<PathBuf>,
    pub choice: Option<&'static str>,
    /// Whether the person says no to a renewal beside a doubtful follower.
    pub no: bool,
    pub anchor: Option<PathBuf>,
    /// What the driver does wrong, through the shim.
    pub fault: Option<&'static str>,
}

/// What came of a step.
#[derive(Debug, PartialEq, Eq)]
pub struct Came {
    pub result: String,
    pub code: u32,
    pub asked: (u32, u32, u32),
}

impl Came {
    /// What the last line of a step says.
    pub fn last_of(printed: &str) -> Self {
        let line = printed.lines().last().unwrap();
        let word = |at: usize| line.split(' ').nth(at).unwrap();
        let number = |at: usize| word(at).parse().unwrap();
        Came { result: word(1).to_owned(), code: number(3), asked: (number(5), number(7), number(9)) }
    }
}

impl Pages {
    pub fn open() -> Self {
        let stage = Stage::set();
        let program = c_test("page", &["-fsanitize=address,undefined"], stage.folder.path());
        Pages { stage, program, profile: None, choice: None, no: false, anchor: None, fault: None }
    }

    /// With the bank's profile, in which this stands.
    pub fn by_the_bank(other_users: &str) -> Self {
        let mut pages = Self::open();
        let text = manual_bank(&pages.file("ca/ca.pem")).replace("key = \"rsa2048\"", "key = \"like-old\"");
        let text =
            text.replace("old = \"keep\"", &format!("old = \"keep\"\nother_users = \"{other_users}\""));
        let profile = pages.file("bank.toml");
        fs::write(&profile, text).unwrap();
        pages.profile = Some(profile);
        pages
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.stage.folder.path().join(name)
    }

    pub fn printed(&self, words: &[&str]) -> String {
        succeed(self.run(words), &words.join(" "))
    }

    /// The same, however it ends.
    pub fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        let token = &self.stage.token;
        let module = self.fault.map_or_else(|| token.module(), |_| usbtoken_testkit::shim().clone());
        command.env("USBTOKEN_SHIM_DRIVER", token.module());
        command.env("USBTOKEN_SHIM_FAULT", self.fault.unwrap_or_default());
        command.arg(module).arg(token.uri()).arg(token.pin()).arg("-").arg(BANK).args(words);
        command.envs(token.env()).env("LSAN_OPTIONS", leak_options());
        command.env("XDG_STATE_HOME", self.file("state"));
        command.current_dir(self.stage.folder.path());
        if let Some(profile) = &self.profile {
            command.env("USBTOKEN_TEST_BANK", profile);
        }
        if let Some(anchor) = &self.anchor {
            command.env("USBTOKEN_TEST_ANCHOR", anchor);
        }
        if self.no {
            command.env("USBTOKEN_TEST_NO", "1");
        }
        if let Some(choice) = self.choice {
            command.env("USBTOKEN_TEST_CHOICE", choice);
        }
        command.output().unwrap()
    }

    pub fn play(&self, words: &[&str]) -> Came {
        Came::last_of(&self.printed(words))
    }

    /// The public key and the subject of the request in this file.
    pub fn request(&self, file: &str) -> ParsedRequest {
        ParsedRequest::parse(&fs::read(self.file(file)).unwrap()).unwrap()
    }

    /// The CA's answer to the request in this file, with this subject; the certificate.
    pub fn answer(&self, file: &str, subject: &[u8]) -> Vec<u8> {
        let ca = &self.stage.ca;
        let der = ca.issue(subject, &self.request(file).spki).not_after(days_from_now(365)).der();
        fs::write(self.file("answer"), ca.answer(Form::P7Base64, &der)).unwrap();
        der
    }

    /// The serial numbers of the certificates whose place another has taken.
    pub fn renewed(&self) -> BTreeSet<String> {
        let printed = self.printed(&["list"]);
        // In another name it is said only (1), however its key has signed (2).
        let renewed = printed
            .lines()
            .filter_map(|line| line.strip_suffix(" renewed 2").or_else(|| line.strip_suffix(" renewed 1")));
        renewed.map(str::to_owned).collect()
    }

    pub fn old(&self) -> Vec<u8> {
        let objects = self.stage.token.snapshot();
        objects.of_class("CKO_CERTIFICATE").next().unwrap().bytes("Value").unwrap().to_vec()
    }
}

pub fn name(organization: &str, common: &str) -> Vec<u8> {
    NameDer::new().organization(Text::Utf8, organization).common(Text::Utf8, common).to_der()
}

/// Another common name in the same firm: as the CA calls a renewal, or another user.
pub fn colleague() -> Vec<u8> {
    let firm = NameDer::new().country("JP").organization(Text::Printable, "(9936)NTT DATA CORPORATION");
    let unit =
        firm.unit(Text::Utf8, "(9936)ANSER-WEB(BizSOL) TEST CA - G4").unit(Text::Printable, "USB TOKEN");
    unit.common(Text::Printable, "login032 A001 202611261200 1").to_der()
}

/// The CKA_IDs of the private keys that were made.
pub fn made(after: &Snapshot, before: &Snapshot) -> Vec<String> {
    let keys = after.added_since(before).into_iter().filter(|one| one.class == "CKO_PRIVATE_KEY");
    keys.map(|one| base16(&one.id)).collect()
}

pub fn base16(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn ok(waiting: u32) -> Came {
    Came { result: "00000000".to_owned(), code: 0, asked: (1, 1, waiting) }
}

pub fn refused(result: &str, code: u32) -> Came {
    Came { result: result.to_owned(), code, asked: (1, 1, 0) }
}

//! The drivers that a user adds in a file of their own:
//!
//! ```toml
//! [[driver]]
//! name = "The bank's token"
//! path = "/opt/bank/lib/libbankp11.so"
//! usb = ["1234:5678"]
//! ```

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::family::{Family, FamilyDevice, FamilyModule};
use super::machine::{Machine, Os};
use super::usb_id::{Class, UsbId};
use crate::error::{Code, Error, Fact, Result, Step};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    driver: Vec<toml::Spanned<Driver>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Driver {
    name: String,
    path: PathBuf,
    #[serde(default)]
    usb: Vec<String>,
}

/// Where a user's file is: `usbtoken/drivers.toml` in `$XDG_CONFIG_HOME` or `~/.config`, in
/// `~/Library/Application Support` on macOS, in `%APPDATA%` on Windows. None if the environment names no folder.
pub(crate) fn user_file(machine: &Machine) -> Option<PathBuf> {
    let home = || machine.folder("HOME");
    let folder = match machine.os {
        Os::Windows => machine.folder("APPDATA").map(Path::to_path_buf),
        Os::Macos => home().map(|home| home.join("Library/Application Support")),
        Os::Linux => machine
            .folder("XDG_CONFIG_HOME")
            .map(Path::to_path_buf)
            .or_else(|| home().map(|home| home.join(".config"))),
    };
    folder.map(|folder| folder.join("usbtoken").join("drivers.toml"))
}

/// Reads the file; none if there is no such file.
pub(super) fn read(file: &Path) -> Result<Vec<Family>> {
    let fail = |code| Error::new(code).during(Step::FindDrivers).fact(Fact::Path, file.display());
    let text = match text(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fail(Code::FileUnreadable).fact(Fact::Detail, &error).caused_by(error)),
    };
    let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    let bad = |at: usize| fail(Code::BadArgument).fact(Fact::Line, line(at));
    let parsed: File = toml::from_str(&text).map_err(|error| {
        bad(error.span().map_or(0, |span| span.start)).fact(Fact::Detail, error.message())
    })?;
    parsed
        .driver
        .into_iter()
        .map(|driver| {
            let at = driver.span().start;
            family(driver.into_inner()).map_err(|Wrong { key, expected, found }| {
                bad(at).fact(Fact::Key, key).fact(Fact::Expected, expected).fact(Fact::Found, found)
            })
        })
        .collect()
}

fn text(file: &Path) -> io::Result<String> {
    use io::Read;

    let mut text = String::new();
    std::fs::File::open(file)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("> {LARGEST} bytes")));
    }
    Ok(text)
}

/// A value that cannot be used.
struct Wrong {
    key: &'static str,
    expected: &'static str,
    found: String,
}

fn family(driver: Driver) -> std::result::Result<Family, Wrong> {
    if driver.name.trim().is_empty() {
        return Err(Wrong { key: "name", expected: "not_empty", found: driver.name });
    }
    let path = &driver.path;
    let (Some(folder), Some(file), true) =
        (path.parent().and_then(Path::to_str), path.file_name().and_then(|f| f.to_str()), path.is_absolute())
    else {
        return Err(Wrong { key: "path", expected: "absolute_path", found: path.display().to_string() });
    };
    let device = |text: &String| {
        let wrong = |_| Wrong { key: "usb", expected: "vvvv:pppp", found: text.clone() };
        let usb: UsbId = text.parse().map_err(wrong)?;
        let name = driver.name.clone();
        Ok(FamilyDevice { usb, class: Class::Unknown, name, shared: false, uncertain: false })
    };
    let module = FamilyModule {
        os: Machine::current().os,
        bits: None,
        file: file.to_owned(),
        uncertain: false,
        folders: vec![folder.to_owned()],
    };
    Ok(Family {
        id: format!("user:{}", driver.name),
        name: driver.name.clone(),
        profile: "generic".into(),
        generic: false,
        devices: driver.usb.iter().map(device).collect::<std::result::Result<_, Wrong>>()?,
        modules: vec![module],
        from_user: true,
    })
}

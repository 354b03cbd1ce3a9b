//! The machine that drivers are searched for on.

use std::collections::BTreeMap;
use std::env::consts;
use std::path::{Path, PathBuf};

/// An operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Windows.
    Windows,
    /// macOS.
    Macos,
    /// Linux and the other systems with its folders.
    Linux,
}

/// What the search for drivers depends on.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The operating system.
    pub os: Os,
    /// 32 or 64: this program's, not the system's.
    pub bits: u32,
    /// Debian's name of the processor and system, for example `x86_64-linux-gnu`.
    pub multiarch: String,
    /// The environment variables.
    pub environment: BTreeMap<String, String>,
}

impl Machine {
    /// This machine, as this program sees it. Environment variables that are not Unicode are left out.
    pub fn current() -> Self {
        let os = match consts::OS {
            "windows" => Os::Windows,
            "macos" => Os::Macos,
            _ => Os::Linux,
        };
        let processor = if consts::ARCH == "x86" { "i386" } else { consts::ARCH };
        let suffix = if consts::ARCH == "arm" { "gnueabihf" } else { "gnu" };
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Machine { os, bits: usize::BITS, multiarch: format!("{processor}-linux-{suffix}"), environment }
    }

    /// An environment variable that is set and not empty. Windows does not tell upper from lower case in names.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let same = |known: &str| match self.os {
            Os::Windows => known.eq_ignore_ascii_case(name),
            _ => known == name,
        };
        self.environment
            .iter()
            .find(|(known, value)| same(known) && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// An environment variable that holds an absolute path.
    pub(crate) fn folder(&self, name: &str) -> Option<&Path> {
        self.variable(name).filter(|path| self.is_absolute(path)).map(Path::new)
    }

    /// Whether a path is absolute on the machine in question, which in tests is not always this one.
    pub(crate) fn is_absolute(&self, path: &str) -> bool {
        match (self.os, path.as_bytes()) {
            (Os::Windows, [drive, b':', b'\\' | b'/', ..]) => drive.is_ascii_alphabetic(),
            (Os::Windows, bytes) => bytes.starts_with(br"\\"),
            (_, bytes) => bytes.starts_with(b"/"),
        }
    }

    /// A folder of the catalogue with its variables replaced; none if one is not set here.
    pub(crate) fn expand(&self, folder: &str) -> Option<PathBuf> {
        let folder = folder.replace("{multiarch}", &self.multiarch);
        let Some(rest) = folder.strip_prefix('%') else { return Some(folder.into()) };
        let (name, rest) = rest.split_once('%')?;
        Some(format!("{}{rest}", self.variable(name)?).into())
    }
}

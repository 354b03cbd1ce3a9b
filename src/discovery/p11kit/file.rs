//! One file of `name: value` lines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::SkipReason;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// The fields of a file.
#[derive(Default)]
pub(super) struct Fields(BTreeMap<String, String>);

impl Fields {
    /// Reads a file; none if there is no such file.
    pub(super) fn read(file: &Path) -> Result<Option<Self>, SkipReason> {
        let mut bytes = Vec::new();
        match regular(file).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)) {
            Ok(_) => Self::parse(&String::from_utf8_lossy(&bytes)).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SkipReason::Unreadable(error.to_string())),
        }
    }

    fn parse(text: &str) -> Result<Self, SkipReason> {
        let mut fields = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once(':').ok_or(SkipReason::Malformed { line: number + 1 })?;
            fields.insert(name.trim().to_owned(), value.trim().to_owned());
        }
        Ok(Fields(fields))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Adds the fields of a file that counts less.
    pub(super) fn fill(&mut self, other: Fields) {
        for (name, value) in other.0 {
            self.0.entry(name).or_insert(value);
        }
    }
}

/// Opens nothing but a regular file: a named pipe would wait for ever.
fn regular(file: &Path) -> std::io::Result<File> {
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    File::open(file)
}

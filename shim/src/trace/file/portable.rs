//! Systems on which none of this has been tried: a file that is open for appending.

use std::fs::{File, OpenOptions};
use std::io::{Result, Write};
use std::path::Path;

pub(in crate::trace) struct TraceFile(File);

impl TraceFile {
    pub(in crate::trace) fn open(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map(Self)
    }

    /// Appends a line, which ends with its line feed.
    pub(in crate::trace) fn append(&self, line: Vec<u8>) -> Result<()> {
        (&self.0).write_all(&line)
    }
}

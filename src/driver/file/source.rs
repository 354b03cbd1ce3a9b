//! Bounded reading of a file that may be damaged or hostile.

use std::fs::File;

use object::ReadRef;
use object::pod::Pod;
use object::read::ReadCache;

use super::fault::Fault;

/// The largest table that is read, in bytes: symbols and their names. The largest driver known has some 2 MiB.
const LARGEST_TABLE: u64 = 64 << 20;

/// A file's contents; only what is asked for is read.
pub(super) struct Source {
    cache: ReadCache<File>,
    len: u64,
}

impl Source {
    pub(super) fn new(file: File, len: u64) -> Self {
        Source { cache: ReadCache::new(file), len }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// For functions that read by themselves.
    pub(super) fn reader(&self) -> &ReadCache<File> {
        &self.cache
    }

    /// The first bytes of the file, fewer if it is shorter.
    pub(super) fn start<const N: u64>(&self) -> &[u8] {
        (&self.cache).read_bytes_at(0, N.min(self.len)).unwrap_or(&[])
    }

    /// That the file has these bytes.
    pub(super) fn has(&self, offset: u64, size: u64) -> Result<(), Fault> {
        let needed = offset.saturating_add(size);
        if needed > self.len { Err(Fault::Truncated { needed }) } else { Ok(()) }
    }

    pub(super) fn bytes(&self, offset: u64, size: u64) -> Result<&[u8], Fault> {
        self.has(offset, size)?;
        if size > LARGEST_TABLE {
            return Err(Fault::malformed(format_args!("table of {size} bytes")));
        }
        // The length was right a moment ago: if reading fails now, the file is being changed.
        (&self.cache).read_bytes_at(offset, size).map_err(|()| Fault::Truncated { needed: offset + size })
    }

    pub(super) fn one<T: Pod>(&self, offset: u64) -> Result<&T, Fault> {
        let bytes = self.bytes(offset, size_of::<T>() as u64)?;
        object::pod::from_bytes(bytes).map(|(value, _)| value).map_err(|()| misaligned())
    }

    pub(super) fn many<T: Pod>(&self, offset: u64, count: u64) -> Result<&[T], Fault> {
        let bytes = self.bytes(offset, count.saturating_mul(size_of::<T>() as u64))?;
        if bytes.is_empty() {
            return Ok(&[]);
        }
        let count = bytes.len() / size_of::<T>();
        object::pod::slice_from_bytes(bytes, count).map(|(values, _)| values).map_err(|()| misaligned())
    }
}

/// Every table is read into an allocation of its own, which is aligned for all the tables' types.
fn misaligned() -> Fault {
    Fault::malformed("misaligned table")
}

/// Whether the zero-terminated string at this offset of a string table is this one.
pub(super) fn string_is(strings: &[u8], offset: usize, wanted: &str) -> bool {
    strings
        .get(offset..)
        .and_then(|rest| rest.strip_prefix(wanted.as_bytes()))
        .is_some_and(|rest| rest.first() == Some(&0))
}

//! A descriptor of ours in a program that may close it, and open something else under its number.

use rustix::fs::{Stat, fstat};
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd as _, OwnedFd};

/// A descriptor, and which file it was when it was opened.
pub(super) struct Own {
    /// `None` only while it is dropped.
    descriptor: Option<OwnedFd>,
    file: Option<(u64, u64)>,
}

impl Own {
    pub(super) fn new(descriptor: OwnedFd) -> Self {
        let file = fstat(&descriptor).ok().as_ref().map(file_of);
        Own { descriptor: Some(descriptor), file }
    }

    /// The descriptor, where it is still the same file.
    pub(super) fn get(&self) -> Option<BorrowedFd<'_>> {
        let descriptor = self.descriptor.as_ref()?;
        let now = fstat(descriptor).ok().as_ref().map(file_of);
        (now.is_some() && now == self.file).then(|| descriptor.as_fd())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if self.get().is_none() {
            // It is closed, or somebody else's: neither is for us to close.
            let _ = self.descriptor.take().map(OwnedFd::into_raw_fd);
        }
    }
}

fn file_of(file: &Stat) -> (u64, u64) {
    (file.st_dev, file.st_ino)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read as _, Write as _};
    use std::os::fd::{AsRawFd as _, FromRawFd as _};
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_number_that_is_somebody_elses_by_now_is_neither_used_nor_closed() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let own = Own::new(ours.into());
        let number = own.get().unwrap().as_raw_fd();
        let (stranger, mut other_end) = UnixStream::pair().unwrap();
        // SAFETY: numbers alone; the descriptor under `number` is ours, and is closed and replaced at once.
        assert_eq!(unsafe { libc::dup2(stranger.as_raw_fd(), number) }, number);
        drop(stranger);
        assert!(own.get().is_none());
        drop(own);
        // SAFETY: the number that dup2 has given, which nobody else owns.
        let mut still = File::from(unsafe { OwnedFd::from_raw_fd(number) });
        still.write_all(b"here").unwrap();
        let mut read = [0; 4];
        other_end.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"here");
    }
}

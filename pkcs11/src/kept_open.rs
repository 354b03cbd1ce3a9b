//! Keeping a file open whatever a driver closes.

use std::fs::File;
use std::io;

/// An open file without a number: what hangs on it, such as a lock by flock(2), stays until this goes.
///
/// Drivers close descriptors that they did not open (closefrom(3) before a daemon is started, and forgotten after it). A
/// mapping holds the open file as a descriptor does (mmap(2)), and nobody closes it by chance. A child that is made by
/// fork(2) has no part in it.
#[derive(Debug)]
pub struct KeptOpen {
    #[cfg(target_os = "linux")]
    address: usize,
    #[cfg(target_os = "linux")]
    by: u32,
}

/// A mapping of one byte takes a page, which is never read.
#[cfg(target_os = "linux")]
const LENGTH: usize = 1;

impl KeptOpen {
    /// Keeps the file of this descriptor open, which can be closed then.
    ///
    /// # Errors
    /// Where the file system cannot map files.
    #[cfg(target_os = "linux")]
    pub fn new(file: &File) -> io::Result<Self> {
        use std::os::fd::AsRawFd as _;
        let anywhere = std::ptr::null_mut();
        // SAFETY: the kernel chooses the place, so no memory of ours is replaced; the descriptor is open while it is borrowed.
        let address =
            unsafe { libc::mmap(anywhere, LENGTH, libc::PROT_NONE, libc::MAP_PRIVATE, file.as_raw_fd(), 0) };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let kept = KeptOpen { address: address.expose_provenance(), by: std::process::id() };
        // SAFETY: the mapping was just made, and belongs to `kept` alone.
        match unsafe { libc::madvise(address, LENGTH, libc::MADV_DONTFORK) } {
            0 => Ok(kept),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Elsewhere locks belong to descriptors.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(target_os = "linux"))]
    pub fn new(_file: &File) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(target_os = "linux")]
impl Drop for KeptOpen {
    fn drop(&mut self) {
        // A forked child has something else there, or nothing.
        if self.by == std::process::id() {
            // SAFETY: the mapping is of this process, was made by `new`, has no references into it, and goes once.
            unsafe { libc::munmap(std::ptr::with_exposed_provenance_mut(self.address), LENGTH) };
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_lock_outlives_its_descriptor() {
        let path = std::env::temp_dir().join(format!("kept-open-{}", std::process::id()));
        let file = File::options().write(true).create_new(true).open(&path).unwrap();
        let other = File::open(&path).unwrap();
        file.try_lock().unwrap();
        let read = File::open(&path).unwrap();
        assert!(KeptOpen::new(&file).is_err(), "not open for reading");
        drop(file);
        read.try_lock().unwrap();
        let kept = KeptOpen::new(&read).unwrap();
        drop(read);
        assert!(other.try_lock().is_err());
        drop(kept);
        other.try_lock().unwrap();
        std::fs::remove_file(&path).unwrap();
    }
}

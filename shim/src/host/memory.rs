//! Reading memory of the application's.
//!
//! What an argument points to need not be there: it is the driver's business to refuse a bad session before it examines
//! a bad pointer, and an application lives on after that. So nothing is read that can fault.

use std::mem::MaybeUninit;

/// A copy of what a caller's pointer points to; `None` for null and for what cannot be read.
pub(crate) fn read<T: Copy>(pointer: *const T) -> Option<T> {
    let mut copy = MaybeUninit::<T>::uninit();
    let whole = system::copy(&mut [Part::of(pointer.cast(), copy.as_mut_ptr().cast(), size_of::<T>())]);
    // SAFETY: all bytes were copied, and the callers' types (C structures, numbers, pointers) take any.
    whole.then(|| unsafe { copy.assume_init() })
}

/// Copies of what an array holds; `None` when not all of it can be read.
pub(crate) fn array<T: Copy + Default>(pointer: *const T, count: usize) -> Option<Vec<T>> {
    let mut copy = vec![T::default(); count];
    let length = size_of::<T>().checked_mul(count)?;
    system::copy(&mut [Part::of(pointer.cast(), copy.as_mut_ptr().cast(), length)]).then_some(copy)
}

/// A copy of so many bytes.
pub(crate) fn bytes(pointer: *const u8, length: usize) -> Option<Vec<u8>> {
    array(pointer, length)
}

/// Copies of several buffers, at the cost of one where all can be read.
pub(crate) fn buffers(wanted: &[(*const u8, usize)]) -> Vec<Option<Vec<u8>>> {
    let mut copies: Vec<_> = wanted.iter().map(|(_, length)| vec![0; *length]).collect();
    let into = copies.iter_mut().map(|copy| (copy.as_mut_ptr(), copy.len()));
    let mut parts: Vec<_> =
        wanted.iter().zip(into).map(|((from, _), (into, length))| Part::of(*from, into, length)).collect();
    if system::copy(&mut parts) {
        return copies.into_iter().map(Some).collect();
    }
    wanted.iter().map(|(from, length)| bytes(*from, *length)).collect()
}

/// One piece of memory to be copied.
#[derive(Clone, Copy)]
struct Part {
    from: *const u8,
    into: *mut u8,
    length: usize,
}

impl Part {
    /// `into` has room for `length` bytes while the copy is made.
    fn of(from: *const u8, into: *mut u8, length: usize) -> Self {
        Self { from, into, length }
    }
}

pub(crate) use system::look_from_here;

#[cfg(target_os = "linux")]
mod system {
    use super::Part;
    use std::cell::Cell;

    thread_local!(static PROCESS: Cell<libc::pid_t> = const { Cell::new(0) });

    /// Takes note of which process this is: a fork may have made it another since the last call.
    pub(crate) fn look_from_here() -> u32 {
        let process = std::process::id();
        PROCESS.set(process.cast_signed());
        process
    }

    /// Has the kernel copy, which says where memory is not there instead of ending the process. Where a sandbox forbids
    /// that, nothing is read at all.
    pub(super) fn copy(parts: &mut [Part]) -> bool {
        /// As many as a call to the kernel takes.
        const MOST: usize = 64;
        let none = || libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
        let (mut local, mut remote) = ([none(); MOST], [none(); MOST]);
        if parts.len() > MOST || parts.iter().any(|part| part.from.is_null()) {
            return false;
        }
        for ((local, remote), part) in local.iter_mut().zip(&mut remote).zip(parts.iter()) {
            *local = libc::iovec { iov_base: part.into.cast(), iov_len: part.length };
            *remote = libc::iovec { iov_base: part.from.cast_mut().cast(), iov_len: part.length };
        }
        let (process, count) = (PROCESS.get(), parts.len() as libc::c_ulong);
        // SAFETY: each `into` has room for its length (see Part); `from` may be anything.
        let copied =
            unsafe { libc::process_vm_readv(process, local.as_ptr(), count, remote.as_ptr(), count, 0) };
        usize::try_from(copied).ok()
            == parts.iter().try_fold(0_usize, |sum, part| sum.checked_add(part.length))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Part;

    pub(crate) fn look_from_here() -> u32 {
        std::process::id()
    }

    pub(super) fn copy(parts: &mut [Part]) -> bool {
        if parts.iter().any(|part| part.from.is_null()) {
            return false;
        }
        for part in parts {
            // SAFETY: room in `into` (see Part); the specification says that `from` is there.
            unsafe { std::ptr::copy_nonoverlapping(part.from, part.into, part.length) };
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_read() {
        look_from_here();
        let two = buffers(&[(b"abc".as_ptr(), 3), (b"de".as_ptr(), 2)]);
        assert_eq!(two, [Some(b"abc".to_vec()), Some(b"de".to_vec())]);
        assert_eq!(read(&0x1234_5678_u32), Some(0x1234_5678));
        assert_eq!(bytes(b"abc".as_ptr(), 3).as_deref(), Some(&b"abc"[..]));
        assert_eq!(read(std::ptr::null::<u32>()), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_not_there_is_not_read() {
        look_from_here();
        let one_of_two = buffers(&[(0x10 as *const u8, 3), (b"de".as_ptr(), 2)]);
        assert_eq!(one_of_two, [None, Some(b"de".to_vec())]);
        assert_eq!(read(0x10 as *const u64), None);
        assert_eq!(bytes(usize::MAX as *const u8, 64), None);
        // Half of it is there: a page, and then none.
        // SAFETY: two pages of this test's own, the second made unreadable.
        let page = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let pages = libc::mmap(std::ptr::null_mut(), 8192, libc::PROT_READ, flags, -1, 0);
            assert_eq!(libc::mprotect(pages.byte_add(4096), 4096, libc::PROT_NONE), 0);
            pages.cast::<u8>()
        };
        assert!(bytes(page, 4096).is_some());
        assert_eq!(bytes(page.wrapping_add(4090), 8), None);
    }
}

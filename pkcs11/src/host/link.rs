//! The way to the program.

use crate::wire::frame;
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, recvmsg, send};
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use zeroize::Zeroizing;

/// The most files that come with one message.
const MOST_FILES: usize = 4;

pub(super) struct Link(OwnedFd);

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Link {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Link(socket)
    }

    /// One message, which is wiped when it goes, and the files that came with it; `None` at the end.
    pub(super) fn receive(&self) -> Option<(Zeroizing<Vec<u8>>, Vec<OwnedFd>)> {
        let mut files = Vec::new();
        let mut head = [0; 4];
        self.fill(&mut head, &mut files)?;
        let mut message = Zeroizing::new(vec![0; frame::length(head).ok()?]);
        self.fill(&mut message, &mut files)?;
        Some((message, files))
    }

    fn fill(&self, mut place: &mut [u8], files: &mut Vec<OwnedFd>) -> Option<()> {
        while !place.is_empty() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FILES))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let flags = RecvFlags::CMSG_CLOEXEC;
            match recvmsg(&self.0, &mut [IoSliceMut::new(place)], &mut control, flags) {
                Ok(received) if received.bytes == 0 => return None,
                Ok(received) => {
                    for message in control.drain() {
                        if let RecvAncillaryMessage::ScmRights(rights) = message {
                            files.extend(rights);
                        }
                    }
                    place = place.get_mut(received.bytes..)?;
                }
                Err(Errno::INTR) => {}
                Err(_) => return None,
            }
        }
        Some(())
    }

    /// `None` where nobody is there to hear it.
    pub(super) fn send(&self, mut frame: &[u8]) -> Option<()> {
        while !frame.is_empty() {
            match send(&self.0, frame, SendFlags::NOSIGNAL) {
                Ok(sent) => frame = frame.get(sent..)?,
                Err(Errno::INTR) => {}
                Err(_) => return None,
            }
        }
        Some(())
    }
}

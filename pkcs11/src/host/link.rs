//! The way to the program.

use crate::awake::Awake;
use crate::kept_open::KeptOpen;
use crate::wire::frame;
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, recvmsg, send};
use std::fs::File;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use zeroize::Zeroizing;

/// The most files that come with one message.
const MOST_FILES: usize = 4;

/// A message, which is wiped when it goes, and the files that came with it: held without a descriptor, which a driver could close.
#[derive(Default)]
pub(super) struct Message {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) files: Vec<KeptOpen>,
}

/// Why there is no message, or nobody hears one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The program is gone, or says what is no message.
    Gone,
    /// The driver has closed the descriptor.
    Closed,
}

impl From<Errno> for Lost {
    fn from(error: Errno) -> Self {
        match error {
            Errno::BADF | Errno::NOTSOCK => Lost::Closed,
            _ => Lost::Gone,
        }
    }
}

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

    /// One message.
    pub(super) fn receive(&self) -> Result<Message, Lost> {
        let mut files = Vec::new();
        let mut head = [0; 4];
        self.fill(&mut head, &mut files)?;
        let length = frame::length(head).map_err(|_| Lost::Gone)?;
        let mut bytes = Zeroizing::new(vec![0; length]);
        self.fill(&mut bytes, &mut files)?;
        // One that cannot be held so is the program's alone.
        let files = files.into_iter().filter_map(|file| KeptOpen::new(&File::from(file)).ok());
        Ok(Message { bytes, files: files.collect() })
    }

    fn fill(&self, mut place: &mut [u8], files: &mut Vec<OwnedFd>) -> Result<(), Lost> {
        let mut awake = Awake::new();
        while !place.is_empty() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FILES))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let waits = if awake.stays() { RecvFlags::DONTWAIT } else { RecvFlags::empty() };
            let flags = RecvFlags::CMSG_CLOEXEC | waits;
            match recvmsg(&self.0, &mut [IoSliceMut::new(place)], &mut control, flags) {
                Ok(received) if received.bytes == 0 => return Err(Lost::Gone),
                Ok(received) => {
                    for message in control.drain() {
                        if let RecvAncillaryMessage::ScmRights(rights) = message {
                            files.extend(rights);
                        }
                    }
                    place = place.get_mut(received.bytes..).ok_or(Lost::Gone)?;
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Says a message.
    pub(super) fn send(&self, mut frame: &[u8]) -> Result<(), Lost> {
        while !frame.is_empty() {
            match send(&self.0, frame, SendFlags::NOSIGNAL) {
                Ok(sent) => frame = frame.get(sent..).ok_or(Lost::Gone)?,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

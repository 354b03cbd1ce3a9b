//! The way to a host: a pair of sockets that nobody else has.

use super::own::Own;
use super::patience::{GivenUp, Patience};
use crate::awake::Awake;
use crate::wire::frame;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv, sendmsg};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;
use zeroize::Zeroizing;

/// The most files that go with one message.
const MOST_FILES: usize = 4;

/// Why there was no answer.
pub(super) enum Lost {
    /// The host is gone.
    Closed,
    /// It says more than any message has.
    TooLong,
    GivenUp(GivenUp),
}

impl From<GivenUp> for Lost {
    fn from(why: GivenUp) -> Self {
        Lost::GivenUp(why)
    }
}

pub(super) struct Link(Own);

impl Link {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Link(Own::new(socket))
    }

    /// Sends a message, and these files with its first byte. No signal comes when the host is gone.
    pub(super) fn send(
        &self,
        mut frame: &[u8],
        files: &[BorrowedFd<'_>],
        patience: &mut Patience,
    ) -> Result<(), Lost> {
        let files: Vec<BorrowedFd<'_>> = files.iter().take(MOST_FILES).copied().collect();
        let mut rights = files.as_slice();
        // A PIN is not for whoever the program gives this number to.
        let socket = self.0.get().ok_or(Lost::Closed)?;
        while !frame.is_empty() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FILES))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !rights.is_empty() {
                control.push(SendAncillaryMessage::ScmRights(rights));
            }
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            match sendmsg(socket, &[IoSlice::new(frame)], &mut control, flags) {
                Ok(sent) => {
                    frame = frame.get(sent..).unwrap_or_default();
                    rights = &[];
                }
                Err(Errno::AGAIN) => wait(socket, PollFlags::OUT, patience.next()?)?,
                Err(Errno::INTR) => {}
                Err(_) => return Err(Lost::Closed),
            }
        }
        Ok(())
    }

    /// Hears one message.
    pub(super) fn receive(&self, patience: &mut Patience) -> Result<Zeroizing<Vec<u8>>, Lost> {
        let mut head = [0; 4];
        self.fill(&mut head, patience)?;
        let length = frame::length(head).map_err(|_| Lost::TooLong)?;
        let mut message = Zeroizing::new(vec![0; length]);
        self.fill(&mut message, patience)?;
        Ok(message)
    }

    fn fill(&self, mut place: &mut [u8], patience: &mut Patience) -> Result<(), Lost> {
        let mut awake = Awake::new();
        let socket = self.0.get().ok_or(Lost::Closed)?;
        while !place.is_empty() {
            match recv(socket, &mut *place, RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return Err(Lost::Closed),
                Ok((_, read)) => place = place.get_mut(read..).unwrap_or_default(),
                Err(Errno::AGAIN) if awake.stays() => {}
                Err(Errno::AGAIN) => wait(socket, PollFlags::IN, patience.next()?)?,
                Err(Errno::INTR) => {}
                Err(_) => return Err(Lost::Closed),
            }
        }
        Ok(())
    }
}

fn wait(socket: BorrowedFd<'_>, what: PollFlags, time: Duration) -> Result<(), Lost> {
    let mut polled = [PollFd::new(&socket, what)];
    // A time that the system cannot count is none that we wait.
    let time = Timespec::try_from(time).map_err(|_| Lost::Closed)?;
    match poll(&mut polled, Some(&time)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(_) => Err(Lost::Closed),
    }
}

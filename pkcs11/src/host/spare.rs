//! A second hold on the way to the program, for when a driver has closed the first: some close what they did not open.

use super::link::{Link, Message};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;
use zeroize::Zeroizing;

/// What is to be done where the descriptor is still open.
enum Job {
    Receive,
    Send(Zeroizing<Vec<u8>>),
}

/// A thread with descriptors of its own, which nothing that a driver does in another thread can close.
pub(super) struct Spare {
    jobs: Sender<Job>,
    done: Receiver<Option<Message>>,
}

impl Spare {
    /// `None` where the system gives no thread.
    pub(super) fn start(link: Arc<Link>) -> Option<Self> {
        let (jobs, todo) = channel();
        let (tell, done) = channel();
        let work = move || {
            let is_own = own_descriptors();
            if tell.send(is_own.then(Message::default)).is_err() || !is_own {
                return;
            }
            for job in todo {
                let result = match job {
                    Job::Receive => link.receive().ok(),
                    Job::Send(frame) => link.send(&frame).ok().map(|()| Message::default()),
                };
                if tell.send(result).is_err() {
                    return;
                }
            }
        };
        Builder::new().stack_size(256 * 1024).spawn(work).ok()?;
        Some(Spare { jobs, done })
    }

    /// Waits until it has them, which it must before a driver is there.
    pub(super) fn ready(self) -> Option<Self> {
        self.done.recv().ok()??;
        Some(self)
    }

    pub(super) fn receive(&self) -> Option<Message> {
        self.jobs.send(Job::Receive).ok()?;
        self.done.recv().ok()?
    }

    pub(super) fn send(&self, frame: Zeroizing<Vec<u8>>) -> Option<()> {
        self.jobs.send(Job::Send(frame)).ok()?;
        self.done.recv().ok()?.map(drop)
    }
}

/// Gives this thread a table of descriptors of its own.
pub(super) fn own_descriptors() -> bool {
    // SAFETY: a number alone. The thread's descriptors are copied (unshare(2)); those of the others stay as they are.
    unsafe { libc::unshare(libc::CLONE_FILES) == 0 }
}

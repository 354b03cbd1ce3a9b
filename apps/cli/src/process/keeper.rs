//! The standard streams out of a driver's reach.
//!
//! Whatever number a copy of a stream has, a driver may close it (closefrom(3)). Descriptors belong to a table, and a thread
//! can have one of its own (unshare(2)): such a thread keeps the streams as they were, and writes for the others what they
//! cannot write any more.

use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::stdio;

/// A thread that keeps standard output and standard error.
pub struct Keeper(Mutex<Ends>);

struct Ends {
    orders: Sender<(Stream, Vec<u8>)>,
    done: Receiver<io::Result<()>>,
}

/// Where something is to be written.
#[derive(Clone, Copy)]
pub enum Stream {
    Output,
    Error,
}

impl Keeper {
    /// Begins to keep the streams as they are now; `None` where the system gives no thread a table of its own, as in
    /// containers that forbid unshare(2).
    pub fn begin() -> Option<Self> {
        let (orders, ordered) = channel::<(Stream, Vec<u8>)>();
        let (say, done) = channel();
        let work = move || {
            let has_table = own_table();
            if say.send(has_table).is_err() {
                return;
            }
            while let Ok((stream, bytes)) = ordered.recv() {
                let descriptor = match stream {
                    Stream::Output => stdio::stdout(),
                    Stream::Error => stdio::stderr(),
                };
                if say.send(write_all(descriptor, &bytes)).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("streams".to_owned()).spawn(work).ok()?;
        done.recv().ok()?.ok()?;
        Some(Keeper(Mutex::new(Ends { orders, done })))
    }

    /// What is written there is written by the keeper.
    pub fn writer(&self, stream: Stream) -> impl Write {
        // What a panic has interrupted is over.
        Writer { ends: self.0.lock().unwrap_or_else(PoisonError::into_inner), stream }
    }
}

struct Writer<'k> {
    ends: MutexGuard<'k, Ends>,
    stream: Stream,
}

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        self.ends.orders.send((self.stream, bytes.to_vec())).map_err(|_| gone())?;
        self.ends.done.recv().map_err(|_| gone())?.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives this thread a table of descriptors of its own. Signals stay with the other threads: what their handlers write to is
/// not in this table.
#[cfg(target_os = "linux")]
fn own_table() -> io::Result<()> {
    nix::sys::signal::SigSet::all().thread_block()?;
    Ok(nix::sched::unshare(nix::sched::CloneFlags::CLONE_FILES)?)
}

#[cfg(not(target_os = "linux"))]
fn own_table() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

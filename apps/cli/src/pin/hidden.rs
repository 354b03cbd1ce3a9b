//! Takes the PINs out of this process's environment before a driver runs in it, or another program is started.
//!
//! A child of ours is not given the variables, one of a driver's in this process would be; and what a process was started with stays readable in `/proc/PID/environ` for
//! every program of the user, whatever the process does to its variables later. So this program starts itself anew
//! in its place (execve(2): the old memory is gone) without them, and hands each PIN on through a pipe.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pipe::{PipeFlags, pipe_with};
use usbtoken::error::{Fact, Step};
use usbtoken::{Code, Error, Result};
use zeroize::Zeroizing;

use super::limit::LONGEST_PIN;
use crate::output::stdout;

/// The variable that names the descriptor of the PIN's pipe to the second run.
pub const DESCRIPTOR: &str = "USBTOKEN_PIN_DESCRIPTOR";
/// The same of the new PIN.
pub const NEW_DESCRIPTOR: &str = "USBTOKEN_NEW_PIN_DESCRIPTOR";

/// A variable that has a PIN, and the one that names the descriptor of its pipe.
pub type Variable<'a> = (&'a str, &'static str);

/// The pipe that the run before this one left, by the variable that names it.
pub fn descriptor(named_by: &str) -> Option<PathBuf> {
    let number: u32 = env::var(named_by).ok()?.parse().ok()?;
    Some(place(number))
}

/// Starts this program anew without these variables. Returns when there is nothing to hide. Where the PINs are not `wanted` no
/// pipe has them.
///
/// # Errors
/// [`Code::PinSourceUnusable`] when it cannot be started anew; nothing has happened yet.
pub fn hide(variables: &[Variable<'_>], wanted: bool) -> Result<()> {
    let hidden: Vec<Hidden<'_>> = variables.iter().filter_map(Hidden::of).collect();
    let Some(first) = hidden.first() else { return Ok(()) };
    let variable = first.variable;
    let error = start_anew(hidden, wanted).err().unwrap_or_else(|| io::ErrorKind::Other.into());
    Err(Error::new(Code::PinSourceUnusable)
        .during(Step::LogIn)
        .fact(Fact::Expected, variable)
        .fact(Fact::Detail, &error)
        .caused_by(error))
}

/// What is taken out of the environment.
struct Hidden<'a> {
    variable: &'a str,
    named_by: &'static str,
    pin: Zeroizing<Vec<u8>>,
}

impl<'a> Hidden<'a> {
    fn of(&(variable, named_by): &Variable<'a>) -> Option<Self> {
        if descriptor(named_by).is_some() {
            return None;
        }
        let pin = Zeroizing::new(env::var_os(variable)?.as_bytes().to_vec());
        // What is longer is no PIN, and refused as such when it is read.
        (pin.len() <= LONGEST_PIN).then_some(Hidden { variable, named_by, pin })
    }
}

/// Returns only when it failed, or where no one reads our environment.
fn start_anew(hidden: Vec<Hidden<'_>>, wanted: bool) -> io::Result<()> {
    // Where /proc is missing the second run could not read it; but then no one reads our environment either.
    if !Path::new("/dev/fd").exists() {
        return Ok(());
    }
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_else(|| "usbtoken".into());
    let mut command = Command::new(own_program()?);
    command.arg0(name).args(arguments);
    // Open until the second run has begun.
    let mut pipes = Vec::new();
    for Hidden { variable, named_by, pin } in hidden {
        command.env_remove(variable);
        if wanted {
            let read = filled(&pin)?;
            fcntl_setfd(&read, FdFlags::empty())?;
            command.env(named_by, read.as_raw_fd().to_string());
            pipes.push(read);
        }
    }
    if stdout::was_closed() {
        // What Rust's runtime opened in its place must not look to the second run like the caller's.
        fcntl_setfd(rustix::stdio::stdout(), FdFlags::CLOEXEC)?;
    }
    Err(command.exec())
}

/// A pipe with these bytes in it, which are fewer than every system's pipes hold (PIPE_BUF of POSIX is 512, Linux and
/// macOS hold 4096 and more).
fn filled(bytes: &[u8]) -> io::Result<OwnedFd> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    File::from(write).write_all(bytes)?;
    Ok(read)
}

fn place(descriptor: u32) -> PathBuf {
    Path::new("/dev/fd").join(descriptor.to_string())
}

/// On Linux this finds the program even when its file was replaced meanwhile.
fn own_program() -> io::Result<PathBuf> {
    let link = Path::new("/proc/self/exe");
    if link.exists() { Ok(link.to_owned()) } else { env::current_exe() }
}

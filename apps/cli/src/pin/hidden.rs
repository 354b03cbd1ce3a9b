//! Takes the PIN out of this process's environment before another program is started.
//!
//! A child is not given the variable; but what a process was started with stays readable in `/proc/PID/environ` for
//! every program of the user, whatever the process does to its variables later. So this program starts itself anew
//! in its place (execve(2): the old memory is gone) without the variable, and hands the PIN on through a pipe.

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

/// The variable that names the pipe's descriptor to the second run.
pub const DESCRIPTOR: &str = "USBTOKEN_PIN_DESCRIPTOR";

/// The pipe that the run before this one left.
pub fn descriptor() -> Option<PathBuf> {
    let number: u32 = env::var(DESCRIPTOR).ok()?.parse().ok()?;
    Some(place(number))
}

/// Starts this program anew without the variable. Returns when there is nothing to hide.
///
/// # Errors
/// [`Code::PinSourceUnusable`] when it cannot be started anew; nothing has happened yet.
pub fn hide(variable: &str) -> Result<()> {
    if descriptor().is_some() {
        return Ok(());
    }
    let Some(pin) = env::var_os(variable) else { return Ok(()) };
    let pin = Zeroizing::new(pin.as_bytes().to_vec());
    if pin.len() > LONGEST_PIN {
        // No PIN, and refused as such when it is read.
        return Ok(());
    }
    let error = start_anew(variable, &pin).err().unwrap_or_else(|| io::ErrorKind::Other.into());
    Err(Error::new(Code::PinSourceUnusable)
        .during(Step::LogIn)
        .fact(Fact::Expected, variable)
        .fact(Fact::Detail, &error)
        .caused_by(error))
}

/// Returns only when it failed.
fn start_anew(variable: &str, pin: &[u8]) -> io::Result<()> {
    let read = filled(pin)?;
    let descriptor = read.as_raw_fd();
    // Where /proc is missing the second run could not read it; but then no one reads our environment either.
    if !place(descriptor.cast_unsigned()).exists() {
        return Ok(());
    }
    fcntl_setfd(&read, FdFlags::empty())?;
    if stdout::was_closed() {
        // What Rust's runtime opened in its place must not look to the second run like the caller's.
        fcntl_setfd(rustix::stdio::stdout(), FdFlags::CLOEXEC)?;
    }
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_else(|| "usbtoken".into());
    let mut command = Command::new(own_program()?);
    command.arg0(name).args(arguments).env_remove(variable).env(DESCRIPTOR, descriptor.to_string());
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

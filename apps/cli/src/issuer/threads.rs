//! One run of a program that asks the CA, on systems without poll(2): each pipe has a thread of its own, and all of
//! them are started before the program is.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::ran::{End, LARGEST_ANSWER, Ran, TAIL};
use crate::reference::Listener;

const TICK: Duration = Duration::from_millis(100);

enum Part {
    Output(Vec<u8>),
    Said(Vec<u8>),
}

/// Runs the program with this input. What it prints is copied as it comes. What it says on standard error is passed on as it comes, if `show`.
///
/// # Errors
/// When it cannot be started: the CA was not asked.
pub(super) fn run(
    mut command: Command,
    input: &[u8],
    copy: &mut dyn Write,
    timeout: Duration,
    show: bool,
) -> io::Result<Ran> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (parts, received) = sync_channel(16);
    let (writer, readers) =
        (pump_in(input.to_vec())?, [pump_out(parts.clone(), Part::Output)?, pump_out(parts, Part::Said)?]);
    let mut child = command.spawn()?;
    if let Some(stdin) = child.stdin.take() {
        let _ = writer.send(Box::new(stdin));
    }
    let [out, err] = readers;
    if let Some(stdout) = child.stdout.take() {
        let _ = out.send(Box::new(stdout));
    }
    if let Some(stderr) = child.stderr.take() {
        let _ = err.send(Box::new(stderr));
    }
    drop((writer, out, err));
    let mut ran = Ran { output: Vec::new(), said: Vec::new(), reference: None, end: End::Unknown };
    let mut listener = Listener::default();
    let deadline = Instant::now() + timeout;
    let mut ended = None;
    loop {
        match received.recv_timeout(TICK) {
            Ok(part) => {
                take(part, &mut ran, &mut listener, copy, show);
                if ran.output.len() >= LARGEST_ANSWER {
                    let _ = child.kill();
                    ran.end = End::TooMuch;
                    return Ok(Ran { reference: listener.into_heard(), ..ran });
                }
                continue;
            }
            // Nothing came for a moment after its end: whoever else holds the pipes is not waited for.
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => thread::sleep(TICK),
        }
        if let Some(end) = ended {
            ran.end = end;
            return Ok(Ran { reference: listener.into_heard(), ..ran });
        }
        ended = match child.try_wait() {
            Ok(Some(status)) => Some(End::Exit(status)),
            Ok(None) if Instant::now() >= deadline => {
                let _ = child.kill();
                Some(End::TimedOut)
            }
            Ok(None) => None,
            Err(_) => Some(End::Unknown),
        };
    }
}

fn take(part: Part, ran: &mut Ran, listener: &mut Listener, copy: &mut dyn Write, show: bool) {
    match part {
        Part::Output(mut bytes) => {
            bytes.truncate(LARGEST_ANSWER.saturating_sub(ran.output.len()));
            // It says of itself that it does not fail.
            let _ = copy.write_all(&bytes);
            ran.output.append(&mut bytes);
        }
        Part::Said(mut bytes) => {
            if show {
                // What no one can read is no reason to stop.
                let _ = io::stderr().write_all(&bytes);
            }
            listener.take(&bytes);
            ran.said.append(&mut bytes);
            let excess = ran.said.len().saturating_sub(TAIL);
            ran.said.drain(..excess);
        }
    }
}

type Sender<T> = SyncSender<Box<T>>;

fn pump_in(input: Vec<u8>) -> io::Result<Sender<dyn Write + Send>> {
    let (send, received): (_, Receiver<Box<dyn Write + Send>>) = sync_channel(1);
    thread::Builder::new().spawn(move || {
        // A program that does not read the whole request closes the pipe: its end says how it went.
        received.recv().map(|mut pipe| pipe.write_all(&input))
    })?;
    Ok(send)
}

fn pump_out(parts: SyncSender<Part>, part: fn(Vec<u8>) -> Part) -> io::Result<Sender<dyn Read + Send>> {
    let (send, received): (_, Receiver<Box<dyn Read + Send>>) = sync_channel(1);
    thread::Builder::new().spawn(move || {
        let Ok(mut pipe) = received.recv() else { return };
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            if parts.send(part(buffer.get(..count).unwrap_or_default().to_vec())).is_err() {
                return;
            }
        }
    })?;
    Ok(send)
}

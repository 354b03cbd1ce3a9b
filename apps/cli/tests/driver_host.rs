//! The driver host by itself: whatever it is told, it ends in order.
#![cfg(target_os = "linux")]

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// What the host answers to these bytes, and how it ends. What is no whole message it waits for until nobody is there.
fn answer(said: &[u8]) -> (Vec<u8>, ExitStatus) {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_usbtoken-driver"));
    let mut host = command.stdin(Stdio::from(OwnedFd::from(theirs))).spawn().unwrap();
    // Its end of the sockets is its own.
    drop(command);
    ours.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // It may end before it has read all.
    let _ = ours.write_all(said);
    let (mut heard, mut rest) = (Vec::new(), said);
    while let Some((head, after)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_le_bytes(*head)).unwrap();
        let (is_long, next) = (length > 1 << 23, after.get(length..));
        if !is_long && next.is_none() {
            break;
        }
        let mut answer = vec![0; 4096];
        match ours.read(&mut answer) {
            Ok(read @ 1..) => heard.extend_from_slice(&answer[..read]),
            _ => break,
        }
        rest = next.unwrap_or_default();
    }
    let _ = ours.shutdown(Shutdown::Write);
    let _ = ours.read_to_end(&mut heard);
    (heard, host.wait().unwrap())
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&length.to_le_bytes(), message].concat()
}

/// `Greet` of version 5 for this process, and `Load`.
fn load(driver: &str) -> Vec<u8> {
    let varint = |mut number: u32| {
        let mut bytes = Vec::new();
        while number > 0x7f {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
        bytes
    };
    let length = u32::try_from(driver.len()).unwrap();
    let greet = framed(&[&[0, 5][..], &varint(std::process::id())].concat());
    [greet, framed(&[&[1][..], &varint(length), driver.as_bytes()].concat())].concat()
}

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn it_is_not_for_people() {
    let output = Command::new(env!("CARGO_BIN_EXE_usbtoken-driver")).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!output.stderr.is_empty());
}

#[test]
fn it_ends_when_nobody_is_there() {
    let (heard, status) = answer(b"");
    assert!(heard.is_empty() && status.success(), "{heard:?} {status}");
}

#[test]
fn what_is_no_message_ends_it_in_order() {
    let long = [&u32::MAX.to_le_bytes()[..], &[0; 100]].concat();
    let cut = [&8_u32.to_le_bytes()[..], &[0; 3]].concat();
    // The last is a call before anything was loaded: `Call`, `GetInfo`.
    for said in [long, cut, framed(&[]), framed(&[0xff; 40]), framed(&[2, 2])] {
        let (heard, status) = answer(&said);
        assert!(heard.is_empty() && status.success(), "{said:?}: {heard:?} {status}");
    }
    let mut random = Random(27);
    for _ in 0..100 {
        let length = random.next() % 300;
        let noise: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        for said in [framed(&noise), noise] {
            let (_, status) = answer(&said);
            assert!(status.signal().is_none(), "{said:?}: {status}");
        }
    }
}

#[test]
fn a_driver_that_is_none_is_said_to_be_none() {
    let (heard, status) = answer(&load("/nowhere/driver.so"));
    // `Done` to the greeting; `NotLoaded`, `Unloadable`, and the loader's words.
    assert_eq!(
        (heard.get(..5), heard.get(9..11)),
        (Some(&[1, 0, 0, 0, 0][..]), Some(&[2, 0][..])),
        "{heard:?}"
    );
    let words = String::from_utf8_lossy(&heard);
    assert!(words.contains("/nowhere/driver.so"), "{words}");
    assert!(status.success());
}

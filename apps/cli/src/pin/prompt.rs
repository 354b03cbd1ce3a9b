//! The hidden prompt of a terminal: what is typed is not shown, and the terminal shows again whatever ends it, a signal
//! too.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

use super::Asides;
use super::limit::LONGEST_PIN;
use crate::process::signals::{self, Signals};

/// What the person did.
#[derive(Debug)]
pub enum Typed {
    /// A line, without its end; it may be empty.
    Line(Zeroizing<Vec<u8>>),
    /// Esc, or the end of the input.
    Cancelled,
}

/// How long the rest of a key's sequence may take; a person's Esc comes alone.
const SEQUENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 150_000_000 };

/// How long no key comes from a person who has stopped typing.
const SILENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 700_000_000 };

/// Shows the prompt on the terminal of this process and reads a line there. `ignored` is said once, when a key comes that
/// enters nothing; `anew` when it was stopped and goes on, since what was typed by then is gone.
///
/// # Errors
/// When there is no terminal, or it is gone.
pub fn read(prompt: &str, Asides { ignored, anew }: &Asides) -> io::Result<Typed> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    loop {
        terminal.write_all(prompt.as_bytes())?;
        let typed = read_silently(&terminal, || write!(&terminal, "\n{ignored}\n{prompt}"));
        // What the person ended the line with was not shown either.
        let ended = terminal.write_all(b"\n");
        match typed? {
            Ended::Typed(typed) => {
                ended?;
                return Ok(typed);
            }
            // Ends the process as it would have without us, or stops it until it is continued.
            Ended::Signal(signal) => {
                signals::raise(signal)?;
                writeln!(terminal, "{anew}")?;
            }
        }
    }
}

enum Ended {
    Typed(Typed),
    Signal(i32),
}

fn read_silently(terminal: &File, say_ignored: impl Fn() -> io::Result<()>) -> io::Result<Ended> {
    // Watched before the terminal falls silent, and until it shows again.
    let signals = Signals::watch_prompt()?;
    let _silent = Silent::make(terminal)?;
    let (mut line, mut was_said) = (Line::new(), false);
    loop {
        let wait = line.is_in_sequence().then_some(SEQUENCE);
        match wait_for(terminal, &signals, wait.as_ref())? {
            Came::Signal(signal) => {
                // What was typed and not read would be read by whoever has the terminal next.
                let _ = tcflush(terminal, QueueSelector::IFlush);
                return Ok(Ended::Signal(signal));
            }
            // Nothing followed the Esc.
            Came::Nothing if line.is_in_sequence() => return swallow(terminal, &signals),
            Came::Nothing => {}
            Came::Input => {
                let Some(byte) = read_byte(terminal)? else { return Ok(Ended::Typed(Typed::Cancelled)) };
                match line.take(*byte) {
                    Some(Typed::Cancelled) if *byte != CTRL_D => return swallow(terminal, &signals),
                    Some(typed) => return Ok(Ended::Typed(typed)),
                    None => {}
                }
                if line.ignored && !was_said {
                    was_said = true;
                    say_ignored()?;
                }
            }
        }
    }
}

/// What is typed after Esc, until the line ends or no key comes any more, is nobody's: else the terminal would show it, and a
/// shell run it.
fn swallow(terminal: &File, signals: &Signals) -> io::Result<Ended> {
    loop {
        match wait_for(terminal, signals, Some(&SILENCE))? {
            Came::Signal(signal) => return Ok(Ended::Signal(signal)),
            Came::Nothing => return Ok(Ended::Typed(Typed::Cancelled)),
            Came::Input => match read_byte(terminal)?.as_deref() {
                None | Some(b'\n' | b'\r') => return Ok(Ended::Typed(Typed::Cancelled)),
                Some(_) => {}
            },
        }
    }
}

/// `None` at the end of the input.
fn read_byte(mut terminal: &File) -> io::Result<Option<Zeroizing<u8>>> {
    let mut byte = Zeroizing::new([0_u8; 1]);
    Ok((terminal.read(&mut *byte)? > 0).then(|| Zeroizing::new(byte[0])))
}

enum Came {
    Input,
    Signal(i32),
    Nothing,
}

fn wait_for(terminal: &File, signals: &Signals, timeout: Option<&Timespec>) -> io::Result<Came> {
    let waited_for = signals.wakers().into_iter().chain([terminal.as_fd()]);
    let mut ready: Vec<PollFd<'_>> =
        waited_for.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
    let polled = poll(&mut ready, timeout);
    let readable = ready.last().is_some_and(|terminal| !terminal.revents().is_empty());
    if let Some(signal) = signals.caught() {
        return Ok(Came::Signal(signal));
    }
    match polled {
        Ok(0) | Err(rustix::io::Errno::INTR) => Ok(Came::Nothing),
        Ok(_) => {
            signals.quiet();
            Ok(if readable { Came::Input } else { Came::Nothing })
        }
        Err(error) => Err(error.into()),
    }
}

/// A terminal that shows nothing of what is typed and gives each key as it comes; as it was before when this goes.
struct Silent<'t> {
    terminal: &'t File,
    before: Termios,
}

impl<'t> Silent<'t> {
    fn make(terminal: &'t File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        // Ctrl-C and Ctrl-Z go on being signals.
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(terminal, OptionalActions::Now, &silent)?;
        Ok(Silent { terminal, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing anyway.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

/// What was typed so far.
struct Line {
    bytes: Zeroizing<Vec<u8>>,
    sequence: Sequence,
    /// Whether a key came that enters nothing: an arrow, a digit of the keypad without NumLock, Tab.
    ignored: bool,
}

/// Keys such as the arrows send Esc, `[` or `O`, and more: none of it is part of a PIN.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sequence {
    None,
    Escape,
    /// After Esc `[`, until a final byte (ECMA-48 §5.4).
    Control,
    /// After Esc `O`: one more byte.
    Single,
}

const BACKSPACE: u8 = 0x08;
const CTRL_D: u8 = 0x04;
const CTRL_U: u8 = 0x15;
const CTRL_W: u8 = 0x17;
const ESC: u8 = 0x1b;
const DELETE: u8 = 0x7f;

impl Line {
    fn new() -> Self {
        // The capacity is given beforehand: a buffer that grew would leave copies behind.
        Line {
            bytes: Zeroizing::new(Vec::with_capacity(LONGEST_PIN + 1)),
            sequence: Sequence::None,
            ignored: false,
        }
    }

    fn is_in_sequence(&self) -> bool {
        self.sequence != Sequence::None
    }

    /// Takes a byte; says whether that was the end.
    fn take(&mut self, byte: u8) -> Option<Typed> {
        self.sequence = match (self.sequence, byte) {
            (Sequence::Escape, b'[') => Sequence::Control,
            (Sequence::Escape, b'O') => Sequence::Single,
            (Sequence::Escape, _) => return Some(Typed::Cancelled),
            (Sequence::Control, 0x40..=0x7e) | (Sequence::Single, _) => {
                self.ignored = true;
                Sequence::None
            }
            (Sequence::Control, _) => Sequence::Control,
            (Sequence::None, ESC) => Sequence::Escape,
            (Sequence::None, byte) => return self.take_key(byte),
        };
        None
    }

    fn take_key(&mut self, byte: u8) -> Option<Typed> {
        match byte {
            b'\n' | b'\r' => return Some(Typed::Line(std::mem::take(&mut self.bytes))),
            CTRL_D if self.bytes.is_empty() => return Some(Typed::Cancelled),
            BACKSPACE | DELETE => self.take_back(),
            CTRL_U | CTRL_W => self.clear(),
            // One byte more than the longest is enough to be refused.
            0x20.. if self.bytes.len() <= LONGEST_PIN => self.bytes.push(byte),
            // There is no room for more, which is refused as it is.
            0x20.. => {}
            _ => self.ignored = true,
        }
        None
    }

    /// The last character, which may have several bytes (UTF-8).
    fn take_back(&mut self) {
        while let Some(last) = self.bytes.pop() {
            if last & 0xc0 != 0x80 {
                return;
            }
        }
    }

    fn clear(&mut self) {
        self.bytes.fill(0);
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of these bytes; `None`: nothing yet.
    fn typed(bytes: &[u8]) -> Option<Option<String>> {
        let mut line = Line::new();
        bytes.iter().find_map(|byte| line.take(*byte)).map(|typed| match typed {
            Typed::Line(line) => Some(String::from_utf8(line.to_vec()).unwrap()),
            Typed::Cancelled => None,
        })
    }

    #[test]
    fn a_line_is_what_was_typed() {
        for (bytes, line) in [
            (&b"648219\r"[..], "648219"),
            (b"648219\n", "648219"),
            (b"\n", ""),
            (b"12\x7f3\n", "13"),
            ("12暗\u{8}3\n".as_bytes(), "123"),
            (b"99\x15648219\n", "648219"),
            (b"\x7f\x7f1\n", "1"),
            (b"1\x042\n", "12"),
            (b"1\x012\n", "12"),
        ] {
            assert_eq!(typed(bytes), Some(Some(line.to_owned())), "{bytes:?}");
        }
    }

    #[test]
    fn keys_that_are_no_characters_swallow_none_and_add_none() {
        let ignored = |bytes: &[u8]| {
            let mut line = Line::new();
            bytes.iter().for_each(|byte| assert!(line.take(*byte).is_none()));
            line.ignored
        };
        for keys in [&b"\x1b[D"[..], b"\x1bOp", b"\x1b[5~", b"\t", b"1\x04", b"\x01"] {
            assert!(ignored(keys), "{keys:?}");
        }
        assert!(!ignored(b"64\x7f\x15\x1b"));
        assert_eq!(typed(b"\x1b[D6482\x1b[5~19\x1bOp\r"), Some(Some("648219".to_owned())));
    }

    #[test]
    fn esc_and_the_end_cancel() {
        assert_eq!(typed(b"64\x1b\x1b"), Some(None));
        assert_eq!(typed(b"\x04"), Some(None));
        let mut line = Line::new();
        assert!(
            line.take(ESC).is_none() && line.is_in_sequence(),
            "alone it is known by what does not follow"
        );
    }

    #[test]
    fn no_line_outgrows_its_buffer() {
        let mut line = Line::new();
        let room = line.bytes.capacity();
        for _ in 0..3 * LONGEST_PIN {
            assert!(line.take(b'1').is_none());
        }
        assert_eq!((line.bytes.len(), line.bytes.capacity()), (LONGEST_PIN + 1, room));
    }
}

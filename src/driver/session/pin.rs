//! A PIN, and how long it is kept.

mod doubt;

pub use self::doubt::PinDoubt;
use super::object::StoredKey;
use secrecy::{ExposeSecret, SecretSlice};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{PipeReader, Read as _, Write as _};

/// A PIN. It is wiped from memory when it goes, and it can be printed nowhere: its `Debug` shows that there is one.
pub struct Pin(SecretSlice<u8>);

impl Pin {
    /// Takes the bytes over; PKCS#11 wants UTF-8, tokens decide what they take.
    pub fn new(bytes: Vec<u8>) -> Self {
        Pin(bytes.into())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// Whether this is the other one, byte for byte.
    pub fn is_same_as(&self, other: &Pin) -> bool {
        self.bytes() == other.bytes()
    }

    /// The length in bytes.
    pub fn length(&self) -> usize {
        self.bytes().len()
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(REDACTED)")
    }
}

/// The PIN of a session after the login: for keys that want it with each signature (CKA_ALWAYS_AUTHENTICATE), as long as
/// there may be one.
pub(super) struct KeptPin {
    pin: RefCell<Option<Pin>>,
    /// Whether a key was seen that wants it, or the token is one whose keys all do.
    wanted: Cell<bool>,
}

impl KeptPin {
    pub(super) fn new(pin: Option<Pin>) -> Self {
        KeptPin { pin: RefCell::new(pin), wanted: Cell::new(false) }
    }

    /// Takes note of a private key on the token.
    pub(super) fn see(&self, key: &StoredKey) {
        if key.always_authenticate {
            self.wanted.set(true);
        }
    }

    /// Wipes the PIN unless a key that was seen wants it: no key is made from here on, and the CA may take days.
    pub(super) fn drop_unless_wanted(&self) {
        if !self.wanted.get() {
            self.pin.take();
        }
    }

    /// Does the work of others while no memory of this process has the PIN: the system keeps it in a pipe. Where that cannot be had
    /// it stays.
    pub(super) fn aside<R>(&self, work: impl FnOnce() -> R) -> R {
        let aside = self.pin.borrow().as_ref().and_then(Aside::of);
        if aside.is_some() {
            self.pin.take();
        }
        let done = work();
        if let Some(aside) = aside {
            self.pin.replace(aside.taken_back());
        }
        done
    }

    /// Uses the PIN, where it is still there.
    pub(super) fn with<R>(&self, work: impl FnOnce(Option<&[u8]>) -> R) -> R {
        work(self.pin.borrow().as_ref().map(Pin::bytes))
    }
}

/// A PIN in a pipe whose ends this process alone has.
struct Aside {
    pipe: PipeReader,
    length: usize,
}

impl Aside {
    /// Every system that is a Unix takes so many bytes into a pipe without a reader.
    const ROOM: usize = 4096;

    fn of(pin: &Pin) -> Option<Self> {
        if cfg!(not(unix)) || pin.length() > Self::ROOM {
            return None;
        }
        let (pipe, mut into) = std::io::pipe().ok()?;
        into.write_all(pin.bytes()).ok()?;
        Some(Aside { pipe, length: pin.length() })
    }

    /// `None` where the descriptor was closed.
    fn taken_back(mut self) -> Option<Pin> {
        let mut bytes = vec![0; self.length];
        let read = self.pipe.read_exact(&mut bytes);
        // It is wiped in either case.
        let pin = Pin::new(bytes);
        read.ok().map(|()| pin)
    }
}

#[cfg(test)]
mod tests {
    use super::super::object::made_up;
    use super::*;

    #[test]
    fn a_pin_is_printed_nowhere() {
        let login = crate::Login::with_pin(Pin::new(b"482915".to_vec()));
        assert!(!format!("{login:?} {:?}", Pin::new(b"482915".to_vec())).contains("482915"));
        assert!(format!("{login:?}").contains("Pin(REDACTED)"));
    }

    #[test]
    fn pins_are_the_same_byte_for_byte() {
        let is_same = |one: &[u8], other: &[u8]| Pin::new(one.to_vec()).is_same_as(&Pin::new(other.to_vec()));
        assert!(is_same(b"482915", b"482915") && is_same(b"", b""));
        assert!(!is_same(b"482915", b"482916") && !is_same(b"4829", b"482915") && !is_same(b"a", b"A"));
    }

    #[test]
    #[cfg(unix)]
    fn what_was_put_aside_comes_back_as_it_was() {
        for bytes in [&b"123456"[..], b"", &[b'9'; Aside::ROOM], &[b'9'; Aside::ROOM + 1]] {
            let pin = KeptPin::new(Some(Pin::new(bytes.to_vec())));
            let meanwhile = pin.aside(|| pin.with(|pin| pin.is_some()));
            assert_eq!(meanwhile, bytes.len() > Aside::ROOM, "{}", bytes.len());
            assert!(pin.with(|pin| pin == Some(bytes)), "{}", bytes.len());
        }
        let none = KeptPin::new(None);
        assert_eq!(none.aside(|| 7), 7);
        assert!(none.with(|pin| pin.is_none()));
    }

    #[test]
    fn the_pin_stays_only_for_a_key_that_wants_it() {
        let is_there = |pin: &KeptPin| pin.with(|pin| pin.is_some());
        let kept = || KeptPin::new(Some(Pin::new(b"123456".to_vec())));
        let mut key = made_up::private_key(1, b"id", b"label", None);
        let pin = kept();
        pin.see(&key);
        assert!(is_there(&pin), "a key that is made next may want it");
        pin.drop_unless_wanted();
        assert!(!is_there(&pin));
        key.always_authenticate = true;
        let pin = kept();
        pin.see(&key);
        pin.drop_unless_wanted();
        assert!(is_there(&pin));
    }
}

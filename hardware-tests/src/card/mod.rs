//! A card in software, for OpenSC: what it answers to APDUs is what a SmartCard-HSM answers, as far as OpenSC's driver for that
//! card asks. OpenSC, pcscd and the reader of the vsmartcard project stand between it and whoever uses it.
//!
//! It keeps its files in memory, has one user PIN with three tries, makes RSA and P-256 keys, and never gives one out. Whatever
//! OpenSC itself makes of the card (which certificate belongs to which key, labels, what it keeps in its memory) is OpenSC's.

mod apdu;
mod cvc;
mod key;
mod reader;
mod tlv;

use std::collections::BTreeMap;

use apdu::{Command, Status};
use key::CardKey;
pub use reader::{ReaderError, serve};

/// What the card answers when it is reset: that of a SmartCard-HSM with contacts.
pub const ATR: [u8; 24] = [
    0x3b, 0xfe, 0x18, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x45, 0x80, 0x31, 0x81, 0x54, 0x48, 0x53, 0x4d, 0x31,
    0x73, 0x80, 0x21, 0x40, 0x81, 0x07, 0xfa,
];

/// The application's name (ISO/IEC 7816-5).
const AID: [u8; 11] = [0xe8, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x81, 0xc3, 0x1f, 0x02, 0x01];
const USER_PIN: u8 = 0x81;
const TRIES: u8 = 3;
/// The certificate of the device, which says the serial number.
const DEVICE_CERTIFICATE: u16 = 0x2f02;
/// The number of the device's own key: it has no file beside it, and nobody's key has its number.
const DEVICE_KEY: u8 = 0;
/// First byte of the identifier of a key, and of the file beside it.
const KEYS: u8 = 0xcc;

/// A card, with what it holds.
pub struct Card {
    pin: Vec<u8>,
    tries: u8,
    is_verified: bool,
    selected: Option<u16>,
    files: BTreeMap<u16, Vec<u8>>,
    keys: BTreeMap<u8, CardKey>,
}

type Answer = Result<Vec<u8>, Status>;

impl Card {
    /// An empty card with this PIN and this serial number.
    pub fn new(pin: &str, serial: &str) -> Self {
        let device = CardKey::generate_p256();
        let certificate = cvc::certificate(&device, &format!("{serial}00001"));
        let files = BTreeMap::from([(DEVICE_CERTIFICATE, certificate)]);
        let keys = BTreeMap::from([(DEVICE_KEY, device)]);
        let pin = pin.as_bytes().to_vec();
        Card { pin, tries: TRIES, is_verified: false, selected: None, files, keys }
    }

    /// The card loses its power, or is reset.
    pub fn reset(&mut self) {
        self.is_verified = false;
        self.selected = None;
    }

    /// Answers one command APDU: data and status.
    pub fn answer(&mut self, bytes: &[u8]) -> Vec<u8> {
        let answer = Command::parse(bytes).ok_or(Status::WRONG_LENGTH).and_then(|command| self.run(&command));
        let (mut data, status) = match answer {
            Ok(data) => (data, Status::OK),
            Err(status) => (Vec::new(), status),
        };
        data.extend_from_slice(&status.0.to_be_bytes());
        data
    }

    fn run(&mut self, command: &Command<'_>) -> Answer {
        match (command.class, command.instruction) {
            (0x00, 0xa4) => self.select(command),
            (0x00, 0xb1) => self.read_binary(command),
            (0x00, 0xd7) => self.update_binary(command),
            (0x00, 0xe4) => self.delete_file(command),
            (0x00, 0x20) => self.verify(command),
            (0x00, 0x24) => self.change_pin(command),
            (0x00, 0x46) => self.generate(command),
            (0x00, 0x84) => Ok(key::random(command.expected.min(256))),
            (0x80, 0x58) => Ok(self.enumerate()),
            (0x80, 0x68) => self.sign(command),
            (0x00 | 0x80, _) => Err(Status::INSTRUCTION_UNKNOWN),
            _ => Err(Status::CLASS_UNKNOWN),
        }
    }

    /// SELECT, of the application or of a file.
    fn select(&mut self, command: &Command<'_>) -> Answer {
        if command.p1 == 0x04 {
            if command.data != AID {
                return Err(Status::FILE_NOT_FOUND);
            }
            self.reset();
            // Options, kind of applet, version.
            return Ok(tlv::of(0x6f, &[tlv::of(0x84, &AID), tlv::of(0x85, &[0, 0, 0xff, 3, 5])].concat()));
        }
        let id = file_id(command.data).ok_or(Status::WRONG_LENGTH)?;
        let size = self.files.get(&id).ok_or(Status::FILE_NOT_FOUND)?.len();
        self.selected = Some(id);
        let size = tlv::of(0x80, &u16::try_from(size).unwrap_or(u16::MAX).to_be_bytes());
        let kind = tlv::of(0x82, &[0x01]);
        Ok(tlv::of(0x6f, &[size, kind, tlv::of(0x83, &id.to_be_bytes())].concat()))
    }

    /// READ BINARY, odd: the offset stands in the data.
    fn read_binary(&self, command: &Command<'_>) -> Answer {
        let file = self.files.get(&self.named(command)?).ok_or(Status::FILE_NOT_FOUND)?;
        let offset = tlv::find(command.data, 0x54).and_then(file_id).ok_or(Status::WRONG_DATA)?;
        let rest = file.get(usize::from(offset)..).unwrap_or_default();
        Ok(rest.get(..command.expected).unwrap_or(rest).to_vec())
    }

    /// UPDATE BINARY, odd. A file that is named and not there is made.
    fn update_binary(&mut self, command: &Command<'_>) -> Answer {
        self.needs_pin()?;
        let id = self.named(command)?;
        let offset = tlv::find(command.data, 0x54).and_then(file_id).ok_or(Status::WRONG_DATA)?;
        let data = tlv::find(command.data, 0x53).ok_or(Status::WRONG_DATA)?;
        let file = self.files.entry(id).or_default();
        let end = usize::from(offset) + data.len();
        file.resize(file.len().max(end), 0);
        file.splice(usize::from(offset)..end, data.iter().copied());
        self.selected = Some(id);
        Ok(Vec::new())
    }

    fn delete_file(&mut self, command: &Command<'_>) -> Answer {
        self.needs_pin()?;
        let id = file_id(command.data).ok_or(Status::WRONG_LENGTH)?;
        let [kind, number] = id.to_be_bytes();
        if (kind, number) == (KEYS, DEVICE_KEY) {
            return Err(Status::NOT_ALLOWED);
        }
        let was_key = kind == KEYS && self.keys.remove(&number).is_some();
        let was_file = self.files.remove(&id).is_some();
        if was_key || was_file { Ok(Vec::new()) } else { Err(Status::FILE_NOT_FOUND) }
    }

    /// VERIFY; without data it asks how many tries are left.
    fn verify(&mut self, command: &Command<'_>) -> Answer {
        self.knows(command.p2)?;
        if command.data.is_empty() {
            return if self.is_verified { Ok(Vec::new()) } else { Err(self.refusal()) };
        }
        self.try_pin(command.data)
    }

    /// CHANGE REFERENCE DATA: the old PIN, then the new one.
    fn change_pin(&mut self, command: &Command<'_>) -> Answer {
        self.knows(command.p2)?;
        let (old, new) = command.data.split_at_checked(self.pin.len()).ok_or(Status::WRONG_LENGTH)?;
        self.try_pin(old)?;
        self.pin = new.to_vec();
        Ok(Vec::new())
    }

    /// GENERATE ASYMMETRIC KEY PAIR: the answer is a request for a card verifiable certificate.
    fn generate(&mut self, command: &Command<'_>) -> Answer {
        self.needs_pin()?;
        let wanted = tlv::find(command.data, 0x7f49).ok_or(Status::WRONG_DATA)?;
        let holder = tlv::find(command.data, 0x5f20).ok_or(Status::WRONG_DATA)?;
        let key = CardKey::generate(wanted).ok_or(Status::WRONG_DATA)?;
        let request = cvc::request(&key, &String::from_utf8_lossy(holder));
        self.keys.insert(command.p1, key);
        Ok(request)
    }

    /// ENUMERATE OBJECTS: the identifiers of all files and keys.
    fn enumerate(&self) -> Vec<u8> {
        let keys = self.keys.keys().map(|number| [KEYS, *number]);
        keys.chain(self.files.keys().map(|id| id.to_be_bytes())).flatten().collect()
    }

    fn sign(&self, command: &Command<'_>) -> Answer {
        self.needs_pin()?;
        let key = self.keys.get(&command.p1).ok_or(Status::NOT_FOUND)?;
        key.sign(command.p2, command.data).ok_or(Status::WRONG_DATA)
    }

    fn named(&self, command: &Command<'_>) -> Result<u16, Status> {
        match u16::from_be_bytes([command.p1, command.p2]) {
            0 => self.selected.ok_or(Status::NOT_FOUND),
            id => Ok(id),
        }
    }

    /// There is one PIN; what else a reader asks for is not there.
    fn knows(&self, reference: u8) -> Result<(), Status> {
        if reference == USER_PIN { Ok(()) } else { Err(Status::NOT_FOUND) }
    }

    fn try_pin(&mut self, pin: &[u8]) -> Answer {
        if self.tries == 0 {
            return Err(Status::BLOCKED);
        }
        self.is_verified = pin == self.pin;
        self.tries = if self.is_verified { TRIES } else { self.tries - 1 };
        if self.is_verified { Ok(Vec::new()) } else { Err(self.refusal()) }
    }

    fn refusal(&self) -> Status {
        if self.tries == 0 { Status::BLOCKED } else { Status::tries_left(self.tries) }
    }

    fn needs_pin(&self) -> Result<(), Status> {
        if self.is_verified { Ok(()) } else { Err(Status::NOT_ALLOWED) }
    }
}

fn file_id(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests;

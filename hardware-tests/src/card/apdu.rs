//! Command APDUs and status words (ISO/IEC 7816-4 §5).

/// A command APDU.
#[derive(Debug, PartialEq, Eq)]
pub struct Command<'b> {
    /// CLA.
    pub class: u8,
    /// INS.
    pub instruction: u8,
    /// P1.
    pub p1: u8,
    /// P2.
    pub p2: u8,
    /// The command's data; empty where there is none.
    pub data: &'b [u8],
    /// How many bytes may come back.
    pub expected: usize,
}

/// A status word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    pub const OK: Status = Status(0x9000);
    pub const WRONG_LENGTH: Status = Status(0x6700);
    pub const NOT_ALLOWED: Status = Status(0x6982);
    pub const BLOCKED: Status = Status(0x6983);
    pub const WRONG_DATA: Status = Status(0x6a80);
    pub const FILE_NOT_FOUND: Status = Status(0x6a82);
    pub const NOT_FOUND: Status = Status(0x6a88);
    pub const INSTRUCTION_UNKNOWN: Status = Status(0x6d00);
    pub const CLASS_UNKNOWN: Status = Status(0x6e00);

    /// That a PIN was wrong, or has not been given.
    pub fn tries_left(tries: u8) -> Self {
        Status(0x63c0 | u16::from(tries & 0x0f))
    }
}

impl<'b> Command<'b> {
    /// Reads one, with short or extended lengths.
    pub fn parse(bytes: &'b [u8]) -> Option<Self> {
        let (&[class, instruction, p1, p2], rest) = bytes.split_first_chunk()?;
        let (data, expected) = body(rest)?;
        Some(Command { class, instruction, p1, p2, data, expected })
    }
}

/// The data and what is expected, of what follows the header.
fn body(rest: &[u8]) -> Option<(&[u8], usize)> {
    match rest {
        [] => Some((&[], 0)),
        &[le] => Some((&[], short(le))),
        &[0, a, b] => Some((&[], extended(a, b))),
        &[0, a, b, ref rest @ ..] => {
            let (data, le) = rest.split_at_checked(usize::from(u16::from_be_bytes([a, b])))?;
            match *le {
                [] => Some((data, 0)),
                [a, b] => Some((data, extended(a, b))),
                _ => None,
            }
        }
        &[lc, ref rest @ ..] => {
            let (data, le) = rest.split_at_checked(usize::from(lc))?;
            match *le {
                [] => Some((data, 0)),
                [le] => Some((data, short(le))),
                _ => None,
            }
        }
    }
}

fn short(le: u8) -> usize {
    if le == 0 { 256 } else { usize::from(le) }
}

fn extended(a: u8, b: u8) -> usize {
    match u16::from_be_bytes([a, b]) {
        0 => 65536,
        le => usize::from(le),
    }
}

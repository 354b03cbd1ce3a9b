//! The card in the reader: vpcd's protocol, over TCP on this computer. A message is its length in two bytes and its bytes; one
//! of a single byte is about power, everything else is an APDU.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use super::{ATR, Card};

const POWER_OFF: u8 = 0;
const POWER_ON: u8 = 1;
const RESET: u8 = 2;
const GET_ATR: u8 = 4;

/// How long the reader may need to come up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What ended the card's stay in the reader.
#[derive(Debug)]
pub struct ReaderError(String);

impl std::fmt::Display for ReaderError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for ReaderError {}

/// Puts the card into the reader that listens at this port, until the reader goes away. One line for each APDU goes to `trace`:
/// class and instruction, in hexadecimal.
///
/// # Errors
///
/// When no reader listens there, or the trace cannot be written.
pub fn serve(card: &mut Card, port: u16, trace: &mut impl Write) -> Result<(), ReaderError> {
    let mut reader = connect(port)?;
    while let Some(message) = receive(&mut reader)? {
        match *message {
            [POWER_OFF | POWER_ON | RESET] => card.reset(),
            [GET_ATR] => send(&mut reader, &ATR)?,
            [_] => {}
            [class, instruction, ..] => {
                writeln!(trace, "{class:02x} {instruction:02x}").map_err(|error| at("the trace", &error))?;
                send(&mut reader, &card.answer(&message))?;
            }
            [] => {}
        }
    }
    Ok(())
}

fn connect(port: u16) -> Result<TcpStream, ReaderError> {
    let begin = Instant::now();
    loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(reader) => {
                // Each answer is waited for.
                reader.set_nodelay(true).map_err(|error| at("the reader", &error))?;
                return Ok(reader);
            }
            Err(_) if begin.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(50)),
            Err(error) => return Err(at(&format!("no reader at port {port}"), &error)),
        }
    }
}

fn receive(reader: &mut TcpStream) -> Result<Option<Vec<u8>>, ReaderError> {
    let mut length = [0; 2];
    match reader.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
        Err(error) => return Err(at("the reader", &error)),
    }
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    reader.read_exact(&mut message).map_err(|error| at("the reader", &error))?;
    Ok(Some(message))
}

fn send(reader: &mut TcpStream, bytes: &[u8]) -> Result<(), ReaderError> {
    let length = u16::try_from(bytes.len()).map_err(|_| ReaderError("an answer past 64 KiB".to_owned()))?;
    let message = [&length.to_be_bytes(), bytes].concat();
    reader.write_all(&message).map_err(|error| at("the reader", &error))
}

fn at(what: &str, error: &io::Error) -> ReaderError {
    ReaderError(format!("{what}: {error}"))
}

//! Login ID and password for the bank's CA, as screen 個人認証 asks for them. They go to the helper's standard input
//! and nowhere else.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use usbtoken::error::{Fact, Step};
use usbtoken::text::Lang;
use usbtoken::{Code, Error, Result};
use zeroize::Zeroizing;

use crate::pin::Asides;
use crate::pin::prompt::{self, Typed};
use crate::words::Words;
use crate::{files, pin};

/// Far more than two lines of a login have.
const LARGEST: usize = 4096;

/// Reads both from a file or from standard input, or asks for them where there is no path.
///
/// # Errors
/// [`Code::FileUnreadable`] when there are not two lines; [`Code::Cancelled`] when nothing is entered or there is
/// no one to ask.
pub fn read(path: Option<&Path>, lang: Lang) -> Result<Zeroizing<Vec<u8>>> {
    let login = match path {
        None => ask(lang),
        Some(path) if files::is_standard(path) => {
            let input = pin::standard_input().map_err(|error| unusable(path, error));
            let login = input.and_then(|input| two_lines(input, path));
            pin::close_input().map_err(|error| unusable(path, error)).and(login)
        }
        Some(path) => {
            File::open(path).map_err(|error| unusable(path, error)).and_then(|file| two_lines(file, path))
        }
    };
    login.map_err(|error| error.during(Step::AskIssuer))
}

fn ask(lang: Lang) -> Result<Zeroizing<Vec<u8>>> {
    let cancelled = || Error::new(Code::Cancelled).fact(Fact::Expected, "--issuer-login=FILE");
    if !pin::is_terminal() {
        return Err(cancelled());
    }
    let mut id = String::new();
    let mut stderr = io::stderr();
    write!(stderr, "{}", Words::LoginIdPrompt.text(lang))
        .and_then(|()| stderr.flush())
        .and_then(|()| io::stdin().read_line(&mut id))
        .map_err(|error| cancelled().caused_by(error))?;
    let password =
        match prompt::read(&Words::PasswordPrompt.text(lang), &Asides::of(|words| words.text(lang))) {
            Ok(Typed::Line(password)) => password,
            Ok(Typed::Cancelled) => return Err(cancelled()),
            Err(error) => return Err(cancelled().caused_by(error)),
        };
    let id = id.trim();
    if id.is_empty() || password.is_empty() {
        return Err(cancelled());
    }
    // The capacity is given beforehand: a buffer that grew would leave copies behind.
    let mut login = Zeroizing::new(Vec::with_capacity(id.len() + password.len() + 2));
    for part in [id.as_bytes(), &password] {
        login.extend_from_slice(part);
        login.push(b'\n');
    }
    Ok(login)
}

fn two_lines(from: impl Read, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST + 1));
    from.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(|error| unusable(path, error))?;
    if bytes.len() <= LARGEST && !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.len() > 1).count();
    if lines == 2 && bytes.iter().filter(|byte| **byte == b'\n').count() == 2 {
        Ok(bytes)
    } else {
        let expected = "login ID and password, a line each";
        Err(Error::new(Code::FileUnreadable).fact(Fact::Path, path.display()).fact(Fact::Expected, expected))
    }
}

fn unusable(path: &Path, error: io::Error) -> Error {
    let place = Error::new(Code::FileUnreadable).fact(Fact::Path, path.display());
    place.fact(Fact::Detail, &error).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lines_are_a_login_and_nothing_else_is() {
        let read = |bytes: &[u8]| two_lines(bytes, Path::new("-")).map(|login| login.to_vec()).ok();
        assert_eq!(read(b"user\nsecret").unwrap(), b"user\nsecret\n");
        assert_eq!(read(b"user\nsecret\n").unwrap(), b"user\nsecret\n");
        for bad in [&b""[..], b"user", b"user\n\n", b"\nsecret\n", b"a\nb\nc\n", &[b'x'; LARGEST + 5]] {
            assert_eq!(read(bad), None);
        }
    }
}

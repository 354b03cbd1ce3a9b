//! Cookies of one visit: a login that hands on to its first page does so with one. They go back to the server that set
//! them and to no other, and end with the visit (RFC 6265 §5, as far as that needs).

use super::http::Head;

/// How many a server may set.
const MOST: usize = 50;
const LONGEST: usize = 4096;

/// Names and values.
#[derive(Default)]
pub(super) struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// Takes those that a response sets.
    pub(super) fn take(&mut self, head: &Head) {
        for field in head.values("Set-Cookie") {
            let field = String::from_utf8_lossy(field);
            let pair = field.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            let (name, value) = (name.trim(), value.trim());
            let plain =
                pair.len() <= LONGEST && pair.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
            if !plain || name.is_empty() {
                continue;
            }
            self.0.retain(|(known, _)| known != name);
            if self.0.len() < MOST {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// The field that gives them back; nothing where there is none.
    pub(super) fn field(&self) -> String {
        let pairs: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { String::new() } else { format!("Cookie: {}\r\n", pairs.join("; ")) }
    }
}

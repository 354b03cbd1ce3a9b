//! Data objects with tags of one or two bytes (ISO/IEC 7816-4 §5.2.2).

/// One data object.
pub fn of(tag: u16, value: &[u8]) -> Vec<u8> {
    let [high, low] = tag.to_be_bytes();
    let mut bytes = if high == 0 { vec![low] } else { vec![high, low] };
    match value.len() {
        length @ 0..=0x7f => bytes.push(length as u8),
        length @ 0x80..=0xff => bytes.extend([0x81, length as u8]),
        length => {
            bytes.push(0x82);
            bytes.extend(u16::try_from(length).expect("nothing here is longer than 64 KiB").to_be_bytes());
        }
    }
    bytes.extend_from_slice(value);
    bytes
}

/// The value of the first object with this tag, among those that stand one behind the other.
pub fn find(mut bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let (tag, value, rest) = first(bytes)?;
        if tag == wanted {
            return Some(value);
        }
        bytes = rest;
    }
}

fn first(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (&high, rest) = bytes.split_first()?;
    let (tag, rest) = match high & 0x1f {
        0x1f => {
            let (&low, rest) = rest.split_first()?;
            (u16::from_be_bytes([high, low]), rest)
        }
        _ => (u16::from(high), rest),
    };
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81 => rest.split_first().map(|(&length, rest)| (usize::from(length), rest))?,
        0x82 => {
            rest.split_first_chunk().map(|(&length, rest)| (usize::from(u16::from_be_bytes(length)), rest))?
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((tag, value, rest))
}

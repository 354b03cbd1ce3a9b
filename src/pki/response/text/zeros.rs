//! UTF-16 without byte order mark, known by its zeros.

/// Where the zeros stand: in UTF-16 every second byte of ASCII is one.
pub(super) fn zeros(bytes: &[u8]) -> Zeros {
    let (pairs, _) = bytes.as_chunks::<2>();
    let even = pairs.iter().filter(|[even, _]| *even == 0).count();
    let odd = pairs.iter().filter(|[_, odd]| *odd == 0).count();
    let outnumbers = |many: usize, few: usize| pairs.len() >= 4 && many > pairs.len() / 4 && few < many / 16;
    if outnumbers(odd, even) {
        Zeros::Odd
    } else if outnumbers(even, odd) {
        Zeros::Even
    } else {
        Zeros::None
    }
}

pub(super) enum Zeros {
    None,
    Even,
    Odd,
}

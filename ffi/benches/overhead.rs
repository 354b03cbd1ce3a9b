//! How long a renewal with P-256 takes from C and from Rust, whole processes, in turns: `cargo bench -p usbtoken-ffi`.

#[path = "../tests/common/mod.rs"]
mod common;

use common::both::{Both, renew_when_told_to};

const ROUNDS: usize = 9;

fn main() {
    if renew_when_told_to() {
        return;
    }
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (language, times) in ["C", "Rust"].iter().zip(&mut times) {
            // A fresh token each time: the old certificate stays renewable, and a second new one would be read too.
            times.push(Both::set().time(language));
        }
    }
    let [c, rust] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let ratio = c.as_secs_f64() / rust.as_secs_f64();
    println!("whole renewal with P-256, median of {ROUNDS}: C {c:?}, Rust {rust:?}, ratio {ratio:.2}");
}

//! What this program can load.

use std::env::consts;
use std::fmt;

use super::fault::Fault;

/// A format of shared libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Elf,
    Pe,
    MachO,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Elf => "ELF",
            Format::Pe => "Windows",
            Format::MachO => "macOS",
        })
    }
}

/// Processors: Rust's name, and the numbers in ELF, PE and Mach-O headers (0: none).
const PROCESSORS: [(&str, u16, u16, u32); 8] = [
    ("x86_64", 62, 0x8664, 0x0100_0007),
    ("x86", 3, 0x014c, 7),
    ("aarch64", 183, 0xaa64, 0x0100_000c),
    ("arm", 40, 0x01c4, 12),
    ("riscv64", 243, 0x5064, 0),
    ("loongarch64", 258, 0x6264, 0),
    ("powerpc64", 21, 0, 0),
    ("s390x", 22, 0, 0),
];

/// The name of an ELF header's processor.
pub(super) fn elf_processor(number: u16) -> String {
    name(PROCESSORS.iter().find(|row| row.1 == number).map(|row| row.0), u32::from(number))
}

/// The name of a PE header's processor.
pub(super) fn pe_processor(number: u16) -> String {
    name(PROCESSORS.iter().find(|row| row.2 == number && number != 0).map(|row| row.0), u32::from(number))
}

/// The name of a Mach-O header's processor.
pub(super) fn macho_processor(number: u32) -> String {
    name(PROCESSORS.iter().find(|row| row.3 == number && number != 0).map(|row| row.0), number)
}

fn name(known: Option<&str>, number: u32) -> String {
    known.map_or_else(|| format!("processor 0x{number:x}"), str::to_owned)
}

/// The program that wants to load a driver.
pub(super) struct Host {
    pub(super) format: Format,
    pub(super) bits: u32,
    pub(super) processor: &'static str,
}

impl Host {
    pub(super) fn current() -> Self {
        let format = match consts::OS {
            "windows" => Format::Pe,
            "macos" | "ios" => Format::MachO,
            _ => Format::Elf,
        };
        Host { format, bits: usize::BITS, processor: consts::ARCH }
    }

    /// The same with the other bitness, which a driver host can have; only Linux has one.
    pub(super) fn other_bitness(&self) -> Option<Self> {
        const PAIRS: [(&str, &str); 2] = [("x86_64", "x86"), ("aarch64", "arm")];
        let (bits, processor) = PAIRS.iter().find_map(|(wide, narrow)| match self.processor {
            processor if processor == *wide => Some((32, *narrow)),
            processor if processor == *narrow => Some((64, *wide)),
            _ => None,
        })?;
        let format = self.format;
        (format == Format::Elf && cfg!(target_os = "linux")).then_some(Host { format, bits, processor })
    }

    /// That a library with this header is one for this program.
    pub(super) fn accepts(&self, format: Format, bits: u32, processor: &str) -> Result<(), Fault> {
        let expected = || format!("{} {}-bit {}", self.format, self.bits, self.processor);
        let found = || format!("{format} {bits}-bit {processor}");
        if format != self.format {
            return Err(Fault::Platform { expected: expected(), found: found() });
        }
        if bits != self.bits {
            return Err(Fault::Bitness { expected: expected(), found: found() });
        }
        if processor != self.processor {
            return Err(Fault::Platform { expected: expected(), found: found() });
        }
        Ok(())
    }
}

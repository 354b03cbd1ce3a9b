//! Mach-O: macOS (Apple's `mach-o/loader.h`, `mach-o/fat.h`), with universal files of several processors.

use object::macho::{
    CPU_ARCH_ABI64, FatArch32, FatArch64, FatHeader, MH_BUNDLE, MH_DYLIB, MH_EXECUTE, MH_OBJECT,
    MachHeader32, MachHeader64, N_EXT, N_STAB, N_TYPE, N_UNDF, Nlist32, Nlist64, SymtabCommand,
};
use object::pod::Pod;
use object::read::macho::{FatArch, LoadCommandIterator, LoadCommandVariant, MachHeader, Nlist};
use object::{BigEndian, Endianness};

use super::fault::{ENTRY, Examined, Fault};
use super::platform::{Format, Host, macho_processor};
use super::source::{Source, string_is};

/// More processors than any universal file has. A Java class begins with the same four bytes and has its version,
/// 45 or more, in this place.
const MOST_PROCESSORS: u32 = 30;

/// Examines the image that starts at `base` and has `size` bytes.
pub(super) fn examine(source: &Source, base: u64, size: u64, host: &Host) -> Examined {
    let image = Image { source, base, size };
    match source.bytes(base, 4)? {
        [0xfe, 0xed, 0xfa, 0xcf] | [0xcf, 0xfa, 0xed, 0xfe] => {
            image.examine::<MachHeader64<Endianness>, Nlist64<Endianness>>(host)
        }
        [0xfe, 0xed, 0xfa, 0xce] | [0xce, 0xfa, 0xed, 0xfe] => {
            image.examine::<MachHeader32<Endianness>, Nlist32<Endianness>>(host)
        }
        _ => Err(Fault::malformed("Mach-O header")),
    }
}

/// Examines the part of a universal file that this program would load.
pub(super) fn examine_universal(source: &Source, host: &Host) -> Examined {
    if source.bytes(0, 4)? == [0xca, 0xfe, 0xba, 0xbf] {
        parts::<FatArch64>(source, host)
    } else {
        parts::<FatArch32>(source, host)
    }
}

fn parts<Fat: FatArch>(source: &Source, host: &Host) -> Examined {
    let header: &FatHeader = source.one(0)?;
    let count = header.nfat_arch.get(BigEndian);
    if count == 0 || count > MOST_PROCESSORS {
        return Err(Fault::NotLibrary("not a universal Mach-O file".into()));
    }
    let parts: &[Fat] = source.many(size_of::<FatHeader>() as u64, count.into())?;
    let mut wanted = None;
    let mut found = Vec::new();
    for part in parts {
        let processor = macho_processor(part.cputype());
        if host.format == Format::MachO && processor == host.processor {
            wanted = Some(part);
        }
        found.push(processor);
    }
    let Some(part) = wanted else {
        let bits = if parts.iter().any(|part| part.cputype() & CPU_ARCH_ABI64 != 0) { 64 } else { 32 };
        host.accepts(Format::MachO, bits, &found.join("+"))?;
        return Err(Fault::malformed("universal Mach-O file"));
    };
    for part in parts {
        let (offset, size) = part.file_range();
        source.has(offset, size)?;
    }
    let (offset, size) = part.file_range();
    examine(source, offset, size, host)
}

struct Image<'a> {
    source: &'a Source,
    base: u64,
    size: u64,
}

impl<'a> Image<'a> {
    fn examine<Mach: MachHeader<Endian = Endianness>, N: Nlist<Endian = Endianness> + Pod>(
        &self,
        host: &Host,
    ) -> Examined {
        let header: &Mach = self.source.one(self.base)?;
        let endian = header.endian().map_err(Fault::malformed)?;
        let bits = if header.is_type_64() { 64 } else { 32 };
        host.accepts(Format::MachO, bits, &macho_processor(header.cputype(endian)))?;
        match header.filetype(endian) {
            MH_DYLIB | MH_BUNDLE => {}
            MH_EXECUTE => return Err(Fault::NotLibrary("macOS program".into())),
            MH_OBJECT => return Err(Fault::NotLibrary("macOS object file".into())),
            other => return Err(Fault::malformed(format_args!("Mach-O type {other}"))),
        }
        let start = size_of::<Mach>() as u64;
        let size = u64::from(header.sizeofcmds(endian));
        self.has(start, size)?;
        self.source.bytes(self.base + start, size)?;
        let commands =
            header.load_commands(endian, self.source.reader(), self.base).map_err(Fault::malformed)?;
        let symbols = self.is_complete(commands, endian)?;
        match symbols {
            Some(symbols) if symbols.nsyms.get(endian) > 0 => self.has_entry::<N>(symbols, endian),
            // Everything stripped but the export trie: the loader has the last word.
            _ => Ok(()),
        }
    }

    fn is_complete(
        &self,
        mut commands: LoadCommandIterator<'a, Endianness>,
        endian: Endianness,
    ) -> Result<Option<&'a SymtabCommand<Endianness>>, Fault> {
        let mut symbols = None;
        while let Some(command) = commands.next().map_err(Fault::malformed)? {
            match command.variant().map_err(Fault::malformed)? {
                LoadCommandVariant::Segment32(segment, _) => {
                    self.has(segment.fileoff.get(endian).into(), segment.filesize.get(endian).into())?;
                }
                LoadCommandVariant::Segment64(segment, _) => {
                    self.has(segment.fileoff.get(endian), segment.filesize.get(endian))?;
                }
                LoadCommandVariant::LinkeditData(data) => {
                    self.has(data.dataoff.get(endian).into(), data.datasize.get(endian).into())?;
                }
                LoadCommandVariant::Symtab(table) => {
                    self.has(table.stroff.get(endian).into(), table.strsize.get(endian).into())?;
                    symbols = Some(table);
                }
                _ => {}
            }
        }
        Ok(symbols)
    }

    fn has_entry<N: Nlist<Endian = Endianness> + Pod>(
        &self,
        table: &SymtabCommand<Endianness>,
        endian: Endianness,
    ) -> Examined {
        let offset = u64::from(table.symoff.get(endian));
        let count = u64::from(table.nsyms.get(endian));
        self.has(offset, count * size_of::<N>() as u64)?;
        let symbols: &[N] = self.source.many(self.base + offset, count)?;
        let names = self
            .source
            .bytes(self.base + u64::from(table.stroff.get(endian)), table.strsize.get(endian).into())?;
        // C names have an underscore in front.
        let entry = format!("_{ENTRY}");
        let exported = symbols.iter().any(|symbol| {
            let kind = symbol.n_type();
            kind & N_STAB == 0
                && kind & N_EXT != 0
                && kind & N_TYPE != N_UNDF
                && string_is(names, symbol.n_strx(endian) as usize, &entry)
        });
        if exported { Ok(()) } else { Err(Fault::NoEntry) }
    }

    /// That the image, which may be a part of a file, has these bytes.
    fn has(&self, offset: u64, size: u64) -> Result<(), Fault> {
        let end = offset.saturating_add(size);
        if end > self.size {
            return Err(Fault::Truncated { needed: self.base.saturating_add(end) });
        }
        self.source.has(self.base.saturating_add(offset), size)
    }
}

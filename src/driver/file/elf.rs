//! ELF: Linux and other Unix systems (System V gABI, chapters 4 and 5).

use object::elf::{
    DF_1_PIE, DT_FLAGS_1, DT_NULL, ET_CORE, ET_DYN, ET_EXEC, ET_REL, FileHeader32, FileHeader64, PN_XNUM,
    PT_DYNAMIC, SHN_UNDEF, SHT_DYNSYM, SHT_NOBITS, SHT_NULL, STB_GLOBAL, STB_GNU_UNIQUE, STB_WEAK,
};
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader, Sym};
use object::{Endianness, elf};

use super::fault::{ENTRY, Examined, Fault};
use super::platform::{Format, Host, elf_processor};
use super::source::{Source, string_is};

pub(super) fn examine(source: &Source, host: &Host) -> Examined {
    match source.bytes(0, 16)?[4] {
        elf::ELFCLASS32 => Image::<FileHeader32<Endianness>>::new(source)?.examine(host),
        elf::ELFCLASS64 => Image::<FileHeader64<Endianness>>::new(source)?.examine(host),
        class => Err(Fault::malformed(format_args!("ELF class {class}"))),
    }
}

struct Image<'a, Elf: FileHeader<Endian = Endianness>> {
    source: &'a Source,
    header: &'a Elf,
    endian: Endianness,
}

impl<'a, Elf: FileHeader<Endian = Endianness>> Image<'a, Elf> {
    fn new(source: &'a Source) -> Result<Self, Fault> {
        let header: &Elf = source.one(0)?;
        let endian = header.endian().map_err(Fault::malformed)?;
        Ok(Image { source, header, endian })
    }

    fn examine(&self, host: &Host) -> Examined {
        let endian = self.endian;
        let bits = if self.header.is_class_64() { 64 } else { 32 };
        host.accepts(Format::Elf, bits, &elf_processor(self.header.e_machine(endian)))?;
        match self.header.e_type(endian) {
            ET_DYN => {}
            ET_EXEC => return Err(Fault::NotLibrary("ELF executable".into())),
            ET_REL => return Err(Fault::NotLibrary("ELF object file".into())),
            ET_CORE => return Err(Fault::NotLibrary("ELF core dump".into())),
            other => return Err(Fault::malformed(format_args!("ELF type {other}"))),
        }
        // All of it first: what follows reads tables out of the segments and sections.
        let segments = self.segments()?;
        let sections = self.sections()?;
        self.is_library(segments)?;
        self.has_entry(sections)
    }

    fn segments(&self) -> Result<&'a [Elf::ProgramHeader], Fault> {
        let count = self.header.e_phnum(self.endian);
        let size = self.header.e_phentsize(self.endian);
        if count == PN_XNUM || count > 0 && usize::from(size) != size_of::<Elf::ProgramHeader>() {
            return Err(Fault::malformed("ELF program headers"));
        }
        let segments: &[Elf::ProgramHeader] =
            self.source.many(self.header.e_phoff(self.endian).into(), count.into())?;
        for segment in segments {
            let (offset, size) = segment.file_range(self.endian);
            if size > 0 {
                self.source.has(offset, size)?;
            }
        }
        Ok(segments)
    }

    /// The section table; the loader does without, so a library may have none.
    fn sections(&self) -> Result<&'a [Elf::SectionHeader], Fault> {
        let offset: u64 = self.header.e_shoff(self.endian).into();
        if offset == 0 {
            return Ok(&[]);
        }
        if usize::from(self.header.e_shentsize(self.endian)) != size_of::<Elf::SectionHeader>() {
            return Err(Fault::malformed("ELF section headers"));
        }
        let first: &Elf::SectionHeader = self.source.one(offset)?;
        let count = match self.header.e_shnum(self.endian) {
            0 => first.sh_size(self.endian).into(),
            count => count.into(),
        };
        let sections: &[Elf::SectionHeader] = self.source.many(offset, count)?;
        for section in sections {
            if !matches!(section.sh_type(self.endian), SHT_NULL | SHT_NOBITS) {
                self.source
                    .has(section.sh_offset(self.endian).into(), section.sh_size(self.endian).into())?;
            }
        }
        Ok(sections)
    }

    /// A position-independent executable has the same type as a library; a flag tells them apart.
    fn is_library(&self, segments: &[Elf::ProgramHeader]) -> Examined {
        let Some(dynamic) = segments.iter().find(|segment| segment.p_type(self.endian) == PT_DYNAMIC) else {
            return Err(Fault::NotLibrary("ELF file without dynamic section".into()));
        };
        let (offset, size) = dynamic.file_range(self.endian);
        let entries: &[Elf::Dyn] = self.source.many(offset, size / size_of::<Elf::Dyn>() as u64)?;
        let executable = entries
            .iter()
            .map(|entry| (entry.d_tag(self.endian).into(), entry.d_val(self.endian).into()))
            .take_while(|(tag, _)| *tag != u64::from(DT_NULL))
            .any(|(tag, value): (u64, u64)| tag == u64::from(DT_FLAGS_1) && value & u64::from(DF_1_PIE) != 0);
        if executable { Err(Fault::NotLibrary("ELF executable".into())) } else { Ok(()) }
    }

    /// Without a section table the dynamic symbols are not counted anywhere that can be read simply; then the
    /// loader has the last word.
    fn has_entry(&self, sections: &[Elf::SectionHeader]) -> Examined {
        if sections.is_empty() {
            return Ok(());
        }
        for section in sections.iter().filter(|section| section.sh_type(self.endian) == SHT_DYNSYM) {
            let size: u64 = section.sh_size(self.endian).into();
            let symbols: &[Elf::Sym] = self
                .source
                .many(section.sh_offset(self.endian).into(), size / size_of::<Elf::Sym>() as u64)?;
            let names =
                usize::try_from(section.sh_link(self.endian)).ok().and_then(|link| sections.get(link));
            let Some(names) = names else { return Err(Fault::malformed("ELF symbol names")) };
            let names = match names.sh_type(self.endian) {
                SHT_NOBITS => &[],
                _ => self
                    .source
                    .bytes(names.sh_offset(self.endian).into(), names.sh_size(self.endian).into())?,
            };
            if symbols.iter().any(|symbol| self.is_entry(symbol, names)) {
                return Ok(());
            }
        }
        Err(Fault::NoEntry)
    }

    fn is_entry(&self, symbol: &Elf::Sym, names: &[u8]) -> bool {
        symbol.st_shndx(self.endian) != SHN_UNDEF
            && matches!(symbol.st_bind(), STB_GLOBAL | STB_WEAK | STB_GNU_UNIQUE)
            && string_is(names, symbol.st_name(self.endian) as usize, ENTRY)
    }
}

//! PE: Windows (Microsoft's "PE Format").

use object::LittleEndian as LE;
use object::pe::{
    IMAGE_DIRECTORY_ENTRY_EXPORT, IMAGE_DIRECTORY_ENTRY_SECURITY, IMAGE_FILE_DLL,
    IMAGE_NT_OPTIONAL_HDR32_MAGIC, IMAGE_NT_OPTIONAL_HDR64_MAGIC, IMAGE_NT_SIGNATURE, ImageDataDirectory,
    ImageDosHeader, ImageExportDirectory, ImageFileHeader, ImageNtHeaders32, ImageNtHeaders64,
    ImageSectionHeader,
};
use object::{U16Bytes, U32Bytes};

use super::fault::{ENTRY, Examined, Fault};
use super::platform::{Format, Host, pe_processor};
use super::source::Source;

pub(super) fn examine(source: &Source, host: &Host) -> Examined {
    let dos: &ImageDosHeader = source.one(0)?;
    let start = u64::from(dos.nt_headers_offset());
    let signature: &U32Bytes<LE> = source.one(start)?;
    if signature.get(LE) != IMAGE_NT_SIGNATURE {
        return Err(Fault::NotLibrary("DOS program".into()));
    }
    let header: &ImageFileHeader = source.one(start + 4)?;
    let optional = start + 4 + size_of::<ImageFileHeader>() as u64;
    let magic: &U16Bytes<LE> = source.one(optional)?;
    let (bits, directories) = match magic.get(LE) {
        IMAGE_NT_OPTIONAL_HDR32_MAGIC => (32, start + size_of::<ImageNtHeaders32>() as u64),
        IMAGE_NT_OPTIONAL_HDR64_MAGIC => (64, start + size_of::<ImageNtHeaders64>() as u64),
        other => return Err(Fault::malformed(format_args!("PE optional header 0x{other:x}"))),
    };
    host.accepts(Format::Pe, bits, &pe_processor(header.machine.get(LE)))?;
    if header.characteristics.get(LE) & IMAGE_FILE_DLL == 0 {
        return Err(Fault::NotLibrary("Windows program".into()));
    }
    let sections = optional + u64::from(header.size_of_optional_header.get(LE));
    let image = Image {
        source,
        directories: source.many(
            directories,
            sections.saturating_sub(directories) / size_of::<ImageDataDirectory>() as u64,
        )?,
        sections: source.many(sections, header.number_of_sections.get(LE).into())?,
    };
    image.is_complete()?;
    image.has_entry()
}

struct Image<'a> {
    source: &'a Source,
    directories: &'a [ImageDataDirectory],
    sections: &'a [ImageSectionHeader],
}

impl<'a> Image<'a> {
    fn is_complete(&self) -> Examined {
        for section in self.sections {
            if section.size_of_raw_data.get(LE) > 0 {
                self.source.has(
                    section.pointer_to_raw_data.get(LE).into(),
                    section.size_of_raw_data.get(LE).into(),
                )?;
            }
        }
        // The signature stands behind the last section and is the one directory with a file's offset.
        match self.directories.get(IMAGE_DIRECTORY_ENTRY_SECURITY) {
            Some(signature) if signature.size.get(LE) > 0 => {
                self.source.has(signature.virtual_address.get(LE).into(), signature.size.get(LE).into())
            }
            _ => Ok(()),
        }
    }

    fn has_entry(&self) -> Examined {
        let exports = self.directories.get(IMAGE_DIRECTORY_ENTRY_EXPORT).ok_or(Fault::NoEntry)?;
        let address = exports.virtual_address.get(LE);
        if address == 0 || exports.size.get(LE) == 0 {
            return Err(Fault::NoEntry);
        }
        let directory: &ImageExportDirectory = self.source.one(self.offset(address)?)?;
        let names = directory.address_of_names.get(LE);
        let count = directory.number_of_names.get(LE);
        if count == 0 {
            return Err(Fault::NoEntry);
        }
        let names: &[U32Bytes<LE>] = self.source.many(self.offset(names)?, count.into())?;
        // The names are sorted, and the loader itself looks them up by halving (PE Format, "Export Name Pointer").
        let mut failure = None;
        let found = names.binary_search_by(|name| {
            self.name(name.get(LE)).map_or_else(
                |fault| {
                    failure = Some(fault);
                    std::cmp::Ordering::Equal
                },
                |name| name.cmp(ENTRY.as_bytes()),
            )
        });
        match (failure, found) {
            (Some(fault), _) => Err(fault),
            (None, Ok(_)) => Ok(()),
            (None, Err(_)) => Err(Fault::NoEntry),
        }
    }

    /// The start of a name, long enough to compare it with the entry's.
    fn name(&self, address: u32) -> Result<&'a [u8], Fault> {
        let offset = self.offset(address)?;
        let size = (ENTRY.len() as u64 + 1).min(self.source.len().saturating_sub(offset));
        let bytes = self.source.bytes(offset, size)?;
        Ok(bytes.split(|byte| *byte == 0).next().unwrap_or(bytes))
    }

    /// The place in the file of an address in memory.
    fn offset(&self, address: u32) -> Result<u64, Fault> {
        self.sections
            .iter()
            .find_map(|section| section.pe_file_range_at(address))
            .map(|(offset, _)| offset.into())
            .ok_or_else(|| Fault::malformed(format_args!("PE address 0x{address:x}")))
    }
}

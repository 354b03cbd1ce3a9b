//! Small libraries of other systems, made by hand.

/// The offset of the byte with the flags of [`dll`]'s file header.
pub(super) const DLL_FLAGS: usize = 64 + 4 + 18;
/// The offset of the processor in [`dll`].
pub(super) const DLL_MACHINE: usize = 64 + 4;
/// The offset of the data directories in [`dll`].
pub(super) const DLL_DIRECTORIES: usize = 64 + 4 + 20 + 112;
/// The offset of the entry's name in [`dll`].
pub(super) const DLL_NAME: usize = 512 + 0x88;

/// Bytes that are put at an offset.
struct Image(Vec<u8>);

impl Image {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn u16(&mut self, at: usize, value: u16) {
        self.put(at, &value.to_le_bytes());
    }

    fn u32(&mut self, at: usize, value: u32) {
        self.put(at, &value.to_le_bytes());
    }
}

/// A 64-bit Windows library for x86_64 whose one section holds the export table with three names.
pub(super) fn dll() -> Vec<u8> {
    const OPTIONAL: usize = 64 + 4 + 20;
    const SECTION: usize = OPTIONAL + 240;
    const DATA: usize = 512;
    let mut image = Image(vec![0; 2 * DATA]);
    image.put(0, b"MZ");
    image.u32(60, 64);
    image.put(64, b"PE\0\0");
    image.u16(DLL_MACHINE, 0x8664);
    image.u16(64 + 4 + 2, 1);
    image.u16(64 + 4 + 16, 240);
    image.u16(DLL_FLAGS, 0x2022);
    image.u16(OPTIONAL, 0x20b);
    image.u32(OPTIONAL + 108, 16);
    image.u32(DLL_DIRECTORIES, 0x1000);
    image.u32(DLL_DIRECTORIES + 4, 0x100);
    image.put(SECTION, b".edata");
    for (at, value) in [(8, 512), (12, 0x1000), (16, 512), (20, DATA as u32)] {
        image.u32(SECTION + at, value);
    }
    image.u32(DATA + 24, 3);
    image.u32(DATA + 32, 0x1040);
    for (index, (at, name)) in
        [(0x80, "A\0"), (0x88, "C_GetFunctionList\0"), (0xa0, "C_GetInterface\0")].into_iter().enumerate()
    {
        image.u32(DATA + 0x40 + 4 * index, 0x1000 + at as u32);
        image.put(DATA + at, name.as_bytes());
    }
    image.0
}

/// A 64-bit macOS library for aarch64 with one segment and a symbol table.
pub(super) fn dylib() -> Vec<u8> {
    const SEGMENT: usize = 32;
    const SYMTAB: usize = SEGMENT + 72;
    const SYMBOLS: usize = SYMTAB + 24;
    const NAMES: usize = SYMBOLS + 2 * 16;
    let names = b"\0_other\0_C_GetFunctionList\0";
    let mut image = Image(vec![0; NAMES + names.len()]);
    image.u32(0, 0xfeed_facf);
    image.u32(4, 0x0100_000c);
    image.u32(12, 6);
    image.u32(16, 2);
    image.u32(20, 72 + 24);
    image.u32(SEGMENT, 0x19);
    image.u32(SEGMENT + 4, 72);
    let len = image.0.len() as u32;
    image.u32(SEGMENT + 48, len);
    image.u32(SYMTAB, 2);
    image.u32(SYMTAB + 4, 24);
    image.u32(SYMTAB + 8, SYMBOLS as u32);
    image.u32(SYMTAB + 12, 2);
    image.u32(SYMTAB + 16, NAMES as u32);
    image.u32(SYMTAB + 20, names.len() as u32);
    // The first is imported, the second is defined in section 1.
    image.u32(SYMBOLS, 1);
    image.0[SYMBOLS + 4] = 0x01;
    image.u32(SYMBOLS + 16, 8);
    image.0[SYMBOLS + 20] = 0x0f;
    image.0[SYMBOLS + 21] = 1;
    image.put(NAMES, names);
    image.0
}

/// A universal file: a part for another processor that is not examined, and [`dylib`].
pub(super) fn universal() -> Vec<u8> {
    const FIRST: usize = 64;
    const SECOND: usize = 128;
    let part = dylib();
    let mut image = vec![0; SECOND];
    let fields =
        [0xcafe_babe, 2, 18, 0, FIRST as u32, 16, 4, 0x0100_000c, 0, SECOND as u32, part.len() as u32, 6];
    for (index, field) in fields.into_iter().enumerate() {
        image[4 * index..4 * index + 4].copy_from_slice(&u32::to_be_bytes(field));
    }
    image.extend(part);
    image
}

/// The offsets of the entry's dynamic symbols in a 64-bit ELF file.
pub(super) fn entry_symbols(bytes: &[u8]) -> Vec<usize> {
    use object::{Object, ObjectSection, ObjectSymbol};

    let file = object::File::parse(bytes).unwrap();
    let (table, _) = file.section_by_name(".dynsym").unwrap().file_range().unwrap();
    file.dynamic_symbols()
        .filter(|symbol| symbol.name() == Ok("C_GetFunctionList"))
        .map(|symbol| table as usize + symbol.index().0 * 24)
        .collect()
}

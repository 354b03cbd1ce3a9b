//! A context: drivers, language, callbacks; what everything else is made from.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use usbtoken::bank::{Bank, Override};
use usbtoken::discovery::candidates::SearchPaths;
use usbtoken::discovery::p11kit;
use usbtoken::driver::Confinement;
use usbtoken::pki::{MAX_ANCHORS, read_anchors};
use usbtoken::{Certificate, Finder, Result, TokenUri};

use crate::base::args::{self, Sized32};
use crate::base::boundary;
use crate::base::callbacks::{Host, usbtoken_callbacks};
use crate::base::handle::Noun;
use crate::base::lock::lock;
use crate::base::status::{language, usbtoken_status};
use crate::find::origin::Pattern;

/// Drivers, language, callbacks. Everything else is made from a context, and lives on when the context is freed.
pub struct usbtoken_context(());

/// Options of a context. Set struct_size to sizeof(usbtoken_options) and the rest to 0 or what you want.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct usbtoken_options {
    /// The size of this struct in bytes.
    pub struct_size: u32,
    /// USBTOKEN_LANGUAGE_…: for what the callbacks are told.
    pub language: u32,
    /// USBTOKEN_OPTION_TRUST_ANY_OWNER, USBTOKEN_OPTION_WITHOUT_P11_KIT or 0.
    pub flags: u32,
    /// How many milliseconds a driver may take to be initialised and to list its tokens; 0 is 10 seconds.
    pub driver_milliseconds: u32,
}

// SAFETY: repr(C), begins with its size; integers only.
unsafe impl Sized32 for usbtoken_options {}

/// usbtoken_options: accept drivers that other users of the machine could replace. Not for production.
pub const USBTOKEN_OPTION_TRUST_ANY_OWNER: u32 = 1;
/// usbtoken_options: ask none of the drivers that p11-kit's configuration names.
pub const USBTOKEN_OPTION_WITHOUT_P11_KIT: u32 = 2;

impl usbtoken_options {
    const USUAL: usbtoken_options =
        usbtoken_options { struct_size: 0, language: 0, flags: 0, driver_milliseconds: 0 };

    fn finder(&self) -> Result<Finder> {
        if self.flags & !(USBTOKEN_OPTION_TRUST_ANY_OWNER | USBTOKEN_OPTION_WITHOUT_P11_KIT) != 0 {
            return Err(args::bad("options.flags", "unknown_value"));
        }
        let mut finder = Finder::new();
        if self.flags & USBTOKEN_OPTION_TRUST_ANY_OWNER != 0 {
            finder = finder.trust_any_owner();
        }
        if self.flags & USBTOKEN_OPTION_WITHOUT_P11_KIT != 0 {
            finder = finder
                .search_paths(SearchPaths { p11kit: p11kit::Folders::default(), ..SearchPaths::usual() });
        }
        if self.driver_milliseconds != 0 {
            finder = finder.time_limit(Duration::from_millis(self.driver_milliseconds.into()));
        }
        Ok(finder)
    }
}

/// A context, or one more handle on it.
pub(crate) struct Context(pub(crate) Arc<Shared>);

/// What the handles on one context have in common.
pub(crate) struct Shared {
    pub(crate) host: Host,
    setup: Mutex<Setup>,
}

#[derive(Default)]
struct Setup {
    finder: Finder,
    /// The driver host that was named; empty where drivers run in this process.
    host: Option<String>,
    /// What drivers may reach, where that is not everything.
    confined: Option<Confinement>,
    /// Whether the caller accepts drivers that others could replace.
    any_owner: bool,
    origins: Vec<Pattern>,
    providers: Vec<(String, TokenUri)>,
    anchors: Vec<Certificate>,
}

impl Drop for Context {
    /// What this program has no use for any more ends now, not at its deadline.
    fn drop(&mut self) {
        usbtoken::discovery::end_left_behind();
    }
}

impl Noun for Context {
    type Opaque = usbtoken_context;

    fn host(&self) -> Option<&Host> {
        Some(&self.0.host)
    }
}

impl Shared {
    pub(crate) fn finder(&self) -> Finder {
        let setup = lock(&self.setup);
        let finder = setup.finder.clone();
        let finder = setup.confined.iter().cloned().fold(finder, Finder::confined);
        match setup.host.as_deref() {
            None => finder,
            Some("") => finder.in_process(),
            Some(program) => finder.driver_host(program),
        }
    }

    /// Confines drivers, to what this adds.
    pub(super) fn confine(&self, add: impl FnOnce(&mut Confinement) -> Result<()>) -> Result<()> {
        add(lock(&self.setup).confined.get_or_insert_default())
    }

    pub(super) fn set_driver_host(&self, path: &str) {
        lock(&self.setup).host = Some(path.to_owned());
    }

    pub(crate) fn allows(&self, origin: &crate::find::origin::Origin) -> bool {
        lock(&self.setup).origins.iter().any(|pattern| pattern.matches(origin))
    }

    /// The token that a provider's name stands for; `None` for a name that no one listed.
    pub(crate) fn provider(&self, name: &str) -> Option<TokenUri> {
        let setup = lock(&self.setup);
        let same = |(listed, _): &&(String, TokenUri)| listed.eq_ignore_ascii_case(name);
        setup.providers.iter().find(same).map(|(_, uri)| uri.clone())
    }

    pub(crate) fn provider_name(&self, index: usize) -> Option<String> {
        lock(&self.setup).providers.get(index).map(|(name, _)| name.clone())
    }

    pub(crate) fn anchors(&self) -> Vec<Certificate> {
        lock(&self.setup).anchors.clone()
    }

    fn set_finder(&self, change: impl FnOnce(Finder) -> Finder) {
        let mut setup = lock(&self.setup);
        setup.finder = change(std::mem::take(&mut setup.finder));
    }

    fn add_driver(&self, path: &str) -> Result<()> {
        let named = self.host.bank().is_some_and(|bank| bank.names_drivers());
        self.host.check_override(named, Override::Drivers)?;
        self.set_finder(|finder| finder.module(path));
        Ok(())
    }

    /// The bank's drivers and origins take the place of those that were named before.
    pub(crate) fn use_bank(&self, bank: &Arc<Bank>) -> Result<()> {
        let finder = bank.finder()?;
        if lock(&self.setup).any_owner {
            bank.check_override(Override::Drivers)?;
        }
        let origins = bank.origins.iter().map(|origin| origin.to_string().parse()).collect::<Result<_>>()?;
        if !self.host.set_bank(bank) {
            return Err(args::bad("bank", "one_in_use"));
        }
        let mut setup = lock(&self.setup);
        if bank.names_drivers() {
            setup.finder = finder;
        }
        setup.origins = origins;
        setup.anchors.clear();
        Ok(())
    }

    /// One that the bank names itself is no change.
    fn allow_origin(&self, origin: &str) -> Result<()> {
        let pattern: Pattern = origin.parse()?;
        let mut setup = lock(&self.setup);
        self.host.check_override(!setup.origins.contains(&pattern), Override::Origins)?;
        setup.origins.push(pattern);
        Ok(())
    }

    fn add_provider(&self, name: &str, uri: &str) -> Result<()> {
        let (name, uri) = (non_empty("name", name)?.to_owned(), uri.parse()?);
        lock(&self.setup).providers.push((name, uri));
        Ok(())
    }

    /// Nothing is none.
    fn use_drivers_file(&self, path: &str) {
        let file = Some(path).filter(|path| !path.is_empty()).map(PathBuf::from);
        self.set_finder(|finder| {
            let paths = finder.known_search_paths();
            finder.search_paths(SearchPaths { user_file: file, ..paths })
        });
    }
}

/// Makes a context. `options` may be NULL. No driver is touched yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_new(
    options: *const usbtoken_options,
    out: Option<&mut MaybeUninit<*mut usbtoken_context>>,
) -> usbtoken_status {
    boundary::free_standing(|| {
        boundary::give::<Context>(out, || {
            // SAFETY: rule 4 of the header: NULL, or a struct that begins with its size.
            let options = unsafe { args::sized("options", options) }?;
            let options = options.unwrap_or(usbtoken_options::USUAL);
            let lang =
                language(options.language).ok_or_else(|| args::bad("options.language", "unknown_value"))?;
            let setup = Mutex::new(Setup {
                finder: options.finder()?,
                any_owner: options.flags & USBTOKEN_OPTION_TRUST_ANY_OWNER != 0,
                ..Setup::default()
            });
            Ok(Context(Arc::new(Shared { host: Host::new(lang), setup })))
        })
    })
}

/// Makes one more handle on the same context, with a last error of its own. A thread that shares a context with
/// others, and wants to know the details of its own errors, works with such a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_clone(
    context: *const usbtoken_context,
    out: Option<&mut MaybeUninit<*mut usbtoken_context>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        boundary::give::<Context>(out, || Ok(Context(Arc::clone(&context.0))))
    })
}

/// Adds a driver (PKCS#11 module) by its absolute path, in UTF-8. It is loaded when a token is searched for. Without
/// any, every driver that is known on this machine is asked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_add_driver(
    context: *const usbtoken_context,
    path: *const c_char,
    path_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let path = non_empty("path", unsafe { args::text("path", path, path_length) }?)?;
        context.0.add_driver(path)
    })
}

/// As usbtoken_context_add_driver, in UTF-16; the length is in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_add_driver_utf16(
    context: *const usbtoken_context,
    path: *const u16,
    path_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let path = unsafe { args::wide("path", path, path_length) }?;
        context.0.add_driver(non_empty("path", &path)?)
    })
}

/// Reads the drivers that were added on this machine from this file (UTF-8 path) in place of the person's own, so that a
/// program can bring its list along. An empty path: from no file. The file is read when a token is searched for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_use_drivers_file(
    context: *const usbtoken_context,
    path: *const c_char,
    path_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        context.0.use_drivers_file(unsafe { args::text("path", path, path_length) }?);
        Ok(())
    })
}

/// As usbtoken_context_use_drivers_file, in UTF-16; the length is in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_use_drivers_file_utf16(
    context: *const usbtoken_context,
    path: *const u16,
    path_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        context.0.use_drivers_file(&unsafe { args::wide("path", path, path_length) }?);
        Ok(())
    })
}

/// Sets the functions that the library calls; NULL for none. They may be called as long as a handle lives that
/// was made from this context.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_set_callbacks(
    context: *const usbtoken_context,
    callbacks: *const usbtoken_callbacks,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header: NULL, or a struct that begins with its size.
        context.0.host.set(unsafe { args::sized("callbacks", callbacks) }?);
        Ok(())
    })
}

/// Names this program: jobs that it begins are its own by this name, and another program's are not. Without a name it is
/// the file's of the program that has loaded the library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_set_program(
    context: *const usbtoken_context,
    name: *const c_char,
    name_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let name = non_empty("name", unsafe { args::text("name", name, name_length) }?)?;
        context.0.host.set_program(name);
        Ok(())
    })
}

/// As usbtoken_context_set_program, in UTF-16; the length is in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_set_program_utf16(
    context: *const usbtoken_context,
    name: *const u16,
    name_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let name = unsafe { args::wide("name", name, name_length) }?;
        context.0.host.set_program(non_empty("name", &name)?);
        Ok(())
    })
}

/// 1: a person wants that pending jobs are resumed, installed and abandoned which a page, the command or another program
/// began. 0, as it is at first: such a job is USBTOKEN_PENDING_OF_OTHER. Pages act on their own jobs in any case.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_set_any_caller(
    context: *const usbtoken_context,
    any_caller: u32,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        if any_caller > 1 {
            return Err(args::bad("any_caller", "not_0_or_1"));
        }
        context.0.host.set_any_caller(any_caller == 1);
        Ok(())
    })
}

/// Allows pages of this origin to use the enrolment facade: "https://host", "https://host:port", or
/// "https://" with "*.domain" for every host beneath a domain of at least two labels. Nothing is allowed unless it was
/// added here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_allow_origin(
    context: *const usbtoken_context,
    origin: *const c_char,
    origin_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        context.0.allow_origin(unsafe { args::text("origin", origin, origin_length) }?)
    })
}

/// As usbtoken_context_allow_origin, in UTF-16; the length is in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_allow_origin_utf16(
    context: *const usbtoken_context,
    origin: *const u16,
    origin_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        context.0.allow_origin(&unsafe { args::wide("origin", origin, origin_length) }?)
    })
}

/// Lets pages name a token by the name of a provider: what they set as ProviderName, and the PKCS#11 URI of the
/// token that it stands for. Letter case does not matter. Pages cannot name tokens by anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_add_provider(
    context: *const usbtoken_context,
    name: *const c_char,
    name_length: usize,
    uri: *const c_char,
    uri_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let name = unsafe { args::text("name", name, name_length) }?;
        // SAFETY: rule 4 of the header.
        context.0.add_provider(name, unsafe { args::text("uri", uri, uri_length) }?)
    })
}

/// As usbtoken_context_add_provider, in UTF-16; the lengths are in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_add_provider_utf16(
    context: *const usbtoken_context,
    name: *const u16,
    name_length: usize,
    uri: *const u16,
    uri_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let name = unsafe { args::wide("name", name, name_length) }?;
        // SAFETY: rule 4 of the header.
        context.0.add_provider(&name, &unsafe { args::wide("uri", uri, uri_length) }?)
    })
}

/// Adds the CA certificates to one of which the chain of a page's response must lead: one in DER, or a file as it is,
/// PEM with several or PKCS#7, up to 4 MiB. Without any, chains are not checked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_add_anchor(
    context: *const usbtoken_context,
    certificate: *const u8,
    certificate_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let bytes = unsafe { args::bytes("certificate", certificate, certificate_length, MAX_ANCHORS) }?;
        let read = read_anchors(bytes);
        let is_banks =
            |one: &Certificate| context.0.host.bank().is_some_and(|bank| bank.anchors.contains(one));
        let is_change = !read.as_ref().is_ok_and(|all| all.iter().all(is_banks));
        context.0.host.check_override(is_change, Override::Anchors)?;
        lock(&context.0.setup).anchors.extend(read?);
        Ok(())
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_free(context: Option<&mut *mut usbtoken_context>) {
    boundary::free::<Context>(context);
}

fn non_empty<'a>(name: &str, text: &'a str) -> Result<&'a str> {
    if text.is_empty() { Err(args::bad(name, "empty")) } else { Ok(text) }
}

//! Which files could be drivers, before any of them is loaded.

use std::fmt;
use std::path::{Path, PathBuf};

use super::p11kit;
use crate::catalogue::{self, Catalogue, Machine};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::uri::TokenUri;

/// The environment variable that names a driver.
pub const VARIABLE: &str = "USBTOKEN_MODULE";

/// Who named a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The caller.
    Explicit,
    /// The environment variable [`VARIABLE`].
    Environment,
    /// p11-kit's configuration.
    P11Kit {
        /// The file with the entry.
        file: PathBuf,
    },
    /// The user's own file of drivers.
    UserCatalogue {
        /// The entry's name.
        name: String,
    },
    /// The built-in catalogue.
    Catalogue {
        /// The family's stable name.
        family: String,
    },
}

impl Origin {
    /// The file or the entry in which it stands, where there is one.
    pub fn named_in(&self) -> Option<String> {
        match self {
            Origin::Explicit | Origin::Environment => None,
            Origin::P11Kit { file } => Some(file.display().to_string()),
            Origin::UserCatalogue { name } => Some(name.clone()),
            Origin::Catalogue { family } => Some(family.clone()),
        }
    }
}

/// The stable name, for programs.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Explicit => "explicit",
            Origin::Environment => "environment",
            Origin::P11Kit { .. } => "p11_kit",
            Origin::UserCatalogue { .. } => "user",
            Origin::Catalogue { .. } => "catalogue",
        })
    }
}

/// A file that could be a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its path, as it was named.
    pub path: PathBuf,
    /// Who named it first.
    pub origin: Origin,
}

/// Where candidates come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a> {
    /// Paths that the caller named.
    pub explicit: &'a [PathBuf],
    /// This machine, with its environment.
    pub machine: &'a Machine,
    /// The modules of p11-kit's configuration.
    pub p11kit: &'a [p11kit::Module],
    /// The catalogue, with the user's drivers.
    pub catalogue: &'a Catalogue,
}

/// Where drivers are searched for on a machine.
#[derive(Clone, Debug)]
pub struct SearchPaths {
    /// The machine, with its environment.
    pub machine: Machine,
    /// The catalogue, before the user's own drivers are added.
    pub catalogue: Catalogue,
    /// The user's own drivers.
    pub user_file: Option<PathBuf>,
    /// p11-kit's configuration.
    pub p11kit: p11kit::Folders,
}

/// What was found at those paths.
#[derive(Debug, Default)]
pub struct Listing {
    /// The candidates, in the order in which they should be asked.
    pub candidates: Vec<Candidate>,
    /// The catalogue with the user's drivers.
    pub catalogue: Catalogue,
    /// The files of p11-kit's configuration that give no driver.
    pub skipped: Vec<p11kit::Skipped>,
    /// Why the user's file was left out.
    pub user_file_error: Option<Error>,
}

impl SearchPaths {
    /// The usual ones of this machine.
    pub fn usual() -> Self {
        let machine = Machine::current();
        SearchPaths {
            catalogue: Catalogue::builtin().clone(),
            user_file: catalogue::user_file(&machine),
            p11kit: p11kit::Folders::usual(&machine),
            machine,
        }
    }

    /// Searches there. Nothing is loaded.
    pub(crate) fn list(&self, explicit: &[PathBuf]) -> Listing {
        let with_user = self.user_file.as_deref().map(|file| self.catalogue.with_user_file(file));
        let (catalogue, user_file_error) = match with_user {
            Some(Ok(catalogue)) => (catalogue, None),
            Some(Err(error)) => (self.catalogue.clone(), Some(error)),
            None => (self.catalogue.clone(), None),
        };
        let configuration = p11kit::read(&self.p11kit, &p11kit::this_program());
        let search = Search {
            explicit,
            machine: &self.machine,
            p11kit: &configuration.modules,
            catalogue: &catalogue,
        };
        let candidates = candidates(&search, |path| path.canonicalize().ok());
        Listing { candidates, catalogue, skipped: configuration.skipped, user_file_error }
    }
}

impl Listing {
    /// The drivers that the caller names, without reading what says where others are.
    pub(super) fn named(paths: &[PathBuf]) -> Self {
        let mut list = List {
            resolve: |path: &Path| path.canonicalize().ok(),
            known: Vec::new(),
            candidates: Vec::new(),
        };
        paths.iter().for_each(|path| list.add(path, Origin::Explicit));
        Listing { candidates: list.candidates, ..Listing::default() }
    }

    /// Keeps the candidates that the URI's query names (RFC 7512 §2.4). A `module-path` takes the place of them all;
    /// where it is a folder, the files in it are the candidates.
    ///
    /// # Errors
    /// [`Code::DriverMissing`] when none is left.
    pub(crate) fn narrowed(mut self, uri: &TokenUri) -> Result<Self> {
        if let Some(path) = uri.module_path().map(Path::new) {
            let explicit = |path: PathBuf| Candidate { path, origin: Origin::Explicit };
            self.candidates = match std::fs::read_dir(path) {
                Ok(entries) if uri.module_name().is_some() => {
                    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
                    files.sort();
                    files.into_iter().map(explicit).collect()
                }
                _ => vec![explicit(path.to_path_buf())],
            };
        }
        if let Some(name) = uri.module_name() {
            self.candidates.retain(|candidate| candidate.is_named(name));
        }
        if !self.candidates.is_empty() {
            return Ok(self);
        }
        let missing = Error::new(Code::DriverMissing).during(Step::FindDrivers);
        Err(match uri.module_name() {
            Some(name) => missing.fact(Fact::Driver, name),
            None => missing,
        })
    }
}

impl Candidate {
    /// Whether this is the driver's name without folder, `lib` in front and suffix (RFC 7512 §2.4), or the name
    /// under which p11-kit knows it.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        let same = |known: &str| known.eq_ignore_ascii_case(name);
        let by_p11kit = match &self.origin {
            Origin::P11Kit { file } => file.file_stem().and_then(|stem| stem.to_str()).is_some_and(same),
            _ => false,
        };
        let file = self.path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        let lower = file.to_ascii_lowercase();
        let suffix = [".so", ".dll", ".dylib"].iter().filter_map(|suffix| lower.find(suffix)).min();
        let stem = suffix.and_then(|at| file.get(..at)).unwrap_or(file);
        by_p11kit || same(stem) || stem.strip_prefix("lib").is_some_and(same)
    }
}

/// The candidates, in the order in which they should be asked, each file once.
///
/// A named driver is the one that is meant: with explicit paths, or else with the environment variable, nothing else
/// is searched for. Otherwise the user's own drivers come first, then p11-kit's by priority, then the catalogue's.
/// Drivers that somebody named stay in the list when their file is missing, so that this can be reported; those of
/// the catalogue are taken only where they exist.
///
/// `resolve` gives the real path of a file and nothing if there is none: [`Path::canonicalize`] in real life.
pub(crate) fn candidates(search: &Search<'_>, resolve: impl Fn(&Path) -> Option<PathBuf>) -> Vec<Candidate> {
    let mut list = List { resolve, known: Vec::new(), candidates: Vec::new() };
    if !search.explicit.is_empty() {
        search.explicit.iter().for_each(|path| list.add(path, Origin::Explicit));
        return list.candidates;
    }
    if let Some(path) = search.machine.variable(VARIABLE) {
        list.add(Path::new(path), Origin::Environment);
        return list.candidates;
    }
    list.add_families(search, true);
    for module in search.p11kit {
        list.add(&module.path, Origin::P11Kit { file: module.file.clone() });
    }
    list.add_families(search, false);
    list.candidates
}

struct List<F> {
    resolve: F,
    /// The real paths of the candidates.
    known: Vec<PathBuf>,
    candidates: Vec<Candidate>,
}

impl<F: Fn(&Path) -> Option<PathBuf>> List<F> {
    fn add_families(&mut self, search: &Search<'_>, from_user: bool) {
        for family in search.catalogue.families().iter().filter(|family| family.from_user == from_user) {
            for wanted in search.catalogue.wanted(family, search.machine) {
                for path in wanted.folders.iter().map(|folder| folder.join(&wanted.file)) {
                    if from_user {
                        self.add(&path, Origin::UserCatalogue { name: family.name.clone() });
                    } else if (self.resolve)(&path).is_some() {
                        self.add(&path, Origin::Catalogue { family: family.id.clone() });
                    }
                }
            }
        }
    }

    fn add(&mut self, path: &Path, origin: Origin) {
        let real = (self.resolve)(path).unwrap_or_else(|| path.to_path_buf());
        if !self.known.contains(&real) {
            self.known.push(real);
            self.candidates.push(Candidate { path: path.to_path_buf(), origin });
        }
    }
}

#[cfg(test)]
mod tests;

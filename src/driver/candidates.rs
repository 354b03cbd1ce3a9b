//! Which files could be drivers, before any of them is loaded.

use std::path::{Path, PathBuf};

use super::catalogue::{Catalogue, Machine};
use super::p11kit;

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

/// A file that could be a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its path, as it was named.
    pub path: PathBuf,
    /// Who named it first.
    pub origin: Origin,
}

/// Where candidates come from.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// Paths that the caller named.
    pub explicit: &'a [PathBuf],
    /// This machine, with its environment.
    pub machine: &'a Machine,
    /// The modules of p11-kit's configuration.
    pub p11kit: &'a [p11kit::Module],
    /// The catalogue, with the user's drivers.
    pub catalogue: &'a Catalogue,
}

/// The candidates, in the order in which they should be asked, each file once.
///
/// Whoever names a driver means that one: with explicit paths, or else with the environment variable, nothing else
/// is looked for. Otherwise the user's own drivers come first, then p11-kit's by priority, then the catalogue's.
/// Drivers that somebody named stay in the list when their file is missing, so that this can be reported; those of
/// the catalogue are taken only where they exist.
///
/// `resolve` gives the real path of a file and nothing if there is none: [`Path::canonicalize`] in real life.
pub fn candidates(search: &Search<'_>, resolve: impl Fn(&Path) -> Option<PathBuf>) -> Vec<Candidate> {
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

//! Finding the one token that is meant.

use super::identity::TokenIdentity;
use super::image::Trust;
use super::module::Module;
use super::token::Token;
use crate::error::{Code, Error, Fact, Result, Step};
use crate::uri::TokenUri;
use std::path::PathBuf;

/// Looks for tokens through one or several drivers.
#[derive(Clone, Debug, Default)]
pub struct Finder {
    modules: Vec<PathBuf>,
    trust: Trust,
}

/// What a search saw: the tokens, and what it had to pass over.
#[derive(Debug, Default)]
pub struct Found {
    /// The tokens, in the order of the drivers and their slots.
    pub tokens: Vec<Token>,
    /// Why drivers or slots were passed over. One bad neighbour does not spoil the search.
    pub passed_over: Vec<Error>,
}

impl Finder {
    /// A finder that knows no driver yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the driver at this absolute path.
    #[must_use]
    pub fn module(mut self, path: impl Into<PathBuf>) -> Self {
        self.modules.push(path.into());
        self
    }

    /// Accepts drivers that other users of the machine could replace.
    #[must_use]
    pub fn trust_any_owner(mut self) -> Self {
        self.trust = Trust::Anyone;
        self
    }

    /// Every initialised token that the drivers see.
    ///
    /// # Errors
    /// [`Code::DriverMissing`] when no driver was named; the driver's error when none of them could be used.
    pub fn tokens(&self) -> Result<Found> {
        self.matching(&TokenUri::default())
    }

    /// The one token that matches.
    ///
    /// # Errors
    /// [`Code::TokenNotPresent`] when no slot holds a token, [`Code::TokenNotInitialized`] when only blank ones
    /// are there, [`Code::TokenNotFound`] when none matches, [`Code::TokenAmbiguous`] when several do; the last
    /// two list the candidates. Also what [`Finder::tokens`] returns.
    pub fn find(&self, uri: &TokenUri) -> Result<Token> {
        let mut found = self.matching(uri)?;
        match (found.tokens.pop(), found.tokens.is_empty()) {
            (Some(token), true) => Ok(token),
            (Some(last), false) => {
                let all = found.tokens.iter().chain([&last]).map(Token::identity);
                Err(candidates(Error::new(Code::TokenAmbiguous).fact(Fact::Expected, uri), all))
            }
            (None, _) => Err(self.why_none(uri, found.passed_over)),
        }
    }

    fn matching(&self, uri: &TokenUri) -> Result<Found> {
        let mut found = self.present(uri)?;
        found.tokens.retain(|token| token.info().initialized && matches(uri, token));
        Ok(found)
    }

    /// Every token, blank ones too. A driver named in the URI takes the place of the finder's own.
    fn present(&self, uri: &TokenUri) -> Result<Found> {
        let paths = uri.module_path().map_or_else(|| self.modules.clone(), |path| vec![path.into()]);
        if paths.is_empty() {
            return Err(Error::new(Code::DriverMissing).during(Step::FindDrivers));
        }
        let mut found = Found::default();
        let mut usable = 0_usize;
        for path in &paths {
            match Module::load_trusting(path, self.trust).and_then(|module| tokens_of(&module)) {
                Ok(mut of_driver) => {
                    usable += 1;
                    found.tokens.append(&mut of_driver.tokens);
                    found.passed_over.append(&mut of_driver.passed_over);
                }
                Err(error) => found.passed_over.push(error),
            }
        }
        match found.passed_over.pop() {
            Some(error) if usable == 0 => Err(error),
            Some(error) => {
                found.passed_over.push(error);
                Ok(found)
            }
            None => Ok(found),
        }
    }

    fn why_none(&self, uri: &TokenUri, mut passed_over: Vec<Error>) -> Error {
        let error = |code| Error::new(code).during(Step::FindToken).fact(Fact::Expected, uri);
        let present = self.present(uri).map(|found| found.tokens).unwrap_or_default();
        let initialized = || present.iter().filter(|token| token.info().initialized);
        if initialized().next().is_some() {
            return candidates(error(Code::TokenNotFound), initialized().map(Token::identity));
        }
        // A slot that holds something unreadable explains more than "no token".
        if let Some(unreadable) = passed_over.pop() {
            return unreadable;
        }
        if present.is_empty() { error(Code::TokenNotPresent) } else { error(Code::TokenNotInitialized) }
    }
}

fn matches(uri: &TokenUri, token: &Token) -> bool {
    let TokenIdentity { label, manufacturer, model, serial } = token.identity();
    uri.matches_token(label, manufacturer, model, serial, token.slot_number())
        && (!uri.names_library() || library_matches(uri, token))
}

fn library_matches(uri: &TokenUri, token: &Token) -> bool {
    token
        .module()
        .info()
        .is_ok_and(|info| uri.matches_library(&info.manufacturer, &info.description, info.version))
}

fn candidates<'a>(error: Error, identities: impl Iterator<Item = &'a TokenIdentity>) -> Error {
    identities.fold(error.during(Step::FindToken), |error, identity| error.fact(Fact::Candidate, identity))
}

fn tokens_of(module: &Module) -> Result<Found> {
    let slots = module.functions().slots(true).map_err(|failure| failure.during(Step::FindToken))?;
    let mut found = Found::default();
    for slot in slots {
        match Token::read(module, slot) {
            Ok(token) => found.tokens.push(token),
            Err(error) => found.passed_over.push(error.fact(Fact::Driver, module.path().display())),
        }
    }
    Ok(found)
}

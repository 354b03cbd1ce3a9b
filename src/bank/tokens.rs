//! Finding the bank's token.

use std::time::{Duration, Instant};

use super::installed::Installed;
use super::pattern::TokenPattern;
use super::profile::Bank;
use crate::discovery::Finder;
use crate::driver::{Cancel, Token, TokenIdentity};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::uri::TokenUri;

/// How long to rest between two searches, where several patterns are waited for.
const REST: Duration = Duration::from_millis(500);

impl Bank {
    /// Whether this token is one of the bank's.
    pub fn owns(&self, token: &Token) -> bool {
        self.distributes(token.identity())
    }

    pub(super) fn distributes(&self, token: &TokenIdentity) -> bool {
        let TokenIdentity { label, manufacturer, model, serial } = token;
        self.claims(label, manufacturer, model, serial).is_some()
    }

    /// The bank's token that this URI means; `pkcs11:` means whichever is there.
    ///
    /// # Errors
    /// As [`Finder::find`]; [`Code::TokenNotTheBanks`] with the patterns when the one that is named is another one;
    /// [`Code::TokenOfOtherBank`] when it is another one's by a profile that is installed on this computer.
    pub fn find(&self, finder: &Finder, uri: &TokenUri) -> Result<Token> {
        self.not_of_another(self.find_own(finder, uri)?)
    }

    fn find_own(&self, finder: &Finder, uri: &TokenUri) -> Result<Token> {
        if *uri != TokenUri::default() {
            return self.only_own(finder.find(uri)?);
        }
        let mut found: Vec<Token> = Vec::new();
        let mut missing = None;
        for pattern in self.patterns() {
            match finder.find(pattern.uri()) {
                Ok(token) if found.iter().any(|known| known.identity() == token.identity()) => {}
                Ok(token) => found.push(token),
                Err(error) if may_be_another(error.code()) => missing = missing.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        match (found.pop(), found.is_empty(), missing) {
            (Some(token), true, _) => Ok(token),
            (Some(last), false, _) => {
                let error = Error::new(Code::TokenAmbiguous).during(Step::FindToken);
                let all = found.iter().chain([&last]).map(Token::identity);
                Err(all.fold(error, |error, identity| error.fact(Fact::Candidate, identity)))
            }
            (None, _, Some(error)) => Err(error),
            // A profile without a pattern is refused when it is read.
            (None, _, None) => Err(Error::new(Code::TokenNotFound).during(Step::FindToken)),
        }
    }

    /// The same, waited for until that moment.
    ///
    /// # Errors
    /// As [`Finder::wait`] and [`Bank::find`].
    pub fn wait(&self, finder: &Finder, uri: &TokenUri, until: Instant, cancel: &Cancel) -> Result<Token> {
        self.not_of_another(self.wait_for_own(finder, uri, until, cancel)?)
    }

    fn wait_for_own(
        &self,
        finder: &Finder,
        uri: &TokenUri,
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Token> {
        let patterns: Vec<&TokenPattern> = self.patterns().collect();
        match patterns.as_slice() {
            _ if *uri != TokenUri::default() => self.only_own(finder.wait(uri, until, cancel)?),
            [only] => finder.wait(only.uri(), until, cancel),
            _ => loop {
                match self.find_own(finder, uri) {
                    Err(error) if may_be_another(error.code()) && Instant::now() < until => {
                        if cancel.is_cancelled() {
                            return Err(Error::new(Code::Cancelled).during(Step::WaitForToken));
                        }
                        std::thread::sleep(REST);
                    }
                    Err(error) if may_be_another(error.code()) => {
                        return Err(Error::new(Code::WaitTimedOut)
                            .during(Step::WaitForToken)
                            .because_of(error));
                    }
                    found => return found,
                }
            },
        }
    }

    /// Whoever reads a profile of their own does not take the installed one's rules away.
    fn not_of_another(&self, token: Token) -> Result<Token> {
        Installed::on_this_computer().check_token(self, token.identity())?;
        Ok(token)
    }

    fn only_own(&self, token: Token) -> Result<Token> {
        if self.owns(&token) {
            return Ok(token);
        }
        let error = Error::new(Code::TokenNotTheBanks)
            .during(Step::FindToken)
            .fact(Fact::Bank, &self.id)
            .fact(Fact::Candidate, token.identity());
        Err(self.patterns().fold(error, |error, pattern| error.fact(Fact::Expected, pattern)))
    }

    pub(super) fn patterns(&self) -> impl Iterator<Item = &TokenPattern> {
        self.tokens.iter().flat_map(|token| &token.patterns)
    }
}

/// Whether another pattern may still find its token.
fn may_be_another(code: Code) -> bool {
    matches!(code, Code::TokenNotFound | Code::TokenNotPresent | Code::TokenNotInitialized)
}

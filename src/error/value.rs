//! The error as a value.

use std::any::Any;
use std::fmt;

use super::{Code, Fact, Family, Step};

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// A PKCS#11 function and what it returned (PKCS#11 v3.1 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function's name, for example `C_Login`.
    pub function: &'static str,
    /// The return value.
    pub rv: u64,
    /// The return value's name, for example `CKR_PIN_INCORRECT`; `CKR_VENDOR_DEFINED` for a vendor's own.
    pub name: &'static str,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (0x{:x})", self.function, self.name, self.rv)
    }
}

/// An error: facts only. [`Error::report`] makes sentences of it; `Display` is the English report on one line.
#[derive(Debug)]
pub struct Error {
    inner: Box<Inner>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

// Display, which every error needs, stands in `text`: it is made of sentences.
impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[derive(Debug)]
struct Inner {
    code: Code,
    step: Option<Step>,
    call: Option<Call>,
    facts: Vec<(Fact, String)>,
    value: Option<TypedValue>,
}

/// What an error is about, as a type of the module that made it.
struct TypedValue(Box<dyn Any + Send + Sync>);

impl fmt::Debug for TypedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// How many characters of a value are kept. Paths and commands are used, not read: they stay whole.
pub(super) const fn longest(fact: Fact) -> usize {
    match fact {
        Fact::Path | Fact::SavedAnswer | Fact::GoOn => usize::MAX,
        _ => 600,
    }
}

/// The text, with a mark in the place of what is too much in its middle.
pub(super) fn cut(text: String, longest: usize) -> String {
    // As many bytes are never more characters.
    if text.len() <= longest || text.chars().count() <= longest {
        return text;
    }
    let half = longest / 2;
    let begin: String = text.chars().take(half).collect();
    let end: Vec<char> = text.chars().rev().take(half).collect();
    begin + " … " + &end.into_iter().rev().collect::<String>()
}

impl Error {
    /// An error with this code and no facts yet.
    pub fn new(code: Code) -> Self {
        Error {
            inner: Box::new(Inner { code, step: None, call: None, facts: Vec::new(), value: None }),
            source: None,
        }
    }

    /// The same facts under another code, when what is learnt afterwards says more.
    #[must_use]
    pub(crate) fn with_code(mut self, code: Code) -> Self {
        self.inner.code = code;
        self
    }

    /// Adds what was being done; the innermost step stays.
    #[must_use]
    pub fn during(mut self, step: Step) -> Self {
        self.inner.step.get_or_insert(step);
        self
    }

    /// Adds the PKCS#11 call that failed.
    #[must_use]
    pub fn call(mut self, call: Call) -> Self {
        self.inner.call = Some(call);
        self
    }

    /// Adds the PKCS#11 call that explains it, where none is known yet.
    #[must_use]
    pub(crate) fn or_call(mut self, call: Option<Call>) -> Self {
        self.inner.call = self.inner.call.or(call);
        self
    }

    /// Adds a value. A kind of fact may stand several times, as candidates do. One that is too long to be read
    /// keeps its beginning and its end.
    #[must_use]
    pub fn fact(mut self, fact: Fact, value: impl fmt::Display) -> Self {
        self.inner.facts.push((fact, cut(value.to_string(), longest(fact))));
        self
    }

    /// Adds what it is about, for callers who go on with it; what people read of it are facts.
    #[must_use]
    pub(crate) fn with_value(mut self, value: impl Any + Send + Sync) -> Self {
        self.inner.value = Some(TypedValue(Box::new(value)));
        self
    }

    /// Whether the driver's process ended in the middle of a call.
    pub(crate) fn is_of_ended_driver(&self) -> bool {
        let in_call = self.facts().any(|(fact, _)| fact == Fact::Function);
        let ended = [Code::DriverCrashed, Code::DriverTimeout, Code::DriverAsksAtTerminal, Code::Cancelled];
        in_call && ended.contains(&self.code())
    }

    /// Keeps this error, which is the cause, and adds what the clean-up after it failed with.
    #[must_use]
    pub(crate) fn after_clean_up(self, cleaned: Result<()>) -> Self {
        match cleaned {
            Ok(()) => self,
            // Nothing could be cleaned up, for the same reason.
            Err(left) if self.is_of_ended_driver() && left.is_of_ended_driver() => self,
            Err(left) if self.code() == Code::LockLost && left.code() == Code::LockLost => self,
            Err(left) => self.fact(Fact::Detail, left.support()),
        }
    }

    /// Adds the error of a library beneath.
    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Adds the error of ours beneath: its step and its PKCS#11 call are this one's too, so that whoever reads only
    /// this one still learns what the driver said.
    #[must_use]
    pub(crate) fn because_of(mut self, cause: Error) -> Self {
        self.inner.step = self.inner.step.or(cause.step());
        self.inner.call = self.inner.call.or(cause.pkcs11_call());
        self.caused_by(cause)
    }

    /// That the system gives no thread, with what it says.
    pub fn out_of_threads(step: Step, error: std::io::Error) -> Self {
        Error::new(Code::OutOfMemory).during(step).fact(Fact::Detail, &error).caused_by(error)
    }

    /// What went wrong.
    pub fn code(&self) -> Code {
        self.inner.code
    }

    /// What support wants to know, the same in every language: number and name of the code, the step, and the
    /// PKCS#11 function with its return value, such as `302 pin_locked; log_in; C_Login: CKR_PIN_LOCKED (0xa4)`.
    pub(crate) fn support(&self) -> String {
        let mut support = format!("{} {}", self.code().number(), self.code().name());
        if let Some(step) = self.step() {
            support.push_str("; ");
            support.push_str(step.name());
        }
        if let Some(call) = self.pkcs11_call() {
            support.push_str("; ");
            support.push_str(&call.to_string());
        }
        support
    }

    /// Whether the token refused this one thing and goes on working: neither the device nor the login is lost, and
    /// neither we nor the driver broke. What was asked for can be tried in another way.
    pub(crate) fn is_refusal(&self) -> bool {
        !matches!(self.code().family(), Family::Gone | Family::Pin | Family::Internal)
    }

    /// What was being done, if known.
    pub fn step(&self) -> Option<Step> {
        self.inner.step
    }

    /// The PKCS#11 call that failed, if one did.
    pub fn pkcs11_call(&self) -> Option<Call> {
        self.inner.call
    }

    /// What the error is about, for codes after which callers go on with it: a
    /// [`Renewed`](crate::renewal::Renewed) of [`Code::AlreadyRenewed`].
    pub fn value<T: Any>(&self) -> Option<&T> {
        self.inner.value.as_ref()?.0.downcast_ref()
    }

    /// The values, in the order in which they were added.
    pub fn facts(&self) -> impl Iterator<Item = (Fact, &str)> {
        self.inner.facts.iter().map(|(fact, value)| (*fact, value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_too_long_keeps_its_ends() {
        let long = format!("{}{}", "山".repeat(1000), "z".repeat(1_000_000));
        let error = Error::new(Code::Internal).fact(Fact::Found, &long).fact(Fact::Path, &long);
        let facts: Vec<&str> = error.facts().map(|(_, value)| value).collect();
        assert_eq!(facts[0].chars().count(), 603);
        assert!(facts[0].starts_with('山') && facts[0].contains(" … ") && facts[0].ends_with('z'));
        assert_eq!(facts[1], long, "a path is used, not read");
        let fits = "山".repeat(600);
        assert_eq!(Error::new(Code::Internal).fact(Fact::Found, &fits).facts().next().unwrap().1, fits);
    }
}

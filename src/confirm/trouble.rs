//! What ends a connection before there is an answer, and how it is told.

use std::io;

use rustls::CertificateError;

use super::alert;
use crate::error::{Code, Error, Fact};

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The name is not known, or nobody listens there.
    Unreachable(String),
    /// The same of the proxy.
    ProxyUnreachable(String),
    /// What the proxy said instead of connecting; empty: nothing.
    ProxyRefused(String),
    /// The time is over.
    Timeout,
    /// The server ended the connection.
    Closed,
    /// The first line of what is no HTTP.
    NotHttp(String),
    /// TLS ended it, on either side.
    Tls(rustls::Error),
    /// What the system said.
    System(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as K;
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Trouble::Tls(tls.clone());
        }
        match error.kind() {
            K::TimedOut | K::WouldBlock => Trouble::Timeout,
            K::UnexpectedEof | K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe => Trouble::Closed,
            _ => Trouble::System(error.to_string()),
        }
    }
}

impl Trouble {
    /// Whether the server refuses those who show no certificate (RFC 8446 §6.2, RFC 5246 §7.2.2).
    pub(super) const fn wants_certificate(&self) -> bool {
        use rustls::AlertDescription as A;
        matches!(
            self,
            Trouble::Tls(rustls::Error::AlertReceived(
                A::CertificateRequired
                    | A::HandshakeFailure
                    | A::NoCertificate
                    | A::BadCertificate
                    | A::CertificateUnknown
                    | A::AccessDenied
            ))
        )
    }

    /// The error of ours that a signature failed with.
    pub(super) fn of_token(&self) -> Option<&Error> {
        match self {
            Trouble::Tls(rustls::Error::Other(other)) => other.0.downcast_ref(),
            _ => None,
        }
    }

    /// As an error: whether the server had asked for a certificate before, and the proxy on the way.
    pub(super) fn told(&self, was_asked: bool, proxy: &str) -> Error {
        let new = Error::new;
        let detail = |code, said: &dyn std::fmt::Display| new(code).fact(Fact::Detail, said);
        match self {
            Trouble::Unreachable(why) => detail(Code::LoginUnreachable, why),
            Trouble::ProxyUnreachable(why) => detail(Code::LoginUnreachable, why).fact(Fact::Url, proxy),
            Trouble::ProxyRefused(said) => {
                let error = new(Code::LoginProxyRefused).fact(Fact::Url, proxy);
                if said.is_empty() { error } else { error.fact(Fact::FirstLine, said) }
            }
            Trouble::Timeout => new(Code::LoginTimeout),
            Trouble::Closed => new(Code::LoginBrokenOff),
            Trouble::NotHttp(first) => new(Code::LoginBrokenOff).fact(Fact::FirstLine, first),
            Trouble::System(said) => detail(Code::LoginBrokenOff, said),
            Trouble::Tls(error) => of_tls(error, was_asked),
        }
    }
}

fn of_tls(error: &rustls::Error, was_asked: bool) -> Error {
    use CertificateError as E;
    let new = Error::new;
    match error {
        rustls::Error::AlertReceived(alert) => {
            let code = match (was_asked, alert::is_about_certificate(*alert)) {
                (true, true) => Code::LoginRefused,
                (true, false) => Code::LoginBrokenOff,
                (false, _) => Code::LoginTlsFailed,
            };
            new(code).fact(Fact::Alert, alert::name(*alert))
        }
        rustls::Error::InvalidCertificate(invalid) => {
            let code = match invalid {
                E::Expired | E::ExpiredContext { .. } | E::NotValidYet | E::NotValidYetContext { .. } => {
                    Code::ServerExpired
                }
                E::NotValidForName | E::NotValidForNameContext { .. } => Code::ServerNameDiffers,
                _ => Code::ServerUntrusted,
            };
            new(code).fact(Fact::Detail, invalid)
        }
        other => new(Code::LoginTlsFailed).fact(Fact::Detail, other),
    }
}

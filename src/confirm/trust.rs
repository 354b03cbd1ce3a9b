//! Whom a server's certificate must lead to.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;

use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::Certificate;

/// The verifier of a server: by these CAs alone, or by those of the system and further ones.
pub(super) fn verifier(
    alone: &[Certificate],
    further: &[Certificate],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    let mut roots = RootCertStore::empty();
    let mut said = Vec::new();
    let given = if alone.is_empty() { further } else { alone };
    if alone.is_empty() {
        let system = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(system.certs);
        said.extend(system.errors.iter().map(ToString::to_string));
    }
    roots.add_parsable_certificates(given.iter().map(|one| one.der().to_vec().into()));
    if roots.is_empty() {
        let error = Error::new(Code::AnchorUnusable).during(Step::Confirm);
        let error = error.fact(Fact::Reason, "no_ca_for_servers");
        return Err(said.iter().fold(error, |error, said| error.fact(Fact::Detail, said)));
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    verifier
        .map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
        .map_err(|error| Error::new(Code::AnchorUnusable).during(Step::Confirm).fact(Fact::Detail, error))
}

//! How often signatures are verified, which is what a renewal costs most of our own work.

use usbtoken_testkit::{Kind, SoftToken, TestCa, days_from_now};

use super::install::Install;
use super::{Renewal, Run};
use crate::Pin;
use crate::discovery::Finder;
use crate::pki::{Response, verifications};

/// That of the request when it is made, and that of the challenge when the certificate is written: each once. Nothing here shows who issued
/// the certificates, else that is one more for each.
#[test]
fn each_signature_of_a_renewal_is_verified_once() {
    for kind in [Kind::P256, Kind::P384, Kind::Rsa2048] {
        let (soft, ca) = (SoftToken::fresh(), TestCa::new());
        soft.first_credential(&ca, kind, days_from_now(11));
        let token =
            Finder::new().in_process().module(soft.module()).find(&soft.uri().parse().unwrap()).unwrap();
        let session = token.login(Pin::new(soft.pin().into())).unwrap();
        let old = session.credentials().unwrap().only().unwrap();
        let before = verifications();
        let pending = Renewal::of(&old).begin(&session, &Run::default()).unwrap();
        assert_eq!(verifications() - before, 1, "{kind:?}: the request");
        let answer = Response::parse(&ca.issue_for(pending.request().to_der()).der()).unwrap();
        Install::new(&answer).run_for(&session, &pending, &Run::default()).unwrap();
        assert_eq!(verifications() - before, 2, "{kind:?}: the challenge");
    }
}

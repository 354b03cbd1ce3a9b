//! Chains with and without their intermediate, in any order, and those that must not pass.

use std::slice::from_ref;
use std::time::Duration;

use super::*;
use crate::pki::Response;
use crate::pki::openssl::OpenSsl;

struct Pki {
    openssl: OpenSsl,
    root: Certificate,
    sub: Certificate,
    leaf: Certificate,
    now: SystemTime,
}

fn pki(kind: &str) -> Pki {
    let openssl = OpenSsl::new();
    let root = openssl.ca("root");
    openssl.key("sub", kind);
    let sub = openssl.issue("sub", "root", "/CN=sub", "basicConstraints=critical,CA:TRUE\n", "-days 3000");
    openssl.key("leaf", "P-256");
    let leaf = openssl.leaf("leaf", "sub");
    let now = leaf.not_before() + Duration::from_secs(60);
    Pki { openssl, root, sub, leaf, now }
}

#[track_caller]
fn untrusted(result: Result<()>) -> String {
    let error = result.unwrap_err();
    assert_eq!((error.code(), error.step()), (Code::ChainUntrusted, Some(Step::CheckCertificate)));
    let value = |wanted: Fact| error.facts().find(|(fact, _)| *fact == wanted).unwrap().1;
    format!("{}: {}", value(Fact::Certificate), value(Fact::Reason))
}

#[test]
fn a_chain_in_any_order_passes() {
    for kind in ["P-256", "P-384", "rsa"] {
        let Pki { root, sub, leaf, now, .. } = pki(kind);
        for answer in [
            vec![leaf.clone(), sub.clone(), root.clone()],
            vec![root.clone(), sub.clone(), leaf.clone()],
            vec![sub.clone()],
        ] {
            check_chain(&leaf, &answer, from_ref(&root), now).unwrap();
        }
        check_chain(&leaf, &[], from_ref(&sub), now).unwrap();
        check_chain(&leaf, from_ref(&sub), &[leaf.clone(), root.clone()], now).unwrap();
    }
}

#[test]
fn without_the_intermediate_or_the_right_anchor_it_fails() {
    let Pki { openssl, root, sub, leaf, now } = pki("P-256");
    assert_eq!(untrusted(check_chain(&leaf, &[], from_ref(&root), now)), "CN=sub: ca_missing");
    // Another CA of the same name has not signed it.
    let impostor = openssl.ca("root");
    assert_ne!(impostor.public_key(), root.public_key());
    let detail = untrusted(check_chain(&leaf, from_ref(&sub), from_ref(&impostor), now));
    assert_eq!(detail, "CN=sub: signature_not_from_ca");
}

#[test]
fn outside_its_validity_it_fails() {
    let Pki { root, sub, leaf, .. } = pki("P-256");
    let answer = [sub];
    let late = leaf.not_after() + Duration::from_secs(1);
    assert!(untrusted(check_chain(&leaf, &answer, from_ref(&root), late)).ends_with(": expired"));
    let early = leaf.not_before() - Duration::from_secs(1);
    assert!(untrusted(check_chain(&leaf, &answer, from_ref(&root), early)).ends_with(": not_yet_valid"));
}

#[test]
fn a_ca_for_another_purpose_fails() {
    let Pki { openssl, root, leaf, now, .. } = pki("P-256");
    let only_servers = "basicConstraints=critical,CA:TRUE\nextendedKeyUsage=serverAuth\n";
    let sub = openssl.issue("sub", "root", "/CN=sub", only_servers, "-days 3000");
    let detail = untrusted(check_chain(&leaf, &[sub], from_ref(&root), now + Duration::from_secs(60)));
    assert_eq!(detail, "CN=sub: purpose_not_client");
}

#[test]
fn a_certificate_that_was_changed_fails() {
    let Pki { root, sub, leaf, now, .. } = pki("P-256");
    let mut der = leaf.der().to_vec();
    let at = der.windows(4).position(|bytes| bytes == b"TARO").unwrap();
    der[at] = b'J';
    let answer = Response::parse(&der).unwrap();
    let detail = untrusted(check_chain(&answer.certificates()[0], &[sub], from_ref(&root), now));
    assert!(detail.ends_with(": signature_not_from_ca"), "{detail}");
}

#[test]
fn an_intermediate_that_is_no_ca_fails() {
    let Pki { openssl, root, leaf, now, .. } = pki("P-256");
    let sub = openssl.issue("sub", "root", "/CN=sub", "basicConstraints=critical,CA:FALSE\n", "-days 3000");
    let detail = untrusted(check_chain(&leaf, &[sub], from_ref(&root), now + Duration::from_secs(60)));
    assert_eq!(detail, "CN=sub: not_ca");
}

#[test]
fn an_anchor_must_be_there() {
    let Pki { leaf, now, .. } = pki("P-256");
    assert_eq!(check_chain(&leaf, &[], &[], now).unwrap_err().code(), Code::BadArgument);
}

#[test]
fn an_algorithm_that_is_not_supported_is_named() {
    let Pki { openssl, root, now, .. } = pki("P-256");
    openssl.key("odd", "secp256k1");
    let odd = openssl.issue("odd", "root", "/CN=odd", "basicConstraints=critical,CA:TRUE\n", "-days 3000");
    openssl.key("leaf", "P-256");
    let leaf = openssl.leaf("leaf", "odd");
    let error = check_chain(&leaf, &[odd], from_ref(&root), now + Duration::from_secs(60)).unwrap_err();
    assert_eq!(error.code(), Code::ChainAlgorithmUnsupported);
    let named = error.facts().find(|(fact, _)| *fact == Fact::Algorithm).unwrap().1;
    assert_eq!(named, "ecdsa-with-SHA256 (secp256k1)");
}

#[test]
fn a_maze_of_cas_that_certify_each_other_ends() {
    let openssl = OpenSsl::new();
    let anchor = openssl.ca("anchor");
    let names: Vec<String> = (0..6).map(|n| format!("n{n}")).collect();
    names.iter().for_each(|name| drop(openssl.key(name, "P-256")));
    let ca = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n";
    let mut maze = Vec::new();
    for name in &names {
        openssl.run(&format!("req -x509 -new -key {name}.key -subj /CN={name} -days 30 -out {name}.pem"));
    }
    for (name, issuer) in names.iter().flat_map(|name| names.iter().map(move |issuer| (name, issuer))) {
        let own = openssl.read(&format!("{name}.pem"));
        maze.push(openssl.issue(name, issuer, &format!("/CN={name}"), ca, "-days 30"));
        openssl.write(&format!("{name}.pem"), own);
    }
    openssl.key("leaf", "P-256");
    let leaf = openssl.leaf("leaf", "n0");
    let now = leaf.not_before() + Duration::from_secs(60);
    let start = std::time::Instant::now();
    untrusted(check_chain(&leaf, &maze, from_ref(&anchor), now));
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn of_the_cas_at_hand_only_those_above_the_certificate() {
    let Pki { openssl, root, sub, leaf, .. } = pki("P-256");
    let stranger = openssl.ca("stranger");
    let impostor = openssl.ca("root");
    let of =
        |at_hand: &[Certificate]| authorities_of(&leaf, at_hand).into_iter().cloned().collect::<Vec<_>>();
    let all = [stranger.clone(), root.clone(), leaf.clone(), impostor, sub.clone()];
    assert_eq!(of(&all), [sub.clone(), root.clone()]);
    assert_eq!(of(&[root, stranger]), [], "without the one between nothing is shown");
    assert_eq!(of(from_ref(&sub)), [sub]);
}

mod against_openssl;
mod bundles;

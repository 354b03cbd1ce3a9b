//! The same chains before `openssl verify -purpose sslclient` and before us: where the two differ is written down here
//! and in docs/chains.md.

use std::time::SystemTime;

use der::Encode;

use super::check_chain;
use crate::pki::asn1::tlv::encode;
use crate::pki::certificate::Certificate;
use crate::pki::openssl::OpenSsl;
use crate::pki::path::restate::restated;

/// What both say.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    BothAccept,
    BothRefuse,
    OnlyWeAccept,
    OnlyOpenSslAccepts,
}
use Verdict::*;

const ROOT: &str = "keyUsage=critical,keyCertSign,cRLSign";
const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n";
const LEAF: &str = "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n\
    subjectAltName=email:taro@example.jp\n";

struct Chain {
    openssl: OpenSsl,
}

impl Chain {
    /// The same keys serve for all chains of a test.
    fn new() -> Self {
        let openssl = OpenSsl::new();
        ["root", "sub", "leaf"].iter().for_each(|name| drop(openssl.key(name, "P-256")));
        Chain { openssl }
    }

    fn verdict(&self, root: &str, sub: &str, leaf: &str) -> Verdict {
        let openssl = &self.openssl;
        let words = "req -x509 -new -key root.key -out root.pem -days 3650 -utf8 -subj";
        let mut words: Vec<&str> = words.split(' ').collect();
        words.push("/C=JP/O=Example Bank/CN=Root CA");
        root.lines().for_each(|line| words.extend(["-addext", line]));
        openssl.run_with(&words);
        let sub = openssl.issue("sub", "root", "/C=JP/O=Example Bank/CN=Sub CA", sub, "-days 3000");
        let leaf = openssl.issue("leaf", "sub", "/C=JP/O=Example Co/CN=user 1", leaf, "-days 365");
        self.judge(&leaf, &[sub], "root")
    }

    /// Both judge `leaf.pem` with `sub.pem` at hand.
    fn judge(&self, leaf: &Certificate, answer: &[Certificate], anchor: &str) -> Verdict {
        let words = format!("verify -purpose sslclient -CAfile {anchor}.pem -untrusted sub.pem leaf.pem");
        let theirs = self.openssl.succeeds(&words);
        let anchor = Certificate::from_der(&self.openssl.der(anchor)).unwrap();
        let ours = check_chain(leaf, answer, &[anchor], SystemTime::now()).is_ok();
        match (ours, theirs) {
            (true, true) => BothAccept,
            (false, false) => BothRefuse,
            (true, false) => OnlyWeAccept,
            (false, true) => OnlyOpenSslAccepts,
        }
    }
}

#[test]
fn cas_with_all_kinds_of_extensions() {
    let chain = Chain::new();
    let cases: &[(&str, Verdict)] = &[
        (CA, BothAccept),
        ("basicConstraints=critical,CA:TRUE\n", BothAccept),
        ("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign\n", BothRefuse),
        ("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyCertSign\n", BothRefuse),
        ("keyUsage=critical,keyCertSign\n", BothRefuse),
        ("basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign\n", BothAccept),
    ];
    for (sub, verdict) in cases {
        assert_eq!(&chain.verdict(ROOT, sub, LEAF), verdict, "{sub}");
    }
    let more: &[(&str, Verdict)] = &[
        ("policyConstraints=critical,requireExplicitPolicy:5", BothAccept),
        // openssl examines policies only when it is told to (-policy_check).
        ("policyConstraints=critical,requireExplicitPolicy:0", OnlyOpenSslAccepts),
        ("inhibitAnyPolicy=critical,0", BothAccept),
        ("certificatePolicies=critical,1.2.3.4", BothAccept),
        ("nameConstraints=critical,permitted;email:example.jp", BothAccept),
        ("nameConstraints=critical,permitted;email:EXAMPLE.JP", BothAccept),
        ("nameConstraints=critical,permitted;email:example.com", BothRefuse),
        ("nameConstraints=critical,excluded;email:example.jp", BothRefuse),
        ("nameConstraints=critical,excluded;email:example.com", BothAccept),
        ("nameConstraints=critical,permitted;dirName:names", BothAccept),
        ("nameConstraints=critical,permitted;dirName:loud_names", BothAccept),
        ("nameConstraints=critical,permitted;dirName:other_names", BothRefuse),
        ("1.2.392.1.1.1=critical,DER:0500", BothRefuse),
        ("1.2.392.1.1.1=DER:0500", BothAccept),
        ("extendedKeyUsage=clientAuth", BothAccept),
        ("extendedKeyUsage=serverAuth", BothRefuse),
        // RFC 5280 section 4.2.1.12 leaves it to the application.
        ("extendedKeyUsage=anyExtendedKeyUsage", OnlyWeAccept),
    ];
    let names =
        "[names]\nC=JP\nO=Example Co\n[loud_names]\nC=JP\nO=EXAMPLE  CO\n[other_names]\nC=JP\nO=Other Co\n";
    for (extension, verdict) in more {
        assert_eq!(&chain.verdict(ROOT, &format!("{CA}{extension}\n{names}"), LEAF), verdict, "{extension}");
    }
}

#[test]
fn leaves_with_all_kinds_of_extensions() {
    let chain = Chain::new();
    let cases: &[(&str, Verdict)] = &[
        ("certificatePolicies=critical,1.2.392.1.2.3", BothAccept),
        ("keyUsage=DER:03:05:00:b0:00:00:00", BothAccept),
        ("keyUsage=DER:04:00", BothRefuse),
        ("1.2.392.1.1.1=critical,DER:0500", BothRefuse),
        ("issuerAltName=critical,email:ca@example.jp", BothRefuse),
        ("crlDistributionPoints=critical,URI:http://ca.example.jp/crl", BothAccept),
        ("noCheck=critical,ignored", BothAccept),
        ("nsCertType=critical,client", BothAccept),
        ("sbgp-autonomousSysNum=critical,AS:1", BothRefuse),
        ("proxyCertInfo=critical,language:id-ppl-anyLanguage", BothRefuse),
        ("freshestCRL=critical,URI:http://ca.example.jp/crl", BothRefuse),
        ("certificatePolicies=1.2.3,1.2.3", BothAccept),
        // A key identifier helps to find the CA; here its signature does.
        ("2.5.29.35=DER:30:06:80:04:01:02:03:04", OnlyWeAccept),
    ];
    for (extension, verdict) in cases {
        assert_eq!(&chain.verdict(ROOT, CA, &format!("{LEAF}{extension}\n")), verdict, "{extension}");
    }
    // A length in BER makes the certificate invalid for some releases of openssl, for 3.0.22 no longer.
    let ber = chain.verdict(ROOT, CA, &format!("{LEAF}basicConstraints=DER:30:81:00\n"));
    assert!(matches!(ber, OnlyWeAccept | BothAccept), "{ber:?}");
}

#[test]
fn anchors_are_held_to_what_they_say() {
    let chain = Chain::new();
    for (root, verdict) in [
        ("keyUsage=critical,cRLSign", BothRefuse),
        ("basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign", BothRefuse),
        ("basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign", BothAccept),
        ("nameConstraints=critical,permitted;email:example.com", BothRefuse),
        ("nameConstraints=critical,permitted;email:example.jp", BothAccept),
        ("extendedKeyUsage=serverAuth", BothRefuse),
        ("1.2.392.1.1.1=critical,DER:0500", BothRefuse),
        ("nsCertType=critical,sslCA\nkeyUsage=keyCertSign", BothAccept),
        // Its policies are not the path's.
        ("policyConstraints=critical,requireExplicitPolicy:0", BothAccept),
        ("certificatePolicies=critical,1.2.3.4", BothAccept),
        ("inhibitAnyPolicy=critical,0", BothAccept),
    ] {
        assert_eq!(chain.verdict(root, CA, LEAF), verdict, "{root}");
    }
    // With a policy for the whole path, whatever the anchor has.
    let sub =
        format!("{CA}certificatePolicies=1.2.3.5\npolicyConstraints=critical,requireExplicitPolicy:0\n");
    let leaf = format!("{LEAF}certificatePolicies=1.2.3.5\n");
    for root in ["certificatePolicies=1.2.3.4", "policyConstraints=critical,inhibitPolicyMapping:0"] {
        assert_eq!(chain.verdict(root, &sub, &leaf), BothAccept, "{root}");
    }
}

/// `req -x509` adds basicConstraints; `x509 -req` adds nothing.
#[test]
fn an_anchor_that_says_nothing_of_a_ca() {
    let chain = Chain::new();
    for (extensions, verdict) in [
        ("subjectKeyIdentifier=hash\n", BothRefuse),
        ("keyUsage=digitalSignature\n", BothRefuse),
        ("keyUsage=keyCertSign\n", BothAccept),
    ] {
        let openssl = &chain.openssl;
        openssl.write("bare.key", openssl.read("root.key"));
        openssl.write("bare.ext", extensions);
        openssl.run("req -new -key root.key -subj /CN=bare -out bare.csr");
        openssl.run("x509 -req -in bare.csr -signkey root.key -days 300 -extfile bare.ext -out bare.pem");
        let sub = openssl.issue("sub", "bare", "/CN=Sub CA", CA, "-days 300");
        let leaf = openssl.issue("leaf", "sub", "/CN=x", LEAF, "-days 30");
        assert_eq!(chain.judge(&leaf, &[sub], "bare"), verdict, "{extensions}");
    }
}

#[test]
fn the_certificate_that_breaks_a_rule_is_named() {
    let chain = Chain::new();
    let openssl = &chain.openssl;
    let named = |sub: &str, leaf: &str| {
        assert_eq!(chain.verdict(ROOT, sub, leaf), OnlyOpenSslAccepts);
        let (leaf, sub) = (openssl.certificate("leaf"), openssl.certificate("sub"));
        let error =
            check_chain(&leaf, &[sub], &[openssl.certificate("root")], SystemTime::now()).unwrap_err();
        let facts: Vec<String> = error.facts().skip(1).map(|(_, value)| value.to_owned()).collect();
        facts.join(": ")
    };
    let demanding = "policyConstraints=critical,requireExplicitPolicy:0\n";
    let policy = "certificatePolicies=1.2.3\n";
    assert_eq!(
        named(&format!("{CA}{demanding}{policy}"), LEAF),
        "CN=Sub CA,O=Example Bank,C=JP: policy_demanded"
    );
    assert_eq!(named(CA, &format!("{LEAF}{demanding}")), "CN=user 1,O=Example Co,C=JP: policy_demanded");
}

#[test]
fn names_are_compared_as_the_standard_says() {
    let chain = Chain::new();
    let openssl = &chain.openssl;
    for (mask, subject) in
        [("nombstr", "O=Example Bank\nCN=Issuing CA"), ("utf8only", "O=EXAMPLE  bank\nCN=issuing ca ")]
    {
        let section = "[req]\ndistinguished_name=d\nprompt=no\nx509_extensions=x\n";
        let extensions = "[x]\nbasicConstraints=critical,CA:TRUE\n";
        openssl.write(
            &format!("{mask}.cnf"),
            format!("{section}string_mask={mask}\n[d]\n{subject}\n{extensions}"),
        );
        openssl.run(&format!("req -config {mask}.cnf -x509 -key sub.key -days 900 -out {mask}.pem"));
    }
    openssl.write("sub.pem", openssl.read("nombstr.pem"));
    openssl.write("nombstr.key", openssl.read("sub.key"));
    let leaf = openssl.issue("leaf", "nombstr", "/CN=x", LEAF, "-days 365");
    assert_eq!(chain.judge(&leaf, &[], "utf8only"), BothAccept);
    assert_eq!(chain.judge(&leaf, &[], "nombstr"), BothAccept);
}

/// openssl writes no UniversalString: the same name in one is put in place of the issuer's before the leaf is signed.
#[test]
fn a_universal_string_is_the_same_name() {
    let name = |tag: u8, value: &[u8]| {
        let attribute = encode(0x30, &[&[6, 3, 0x55, 4, 3], &encode(tag, &[value])]);
        encode(0x30, &[&encode(0x31, &[&attribute])])
    };
    let universal: Vec<u8> = "ca".chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    let (wide, narrow) = (name(0x1c, &universal), name(0x0c, b"ca"));
    let chain = Chain::new();
    let openssl = &chain.openssl;
    openssl.run(
        "req -x509 -new -key root.key -out root.pem -days 300 -subj /CN=ca -addext keyUsage=keyCertSign",
    );
    let leaf = openssl.issue("leaf", "root", "/CN=x", LEAF, "-days 30");
    assert_eq!(restated(leaf.der()).unwrap(), leaf.der());
    let tbs = leaf.signed().unwrap().message;
    let at = tbs.windows(narrow.len()).position(|window| window == narrow).unwrap();
    let contents = [&tbs[4..at], &wide, &tbs[at + narrow.len()..]].concat();
    let tbs = encode(0x30, &[&contents]);
    let signature = openssl.sign("root", crate::pki::SignatureAlgorithm::EcdsaSha256, &tbs);
    let algorithm = crate::pki::SignatureAlgorithm::EcdsaSha256.identifier().to_der().unwrap();
    let bits = encode(3, &[&[0], &signature]);
    let leaf = Certificate::from_der(&encode(0x30, &[&tbs, &algorithm, &bits])).unwrap();
    check_chain(&leaf, &[], &[Certificate::from_der(&openssl.der("root")).unwrap()], SystemTime::now())
        .unwrap();
}

#[test]
fn a_root_of_version_1_is_an_anchor() {
    let chain = Chain::new();
    let openssl = &chain.openssl;
    openssl.run("req -new -key sub.key -subj /CN=v1 -out v1.csr");
    openssl.run("x509 -req -in v1.csr -signkey sub.key -days 3000 -out v1.pem");
    assert!(openssl.run("x509 -in v1.pem -noout -text").contains("Version: 1"));
    openssl.write("v1.key", openssl.read("sub.key"));
    openssl.write("sub.pem", openssl.read("v1.pem"));
    let leaf = openssl.issue("leaf", "v1", "/CN=x", LEAF, "-days 365");
    assert_eq!(chain.judge(&leaf, &[], "v1"), BothAccept);
}

#[test]
fn algorithms_of_cas() {
    for algorithm in ["rsa", "P-384", "P-521", "ed25519"] {
        let chain = Chain::new();
        chain.openssl.key("root", algorithm);
        assert_eq!(chain.verdict(ROOT, CA, LEAF), BothAccept, "{algorithm}");
    }
}

//! The rules of a renewal, and the defaults where there is no bank's profile.

use std::time::{Duration, SystemTime};

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::pki::{
    Certificate, Check, KeyKind, Name, ProofLevel, Relax, ResponseForm, SubjectRule, Window, jst_date,
    next_business_day, read_anchors,
};

/// What a renewal demands, from the preflight to the removal of the old credential.
///
/// ```
/// use usbtoken::Policy;
/// use usbtoken::pki::SubjectRule;
///
/// let mut policy = Policy::default();
/// assert_eq!(policy.window.days, 40);
/// policy.subject = SubjectRule::Exact;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Policy {
    /// When a certificate can be renewed: from 40 days before it ends.
    pub window: Window,
    /// Whether an old credential stays until it ends where what takes its place was ordered before this window opened, in
    /// whatever way; and whether a page is held to the window. The profile of a bank that lets no one override the window says so.
    pub window_binds_removal: bool,
    /// The key that the new certificate is for: a new one, like the old.
    pub key: KeyRule,
    /// How sure it must be that the key cannot leave the token: [`ProofLevel::Claimed`]. Less is demanded of no key,
    /// whatever stands here.
    pub proof: ProofLevel,
    /// How far the new subject may differ from the old one's: the common name may change. What breaks that is installed
    /// with a warning; only [`SubjectRule::Exact`] refuses.
    pub subject: SubjectRule,
    /// Whether somebody has said that the common name changes, as the CA gives each certificate one of its own: a bank's profile with
    /// a `subject`, or a caller. Only then the old credential goes unasked though the new one has another common name.
    pub common_name_changes: bool,
    /// Checks of the certificate that are left out: none. That it belongs to the key is always checked.
    pub relax: Relax,
    /// How many days a clock may be off before what certificates say is held against it: 7. Clocks are minutes off, CAs
    /// stamp the moment of issue, and some let a certificate begin on the next business day.
    pub clock_tolerance_days: u32,
    /// The CA certificates to one of which a valid chain must lead (RFC 5280 §6), as
    /// [`read_anchors`](crate::pki::read_anchors) gives them. Without any, the chain is not followed; the issuers of the
    /// old and the new certificate are compared then.
    #[serde(serialize_with = "to_pem", deserialize_with = "from_pem")]
    pub anchors: Vec<Certificate>,
    /// The names of the CAs from one of which the new certificate must come; any where there is none.
    #[serde(serialize_with = "to_der", deserialize_with = "from_der")]
    pub issuers: Vec<Name>,
    /// The extended key usages that the new certificate must have besides what [`Check::Purpose`] asks for, as object
    /// identifiers in dots.
    pub extended_key_usage: Vec<String>,
    /// Whether the CA certificates of the response that are above the new one are written to the token too.
    pub write_ca_certificates: bool,
    /// What becomes of the old credential once the new one works.
    pub old: OldCredential,
    /// The form of the request; that of a first certificate is always PKCS#10, since no old key could sign it.
    pub request: RequestForm,
    /// The forms in which the CA answers, one of which the response must have; any where there is none.
    pub answers: Vec<ResponseForm>,
    /// When the new certificate begins to work at the bank: before that nothing old is removed.
    pub begins_to_work: Begins,
    /// The days on which the bank rests, besides weekends and 31 December to 3 January.
    pub holidays: Vec<Date>,
    /// Whether a credential of another user may be on the token when a job begins.
    pub other_users: OtherUsers,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            window: Window::default(),
            window_binds_removal: false,
            key: KeyRule::default(),
            proof: ProofLevel::Claimed,
            subject: SubjectRule::default(),
            common_name_changes: false,
            relax: Relax::NONE,
            clock_tolerance_days: 7,
            anchors: Vec::new(),
            issuers: Vec::new(),
            extended_key_usage: Vec::new(),
            write_ca_certificates: false,
            old: OldCredential::default(),
            request: RequestForm::default(),
            answers: Vec::new(),
            begins_to_work: Begins::default(),
            holidays: Vec::new(),
            other_users: OtherUsers::default(),
        }
    }
}

/// The key that the new certificate is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyRule {
    /// A new key of the old one's kind; RSA 2048 for a first certificate.
    #[default]
    LikeOld,
    /// A new key of this kind.
    Kind(KeyKind),
    /// The old key again, for example when the token has no room for another.
    OldAgain,
}

/// What becomes of the old credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OldCredential {
    /// It stays.
    #[default]
    Keep,
    /// The person decides.
    Ask,
    /// It goes once the new one is installed and has signed.
    Remove,
    /// It goes once a login with the new one is confirmed.
    RemoveAfterConfirmation,
}

/// The form of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RequestForm {
    /// PKCS#10, signed by the new key (RFC 2986).
    #[default]
    Pkcs10,
    /// The same inside CMS SignedData by the old key, as Microsoft CAs take it (MS-WCCE §3.1.1.4.3.2.1).
    SignedByOldKey,
}

/// When a new certificate begins to work at the bank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Begins {
    /// At once.
    #[default]
    AtOnce,
    /// On the next business day.
    NextBusinessDay,
    /// When the old one has ended.
    AfterOldEnds,
}

/// Whether a credential of another user may be on the token when a job begins. Another user's is one with a certificate
/// that has not ended and another subject, that is neither the one renewed nor known to stand before or after it in a row
/// of renewals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OtherUsers {
    /// It may.
    #[default]
    Allow,
    /// It may not: each user has a token of their own.
    Refuse,
}

impl Policy {
    /// The date in Japan from which on a certificate works that was issued on this day, where that has not come yet.
    pub(crate) fn not_in_use_before(
        &self,
        issued: Date,
        old_ends: Option<SystemTime>,
        now: SystemTime,
    ) -> Option<Date> {
        match self.begins_to_work {
            Begins::AtOnce => None,
            Begins::NextBusinessDay => {
                next_business_day(issued, &self.holidays).filter(|day| jst_date(now) < *day)
            }
            // The old one works for some hours of that day still.
            Begins::AfterOldEnds => old_ends.filter(|ends| now <= *ends).map(jst_date),
        }
    }

    /// The proof that is demanded: never less than that the driver claims it.
    pub(crate) fn demanded_proof(&self) -> ProofLevel {
        self.proof.max(ProofLevel::Claimed)
    }

    /// The rule for the subject, with the check left out where that is relaxed.
    pub(crate) fn subject_rule(&self) -> SubjectRule {
        if self.relax.contains(Check::Subject) { SubjectRule::Any } else { self.subject }
    }

    /// Demands this rule for the subject, as somebody has said: the common name is known to change then, unless every byte has to stay.
    pub fn demand_subject(&mut self, rule: SubjectRule) {
        self.subject = rule;
        self.common_name_changes = rule != SubjectRule::Exact;
    }

    /// Whether the old credential may go unasked though the new one has another name.
    pub(crate) fn lets_name_change(&self) -> bool {
        self.common_name_changes || self.subject_rule() == SubjectRule::Any
    }

    /// How far a clock may be off.
    pub(crate) fn clock_tolerance(&self) -> Duration {
        Duration::from_secs(u64::from(self.clock_tolerance_days) * 24 * 60 * 60)
    }

    /// Whether a CA that is named here may have issued this certificate, by the names alone; `authorities` are CA certificates that
    /// are known beside it. Where no CA is named, any may have.
    pub(crate) fn may_have_issued(&self, one: &Certificate, authorities: &[Certificate]) -> bool {
        if !self.issuers.is_empty() {
            return self.issuers.iter().any(|issuer| issuer.matches(one.issuer()));
        }
        let is_anchor = |name: &Name| self.anchors.iter().any(|anchor| anchor.subject().matches(name));
        let mut issuer = one.issuer();
        // No chain is longer than what there is to make it from.
        for _ in 0..=authorities.len() {
            if self.anchors.is_empty() || is_anchor(issuer) {
                return true;
            }
            let Some(above) = authorities.iter().find(|ca| ca.subject().matches(issuer)) else { break };
            issuer = above.issuer();
        }
        false
    }

    /// Whether the certificate is to be for the old key.
    pub(crate) fn reuses_key(&self) -> bool {
        self.key == KeyRule::OldAgain
    }
}

/// A text of PEM blocks, as in a bundle: people can read and exchange it.
fn to_pem<S: Serializer>(anchors: &[Certificate], serializer: S) -> Result<S::Ok, S::Error> {
    let blocks: String = anchors.iter().map(Certificate::to_pem).collect();
    serializer.serialize_str(&blocks)
}

fn from_pem<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Certificate>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.trim().is_empty() {
        true => Ok(Vec::new()),
        false => read_anchors(text.as_bytes()).map_err(serde::de::Error::custom),
    }
}

/// The bytes of each name: as text two names could be the same.
fn to_der<S: Serializer>(names: &[Name], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(names.iter().map(|name| base16ct::lower::encode_string(name.der())))
}

fn from_der<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Name>, D::Error> {
    use serde::de::Error as _;

    let read = |text: String| {
        let der = base16ct::mixed::decode_vec(&text).map_err(D::Error::custom)?;
        Name::from_der(&der).map_err(D::Error::custom)
    };
    Vec::<String>::deserialize(deserializer)?.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back_and_nothing_else_is() {
        let policy = Policy {
            window: Window::of_days(30),
            key: KeyRule::Kind(KeyKind::P384),
            relax: [Check::Validity, Check::Usage].into_iter().collect(),
            old: OldCredential::Remove,
            holidays: vec![Date::constant(2027, 1, 11)],
            issuers: vec!["CN=CA,O=Bank".parse().unwrap()],
            extended_key_usage: vec!["1.3.6.1.5.5.7.3.4".to_owned()],
            ..Policy::default()
        };
        for policy in [Policy::default(), policy] {
            let kept = serde_json::to_string(&policy).unwrap();
            assert_eq!(serde_json::from_str::<Policy>(&kept).unwrap(), policy, "{kept}");
        }
        for wrong in [
            r#"{ "windows": {} }"#,
            r#"{ "window": { "days": -1 } }"#,
            r#"{ "proof": "PROVEN" }"#,
            r#"{ "key": { "kind": "rsa1024" } }"#,
            r#"{ "relax": ["everything"] }"#,
            r#"{ "anchors": "no certificate" }"#,
        ] {
            assert!(serde_json::from_str::<Policy>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_policy_demands_less_than_a_claim() {
        let policy = Policy { proof: ProofLevel::Refused, ..Policy::default() };
        assert_eq!(policy.demanded_proof(), ProofLevel::Claimed);
    }
}

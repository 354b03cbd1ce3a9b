//! The status in a CMC full response (RFC 5272 §3.2.2 and §6.1).

use crate::error::Fact;
use crate::pki::asn1::tlv::{
    GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, Read, SEQUENCE, SET, Tlv, UTF8_STRING,
};
use crate::pki::asn1::{oid, time};
use crate::pki::calendar::jst_date;
use crate::pki::response::skipped::{Skipped, Unusable};

/// The first status of a PKIResponse that is not success: a refusal, or *not yet*.
///
/// `Found` is the status and the reason by their names in RFC 5272 §6.1.3 and §6.1.4, `Detail` the CA's own words,
/// `Date` when a pending one may be asked for again.
pub(super) fn not_success(response: &[u8]) -> Read<Option<Skipped>> {
    let failed = statuses(response)?.into_iter().find(|status| !matches!(status.number, SUCCESS));
    Ok(failed.map(|status| {
        // RFC 5272 §6.1.1: the request was taken and awaits a decision.
        let what = if status.number == PENDING { Unusable::Pending } else { Unusable::Refusal };
        let name = status.name();
        let found = status.reason.map_or(name.clone(), |reason| format!("{name}, {reason}"));
        let mut skipped = Skipped::new(what, response).saying(Fact::Found, found);
        if let Some(text) = status.text {
            skipped = skipped.saying(Fact::Detail, text);
        }
        if let Some(again) = status.again {
            skipped = skipped.saying(Fact::Date, again);
        }
        skipped
    }))
}

const SUCCESS: u8 = 0;
const PENDING: u8 = 3;

struct Status {
    number: u8,
    text: Option<String>,
    reason: Option<String>,
    again: Option<String>,
}

impl Status {
    fn name(&self) -> String {
        let names =
            ["success", "", "failed", "pending", "noSupport", "confirmRequired", "popRequired", "partial"];
        match names.get(usize::from(self.number)) {
            Some(name) if !name.is_empty() => (*name).to_owned(),
            _ => format!("status {}", self.number),
        }
    }
}

/// The status controls of PKIResponse ::= SEQUENCE { controlSequence, cmsSequence, otherMsgSequence }.
fn statuses(response: &[u8]) -> Read<Vec<Status>> {
    let controls = Tlv::whole(response)?.tagged(SEQUENCE)?.fields().expect(SEQUENCE)?;
    let mut found = Vec::new();
    for control in controls.fields() {
        let mut control = control?.tagged(SEQUENCE)?.fields();
        control.expect(INTEGER)?;
        let kind = control.expect(OID)?.value;
        if kind != oid::CMC_STATUS_INFO.as_bytes() && kind != oid::CMC_STATUS_INFO_V2.as_bytes() {
            continue;
        }
        for status in control.expect(SET)?.fields() {
            found.push(status_info(status?)?);
        }
    }
    Ok(found)
}

/// CMCStatusInfo and CMCStatusInfoV2 differ in their body list, which is passed over, and in the tags of the
/// last field's choices: an INTEGER is failInfo in both, PendInfo a SEQUENCE or `[0]`.
fn status_info(info: Tlv<'_>) -> Read<Status> {
    let mut fields = info.tagged(SEQUENCE)?.fields();
    let number = small(fields.expect(INTEGER)?);
    fields.expect(SEQUENCE)?;
    let text = fields.optional(UTF8_STRING)?.map(|text| String::from_utf8_lossy(text.value).into_owned());
    let reason = fields.optional(INTEGER)?.map(|reason| fail_info(small(reason)));
    let again = fields.any().ok().and_then(pend_time);
    Ok(Status { number, text, reason, again })
}

/// PendInfo ::= SEQUENCE { pendToken OCTET STRING, pendTime GeneralizedTime }, in Japan's time.
fn pend_time(info: Tlv<'_>) -> Option<String> {
    let mut fields = info.fields();
    fields.expect(OCTET_STRING).ok()?;
    let time = time::read(fields.expect(GENERALIZED_TIME).ok()?).ok()?;
    Some(jst_date(time).to_string())
}

/// The value of a small INTEGER; any other is a number that means nothing here.
fn small(integer: Tlv<'_>) -> u8 {
    match integer.value {
        [value] => *value,
        _ => u8::MAX,
    }
}

fn fail_info(number: u8) -> String {
    let names = [
        "badAlg",
        "badMessageCheck",
        "badRequest",
        "badTime",
        "badCertId",
        "unsupportedExt",
        "mustArchiveKeys",
        "badIdentity",
        "popRequired",
        "popFailed",
        "noKeyReuse",
        "internalCAError",
        "tryLater",
        "authDataFail",
    ];
    names.get(usize::from(number)).map_or(format!("failInfo {number}"), |name| (*name).to_owned())
}

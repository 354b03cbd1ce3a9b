//! Certificate requests: PKCS#10, and the same signed by the old key in a CMS message.

pub(super) mod cms;
pub(super) mod pkcs10;

//! PKCS#11 URIs (RFC 7512): parse, match, print.
//!
//! A [`TokenUri`] says which token is meant, and optionally which driver, slot and object:
//!
//! ```
//! use usbtoken::TokenUri;
//!
//! let uri: TokenUri = "pkcs11:token=BANK;serial=0123".parse()?;
//! assert_eq!(uri.serial(), Some("0123"));
//! assert_eq!(uri.to_string(), "pkcs11:token=BANK;serial=0123");
//! # Ok::<(), usbtoken::Error>(())
//! ```
//!
//! An attribute that is absent matches everything, so `pkcs11:` alone matches every token. A path attribute that
//! this crate does not know makes the URI match nothing (RFC 7512 §2.5).
//! A `pin-value` is refused: a URI ends up in process lists and logs. So is a `pin-source`, which may name a program to be
//! run: where a PIN comes from is for the caller to say.

mod parse;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use self::text::Text;

/// Everything but the unreserved characters of RFC 3986 §2.3 is escaped, which every consumer understands.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// In the query a file's path stays readable: `/` and `:` are allowed there.
const ESCAPED_IN_QUERY: &AsciiSet = &ESCAPED.remove(b'/').remove(b':');

/// The class of an object, from the attribute `type` (RFC 7512 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectType {
    /// A private key.
    Private,
    /// A public key.
    Public,
    /// A certificate.
    Certificate,
    /// A secret key.
    SecretKey,
    /// A data object.
    Data,
}

impl ObjectType {
    const ALL: [ObjectType; 5] = [
        ObjectType::Private,
        ObjectType::Public,
        ObjectType::Certificate,
        ObjectType::SecretKey,
        ObjectType::Data,
    ];
}

/// The word that stands in the URI.
impl fmt::Display for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ObjectType::Private => "private",
            ObjectType::Public => "public",
            ObjectType::Certificate => "cert",
            ObjectType::SecretKey => "secret-key",
            ObjectType::Data => "data",
        })
    }
}

/// A PKCS#11 URI (RFC 7512). The default value is `pkcs11:`, which matches every token.
///
/// `Display` prints the canonical form: known attributes in the order of the RFC's grammar, everything but
/// unreserved characters escaped. Parsing what was printed gives an equal value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TokenUri {
    token: Option<Text>,
    manufacturer: Option<Text>,
    serial: Option<Text>,
    model: Option<Text>,
    library_manufacturer: Option<Text>,
    library_version: Option<(u8, u8)>,
    library_description: Option<Text>,
    object: Option<Text>,
    object_type: Option<ObjectType>,
    id: Option<Vec<u8>>,
    slot_description: Option<Text>,
    slot_manufacturer: Option<Text>,
    slot_id: Option<u64>,
    unrecognized: Vec<(String, Vec<u8>)>,
    module_name: Option<String>,
    module_path: Option<String>,
    unrecognized_query: Vec<(String, Vec<u8>)>,
}

impl TokenUri {
    /// The URI of one token. The values are those of CK_TOKEN_INFO without the blanks that pad them; an empty
    /// one is left out.
    pub fn of_token(label: &str, manufacturer: &str, model: &str, serial: &str) -> Self {
        let given = |value: &str| (!value.is_empty()).then(|| Text::of(value.as_bytes()));
        TokenUri {
            token: given(label),
            manufacturer: given(manufacturer),
            model: given(model),
            serial: given(serial),
            ..TokenUri::default()
        }
    }

    /// The same of the bytes of CK_TOKEN_INFO, which other programs compare as they stand: `None` where those of a field may
    /// change.
    pub(crate) fn of_fields([label, manufacturer, model, serial]: [Option<&[u8]>; 4]) -> Self {
        let given = |field: Option<&[u8]>| field.map(Text::of).filter(|text| !text.as_str().is_empty());
        TokenUri {
            token: given(label),
            manufacturer: given(manufacturer),
            model: given(model),
            serial: given(serial),
            ..TokenUri::default()
        }
    }

    /// The same without manufacturer and model: shorter, where a person reads it.
    #[must_use]
    pub fn of_label_and_serial(mut self) -> Self {
        if self.token.is_some() || self.serial.is_some() {
            (self.manufacturer, self.model) = (None, None);
        }
        self
    }

    /// The same for the objects with this CKA_ID: key, public key and certificate of one credential.
    #[must_use]
    pub fn with_id(mut self, id: &[u8]) -> Self {
        self.id = Some(id.to_vec());
        self
    }

    /// Whether the URI means a token with these values of CK_TOKEN_INFO, padding blanks stripped, in this slot.
    pub(crate) fn matches_token(
        &self,
        label: &str,
        manufacturer: &str,
        model: &str,
        serial: &str,
        slot_id: u64,
    ) -> bool {
        self.unrecognized.is_empty()
            && matches(&self.token, label)
            && matches(&self.manufacturer, manufacturer)
            && matches(&self.model, model)
            && matches(&self.serial, serial)
            && self.may_mean_slot(slot_id)
    }

    /// Whether the URI means a slot with these values of CK_SLOT_INFO, padding blanks stripped.
    pub(crate) fn matches_slot(&self, description: &str, manufacturer: &str, slot_id: u64) -> bool {
        self.unrecognized.is_empty()
            && matches(&self.slot_description, description)
            && matches(&self.slot_manufacturer, manufacturer)
            && self.may_mean_slot(slot_id)
    }

    /// Whether the URI means a driver with these values of CK_INFO, padding blanks stripped. The version is the
    /// library's, major and minor.
    pub(crate) fn matches_library(&self, manufacturer: &str, description: &str, version: (u8, u8)) -> bool {
        self.unrecognized.is_empty()
            && matches(&self.library_manufacturer, manufacturer)
            && matches(&self.library_description, description)
            && self.library_version.is_none_or(|wanted| wanted == version)
    }

    /// Whether the driver has a part in the match, so that it has to be asked for its values.
    pub(crate) fn names_library(&self) -> bool {
        self.library_manufacturer.is_some()
            || self.library_description.is_some()
            || self.library_version.is_some()
    }

    /// Whether the slot's texts have a part in the match, so that the driver has to be asked for them.
    pub(crate) fn names_slot(&self) -> bool {
        self.slot_description.is_some() || self.slot_manufacturer.is_some()
    }

    /// Whether everything that a token says of itself is named, so that no other token is meant.
    pub(crate) fn names_whole_token(&self) -> bool {
        let named = [&self.token, &self.manufacturer, &self.model, &self.serial];
        named.into_iter().all(Option::is_some)
    }

    /// Whether a token in this slot may be meant.
    pub(crate) fn may_mean_slot(&self, slot_id: u64) -> bool {
        self.slot_id.is_none_or(|wanted| wanted == slot_id)
    }

    /// The token's label.
    pub fn token(&self) -> Option<&str> {
        self.token.as_ref().map(Text::as_str)
    }

    /// The token's manufacturer.
    pub fn manufacturer(&self) -> Option<&str> {
        self.manufacturer.as_ref().map(Text::as_str)
    }

    /// The token's model.
    pub fn model(&self) -> Option<&str> {
        self.model.as_ref().map(Text::as_str)
    }

    /// The token's serial number.
    pub fn serial(&self) -> Option<&str> {
        self.serial.as_ref().map(Text::as_str)
    }

    /// The label of an object (CKA_LABEL).
    pub(crate) fn object(&self) -> Option<&str> {
        self.object.as_ref().map(Text::as_str)
    }

    /// The class of an object (CKA_CLASS).
    pub(crate) fn object_type(&self) -> Option<ObjectType> {
        self.object_type
    }

    /// The CKA_ID of an object.
    pub(crate) fn id(&self) -> Option<&[u8]> {
        self.id.as_deref()
    }

    /// The path of the driver, or of the folder it is in (`module-path`, RFC 7512 §2.4).
    pub(crate) fn module_path(&self) -> Option<&str> {
        self.module_path.as_deref()
    }

    /// The name of the driver without folder, prefix and suffix (`module-name`, RFC 7512 §2.4).
    pub(crate) fn module_name(&self) -> Option<&str> {
        self.module_name.as_deref()
    }

    /// Whether the URI names an object, and may mean the certificate or the private key with this CKA_ID and one of these
    /// CKA_LABELs.
    pub fn names_credential(&self, id: &[u8], labels: &[Vec<u8>]) -> bool {
        let is_other = matches!(self.object_type, Some(ObjectType::SecretKey | ObjectType::Data));
        let is_labelled = |wanted: &Text| labels.iter().any(|label| label == wanted.bytes());
        self.names_object()
            && !is_other
            && self.id().is_none_or(|wanted| wanted == id)
            && self.object.as_ref().is_none_or(is_labelled)
    }

    /// Whether the URI names an object, and not a token alone.
    pub fn names_object(&self) -> bool {
        self.object.is_some() || self.object_type.is_some() || self.id.is_some()
    }
}

fn matches(wanted: &Option<Text>, value: &str) -> bool {
    wanted.as_ref().is_none_or(|wanted| wanted.as_str() == value)
}

impl fmt::Display for TokenUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pkcs11:")?;
        let mut path = List { f, separator: ';', next: "", set: ESCAPED };
        path.bytes("token", &self.token)?;
        path.bytes("manufacturer", &self.manufacturer)?;
        path.bytes("serial", &self.serial)?;
        path.bytes("model", &self.model)?;
        path.bytes("library-manufacturer", &self.library_manufacturer)?;
        path.text("library-version", &self.library_version.map(|(major, minor)| format!("{major}.{minor}")))?;
        path.bytes("library-description", &self.library_description)?;
        path.bytes("object", &self.object)?;
        path.text("type", &self.object_type.map(|t| t.to_string()))?;
        path.id(self.id.as_deref())?;
        path.bytes("slot-description", &self.slot_description)?;
        path.bytes("slot-manufacturer", &self.slot_manufacturer)?;
        path.text("slot-id", &self.slot_id.map(|id| id.to_string()))?;
        for (name, value) in &self.unrecognized {
            path.item(name, value)?;
        }
        let mut query = List { f, separator: '&', next: "?", set: ESCAPED_IN_QUERY };
        query.text("module-name", &self.module_name)?;
        query.text("module-path", &self.module_path)?;
        for (name, value) in &self.unrecognized_query {
            query.item(name, value)?;
        }
        Ok(())
    }
}

/// Writes attributes with their separators.
struct List<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    separator: char,
    next: &'static str,
    set: &'static AsciiSet,
}

impl List<'_, '_> {
    fn text(&mut self, name: &str, value: &Option<String>) -> fmt::Result {
        value.as_ref().map_or(Ok(()), |value| self.item(name, value.as_bytes()))
    }

    fn bytes(&mut self, name: &str, value: &Option<Text>) -> fmt::Result {
        value.as_ref().map_or(Ok(()), |value| self.item(name, value.bytes()))
    }

    fn item(&mut self, name: &str, value: &[u8]) -> fmt::Result {
        self.name(name)?;
        write!(self.f, "{}", percent_encode(value, self.set))
    }

    /// RFC 7512 §2.3 recommends to escape the whole `id`, because its bytes are no text.
    fn id(&mut self, id: Option<&[u8]>) -> fmt::Result {
        let Some(id) = id else { return Ok(()) };
        self.name("id")?;
        id.iter().try_for_each(|byte| write!(self.f, "%{byte:02X}"))
    }

    fn name(&mut self, name: &str) -> fmt::Result {
        write!(self.f, "{}{name}=", self.next)?;
        self.next = if self.separator == ';' { ";" } else { "&" };
        Ok(())
    }
}

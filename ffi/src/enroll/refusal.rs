//! What a page is refused with.

use usbtoken::error::Fact;
use usbtoken::{Code, Error};

use crate::values::hresult::usbtoken_hresult;

/// Why a page is refused: the details for the host, and the HRESULT where the code alone does not say it.
pub(crate) struct Refusal {
    pub(crate) error: Error,
    pub(crate) hresult: Option<usbtoken_hresult>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal { error, hresult: None }
    }
}

pub(super) fn refuse(hresult: usbtoken_hresult, detail: &str) -> Refusal {
    let error = Error::new(Code::BadArgument).fact(Fact::Detail, detail);
    Refusal { error, hresult: Some(hresult) }
}

pub(super) type PageResult<T = ()> = std::result::Result<T, Refusal>;

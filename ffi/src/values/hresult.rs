//! The HRESULTs of the facade: one table, with the names that pages and programmers know and a sentence each.

use usbtoken::Code;
use usbtoken::error::Family;
use usbtoken::text::Lang;

use crate::base::status::{self, USBTOKEN_OK, usbtoken_status};

/// What the functions of the enrolment facade return: an HRESULT of Windows, negative for failures, as pages
/// know it from e.number.
pub type usbtoken_hresult = i32;

/// One HRESULT.
pub(crate) struct Row {
    pub(crate) number: usbtoken_hresult,
    /// The name in the Windows headers.
    pub(crate) name: &'static str,
    ja: &'static str,
    en: &'static str,
}

impl Row {
    pub(crate) fn sentence(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::Ja => self.ja,
            Lang::En => self.en,
        }
    }
}

/// The call succeeded (S_OK).
pub const USBTOKEN_HR_OK: usbtoken_hresult = 0;
/// Not allowed: the origin, the operation from a page, or the person said no (E_ACCESSDENIED, 0x80070005).
pub const USBTOKEN_HR_ACCESS_DENIED: usbtoken_hresult = -2147024891;
/// A parameter is wrong (E_INVALIDARG, 0x80070057).
pub const USBTOKEN_HR_INVALID_ARGUMENT: usbtoken_hresult = -2147024809;
/// A pointer is NULL or a handle is not a living one (E_POINTER, 0x80004003).
pub const USBTOKEN_HR_POINTER: usbtoken_hresult = -2147467261;
/// Something went wrong inside (E_UNEXPECTED, 0x8000FFFF).
pub const USBTOKEN_HR_UNEXPECTED: usbtoken_hresult = -2147418113;
/// Something went wrong (E_FAIL, 0x80004005).
pub const USBTOKEN_HR_FAIL: usbtoken_hresult = -2147467259;
/// Memory ran out (E_OUTOFMEMORY, 0x8007000E).
pub const USBTOKEN_HR_OUT_OF_MEMORY: usbtoken_hresult = -2147024882;
/// The object is not initialised (OLE_E_BLANK, 0x80040007).
pub const USBTOKEN_HR_BLANK: usbtoken_hresult = -2147221497;
/// A property that is needed is not set (CERTSRV_E_PROPERTY_EMPTY, 0x80094004).
pub const USBTOKEN_HR_PROPERTY_EMPTY: usbtoken_hresult = -2146877436;
/// The object is initialised already (ERROR_ALREADY_INITIALIZED, 0x800704DF).
pub const USBTOKEN_HR_ALREADY_INITIALIZED: usbtoken_hresult = -2147023649;
/// The certificate or a pending key is there already (ERROR_FILE_EXISTS, 0x80070050).
pub const USBTOKEN_HR_EXISTS: usbtoken_hresult = -2147024816;
/// Another program or call is at work on the token (ERROR_BUSY, 0x800700AA).
pub const USBTOKEN_HR_BUSY: usbtoken_hresult = -2147024726;
/// The person cancelled (ERROR_CANCELLED, 0x800704C7).
pub const USBTOKEN_HR_CANCELLED: usbtoken_hresult = -2147023673;
/// The person cancelled the PIN entry (SCARD_W_CANCELLED_BY_USER, 0x8010006E).
pub const USBTOKEN_HR_PIN_CANCELLED: usbtoken_hresult = -2146434962;
/// No token is plugged in (SCARD_E_NO_SMARTCARD, 0x8010000C).
pub const USBTOKEN_HR_NO_TOKEN: usbtoken_hresult = -2146435060;
/// The token was removed (SCARD_W_REMOVED_CARD, 0x80100069).
pub const USBTOKEN_HR_TOKEN_REMOVED: usbtoken_hresult = -2146434967;
/// The driver for the token is not there (SCARD_E_NO_SERVICE, 0x8010001D).
pub const USBTOKEN_HR_NO_DRIVER: usbtoken_hresult = -2146435043;
/// The PIN is wrong (SCARD_W_WRONG_CHV, 0x8010006B).
pub const USBTOKEN_HR_PIN_WRONG: usbtoken_hresult = -2146434965;
/// The PIN is locked (SCARD_W_CHV_BLOCKED, 0x8010006C).
pub const USBTOKEN_HR_PIN_BLOCKED: usbtoken_hresult = -2146434964;
/// The PIN cannot be asked for (NTE_SILENT_CONTEXT, 0x80090022).
pub const USBTOKEN_HR_SILENT: usbtoken_hresult = -2146893790;
/// No room on the token (NTE_TOKEN_KEYSET_STORAGE_FULL, 0x80090023).
pub const USBTOKEN_HR_TOKEN_FULL: usbtoken_hresult = -2146893789;
/// The private key is missing (NTE_BAD_KEYSET, 0x80090016).
pub const USBTOKEN_HR_KEY_MISSING: usbtoken_hresult = -2146893802;
/// The token cannot do it (NTE_NOT_SUPPORTED, 0x80090029).
pub const USBTOKEN_HR_UNSUPPORTED: usbtoken_hresult = -2146893783;
/// No token goes by this provider name, or several do (NTE_KEYSET_NOT_DEF, 0x80090019).
pub const USBTOKEN_HR_PROVIDER_UNKNOWN: usbtoken_hresult = -2146893799;
/// The certificate that is to be renewed, or the pending key, is not on the token (CRYPT_E_NOT_FOUND, 0x80092004).
pub const USBTOKEN_HR_NOT_FOUND: usbtoken_hresult = -2146885628;
/// The response cannot be read (CRYPT_E_ASN1_BADTAG, 0x8009310B).
pub const USBTOKEN_HR_BAD_RESPONSE: usbtoken_hresult = -2146881269;
/// No valid chain leads to a trusted root (CERT_E_CHAINING, 0x800B010A).
pub const USBTOKEN_HR_CHAIN: usbtoken_hresult = -2146762486;
/// The certificate or the renewal window is not valid now (CERT_E_EXPIRED, 0x800B0101).
pub const USBTOKEN_HR_NOT_VALID_NOW: usbtoken_hresult = -2146762495;
/// The certificate is not the one that was requested (CERT_E_ROLE, 0x800B0103).
pub const USBTOKEN_HR_WRONG_CERTIFICATE: usbtoken_hresult = -2146762493;
/// A signature of the token does not verify (NTE_BAD_SIGNATURE, 0x80090006).
pub const USBTOKEN_HR_BAD_SIGNATURE: usbtoken_hresult = -2146893818;
/// The key could leave the token (NTE_BAD_KEY_STATE, 0x8009000B).
pub const USBTOKEN_HR_KEY_EXPORTABLE: usbtoken_hresult = -2146893813;

/// The table.
pub(crate) const ROWS: &[Row] = &[
    row(USBTOKEN_HR_OK, "S_OK", "完了しました。", "Done."),
    row(
        USBTOKEN_HR_ACCESS_DENIED,
        "E_ACCESSDENIED",
        "この操作は許可されていません。",
        "This operation is not allowed.",
    ),
    row(
        USBTOKEN_HR_INVALID_ARGUMENT,
        "E_INVALIDARG",
        "パラメーターが正しくありません。",
        "A parameter is wrong.",
    ),
    row(USBTOKEN_HR_POINTER, "E_POINTER", "無効なオブジェクトです。", "The object is not valid."),
    row(
        USBTOKEN_HR_UNEXPECTED,
        "E_UNEXPECTED",
        "プログラムの内部でエラーが発生しました。",
        "An error occurred inside the program.",
    ),
    row(USBTOKEN_HR_FAIL, "E_FAIL", "USBトークンの処理に失敗しました。", "The USB token failed."),
    row(USBTOKEN_HR_OUT_OF_MEMORY, "E_OUTOFMEMORY", "メモリーが不足しています。", "Memory ran out."),
    row(
        USBTOKEN_HR_BLANK,
        "OLE_E_BLANK",
        "オブジェクトが初期化されていません。",
        "The object is not initialised.",
    ),
    row(
        USBTOKEN_HR_PROPERTY_EMPTY,
        "CERTSRV_E_PROPERTY_EMPTY",
        "必要なプロパティが設定されていません。",
        "A property that is needed is not set.",
    ),
    row(
        USBTOKEN_HR_ALREADY_INITIALIZED,
        "ERROR_ALREADY_INITIALIZED",
        "オブジェクトはすでに初期化されています。",
        "The object is initialised already.",
    ),
    row(
        USBTOKEN_HR_EXISTS,
        "ERROR_FILE_EXISTS",
        "証明書または更新途中の鍵がすでに存在します。",
        "The certificate, or a key whose renewal is not finished, is there already.",
    ),
    row(
        USBTOKEN_HR_BUSY,
        "ERROR_BUSY",
        "USBトークンはほかの処理で使用中です。",
        "The USB token is in use by another operation.",
    ),
    row(USBTOKEN_HR_CANCELLED, "ERROR_CANCELLED", "操作は取り消されました。", "The operation was cancelled."),
    row(
        USBTOKEN_HR_PIN_CANCELLED,
        "SCARD_W_CANCELLED_BY_USER",
        "PIN(暗証番号)の入力が取り消されました。",
        "The PIN entry was cancelled.",
    ),
    row(
        USBTOKEN_HR_NO_TOKEN,
        "SCARD_E_NO_SMARTCARD",
        "USBトークンが挿入されていません。",
        "No USB token is plugged in.",
    ),
    row(
        USBTOKEN_HR_TOKEN_REMOVED,
        "SCARD_W_REMOVED_CARD",
        "USBトークンが取り外されました。",
        "The USB token was removed.",
    ),
    row(
        USBTOKEN_HR_NO_DRIVER,
        "SCARD_E_NO_SERVICE",
        "USBトークンのドライバーが使用できません。",
        "The driver for the USB token cannot be used.",
    ),
    row(USBTOKEN_HR_PIN_WRONG, "SCARD_W_WRONG_CHV", "PIN(暗証番号)が正しくありません。", "The PIN is wrong."),
    row(
        USBTOKEN_HR_PIN_BLOCKED,
        "SCARD_W_CHV_BLOCKED",
        "PIN(暗証番号)がロックされているか、使用できません。",
        "The PIN is locked, or cannot be used.",
    ),
    row(
        USBTOKEN_HR_SILENT,
        "NTE_SILENT_CONTEXT",
        "PIN(暗証番号)を入力できませんでした。",
        "The PIN could not be asked for.",
    ),
    row(
        USBTOKEN_HR_TOKEN_FULL,
        "NTE_TOKEN_KEYSET_STORAGE_FULL",
        "USBトークンの空き容量が不足しています。",
        "There is no room on the USB token.",
    ),
    row(
        USBTOKEN_HR_KEY_MISSING,
        "NTE_BAD_KEYSET",
        "証明書に対応する秘密鍵がUSBトークンにありません。",
        "The private key of the certificate is not on the USB token.",
    ),
    row(
        USBTOKEN_HR_UNSUPPORTED,
        "NTE_NOT_SUPPORTED",
        "このUSBトークンはこの操作に対応していません。",
        "The USB token cannot do this.",
    ),
    row(
        USBTOKEN_HR_PROVIDER_UNKNOWN,
        "NTE_KEYSET_NOT_DEF",
        "指定されたUSBトークンを特定できません。",
        "It cannot be told which USB token is meant.",
    ),
    row(
        USBTOKEN_HR_NOT_FOUND,
        "CRYPT_E_NOT_FOUND",
        "対象の証明書または鍵がUSBトークンに見つかりません。",
        "The certificate or key in question is not on the USB token.",
    ),
    row(
        USBTOKEN_HR_BAD_RESPONSE,
        "CRYPT_E_ASN1_BADTAG",
        "認証局からの応答を読み取れません。",
        "The response of the certification authority cannot be read.",
    ),
    row(
        USBTOKEN_HR_CHAIN,
        "CERT_E_CHAINING",
        "証明書の発行元を確認できません。",
        "The issuer of the certificate cannot be verified.",
    ),
    row(
        USBTOKEN_HR_NOT_VALID_NOW,
        "CERT_E_EXPIRED",
        "証明書の有効期間または更新可能期間の外です。",
        "The certificate, or the time in which it can be renewed, is not valid now.",
    ),
    row(
        USBTOKEN_HR_WRONG_CERTIFICATE,
        "CERT_E_ROLE",
        "届いた証明書は申請した内容と一致しません。",
        "The certificate is not the one that was requested.",
    ),
    row(
        USBTOKEN_HR_BAD_SIGNATURE,
        "NTE_BAD_SIGNATURE",
        "USBトークンの署名を検証できません。",
        "A signature of the USB token does not verify.",
    ),
    row(
        USBTOKEN_HR_KEY_EXPORTABLE,
        "NTE_BAD_KEY_STATE",
        "新しい鍵は取り出せないことを確認できなかったため、使用しません。",
        "It could not be shown that the new key cannot be exported, so it is not used.",
    ),
];

const fn row(number: usbtoken_hresult, name: &'static str, ja: &'static str, en: &'static str) -> Row {
    Row { number, name, ja, en }
}

/// The row of that HRESULT.
pub(crate) fn row_of(number: usbtoken_hresult) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.number == number)
}

/// The HRESULT for a status; none for a number that is no status.
pub(crate) fn of_status(status: usbtoken_status) -> Option<usbtoken_hresult> {
    if status == USBTOKEN_OK { Some(USBTOKEN_HR_OK) } else { status::code(status).map(of_code) }
}

/// The HRESULT for a code.
pub(crate) fn of_code(code: Code) -> usbtoken_hresult {
    match code {
        Code::BadHandle => USBTOKEN_HR_POINTER,
        Code::DriverTimeout => USBTOKEN_HR_FAIL,
        Code::TokenNotPresent | Code::TokenNotInitialized | Code::WaitTimedOut => USBTOKEN_HR_NO_TOKEN,
        Code::TokenNotRecognized => USBTOKEN_HR_NO_DRIVER,
        Code::TokenNotFound
        | Code::TokenAmbiguous
        | Code::TokenNotNamed
        | Code::TokenNotTheBanks
        | Code::TokenOfOtherBank => USBTOKEN_HR_PROVIDER_UNKNOWN,
        Code::CredentialNotFound
        | Code::CredentialAmbiguous
        | Code::OldNotFound
        | Code::OldAmbiguous
        | Code::PendingNotFound
        | Code::PendingAmbiguous
        | Code::RequestFinished
        | Code::NotPending => USBTOKEN_HR_NOT_FOUND,
        Code::KeyMissing | Code::KeyNotShown | Code::OldKeyElsewhere => USBTOKEN_HR_KEY_MISSING,
        Code::PinCancelled => USBTOKEN_HR_PIN_CANCELLED,
        Code::PinRequired => USBTOKEN_HR_SILENT,
        Code::PinLocked | Code::PinFinalTry | Code::PinExpired | Code::PinNotSet => USBTOKEN_HR_PIN_BLOCKED,
        Code::TokenFull => USBTOKEN_HR_TOKEN_FULL,
        Code::KeyExportable | Code::ProofInsufficient => USBTOKEN_HR_KEY_EXPORTABLE,
        Code::SignatureInvalid | Code::OldKeySignatureInvalid => USBTOKEN_HR_BAD_SIGNATURE,
        Code::MechanismUnsupported
        | Code::KeySizeUnsupported
        | Code::TemplateRefused
        | Code::KeyUnfit
        | Code::FunctionUnsupported
        | Code::WriteProtected => USBTOKEN_HR_UNSUPPORTED,
        Code::OperationCancelled | Code::Cancelled | Code::ConsentDenied => USBTOKEN_HR_CANCELLED,
        Code::OriginRefused | Code::AnswerIsPfx | Code::PendingOfOther => USBTOKEN_HR_ACCESS_DENIED,
        Code::AlreadyInstalled
        | Code::PendingExists
        | Code::AlreadyRenewed
        | Code::SuccessorDue
        | Code::TooManyPending => USBTOKEN_HR_EXISTS,
        Code::AnswerNoLeaf | Code::KeyMismatch | Code::CertificateNotAwaited => USBTOKEN_HR_NOT_FOUND,
        Code::OldFileUnusable => USBTOKEN_HR_BAD_RESPONSE,
        Code::CertificateExpired => USBTOKEN_HR_NOT_VALID_NOW,
        Code::NotYetRenewable | Code::Expired => USBTOKEN_HR_NOT_VALID_NOW,
        Code::SubjectDiffers
        | Code::NotLaterThanOld
        | Code::SerialSame
        | Code::IsCaCertificate
        | Code::OldIsCa
        | Code::OldNotOfJob
        | Code::PurposeMissing
        | Code::UsageMissing => USBTOKEN_HR_WRONG_CERTIFICATE,
        Code::ChainUntrusted | Code::IssuerSignatureInvalid => USBTOKEN_HR_CHAIN,
        Code::TokenRemoved | Code::SessionLost | Code::TokenChanged => USBTOKEN_HR_TOKEN_REMOVED,
        Code::Busy => USBTOKEN_HR_BUSY,
        Code::OutOfMemory => USBTOKEN_HR_OUT_OF_MEMORY,
        other => match other.family() {
            Family::Usage => USBTOKEN_HR_INVALID_ARGUMENT,
            Family::NotFound => USBTOKEN_HR_NO_DRIVER,
            Family::Pin => USBTOKEN_HR_PIN_WRONG,
            Family::Answer => USBTOKEN_HR_BAD_RESPONSE,
            Family::Refused
            | Family::Gone
            | Family::Rule
            | Family::NotYet
            | Family::Unprinted
            | Family::Login => USBTOKEN_HR_FAIL,
            Family::Internal => USBTOKEN_HR_UNEXPECTED,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_leads_into_the_table_and_none_to_success() {
        for code in Code::ALL {
            let number = of_code(*code);
            assert!(number < 0, "{}", code.name());
            assert!(row_of(number).is_some(), "{}", code.name());
        }
    }

    #[test]
    fn the_numbers_are_those_of_windows() {
        // The hexadecimal form stands in each documentation comment; here it is checked against the value.
        let source = include_str!("hresult.rs");
        let mut checked = 0;
        for (comment, constant) in source.lines().zip(source.lines().skip(1)) {
            let Some(value) = constant.strip_prefix("pub const USBTOKEN_HR_") else { continue };
            let value: i32 = value.split(" = ").nth(1).unwrap().trim_end_matches(';').parse().unwrap();
            if value == 0 {
                continue;
            }
            let hex = comment.rsplit("0x").next().unwrap().trim_end_matches(").");
            assert_eq!(format!("{value:08X}"), hex, "{constant}");
            checked += 1;
        }
        assert_eq!(checked + 1, ROWS.len());
    }

    #[test]
    fn what_pages_test_for_is_there() {
        assert_eq!(of_code(Code::Cancelled), -2_147_023_673);
        assert_eq!(of_code(Code::TokenNotRecognized), -2_146_435_043);
    }
}

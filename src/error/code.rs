//! What went wrong, as stable codes in families.
//!
//! Numbers and names are a promise to programs: one that is retired stays retired. [`crate::text`] has the sentences.

use super::numbered::numbered;

numbered! {
    /// What went wrong. The hundreds are the [`Family`](super::Family). The numbers 510 and 517 are retired.
    Code {
        /// An argument is missing, malformed or contradicts another.
        BadArgument = 101 "bad_argument",
        /// The PKCS#11 URI cannot be parsed (RFC 7512 §2.3).
        BadUri = 102 "bad_uri",
        /// The PKCS#11 URI carries a `pin-value`, which would end up in logs and process lists.
        PinInUri = 103 "pin_in_uri",
        /// A file that the caller named cannot be read.
        FileUnreadable = 104 "file_unreadable",
        /// A file that the caller named cannot be written.
        FileUnwritable = 105 "file_unwritable",
        /// The subject name cannot be parsed (RFC 4514).
        BadSubject = 106 "bad_subject",
        /// The place the PIN should come from gives none.
        PinSourceUnusable = 107 "pin_source_unusable",
        /// A handle given to the C interface is not one of ours, or is already freed.
        BadHandle = 108 "bad_handle",
        /// The folder that keeps requests and answers on this computer cannot be used.
        JournalUnusable = 109 "journal_unusable",
        /// A file or bytes that the caller named as trust anchors hold no certificate.
        AnchorUnusable = 110 "anchor_unusable",
        /// There is no place on this computer where a job could keep others from the token meanwhile.
        LockUnusable = 111 "lock_unusable",
        /// No bank's profile of that name is installed.
        ProfileNotFound = 112 "profile_not_found",
        /// Several banks' profiles are installed and none was named.
        ProfileAmbiguous = 113 "profile_ambiguous",
        /// Others than the administrator or this user can write the bank's profile.
        ProfileUntrusted = 114 "profile_untrusted",
        /// The bank's profile is larger than any profile.
        ProfileTooLarge = 115 "profile_too_large",
        /// The bank's profile is not in UTF-8.
        ProfileNotUtf8 = 116 "profile_not_utf8",
        /// The bank's profile begins with a byte order mark.
        ProfileHasBom = 117 "profile_has_bom",
        /// The bank's profile is no TOML.
        ProfileSyntax = 118 "profile_syntax",
        /// The bank's profile has a key that no profile has.
        ProfileUnknownKey = 119 "profile_unknown_key",
        /// A value in the bank's profile is of the wrong type.
        ProfileWrongType = 120 "profile_wrong_type",
        /// The bank's profile lacks a key.
        ProfileMissingKey = 121 "profile_missing_key",
        /// A value in the bank's profile cannot be.
        ProfileBadValue = 122 "profile_bad_value",
        /// Two values in the bank's profile contradict each other.
        ProfileContradiction = 123 "profile_contradiction",
        /// The bank's profile is of a version that is not read here.
        ProfileVersion = 124 "profile_version",
        /// A pattern in the bank's profile matches every token.
        ProfileMatchesAll = 125 "profile_matches_all",
        /// Two banks' profiles claim one token.
        ProfileOverlap = 126 "profile_overlap",
        /// The token is another bank's by a profile that is installed.
        TokenOfOtherBank = 145 "token_of_other_bank",
        /// The token that was named is none of the bank's.
        TokenNotTheBanks = 146 "token_not_the_banks",
        /// A trust anchor in the bank's profile cannot be read.
        ProfileAnchorUnreadable = 127 "profile_anchor_unreadable",
        /// A trust anchor in the bank's profile has expired.
        ProfileAnchorExpired = 128 "profile_anchor_expired",
        /// A trust anchor in the bank's profile is no CA's certificate.
        ProfileAnchorNotCa = 129 "profile_anchor_not_ca",
        /// An address in the bank's profile is not HTTPS.
        ProfileOriginInsecure = 130 "profile_origin_insecure",
        /// An address in the bank's profile is no origin, such as one with a path.
        ProfileOriginMalformed = 131 "profile_origin_malformed",
        /// The PKCS#11 URI says where the PIN is (`pin-source`), which may name a program to be run.
        PinSourceInUri = 132 "pin_source_in_uri",
        /// The address of the login is missing or is none that can be used.
        LoginUrlUnusable = 133 "login_url_unusable",
        /// The file that should hold the old certificate holds none.
        OldFileUnusable = 134 "old_file_unusable",
        /// The PKCS#12 file is encrypted, and no password was given.
        Pkcs12PasswordNeeded = 135 "pkcs12_password_needed",
        /// The password is not that of the PKCS#12 file.
        Pkcs12PasswordWrong = 136 "pkcs12_password_wrong",
        /// The PKCS#12 file is cut off or not as such files are.
        Pkcs12Damaged = 137 "pkcs12_damaged",
        /// The PKCS#12 file is encrypted or protected in a way that is not read.
        Pkcs12Unsupported = 138 "pkcs12_unsupported",
        /// The file that should hold the old certificate is larger than any such file.
        OldFileTooLarge = 139 "old_file_too_large",
        /// The library that reads NSS profiles (softokn) is not on this computer.
        NssMissing = 140 "nss_missing",
        /// The folder is no NSS profile that can be read.
        NssProfileUnusable = 141 "nss_profile_unusable",
        /// There is no such place for certificates on this system.
        PlaceUnsupported = 142 "place_unsupported",
        /// The system's store of certificates cannot be read.
        StoreUnreadable = 143 "store_unreadable",
        /// The names of two installed profiles differ in upper and lower case only.
        ProfileNamesAlike = 144 "profile_names_alike",

        /// No driver (PKCS#11 module) at that path, or none found at all.
        DriverMissing = 201 "driver_missing",
        /// The path of the driver is not absolute.
        DriverPathRelative = 202 "driver_path_relative",
        /// The file is not a shared library.
        DriverNotLibrary = 203 "driver_not_library",
        /// The file is shorter than its own headers say.
        DriverTruncated = 204 "driver_truncated",
        /// A 32-bit driver in a 64-bit program, or the other way round.
        DriverWrongBitness = 205 "driver_wrong_bitness",
        /// A driver for another operating system or processor.
        DriverWrongPlatform = 206 "driver_wrong_platform",
        /// The library does not export `C_GetFunctionList`.
        DriverNoEntry = 207 "driver_no_entry",
        /// The system's loader refused the library.
        DriverUnloadable = 208 "driver_unloadable",
        /// `C_Initialize` or `C_GetFunctionList` failed.
        DriverInitFailed = 209 "driver_init_failed",
        /// The driver can be replaced by other users of the machine.
        DriverUntrusted = 210 "driver_untrusted",
        /// The driver did not answer within its time limit.
        DriverTimeout = 211 "driver_timeout",
        /// The driver ended its process, the driver host.
        DriverCrashed = 212 "driver_crashed",
        /// The driver host cannot be used: its program is not there, can be replaced by others, or does not start.
        DriverHostUnusable = 213 "driver_host_unusable",
        /// The driver cannot be kept from what its caller has not named.
        DriverNotConfined = 214 "driver_not_confined",
        /// The driver asks at the terminal, which it does not have in a process of its own.
        DriverAsksAtTerminal = 215 "driver_asks_at_terminal",
        /// No token in any slot.
        TokenNotPresent = 220 "token_not_present",
        /// Something is in the slot that this driver does not know.
        TokenNotRecognized = 221 "token_not_recognized",
        /// The token has never been initialised.
        TokenNotInitialized = 222 "token_not_initialized",
        /// Tokens are present, but none matches what was asked for.
        TokenNotFound = 223 "token_not_found",
        /// More than one token matches.
        TokenAmbiguous = 224 "token_ambiguous",
        /// The deadline passed before the token was there.
        WaitTimedOut = 225 "wait_timed_out",
        /// No credential on the token matches.
        CredentialNotFound = 230 "credential_not_found",
        /// More than one credential matches.
        CredentialAmbiguous = 231 "credential_ambiguous",
        /// No pending key matches.
        PendingNotFound = 232 "pending_not_found",
        /// More than one pending key matches.
        PendingAmbiguous = 233 "pending_ambiguous",
        /// A certificate is on the token, its private key is not.
        KeyMissing = 234 "key_missing",
        /// The answer is for a key that waits on another token.
        AnswerForOtherToken = 235 "answer_for_other_token",
        /// The certificates on the token cannot be read.
        CredentialUnreadable = 236 "credential_unreadable",
        /// The answer is another certificate for a key whose certificate is installed: its request is finished.
        RequestFinished = 237 "request_finished",
        /// No credential that is seen without the PIN matches; others may show after the login.
        CredentialNotSeen = 238 "credential_not_seen",
        /// The certificate that is to be renewed is not in the place that was named.
        OldNotFound = 250 "old_not_found",
        /// Several certificates in the place that was named may be meant.
        OldAmbiguous = 251 "old_ambiguous",
        /// What was searched for was not found, and an object on the token could not be read: it may be that one.
        ObjectUnreadable = 239 "object_unreadable",

        /// The PIN is wrong.
        PinIncorrect = 301 "pin_incorrect",
        /// The PIN is locked.
        PinLocked = 302 "pin_locked",
        /// One wrong PIN more locks the token; the caller did not confirm.
        PinFinalTry = 303 "pin_final_try",
        /// The PIN's length is outside what the token takes.
        PinLength = 304 "pin_length",
        /// The PIN has characters that the token does not take.
        PinCharacters = 305 "pin_characters",
        /// The PIN must be changed first.
        PinExpired = 306 "pin_expired",
        /// No user PIN has been set on the token.
        PinNotSet = 307 "pin_not_set",
        /// The token answered the login with something that is no answer to a PIN: the PIN may be wrong.
        PinUncertain = 308 "pin_uncertain",
        /// The operation needs a PIN and none was given.
        PinRequired = 309 "pin_required",
        /// The person cancelled the PIN entry.
        PinCancelled = 310 "pin_cancelled",
        /// The PIN is wrong, and one wrong PIN more locks the token.
        PinIncorrectFinalTry = 311 "pin_incorrect_final_try",
        /// The driver states a PIN pad and refused to log in without a PIN; a PIN that was given was not sent.
        PinPadRefused = 313 "pin_pad_refused",
        /// The PIN was wrong in an earlier run, and no person is there.
        PinWrongBefore = 312 "pin_wrong_before",
        /// The token was sent the PIN and refused its length or its characters; that may have cost a try.
        PinFormRefused = 314 "pin_form_refused",
        /// The token refused the new PIN; the old one holds.
        NewPinRefused = 315 "new_pin_refused",
        /// The new PIN is shorter or longer than the token states; nothing was sent.
        NewPinLength = 316 "new_pin_length",
        /// The change of the PIN was begun and its answer is not known: the old or the new PIN holds.
        PinChangeUncertain = 317 "pin_change_uncertain",
        /// The new PIN is the old one; nothing was sent.
        NewPinSame = 318 "new_pin_same",
        /// The driver does not change PINs; the old one holds.
        PinChangeUnsupported = 319 "pin_change_unsupported",
        /// The PIN has full-width characters, or a blank at an edge; nothing was sent.
        PinDoubtful = 320 "pin_doubtful",
        /// The same of the new PIN.
        NewPinDoubtful = 321 "new_pin_doubtful",

        /// No room on the token.
        TokenFull = 401 "token_full",
        /// The token or the session is write-protected.
        WriteProtected = 402 "write_protected",
        /// The token lacks the mechanism.
        MechanismUnsupported = 403 "mechanism_unsupported",
        /// The token cannot make keys of this size.
        KeySizeUnsupported = 404 "key_size_unsupported",
        /// Every template for the key pair was refused.
        TemplateRefused = 405 "template_refused",
        /// The new key could leave the token; it was destroyed.
        KeyExportable = 406 "key_exportable",
        /// The proof of non-exportability is weaker than what was demanded.
        ProofInsufficient = 407 "proof_insufficient",
        /// A signature made by the token does not verify.
        SignatureInvalid = 408 "signature_invalid",
        /// The certificate read back is not the one written.
        ReadBackDiffers = 409 "read_back_differs",
        /// The token refused to store the certificate.
        CertificateRefused = 410 "certificate_refused",
        /// Objects could not be removed from the token.
        DestroyFailed = 411 "destroy_failed",
        /// The token refused, with a return value that has no code of its own.
        TokenRefused = 412 "token_refused",
        /// The driver lacks the function.
        FunctionUnsupported = 413 "function_unsupported",
        /// The token has no session left.
        SessionLimit = 414 "session_limit",
        /// The operation was cancelled at the token.
        OperationCancelled = 415 "operation_cancelled",
        /// The public key that the token reports is malformed.
        PublicKeyInvalid = 416 "public_key_invalid",
        /// Another user type is logged in to the token.
        LoggedInElsewhere = 417 "logged_in_elsewhere",
        /// The driver denies what a new key was made as, and it cannot be started anew to be asked again; the key waits.
        ProofUndecided = 418 "proof_undecided",
        /// The token refuses an attribute that a new key needs, and does not make it so by itself; the key was removed.
        KeyUnfit = 420 "key_unfit",

        /// The answer is empty.
        AnswerEmpty = 501 "answer_empty",
        /// The answer is larger than any answer of a CA.
        AnswerTooLarge = 502 "answer_too_large",
        /// The answer is nothing that CAs send.
        AnswerUnreadable = 503 "answer_unreadable",
        /// The answer ends in the middle.
        AnswerTruncated = 504 "answer_truncated",
        /// The answer is a PKCS#12 file, which would import a private key.
        AnswerIsPfx = 505 "answer_is_pfx",
        /// The answer holds no certificate.
        AnswerNoCertificate = 506 "answer_no_certificate",
        /// No certificate in the answer belongs to a pending key on the token.
        AnswerNoLeaf = 507 "answer_no_leaf",
        /// The certificate is on the token already.
        AlreadyInstalled = 508 "already_installed",
        /// The certificate has expired.
        CertificateExpired = 509 "certificate_expired",
        /// The subject differs from the one requested.
        SubjectDiffers = 511 "subject_differs",
        /// The new certificate does not end later than the old one.
        NotLaterThanOld = 512 "not_later_than_old",
        /// The new certificate has the serial number of the old one.
        SerialSame = 513 "serial_same",
        /// The certificate is a CA's.
        IsCaCertificate = 514 "is_ca_certificate",
        /// The extended key usage does not allow client authentication.
        PurposeMissing = 515 "purpose_missing",
        /// The key usage does not allow signing.
        UsageMissing = 516 "usage_missing",
        /// No valid chain leads to a given trust anchor.
        ChainUntrusted = 518 "chain_untrusted",
        /// The CA's CMC response says that it refused.
        CmcFailed = 519 "cmc_failed",
        /// The program that should ask the CA failed.
        IssuerFailed = 520 "issuer_failed",
        /// The answer is a certificate request, not an answer.
        AnswerIsRequest = 521 "answer_is_request",
        /// A certificate cannot be parsed.
        CertificateUnreadable = 522 "certificate_unreadable",
        /// The certificate belongs to another key than the pending one.
        KeyMismatch = 523 "key_mismatch",
        /// The CA rejected the request.
        IssuerRejected = 524 "issuer_rejected",
        /// The CA cannot be reached.
        IssuerUnreachable = 525 "issuer_unreachable",
        /// The program that should ask the CA is not set up, or lacks the operation.
        IssuerMisconfigured = 526 "issuer_misconfigured",
        /// The program that should ask the CA did not end in time.
        IssuerTimeout = 527 "issuer_timeout",
        /// The CA did not accept login ID and password.
        AuthorisationRejected = 528 "authorisation_rejected",
        /// The certificate is on the token already, and it is not the one that a pending key waits for.
        CertificateNotAwaited = 529 "certificate_not_awaited",
        /// The certificate's signature does not verify with the key of the CA that it names.
        IssuerSignatureInvalid = 530 "issuer_signature_invalid",
        /// The chain cannot be checked: a signature in it is of an algorithm that is not supported.
        ChainAlgorithmUnsupported = 531 "chain_algorithm_unsupported",
        /// The answer is a web page.
        AnswerIsWebPage = 533 "answer_is_web_page",
        /// The answer is a mail without a certificate.
        AnswerIsMail = 534 "answer_is_mail",
        /// The answer is an archive, such as a ZIP file.
        AnswerIsArchive = 535 "answer_is_archive",
        /// The answer is a document or an image.
        AnswerIsDocument = 536 "answer_is_document",
        /// The answer is a private key.
        AnswerIsPrivateKey = 537 "answer_is_private_key",
        /// The answer is a public key without a certificate.
        AnswerIsPublicKey = 538 "answer_is_public_key",
        /// The answer is a list of revoked certificates.
        AnswerIsCrl = 539 "answer_is_crl",
        /// The answer is encrypted.
        AnswerEncrypted = 540 "answer_encrypted",
        /// The answer is in a text form that is not read, such as hexadecimal.
        AnswerFormUnsupported = 541 "answer_form_unsupported",
        /// The answer is a SCEP CertRep, which is encrypted for the requester's key.
        AnswerIsCertRep = 542 "answer_is_cert_rep",
        /// The certificate comes from another CA than those that the bank names.
        IssuerUnexpected = 543 "issuer_unexpected",
        /// The CA's response is not in a form in which the bank's CA answers.
        AnswerFormUnexpected = 544 "answer_form_unexpected",

        /// The token was removed.
        TokenRemoved = 601 "token_removed",
        /// The token or the driver reports a fault.
        DeviceFault = 602 "device_fault",
        /// The session is no longer valid.
        SessionLost = 603 "session_lost",
        /// The process was forked after the driver was initialised.
        Forked = 604 "forked",
        /// Another token is in the slot now.
        TokenChanged = 605 "token_changed",
        /// The token is no longer logged in, in the middle of a job.
        LoginLost = 606 "login_lost",

        /// A state that should not be reachable.
        Internal = 701 "internal",
        /// The driver answered against the specification.
        DriverMisbehaved = 702 "driver_misbehaved",
        /// A panic was caught at the boundary.
        Panic = 703 "panic",
        /// Memory ran out.
        OutOfMemory = 704 "out_of_memory",

        /// The renewal window is not open yet.
        NotYetRenewable = 801 "not_yet_renewable",
        /// The certificate has expired by the clock of this computer: it must be issued anew, not renewed.
        Expired = 802 "expired",
        /// A request for the same credential is pending.
        PendingExists = 803 "pending_exists",
        /// Another job is at work on this token: of another program, or of this one.
        Busy = 804 "busy",
        /// The clock of this computer does not look right.
        ClockImplausible = 805 "clock_implausible",
        /// The only usable credential on the token is not removed.
        RetireOnlyCredential = 806 "retire_only_credential",
        /// A credential without its matching pair is not ours to remove.
        RetireNotOurs = 807 "retire_not_ours",
        /// The successor has not signed.
        RetireNotProven = 808 "retire_not_proven",
        /// The key is not a pending key of ours.
        NotPending = 810 "not_pending",
        /// The caller cancelled.
        Cancelled = 811 "cancelled",
        /// The page's origin is not allowed.
        OriginRefused = 812 "origin_refused",
        /// The person did not consent.
        ConsentDenied = 813 "consent_denied",
        /// The credential was renewed by another program since it was listed.
        AlreadyRenewed = 814 "already_renewed",
        /// The request that was sent is not at hand, and one that is signed anew would differ.
        RequestWouldDiffer = 815 "request_would_differ",
        /// No certificate on the token is known to take the place of this one, so it is not removed.
        RetireNoSuccessor = 816 "retire_no_successor",
        /// The certificate that takes the place of this one is not valid yet, so it is not removed.
        RetireNotBegun = 817 "retire_not_begun",
        /// It is not shown that the new certificate comes from the CA of the old one, so that is not removed.
        RetireIssuerNotShown = 818 "retire_issuer_not_shown",
        /// The old key is of a kind that is not made here, and no other kind was asked for.
        KeyKindNotMade = 819 "key_kind_not_made",
        /// An object is not surely ours, or not what it was when it was read, so it is not removed.
        RemovalDoubtful = 820 "removal_doubtful",
        /// The certificate that this one has replaced is still on the token; that is to be removed first.
        RetireOlderFirst = 821 "retire_older_first",
        /// The old credential is not removed with the installation: a server may refuse the new certificate.
        RetireDoubtful = 822 "retire_doubtful",
        /// Another caller began the pending job: a page, or another program.
        PendingOfOther = 823 "pending_of_other",
        /// As many requests of this page wait as may.
        TooManyPending = 824 "too_many_pending",
        /// The bank's profile does not let this be overridden.
        OverrideRefused = 825 "override_refused",
        /// The bank renews this certificate no more, although it has not ended.
        RenewalClosed = 826 "renewal_closed",
        /// The bank's service has ended.
        ServiceEnded = 827 "service_ended",
        /// The old credential stays until a login with the new one is confirmed.
        RetireNotConfirmed = 828 "retire_not_confirmed",
        /// The new certificate does not work at the bank yet, so the old one is not removed.
        NotInUseYet = 829 "not_in_use_yet",
        /// Another user's credential is on the token, which the bank does not allow.
        OtherUserOnToken = 830 "other_user_on_token",
        /// The policy says that the old credential stays.
        RetireKept = 831 "retire_kept",
        /// What was issued as the renewal has the name of another user whose credential is on the token.
        RenewedForAnother = 832 "renewed_for_another",
        /// Two private keys have the same record and the same identifier, so that naming it does not tell which is meant.
        KeysAlike = 833 "keys_alike",
        /// What takes its place by a record has another name, or comes from another CA.
        SuccessorDoubtful = 834 "successor_doubtful",
        /// All that is left of the old credential may be a copy that another program has made, so it stays.
        OldIsCopy = 835 "old_is_copy",
        /// What takes the place of the old credential stands under another identifier than its key, so the old one stays.
        SuccessorNotBesideKey = 836 "successor_not_beside_key",
        /// What takes the place of the old credential was ordered before its window opened, so it stays until it ends.
        RetireBeforeWindow = 844 "retire_before_window",
        /// The certificate that should be renewed is a CA's.
        OldIsCa = 840 "old_is_ca",
        /// A renewal from this computer onto a token that no one has named, and that no bank calls its own.
        TokenNotNamed = 841 "token_not_named",
        /// The certificate that was given is not the one that the job renews.
        OldNotOfJob = 842 "old_not_of_job",
        /// The old key is needed, and it is not on this token.
        OldKeyElsewhere = 843 "old_key_elsewhere",
        /// What took the place of the certificate that is named can be renewed itself by now, or has ended.
        SuccessorDue = 860 "successor_due",
        /// A key that was made for the certificate does not show on the token, and nothing says that it is gone.
        KeyNotShown = 861 "key_not_shown",
        /// Another program has renewed the certificate, and nobody has named it, so it stays.
        RenewedByAnother = 895 "renewed_by_another_program",
        /// What a program signed with the old key does not verify with the old certificate.
        OldKeySignatureInvalid = 865 "old_key_signature_invalid",
        /// What kept other jobs from the token was removed or replaced while this one was at work.
        LockLost = 885 "lock_lost",
        /// Another program, such as a running Firefox, holds the NSS profile, so it cannot be read now.
        NssProfileBusy = 850 "nss_profile_busy",

        /// The CA has not issued the certificate yet.
        NotYetIssued = 901 "not_yet_issued",
        /// The CA's response says that the request is still pending.
        ResponsePending = 902 "response_pending",

        /// The token was changed as wanted, and the result could not be printed.
        ResultNotPrinted = 1001 "result_not_printed",
        /// The pending key is on the token, and its request could not be written.
        RequestNotWritten = 1002 "request_not_written",

        /// The bank's server did not accept the new certificate.
        LoginRefused = 1101 "login_refused",
        /// The server asked for no certificate, so nothing is shown by the connection.
        LoginNotAsked = 1102 "login_not_asked",
        /// The server lets in those without a certificate too, so nothing is shown by the connection.
        LoginNotDemanded = 1103 "login_not_demanded",
        /// The server points to another one, which is not followed.
        LoginRedirected = 1104 "login_redirected",
        /// The server's answer says neither yes nor no.
        LoginUnexpected = 1105 "login_unexpected",
        /// The server cannot be reached.
        LoginUnreachable = 1106 "login_unreachable",
        /// The server did not answer in time.
        LoginTimeout = 1107 "login_timeout",
        /// The connection ended, or what came is no HTTP, before the server said anything.
        LoginBrokenOff = 1108 "login_broken_off",
        /// No TLS connection came about, for another reason than a certificate.
        LoginTlsFailed = 1109 "login_tls_failed",
        /// The server's certificate leads to no trusted CA.
        ServerUntrusted = 1110 "server_untrusted",
        /// The server's certificate is for another name.
        ServerNameDiffers = 1111 "server_name_differs",
        /// The server's certificate is not valid now.
        ServerExpired = 1112 "server_expired",
        /// The proxy did not connect to the server.
        LoginProxyRefused = 1113 "login_proxy_refused",
        /// The token does not sign in any way that the server takes.
        LoginSignatureUnsupported = 1114 "login_signature_unsupported",
        /// The server seems to ask for the certificate only after it was asked for a page.
        LoginAskedLater = 1115 "login_asked_later",
        /// The server led on to a page that nobody has named as the one after the login.
        LoginLedOn = 1116 "login_led_on",
    }
}

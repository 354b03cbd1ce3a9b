//! Warnings, and the points of the preflight that may give them.

use super::numbered::numbered;

numbered! {
    /// A warning: something that the person should know and that stops nothing. The numbers 13, 15, 18, 20
    /// and 21 are retired.
    Notice {
        /// A wrong PIN was entered since the last right one.
        PinCountLow = 1 "pin_count_low",
        /// One wrong PIN more locks the token.
        PinFinalTry = 2 "pin_final_try",
        /// The token wants its PIN changed.
        PinToBeChanged = 3 "pin_to_be_changed",
        /// The token does not tell how much memory is free.
        MemoryUnknown = 4 "memory_unknown",
        /// Little memory is free.
        MemoryLow = 5 "memory_low",
        /// The token does not tell which mechanisms it has.
        MechanismUnknown = 6 "mechanism_unknown",
        /// The renewal runs outside its window because the caller asked for it.
        WindowForced = 7 "window_forced",
        /// The clock of this computer looks wrong.
        ClockUncertain = 8 "clock_uncertain",
        /// A request for the same credential is pending.
        PendingExists = 9 "pending_exists",
        /// Other certificates on the token have the same subject.
        SameSubject = 10 "same_subject",
        /// The driver claims, but does not fully report, that the key cannot be exported.
        ProofClaimed = 11 "proof_claimed",
        /// The token took the certificate only with the fewest attributes.
        MinimalCertificate = 12 "minimal_certificate",
        /// The old credential was kept.
        OldKept = 14 "old_kept",
        /// A certificate on the token cannot be parsed and was passed over.
        CertificateUnreadable = 16 "certificate_unreadable",
        /// The old key was used again because the caller asked for it.
        KeyReused = 17 "key_reused",
        /// The chain was not checked: no trust anchors were given.
        ChainNotChecked = 19 "chain_not_checked",
        /// Not every CA certificate of the answer could be written; the credential works without them.
        ChainNotWritten = 22 "chain_not_written",
        /// A token's driver is installed and does not see it.
        DeviceNotSeen = 23 "device_not_seen",
        /// Several alike devices are plugged in and the drivers see fewer tokens.
        DevicesPartlySeen = 24 "devices_partly_seen",
        /// A smart-card interface that is not known and in which no driver sees a token.
        SmartCardUnknown = 25 "smart_card_unknown",
        /// The token holds no certificate.
        NoCertificate = 26 "no_certificate",
        /// The request could not be kept on this computer.
        RequestNotKept = 27 "request_not_kept",
        /// The CA changed more of the subject than the rule allows.
        SubjectChanged = 28 "subject_changed",
        /// The new certificate begins later than the clock of this computer says.
        NotYetValid = 29 "not_yet_valid",
        /// The new certificate comes from another CA than the old one.
        AnotherIssuer = 30 "another_issuer",
        /// The certificate was on the token already, complete; nothing was written.
        AlreadyInstalled = 31 "already_installed",
        /// The new certificate allows client authentication only by anyExtendedKeyUsage.
        PurposeOnlyAny = 32 "purpose_only_any",
        /// The new certificate has a critical extension that is not known.
        UnknownCritical = 33 "unknown_critical",
        /// An extension of the new certificate cannot be read, or is there twice.
        ExtensionUnreadable = 34 "extension_unreadable",
        /// The key usage of the new certificate allows signing certificates, which only a CA's may.
        UsageOfCa = 36 "usage_of_ca",
        /// The new key will be of another kind or size than the old one.
        KeyKindChanges = 35 "key_kind_changes",
        /// A part of the CA's response could not be read.
        ResponsePartlyUsed = 37 "response_partly_used",
        /// This program was logged in already, so the token did not check the PIN.
        PinNotChecked = 40 "pin_not_checked",
        /// The credential is renewed already, and is renewed once more because the caller asked for it.
        Renewed = 38 "renewed",
        /// Public objects, which anybody can write on some tokens, say that the credential is renewed.
        SaidRenewed = 39 "said_renewed",
        /// What seems to take its place is in another name or from another CA: a person is asked whether it is renewed all the same.
        SuccessorDoubtful = 110 "successor_doubtful",
        /// The token does not state that it is initialised (CKF_TOKEN_INITIALIZED).
        InitializedNotStated = 41 "initialized_not_stated",
        /// The token does not state that its PIN is set (CKF_USER_PIN_INITIALIZED).
        PinNotStated = 42 "pin_not_stated",
        /// The token states that it is write-protected (CKF_WRITE_PROTECTED).
        WriteProtectionStated = 43 "write_protection_stated",
        /// The token does not list a mechanism that the kind of key needs.
        MechanismNotListed = 44 "mechanism_not_listed",
        /// The token states that it makes keys of other sizes only.
        KeySizeNotStated = 45 "key_size_not_stated",
        /// The token made the new certificate private: it is seen after the login only.
        CertificatePrivate = 46 "certificate_private",
        /// Another object on the token has the label of the new certificate.
        LabelShared = 47 "label_shared",
        /// The token gave the new certificate another CKA_ID than its key's.
        IdDiffers = 48 "id_differs",
        /// Only what shows without the PIN was examined; some tokens show more after the login.
        MoreAfterLogin = 55 "more_after_login",
        /// A renewal was begun; whether it is finished shows after the login only.
        BegunBefore = 56 "begun_before",
        /// The token states that its PIN is entered at its own keys (CKF_PROTECTED_AUTHENTICATION_PATH).
        PinPadStated = 85 "pin_pad_stated",
        /// The lengths that the token states for its PIN make no sense, or are not those of the PIN at hand.
        PinLengthStated = 86 "pin_length_stated",
        /// The token gave the new key another label than the one that it was asked for.
        KeyLabelChosen = 57 "key_label_chosen",
        /// The token holds one certificate for a key: the new one has taken the old one's place.
        OldCertificateReplaced = 76 "old_certificate_replaced",
        /// The new certificate begins to work at the bank later.
        WorksLater = 51 "works_later",
        /// None of the tokens that are plugged in is the bank's.
        BankTokenAbsent = 52 "bank_token_absent",
        /// None of the drivers that the bank names is installed.
        BankDriverAbsent = 53 "bank_driver_absent",
        /// A trust anchor of the bank's profile ends soon.
        BankAnchorEnds = 54 "bank_anchor_ends",
        /// The token cannot sign for TLS 1.3, so TLS 1.2 was used.
        LoginByTls12 = 64 "login_by_tls12",
        /// Another program on this computer keeps a copy that may still show the old certificate.
        CopyShowsOld = 65 "copy_shows_old",
        /// The confirmation could not be kept on this computer.
        ConfirmationNotKept = 66 "confirmation_not_kept",
        /// The server does not name the CA of the certificate among those that it accepts.
        IssuerNotNamed = 67 "issuer_not_named",
        /// A certificate on the token seems to be another user's, which the bank does not allow.
        OtherUserSeen = 70 "other_user_seen",
        /// The bank reminds its customers of the renewal by now.
        RenewalDue = 71 "renewal_due",
        /// The token comes with an initial PIN, which is to be changed.
        InitialPin = 72 "initial_pin",
        /// The token comes empty, and its first certificate is still to be issued.
        DeliveredEmpty = 73 "delivered_empty",
        /// A device with the USB numbers of the bank's token is plugged in, and no driver sees the token.
        BankDeviceNotSeen = 74 "bank_device_not_seen",
        /// Other users of this computer may read the file that holds the PIN.
        PinFileReadable = 103 "pin_file_readable",
        /// The place that holds the PIN begins with a byte order mark, which was left out.
        PinFileMark = 104 "pin_file_mark",
        /// The token is none that the bank calls its own; the caller has named it.
        NotTheBanksToken = 93 "not_the_banks_token",
        /// The old certificate is where it was, on this computer, and works still.
        OldStaysElsewhere = 94 "old_stays_elsewhere",
        /// The new certificate could not be compared with the old one, which is not on the token.
        OldNotCompared = 95 "old_not_compared",
        /// The same old certificate is being renewed on another token too.
        OrderedOnOtherToken = 145 "ordered_on_other_token",
        /// The certificate that is renewed has not begun to be valid.
        OldNotYetValid = 146 "old_not_yet_valid",
        /// The old certificate is not any more where it was.
        OldNotWhereItWas = 147 "old_not_where_it_was",
        /// The certificate is said to be renewed already, on another token that is plugged in.
        RenewedOnOtherToken = 149 "renewed_on_other_token",
        /// The certificate was renewed onto another token, which is plugged in and shows no such certificate any more.
        RenewalGone = 169 "renewal_gone",
        /// Whether the old certificate is still where it was could not be seen.
        OldNotSeen = 148 "old_not_seen",
        /// A place for certificates could not be read and was passed over.
        PlaceSkipped = 96 "place_skipped",
        /// The login was not at the address of the bank's profile, or not by its rules, and lets nothing old go.
        LoginNotAtBank = 108 "login_not_at_bank",
        /// Drivers run in this process: the program for a process of their own is not there, or cannot be used.
        DriverInProcess = 120 "driver_in_process",
        /// The bank's service has ended by its profile.
        ProfileServiceEnded = 135 "profile_service_ended",
        /// The bank's profile has a reminder before the window opens.
        ProfileReminderEarly = 136 "profile_reminder_early",
        /// The bank's profile names an issuer with the parts of its name in the reverse order.
        ProfileIssuerReversed = 137 "profile_issuer_reversed",
        /// Nothing old was removed: no certificate on the token is known to be replaced by this one.
        NothingReplaced = 138 "nothing_replaced",
        /// A copy of the old certificate, which another program may have made, was left where it is.
        CopyKept = 111 "copy_kept",
        /// A certificate is on the token more than once.
        CertificateTwice = 173 "certificate_twice",
        /// The old certificate is still kept, for a reason that was told before; a person can say that it is to go.
        OldStillKept = 112 "old_still_kept",
        /// The old certificate was removed, and its key was kept: another certificate is for it, or may be.
        OldKeyStays = 163 "old_key_stays",
        /// A public key of the old certificate, as it seems, stays: it may be another program's, and the driver does not let it be told.
        PublicKeyKept = 181 "public_key_kept",
        /// Another program had written the certificate under another CKA_ID than its key's: it was written beside its key as well.
        CertificateApart = 164 "certificate_apart",
        /// The day of the installation could not be kept.
        InstallationNotKept = 139 "installation_not_kept",
    }
}

numbered! {
    /// A point that the preflight checks.
    Point {
        /// The token is initialised.
        TokenInitialized = 1 "token_initialized",
        /// The token can be written.
        TokenWritable = 2 "token_writable",
        /// The PIN can be used.
        PinUsable = 3 "pin_usable",
        /// There is room for one more key pair and certificate.
        Memory = 4 "memory",
        /// The token makes keys of the wanted kind and size, and signs with them.
        Mechanism = 5 "mechanism",
        /// The renewal window is open.
        Window = 6 "window",
        /// The clock of this computer is plausible.
        Clock = 7 "clock",
        /// No request for the same credential is pending.
        NothingPending = 8 "nothing_pending",
        /// No other certificate has the same subject.
        SubjectUnique = 9 "subject_unique",
        /// The private key of the old credential is there.
        OldKey = 10 "old_key",
        /// The kind of key that will be made is known.
        KeyKind = 11 "key_kind",
        /// No other user's credential is on the token.
        OnlyUser = 12 "only_user",
    }
}

#[cfg(test)]
mod tests {
    use super::Notice;
    use crate::error::Code;

    #[test]
    fn a_retired_number_stays_retired() {
        assert!(Code::ALL.iter().all(|code| ![510, 517].contains(&code.number())));
        assert!(Notice::ALL.iter().all(|notice| ![13, 15, 18, 20].contains(&notice.number())));
    }
}

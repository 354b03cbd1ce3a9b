//! Steps of the job.

use super::numbered::numbered;

numbered! {
    /// A step of the job: what is being done, for progress, and what was being done, for errors.
    Step {
        /// Searching for drivers.
        FindDrivers = 1 "find_drivers",
        /// Checking the driver's file and loading it.
        LoadDriver = 2 "load_driver",
        /// Initialising the driver.
        InitializeDriver = 3 "initialize_driver",
        /// Searching for tokens.
        FindToken = 4 "find_token",
        /// Waiting for the token to be inserted.
        WaitForToken = 5 "wait_for_token",
        /// Opening a session.
        OpenSession = 6 "open_session",
        /// Reading the certificates and keys.
        ReadObjects = 7 "read_objects",
        /// Checking whether the renewal can work.
        Preflight = 8 "preflight",
        /// Logging in.
        LogIn = 9 "log_in",
        /// Generating the key pair on the token.
        GenerateKeyPair = 10 "generate_key_pair",
        /// Reading the new public key.
        ReadPublicKey = 11 "read_public_key",
        /// Proving that the private key cannot be exported.
        ProveKey = 12 "prove_key",
        /// Signing the certificate request.
        SignRequest = 13 "sign_request",
        /// Waiting for the CA.
        AskIssuer = 14 "ask_issuer",
        /// Reading the CA's answer.
        ReadAnswer = 15 "read_answer",
        /// Checking the new certificate.
        CheckCertificate = 16 "check_certificate",
        /// Writing the certificate to the token.
        WriteCertificate = 17 "write_certificate",
        /// Reading the certificate back.
        ReadBack = 18 "read_back",
        /// Signing a challenge with the new key.
        SignChallenge = 19 "sign_challenge",
        /// Marking the new key as complete.
        Complete = 20 "complete",
        /// Removing the old credential.
        Retire = 21 "retire",
        /// Removing a pending key.
        Abandon = 22 "abandon",
        /// Listing the devices that are plugged in.
        ListDevices = 23 "list_devices",
        /// Reading the bank's profile.
        ReadProfile = 24 "read_profile",
        /// Logging in at the bank's server with the new certificate.
        Confirm = 25 "confirm",
        /// The driver has not returned yet from a function that writes to the token.
        StillWorking = 26 "still_working",
        /// Changing the PIN.
        ChangePin = 29 "change_pin",
        /// Reading the old certificate, which is not on the token.
        ReadPlace = 27 "read_place",
    }
}

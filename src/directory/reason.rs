//! The reason codes: one stable word for every refusal, for all of its three readers (decision 17).

/// What a reason code means and what to do about it; has no data about anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// What the person in front of the browser can do.
    pub person: &'static str,
    /// What an administrator looks for.
    pub administrator: &'static str,
}

macro_rules! reason_codes {
    ($($name:ident = $word:literal: $meaning:literal, $person:literal, $administrator:literal;)*) => {
        /// Why something was refused. The words are stable: scripts and documents may rely on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ReasonCode { $(#[doc = $meaning] $name),* }

        impl ReasonCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable word.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// The code with this word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.word() == word)
            }

            /// What it means and what to do.
            #[must_use]
            pub fn explanation(self) -> Explanation {
                match self { $(Self::$name => Explanation {
                    meaning: $meaning,
                    person: $person,
                    administrator: $administrator,
                }),* }
            }
        }
    };
}

reason_codes! {
    MissingRole = "missing-role":
        "The account does not hold a role that the rule of this app asks for.",
        "Ask the contact on the page for access, or sign in with another account.",
        "`doorward access explain USER SP` shows the rule and the roles; `doorward user grant` opens the door.";
    UserDisabled = "user-disabled":
        "The account is disabled.",
        "Ask the contact on the page.",
        "`doorward user enable NAME` enables it again.";
    SpDisabled = "sp-disabled":
        "The app is registered, but disabled.",
        "The app is not open at the moment. Ask its owners.",
        "`doorward sp enable NAME` enables it again.";
    SpWithdrawn = "sp-withdrawn":
        "The federation that described the app does not list it any more.",
        "The app is not open at the moment. Ask its owners.",
        "`doorward sp show NAME` names the source. It opens again when the source lists it again; `doorward metadata refresh` asks now.";
    MetadataExpired = "metadata-expired":
        "What the federation said about the app is too old to be relied on.",
        "The app is not open at the moment. Try again later, or ask the contact on the page.",
        "The source could not be refreshed until its last good copy expired: `doorward metadata list` says why, `doorward metadata refresh` tries now.";
    ClosedRule = "closed-rule":
        "The registration has no usable rule about who may enter, so nobody may.",
        "Ask the contact on the page.",
        "`doorward sp update NAME --require-role R` gives it a rule.";
    NotSignedIn = "not-signed-in":
        "Nobody is signed in, and the app asked not to show anything.",
        "Start again at the app and sign in.",
        "The AuthnRequest had IsPassive; the SP got NoPassive (Core 3.4.1).";
    SignInTooOld = "sign-in-too-old":
        "The app demands a fresh sign-in.",
        "Sign in again when asked.",
        "The AuthnRequest had ForceAuthn (Core 3.4.1).";
    WrongPassword = "wrong-password":
        "User name and password do not fit together, or the account cannot sign in.",
        "Check both and try again.",
        "The audit log has the source; unknown, disabled and wrong look alike to the browser on purpose.";
    Throttled = "throttled":
        "Too many failed sign-ins; the next one has to wait.",
        "Wait as long as the page says and try again.",
        "Delays grow per account and source and never lock; `doorward user unlock NAME` clears them.";
    HashingBusy = "hashing-busy":
        "The server checks as many passwords as it can at the moment.",
        "Try again in a few seconds.",
        "The queue of password checks was full: 503 with Retry-After. See argon2 in docs/configuration.md.";
    NoAuthnContext = "no-authn-context":
        "The app asks for a kind of sign-in that is not offered here.",
        "Ask the app's owners.",
        "RequestedAuthnContext named none that we can assert truthfully (Core 3.3.2.2.1).";
    InvalidNameIdPolicy = "invalid-nameid-policy":
        "The app asks for an identifier that cannot be given.",
        "Ask the app's owners.",
        "NameIDPolicy has a Format or SPNameQualifier that is not offered, or the user lacks the value (Core 3.4.1.1).";
    UnknownPrincipal = "unknown-principal":
        "The app asks for somebody other than the person who is signed in.",
        "Sign in as the person that the app expects.",
        "The AuthnRequest has a Subject that does not strongly match (Core 3.3.4).";
    EncryptionImpossible = "encryption-impossible":
        "What this app is told has to be encrypted, and no key of it can be used.",
        "Ask the app's owners.",
        "`doorward check` says what is wrong with its keys or algorithms; `doorward sp update NAME --metadata` or --encryption-certificate mends it. Nothing leaves in plain instead.";
    NoCommonAlgorithm = "no-common-algorithm":
        "The app takes no signature that can be made here.",
        "Ask the app's owners.",
        "`doorward check` says what its metadata declares (alg:SigningMethod, alg:DigestMethod) or what --signature-algorithm asks for that the signing key cannot make.";
    Undecryptable = "undecryptable":
        "The message holds something encrypted that no key here opens.",
        "Go back to the app and start again; tell its owners.",
        "The EncryptedID is for another key, altered, or in another algorithm than RSA-OAEP with AES-GCM. Our metadata names the key; which step failed is not said on purpose.";
    BadEncoding = "bad-encoding":
        "The message cannot be decoded.",
        "Go back to the app and start again.",
        "Not base64, not raw DEFLATE, bytes after the stream, or an unknown SAMLEncoding (Bindings 3.4.4.1).";
    TooLarge = "too-large":
        "The message is larger than allowed.",
        "Go back to the app and start again.",
        "Limits: 256 KiB body, 128 KiB inflated, 8 KiB query, 1,024 bytes of RelayState.";
    DuplicateParameter = "duplicate-parameter":
        "A parameter came twice, or under an escaped name.",
        "Go back to the app and start again.",
        "Duplicates and escaped names are refused, since signer and reader could differ.";
    MissingParameter = "missing-parameter":
        "Nothing to do: the address was opened without a message.",
        "Go to the app and start there.",
        "SAMLRequest is missing, or Signature came without SigAlg or the other way round.";
    MalformedXml = "malformed-xml":
        "The message is not well-formed XML of the kind that SAML uses.",
        "Go back to the app and start again.",
        "The log says which rule was broken: DOCTYPE, entity, PI, namespace, duplicate ID, size.";
    MalformedSoap = "malformed-soap":
        "The message is not a SOAP envelope with one SAML message in it.",
        "Nothing to do: applications talk to this address, not people.",
        "Bindings 3.2: SOAP 1.1 as text/xml, one element in the Body, no unknown header with mustUnderstand; the log says which rule was broken.";
    NotALogoutMessage = "not-a-logout-message":
        "The message is not a sign-out message.",
        "Go back to the app, or sign out on our own page.",
        "The root element is not samlp:LogoutRequest or samlp:LogoutResponse, or a part breaks the schema (Core 3.7); the log says which.";
    UnsignedLogout = "unsigned-logout":
        "The sign-out message is not signed, so nobody knows who sent it.",
        "Sign out on our own page; tell the app's owners.",
        "Logout messages have to be signed (Profiles 4.4.3.1); register the app's signing key and have it sign them.";
    UnexpectedLogoutResponse = "unexpected-logout-response":
        "The app answers a sign-out that nobody asked it for.",
        "Nothing to do.",
        "InResponseTo names no LogoutRequest of ours to this service provider, or one that has been forgotten after a day.";
    LogoutNotConfirmed = "logout-not-confirmed":
        "An app did not confirm that it signed the person out.",
        "Sign out at the app itself, or close the browser.",
        "It did not answer in time, answered with another status than Success, or its answer was refused; the log says which. The session here has ended.";
    NotAnAuthnRequest = "not-an-authn-request":
        "The message is not a sign-in request.",
        "Go back to the app and start again.",
        "The root element is not samlp:AuthnRequest, or a part breaks the schema; the log says which.";
    WrongVersion = "wrong-version":
        "The message is of another SAML version.",
        "Ask the app's owners.",
        "Version has to be 2.0; the SP got VersionMismatch (Core 4.1.3).";
    UnknownIssuer = "unknown-issuer":
        "No app with this name is registered here.",
        "Check the address, or ask the app's owners.",
        "The log has the Issuer as it came; entityIDs compare byte for byte. `doorward sp list` shows the registered ones.";
    UnregisteredAcs = "unregistered-acs":
        "The app asks for the answer at an address that is not registered for it.",
        "Go back to the app and start again; tell its owners.",
        "AssertionConsumerServiceURL, index or ProtocolBinding name no registered endpoint; the log has expected and received.";
    WrongDestination = "wrong-destination":
        "The message was meant for another server.",
        "Go back to the app and start again.",
        "Destination has to equal the address that received it; see base_url (Bindings 3.4.5.2, 3.5.5.2).";
    StaleRequest = "stale-request":
        "The request is too old, or from the future.",
        "Start again at the app.",
        "IssueInstant is outside the window; compare the clocks of both servers.";
    UnsignedRequest = "unsigned-request":
        "The app has to sign its requests, and this one is not signed.",
        "Ask the app's owners.",
        "Its metadata says AuthnRequestsSigned, or it is registered with --require-signed-requests.";
    BadSignature = "bad-signature":
        "The signature of the request is not valid.",
        "Go back to the app and start again; tell its owners.",
        "Wrong key, wrong shape, forbidden algorithm (SHA-1), or a changed message; the log says which.";
    UnsupportedRequest = "unsupported-request":
        "The request asks for something that is not offered.",
        "Ask the app's owners.",
        "The log says what: Scoping, AttributeConsumingServiceIndex, SubjectConfirmation in the Subject.";
    ChannelMismatch = "channel-mismatch":
        "The client and the app do not see the same connection.",
        "Somebody may stand between you and the app. Do not go on from this network.",
        "Channel bindings (ECP 2.0, 2.3): none in the client's SOAP header equals one in the signed request's Extensions, or the request that names them is not signed.";
    UnknownArtifact = "unknown-artifact":
        "The artifact is not known, has been used, has expired, or belongs to another app.",
        "Go back to the app and sign in again.",
        "The app got an ArtifactResponse without a message (Core 3.5.3). Artifacts live 60 seconds and are good for one try by the app that they were handed out to.";
    ConsentNeeded = "consent-needed":
        "The person has to agree first, and the app asked not to show anything.",
        "Start again at the app.",
        "The AuthnRequest had IsPassive, and the registration has --consent; the SP got NoPassive.";
    ConsentRefused = "consent-refused":
        "You did not agree to what the app would be told, so nothing was sent there.",
        "Go back to the app to be asked again.",
        "The registration has --consent. What is released: `doorward sp attributes NAME`.";
    IdpInitiatedNotAllowed = "idp-initiated-not-allowed":
        "This app does not take sign-ins that start here.",
        "Start at the app.",
        "`doorward sp update NAME --allow-idp-initiated` allows it.";
    BadForm = "bad-form":
        "The form could not be read, or was not sent from our own page.",
        "Go back and try again.",
        "Cross-site form post, missing CSRF token, or an unreadable body.";
    NotFound = "not-found":
        "There is nothing at this address.",
        "Check the address, or go to your apps.",
        "Addresses are listed in the documentation.";
    MethodNotAllowed = "method-not-allowed":
        "This address does not take that kind of request.",
        "Go back and try again.",
        "The HTTP method is not one that this address has.";
    Overloaded = "overloaded":
        "The server is busy.",
        "Try again in a few seconds.",
        "The queue of the audit writer is full, or the database was busy for too long.";
    DatabaseUnreachable = "database-unreachable":
        "The server cannot reach its database at the moment.",
        "Nothing was lost. Try again in a moment.",
        "Look at the database server, at the network between, and at the server's limit of connections; the log has the cause.";
    DatabaseUnwritable = "database-unwritable":
        "The server cannot write to its database at the moment.",
        "Try again in a moment. What was done shows when you come back.",
        "Look at the space on the database's disk and at its log: a write was refused, or it is not known whether it was done.";
    Internal = "internal":
        "Something went wrong on our side.",
        "Try again; if it stays, pass on the reference.",
        "Look up the reference (trace id) in the log.";
}

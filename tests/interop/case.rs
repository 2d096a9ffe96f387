//! The columns of the table.

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Case {
    Redirect,
    Post,
    SignedRedirect,
    SignedPost,
    IdpInitiated,
    Encrypted,
    Persistent,
    Transient,
    EmailAddress,
    Unspecified,
    Forced,
    Passive,
    Refused,
    SignOutThere,
    SignOutHere,
    OurRollover,
    ItsRollover,
}

impl Case {
    pub(crate) const ALL: [Self; 17] = [
        Self::Redirect,
        Self::Post,
        Self::SignedRedirect,
        Self::SignedPost,
        Self::IdpInitiated,
        Self::Encrypted,
        Self::Persistent,
        Self::Transient,
        Self::EmailAddress,
        Self::Unspecified,
        Self::Forced,
        Self::Passive,
        Self::Refused,
        Self::SignOutThere,
        Self::SignOutHere,
        Self::OurRollover,
        Self::ItsRollover,
    ];

    /// The head of its column.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Redirect => "request by Redirect",
            Self::Post => "request by POST",
            Self::SignedRedirect => "signed, by Redirect",
            Self::SignedPost => "signed, by POST",
            Self::IdpInitiated => "started at Doorward",
            Self::Encrypted => "encrypted assertion",
            Self::Persistent => "persistent",
            Self::Transient => "transient",
            Self::EmailAddress => "emailAddress",
            Self::Unspecified => "unspecified",
            Self::Forced => "forced",
            Self::Passive => "passive",
            Self::Refused => "refused role",
            Self::SignOutThere => "sign-out at the SP",
            Self::SignOutHere => "sign-out at Doorward",
            Self::OurRollover => "Doorward's key rolls over",
            Self::ItsRollover => "its key rolls over",
        }
    }
}

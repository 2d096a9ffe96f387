//! The table of configuration keys: what is read, what is documented and what `init` writes.

/// One configuration key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// As TOML names it; a dot stands for a table.
    pub name: &'static str,
    /// What holds when nothing is said, in the form of the environment; empty means none.
    pub default: &'static str,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// How the value is written in TOML.
    pub form: Form,
}

/// How a value is written in TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// In quotation marks.
    Text,
    /// Bare: a number, `true`, `false`.
    Bare,
    /// An array of texts.
    List,
}

impl Key {
    /// The name of its environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!(
            "{VARIABLE_PREFIX}{}",
            self.name.replace('.', "_").to_uppercase()
        )
    }

    /// The default as documents show it.
    #[must_use]
    pub fn default_in_toml(&self) -> String {
        match self.form {
            _ if self.default.is_empty() => "none".to_owned(),
            Form::Text => format!("\"{}\"", self.default),
            Form::Bare => self.default.to_owned(),
            Form::List => format!("[\"{}\"]", self.default.replace(',', "\", \"")),
        }
    }
}

/// What every environment variable of ours begins with.
pub(super) const VARIABLE_PREFIX: &str = "DOORWARD_";

/// Variables of the tests, which the configuration leaves alone.
pub(super) const TEST_PREFIX: &str = "DOORWARD_TEST_";

/// Every key, in the order of the documentation.
pub const KEYS: &[Key] = &[
    text(
        "base_url",
        "http://127.0.0.1:8080",
        "What browsers see. Nothing is ever derived from the Host header.",
    ),
    text(
        "entity_id",
        "",
        "The SAML name of this identity provider; without it `{base_url}/saml/metadata`.",
    ),
    text(
        "listen",
        "127.0.0.1:8080",
        "The socket address to serve at.",
    ),
    text(
        "tls.cert",
        "",
        "Serves HTTPS directly: the certificate and below it those of its issuers, in PEM. Read again \
         within seconds of a change and on SIGHUP; a broken pair leaves the old one in use.",
    ),
    text("tls.key", "", "The private key of `tls.cert`, in PEM."),
    text(
        "drain",
        "0s",
        "After SIGTERM the node goes on serving for this long, while `/readyz` says 503 and each answer \
         closes its connection, so that the proxy can turn to other nodes. A second signal ends it.",
    ),
    text(
        "database_url",
        "sqlite://data/doorward.db",
        "Where the database is: `sqlite://` and the path of its file, which is created if absent, or \
         `postgres://USER:PASSWORD@HOST/DATABASE` or `mysql://…` (MariaDB too); docs/configuration.md says more.",
    ),
    bare(
        "database_connections",
        "8",
        "How many connections to a database server a node keeps at most, beside one for the audit log.",
    ),
    text(
        "keys_dir",
        "keys",
        "The folder of this node's master key; created with mode 0700 if absent. Keep a copy.",
    ),
    text(
        "signing_algorithm",
        "rsa3072",
        "Kind of the first signing key: `rsa2048`, `rsa3072`, `rsa4096`, `p256` or `p384`.",
    ),
    list(
        "authn_contexts",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified,urn:oasis:names:tc:SAML:2.0:ac:classes:Password,\
         urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport,https://refeds.org/profile/mfa",
        "Authentication contexts by their strength, the weakest first: what `minimum`, `better` and `maximum` \
         in requests mean here. Naming one does not make it asserted.",
    ),
    list(
        "denied_algorithms",
        "",
        "Algorithms, by their identifiers, that are neither used nor accepted, for signatures, digests or \
         encryption. MD5, SHA-1 signatures, DSA, Triple DES and RSA PKCS#1 v1.5 encryption never are.",
    ),
    text(
        "throttle",
        "on",
        "Delays after failed sign-ins, `on` or `off`. `off` is for load tests and warns at start.",
    ),
    text(
        "session_idle",
        "2h",
        "A session that is not used for this long has ended.",
    ),
    text(
        "session_absolute",
        "12h",
        "This long after its start a session has ended in any case.",
    ),
    text(
        "clock_skew",
        "3m",
        "Tolerance for the clocks of service providers, at most 15m.",
    ),
    text(
        "contact",
        "",
        "Whom people ask where the app names nobody: an address, a telephone number, a sentence. A \
         plain e-mail address is also the technical contact of the metadata.",
    ),
    text(
        "display_name",
        "Doorward",
        "What metadata calls this identity provider, for service providers that offer a choice.",
    ),
    text(
        "organization.name",
        "",
        "Who runs it, as metadata says; stands together with `organization.url`.",
    ),
    text(
        "organization.url",
        "",
        "The home page of who runs it, as metadata says.",
    ),
    text(
        "scope",
        "",
        "A domain of yours that identifiers such as subject-id are unique in (`user@example.org`). \
         Chosen once: they change with it.",
    ),
    text(
        "common_domain",
        "",
        "The domain that your servers share (`example.org`): where people have signed in is then \
         written to the cookie `_saml_idp` for all of them (identity provider discovery, Profiles 4.3).",
    ),
    bare(
        "require_signed_requests",
        "false",
        "Refuses AuthnRequests without a signature, whoever sends them; metadata says so.",
    ),
    list(
        "release_by_category",
        "",
        "Entity categories that attributes are released by, where a service provider's metadata \
         carries them: `research-and-scholarship`, `code-of-conduct`, `personalized`, \
         `pseudonymous`, `anonymous` (docs/attributes.md).",
    ),
    list(
        "trusted_proxies",
        "loopback",
        "Whose `X-Forwarded-*` headers are believed: addresses, networks (`10.0.0.0/8`) or `loopback`.",
    ),
    list(
        "fetch_allow",
        "",
        "What scheduled fetches of metadata may reach beside public https: networks (`10.0.0.0/8`), \
         `host:port`, or `loopback`. `sp add --metadata URL`, typed by the operator, may reach any.",
    ),
    text(
        "metadata_max_validity",
        "14d",
        "How far ahead the `validUntil` of signed metadata from a source may be; later is refused.",
    ),
    text(
        "metrics_listen",
        "",
        "A socket address for `/metrics` alone, to whoever reaches it; without it loopback peers get it at \
         `listen`.",
    ),
    bare(
        "allow_insecure_http",
        "false",
        "Allows a plain-http `base_url` outside loopback. Passwords then travel in the clear.",
    ),
    bare(
        "argon2.memory_kib",
        "19456",
        "Memory of one password hash, in KiB (OWASP: 19456).",
    ),
    bare(
        "argon2.iterations",
        "2",
        "Passes over that memory (OWASP: 2).",
    ),
    bare(
        "argon2.parallelism",
        "1",
        "Lanes of one password hash (OWASP: 1).",
    ),
    text(
        "durability",
        "full",
        "On SQLite. `full`: what was answered survives a power cut. `normal`: faster; after a power cut the \
         last moments (audit rows, revocations) may be missing, the database stays whole.",
    ),
    bare(
        "audit_keep_days",
        "0",
        "Rows of the audit log that are older go, in small batches; `audit verify` goes on after them. \
         `0` keeps them for ever.",
    ),
    text(
        "log",
        "auto",
        "`text`, `json`, or `auto`: text on a terminal, else JSON. The log goes to stderr.",
    ),
    text(
        "log_level",
        "info",
        "`error`, `warn`, `info`, `debug` or `trace`.",
    ),
];

const fn key(name: &'static str, default: &'static str, meaning: &'static str, form: Form) -> Key {
    Key {
        name,
        default,
        meaning,
        form,
    }
}

const fn text(name: &'static str, default: &'static str, meaning: &'static str) -> Key {
    key(name, default, meaning, Form::Text)
}

const fn bare(name: &'static str, default: &'static str, meaning: &'static str) -> Key {
    key(name, default, meaning, Form::Bare)
}

const fn list(name: &'static str, default: &'static str, meaning: &'static str) -> Key {
    key(name, default, meaning, Form::List)
}

/// The known key that is most like an unknown one, if any is like it at all.
pub(super) fn nearest(unknown: &str) -> Option<&'static str> {
    let unknown = unknown.to_lowercase().replace(['-', '.'], "_");
    KEYS.iter()
        .map(|key| (distance(&unknown, &key.name.replace('.', "_")), key.name))
        .min()
        .filter(|(distance, name)| *distance <= name.len().div_ceil(2))
        .map(|(_, name)| name)
}

/// How many characters have to be put in, taken out or replaced.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, c) in one.chars().enumerate() {
        let mut next = vec![above + 1];
        let mut left = above + 1;
        for ((d, diagonal), up) in other.iter().zip(&row).zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(*d != c)).min(up + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_finds_its_nearest() {
        assert_eq!(nearest("baseurl"), Some("base_url"));
        assert_eq!(nearest("base-url"), Some("base_url"));
        assert_eq!(nearest("database"), Some("database_url"));
        assert_eq!(nearest("argon2_memory"), Some("argon2.memory_kib"));
        assert_eq!(nearest("zzzzzzzz"), None);
    }
}

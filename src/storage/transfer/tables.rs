//! The tables that are carried from one database to another, in an order that their foreign keys
//! allow, each with its columns and its key.

use super::super::many::{Many, hundred, ten};

/// A table, and the statements about it. All are literals, put together as the program is built.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Its columns, the key first, as a statement names them.
    pub(super) columns: &'static str,
    /// What they hold.
    pub(super) kinds: &'static [Kind],
    /// How many columns the key has.
    pub(super) key: usize,
    /// A page from the beginning, in the order of the key.
    pub(super) first: &'static str,
    /// A page after a key.
    pub(super) next: &'static str,
    pub(super) count: &'static str,
    /// How many rows there are, up to two: told at once however many there are.
    pub(super) few: &'static str,
    pub(super) insert: Many,
    /// Everything up to a first column of the key.
    pub(super) remove: &'static str,
    /// Whether its rows are of the moment: who is signed in, what is under way. They go along when a
    /// database moves, and are left behind when the past comes back.
    pub(super) of_the_moment: bool,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Text,
    Blob,
}

/// The bindings of the statement that gives the page after a key of one, two or three columns: for
/// each `?`, which column of the key it is.
pub(super) fn after_key(columns: usize) -> &'static [usize] {
    match columns {
        1 => &[0],
        2 => &[0, 0, 1],
        _ => &[0, 0, 1, 1, 2],
    }
}

macro_rules! names {
    ($first:ident $(, $rest:ident)*) => {
        concat!(stringify!($first) $(, ", ", stringify!($rest))*)
    };
}

macro_rules! after {
    ($a:ident) => {
        concat!(stringify!($a), " > ?")
    };
    ($a:ident, $b:ident) => {
        concat!(
            stringify!($a),
            " >= ? AND (",
            stringify!($a),
            " > ? OR ",
            stringify!($b),
            " > ?)"
        )
    };
    ($a:ident, $b:ident, $c:ident) => {
        concat!(
            stringify!($a),
            " >= ? AND (",
            stringify!($a),
            " > ? OR (",
            stringify!($b),
            " >= ? AND (",
            stringify!($b),
            " > ? OR ",
            stringify!($c),
            " > ?)))"
        )
    };
}

macro_rules! place {
    ($column:ident) => {
        ", ?"
    };
}

macro_rules! places {
    ($first:ident $(, $rest:ident)*) => {
        concat!("(?" $(, place!($rest))*, ")")
    };
}

/// A table: its name, the columns of its key, the others, and how many rows are a page.
macro_rules! table {
    ($name:ident [$($key:ident: $key_kind:ident),+] $($column:ident: $kind:ident),*) => {
        table!(by "500", $name [$($key: $key_kind),+] $($column: $kind),*)
    };
    (by $page:literal, $name:ident [$first:ident: $first_kind:ident $(, $key:ident: $key_kind:ident)*]
     $($column:ident: $kind:ident),*) => {
        Table {
            name: stringify!($name),
            kinds: &[Kind::$first_kind $(, Kind::$key_kind)* $(, Kind::$kind)*],
            key: [stringify!($first) $(, stringify!($key))*].len(),
            first: concat!(
                "SELECT ", names!($first $(, $key)* $(, $column)*), " FROM ", stringify!($name),
                " ORDER BY ", names!($first $(, $key)*), " LIMIT ", $page
            ),
            next: concat!(
                "SELECT ", names!($first $(, $key)* $(, $column)*), " FROM ", stringify!($name),
                " WHERE ", after!($first $(, $key)*),
                " ORDER BY ", names!($first $(, $key)*), " LIMIT ", $page
            ),
            count: concat!("SELECT COUNT(*) FROM ", stringify!($name)),
            few: concat!(
                "SELECT COUNT(*) FROM (SELECT ", stringify!($first), " FROM ", stringify!($name),
                " LIMIT 2) few"
            ),
            insert: Many {
                hundred: concat!(
                    "INSERT INTO ", stringify!($name), " (",
                    names!($first $(, $key)* $(, $column)*), ") VALUES ",
                    hundred!(places!($first $(, $key)* $(, $column)*))
                ),
                ten: concat!(
                    "INSERT INTO ", stringify!($name), " (",
                    names!($first $(, $key)* $(, $column)*), ") VALUES ",
                    ten!(places!($first $(, $key)* $(, $column)*))
                ),
                one: concat!(
                    "INSERT INTO ", stringify!($name), " (",
                    names!($first $(, $key)* $(, $column)*), ") VALUES ",
                    places!($first $(, $key)* $(, $column)*)
                ),
            },
            remove: concat!(
                "DELETE FROM ", stringify!($name), " WHERE ", stringify!($first), " <= ?"
            ),
            columns: names!($first $(, $key)* $(, $column)*),
            of_the_moment: false,
        }
    };
}

impl Table {
    const fn of_the_moment(mut self) -> Self {
        self.of_the_moment = true;
        self
    }
}

/// All tables but `leases` (who does what just now) and what the migrations keep about themselves.
/// A table comes after those that it refers to.
pub(super) static TABLES: &[Table] = &[
    table!(users [id: Text] name: Text, name_key: Text, display_name: Text, email: Text,
        disabled: Int, must_change_password: Int, password_hash: Text, created_at: Int),
    table!(user_attributes [user_id: Text, position: Int] name: Text, value: Text),
    table!(roles [name: Text] description: Text),
    table!(user_roles [user_id: Text, role_name: Text]),
    table!(service_providers [id: Text] version: Int, name: Text, entity_id: Text,
        entity_key: Text, enabled: Int, rule_quantifier: Text, display_name: Text, home_url: Text,
        contact: Text, sign: Text, require_signed_requests: Int, denied: Text, name_id: Text,
        names_attributes: Int, names_roles: Int, allow_idp_initiated: Int, allow_http: Int),
    table!(sp_required_roles [sp_id: Text, role_name: Text]),
    table!(sp_acs [sp_id: Text, position: Int] binding: Text, location: Text, acs_index: Int,
        is_default: Int),
    table!(sp_keys [sp_id: Text, position: Int] kind: Text, der: Blob),
    table!(sp_released_attributes [sp_id: Text, position: Int] name: Text, name_format: Text,
        friendly_name: Text, template: Text, joined_with: Text),
    table!(sp_released_roles [sp_id: Text, position: Int] role_name: Text),
    table!(sp_name_id_formats [sp_id: Text, position: Int] uri: Text),
    table!(by "10", sp_metadata [sp_id: Text] document: Text),
    table!(sp_slo [sp_id: Text, position: Int] binding: Text, location: Text,
        response_location: Text),
    table!(sp_protection [sp_id: Text] encrypt: Text, data_encryption: Text, signature: Text,
        plain_logout: Int),
    table!(sp_encryption_keys [sp_id: Text, position: Int] kind: Text, is_for_encryption: Int,
        der: Blob),
    table!(sp_encryption_methods [sp_id: Text, key_position: Int, position: Int] algorithm: Text,
        digest: Text, mgf: Text),
    table!(sp_algorithms [sp_id: Text, position: Int] kind: Text, algorithm: Text,
        minimum_bits: Int, maximum_bits: Int),
    table!(sp_release [sp_id: Text] amount: Text, typed: Int, consent: Int, attribute_index: Int,
        assertion_lifetime: Int, not_before_margin: Int, session_lifetime: Int),
    table!(sp_requested_attributes [sp_id: Text, position: Int] service_index: Int,
        is_default: Int, attribute: Int, name: Text, name_format: Text, is_required: Int,
        value: Text),
    table!(sp_entity_attributes [sp_id: Text, position: Int] kind: Text, value: Text),
    table!(metadata_sources [id: Text] name: Text, kind: Text, location: Text,
        rule_quantifier: Text, added_at: Int, etag: Text, last_modified: Text, valid_until: Int,
        refreshed_at: Int, next_at: Int, failures: Int, failure: Text),
    table!(source_keys [source_id: Text, position: Int] certificate: Blob),
    table!(source_required_roles [source_id: Text, role_name: Text]),
    table!(sp_sources [sp_id: Text] source_id: Text, own_rule: Int, listed: Int, valid_until: Int,
        digest: Text, etag: Text, last_modified: Text, next_at: Int, failures: Int),
    table!(sp_refresh [sp_id: Text] url: Text, etag: Text, last_modified: Text, refreshed_at: Int,
        next_at: Int, failures: Int, failure: Text),
    table!(data_keys [number: Int] master_key_id: Text, sealed: Blob, created_at: Int),
    table!(settings [name: Text] value: Blob),
    table!(signing_keys [id: Text] state: Text, active_slot: Int, algorithm: Text,
        certificate: Blob, sealed_private_key: Blob, created_at: Int, not_after: Int,
        state_since: Int),
    table!(signing_key_version [id: Int] version: Int),
    table!(sp_signing_keys [sp_id: Text] key_id: Text),
    table!(encryption_keys [id: Text] current_slot: Int, algorithm: Text, certificate: Blob,
        sealed_private_key: Blob, created_at: Int, not_after: Int, state: Text, state_since: Int),
    table!(persistent_ids [user_id: Text, sp_id: Text] first_released_at: Int),
    table!(consents [user_id: Text, sp_id: Text] agreed_at: Int),
    table!(consent_attributes [user_id: Text, sp_id: Text, position: Int] name: Text,
        name_format: Text, label: Text),
    table!(sessions [id: Text] token_hash: Text, user_id: Text, signed_in_at: Int, started_at: Int,
        last_seen_at: Int, source: Text, user_agent: Text, fresh_for: Text)
    .of_the_moment(),
    table!(participants [session_id: Text, sp_id: Text] session_index: Text, name_id_key: Text)
        .of_the_moment(),
    table!(participant_name_ids [session_id: Text, sp_id: Text, name_id_key: Text] format: Text,
        value: Text, name_qualifier: Text, sp_name_qualifier: Text,
        is_encrypted: Int)
    .of_the_moment(),
    table!(failures [key_hash: Text] account_hash: Text, failed: Int, last_at: Int).of_the_moment(),
    table!(logouts [id: Text] token_hash: Text, user_name: Text, started_at: Int, by_admin: Int,
        sp_id: Text, request_id: Text, relay_state: Text, binding: Text, answered_at: Int,
        onward: Text)
    .of_the_moment(),
    table!(logout_legs [logout_id: Text, position: Int] sp_id: Text, state: Text,
        request_id: Text, session_indexes: Text, name_id_key: Text, format: Text, value: Text,
        name_qualifier: Text, sp_name_qualifier: Text,
        is_encrypted: Int)
    .of_the_moment(),
    table!(artifacts [handle_hash: Text] sp_id: Text, session_id: Text, pending: Text,
        expires_at: Int)
    .of_the_moment(),
    table!(untold [id: Text] user_id: Text, since: Int).of_the_moment(),
    table!(audit_events [position: Int] chain: Text, seq: Int, at: Int, kind: Text, outcome: Text,
        reason: Text, actor: Text, user_name: Text, sp_name: Text, source: Text, trace: Text,
        detail: Text, link: Blob),
    table!(audit_heads_named [id: Int] position: Int),
    table!(audit_checkpoints [chain: Text] seq: Int, at: Int, link: Blob, code: Blob,
        named_at: Int),
];

//! Whether the metadata of an SP is read again by itself from the address that it came from.

use clap::Args;
use serde_json::{Value, json};

use super::super::context::Open;
use super::super::error::{CliError, usage};
use super::super::metadata::{following, sources};
use super::super::output::{Style, instant, note, record};
use crate::directory::metadata_source::Followed;
use crate::directory::service_provider::ServiceProvider;
use crate::directory::time::UnixTime;

/// The option.
#[derive(Debug, Args)]
pub(super) struct RefreshOption {
    /// Read its metadata again from its address, every hour or as it says [default: true where
    /// --metadata is an address]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    refresh: Option<bool>,
}

fn is_address(place: &str) -> bool {
    place.contains("://")
}

impl RefreshOption {
    pub(super) fn says_something(&self) -> bool {
        self.refresh.is_some()
    }

    /// Follows the address that the registration was just made or changed from, or ends that.
    pub(super) async fn settle(
        &self,
        open: &Open,
        sp: &ServiceProvider,
        place: Option<&str>,
        describes: bool,
    ) -> Result<Option<Followed>, CliError> {
        let before = open.store.followed_sp(&sp.id).await?;
        let wanted = self.refresh.unwrap_or(true);
        match place.filter(|place| is_address(place)) {
            Some(url) if wanted => match sources(open).first(sp, url) {
                Ok(followed) => {
                    open.store.follow(&followed).await?;
                    Ok(Some(followed))
                }
                Err(why) => {
                    open.store.unfollow(&sp.id).await?;
                    note(&format!("its metadata is not read again by itself: {why}"));
                    Ok(None)
                }
            },
            None if self.refresh == Some(true) && before.is_none() => Err(usage(
                "no address is known that its metadata could be read from",
                "add --metadata URL",
            )),
            // What is said by hand would be undone by the next reading.
            _ if before.is_some() && (describes || !wanted) => {
                open.store.unfollow(&sp.id).await?;
                note("its metadata is no longer read again by itself");
                Ok(None)
            }
            _ => Ok(before),
        }
    }
}

/// A document about a registration, with how its metadata is read again.
pub(super) fn with_followed(mut document: Value, followed: Option<&Followed>) -> Value {
    if let Some(fields) = document.as_object_mut() {
        fields.insert("refresh".to_owned(), json!(followed.map(following)));
    }
    document
}

/// The lines about it below the others.
pub(super) fn print(style: Style, followed: Option<&Followed>, now: UnixTime) -> String {
    let Some(Followed { url, state, .. }) = followed else {
        return String::new();
    };
    let failure = state.failure.as_ref();
    let failed = failure.map(|why| format!("{} times: {why}", state.failures));
    let next = if state.next_at <= now {
        "now".to_owned()
    } else {
        instant(state.next_at)
    };
    record(
        style,
        &[
            ("read again from", url.clone()),
            (
                "last read",
                state.refreshed_at.map(instant).unwrap_or_default(),
            ),
            ("next", next),
            ("failed", failed.unwrap_or_default()),
        ],
    )
}

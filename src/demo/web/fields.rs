//! The fields of the publisher's forms, and what they may hold.

use serde::Deserialize;

use super::super::assets::{About, Asset, AssetKind, Version};

/// What was typed; kept as it is, so that a refused form comes back filled in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Fields {
    pub(in super::super) csrf: String,
    pub(in super::super) name: String,
    pub(in super::super) kind: String,
    pub(in super::super) summary: String,
    pub(in super::super) description: String,
    pub(in super::super) provider: String,
    pub(in super::super) owner: String,
    pub(in super::super) version: String,
    pub(in super::super) note: String,
    pub(in super::super) document: String,
}

impl Fields {
    pub(super) fn of_asset(asset: &Asset) -> Self {
        let about = asset.about.clone();
        Self {
            name: about.name,
            kind: about.kind.word().to_owned(),
            summary: about.summary,
            description: about.description,
            provider: about.provider,
            owner: about.owner,
            ..Self::default()
        }
    }

    pub(super) fn of_version(version: &Version) -> Self {
        Self {
            version: version.number.clone(),
            note: version.note.clone(),
            document: version.document.clone(),
            ..Self::default()
        }
    }

    pub(super) fn about(&self) -> Result<About, &'static str> {
        let kind = AssetKind::from_word(&self.kind).ok_or("Choose what kind of asset it is.")?;
        let about = About {
            name: self.name.trim().to_owned(),
            kind,
            summary: self.summary.trim().to_owned(),
            description: self.description.trim().replace("\r\n", "\n"),
            provider: self.provider.trim().to_owned(),
            owner: self.owner.trim().to_owned(),
        };
        // `/assets/new` is the form's address.
        if ["", "new"].contains(&self.slug().as_str()) || about.name.chars().count() > 80 {
            return Err("Give it a name of letters and digits, at most 80 characters long.");
        }
        if about.summary.is_empty() || about.summary.chars().count() > 160 {
            return Err("Say in one line what it is for, in at most 160 characters.");
        }
        if about.provider.is_empty() || about.owner.is_empty() {
            return Err("Name the team that provides it and the person who owns it.");
        }
        if [&about.provider, &about.owner]
            .iter()
            .any(|text| text.chars().count() > 80)
        {
            return Err("The names of team and owner have at most 80 characters.");
        }
        if about.description.chars().count() > 4_000 {
            return Err("The description has at most 4,000 characters.");
        }
        Ok(about)
    }

    /// The version's number, and that what goes with it fits.
    pub(super) fn number(&self) -> Result<&str, &'static str> {
        let number = self.version.trim();
        let fits = number.starts_with(|first: char| first.is_ascii_digit())
            && number.len() <= 20
            && number
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        if !fits {
            return Err("A version is a number like 1.2.0 or 2.0.0-beta.1.");
        }
        self.check_document()?;
        Ok(number)
    }

    pub(super) fn check_document(&self) -> Result<(), &'static str> {
        if self.note.chars().count() > 200 {
            return Err("The note has at most 200 characters.");
        }
        if self.document.len() > 64 * 1024 {
            return Err("The document is larger than 64 KiB.");
        }
        Ok(())
    }

    /// Forms send line ends as CR LF; documents are kept with LF.
    pub(super) fn document(&self) -> String {
        self.document.replace("\r\n", "\n")
    }

    /// The name as part of an address.
    pub(super) fn slug(&self) -> String {
        let words = self.name.to_lowercase();
        let words = words.split(|each: char| !each.is_ascii_alphanumeric());
        words
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join("-")
    }
}

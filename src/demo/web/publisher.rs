//! The publisher's pages: the workbench, an asset, and the forms that change it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use serde::Deserialize;

use super::super::Shared;
use super::super::assets::{Asset, State as Life};
use super::super::catalogue::ChangeError;
use super::super::outside::now;
use super::super::pages::{Asks, Landing, PublisherAsset, PublisherForm, PublisherHome};
use super::failure::Failure;
use super::fields::Fields;
use super::{Answer, App, Session, html};

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(home))
        .route("/assets", post(create))
        .route("/assets/new", get(creating))
        .route("/assets/{id}", get(asset))
        .route("/assets/{id}/edit", get(editing).post(edit))
        .route("/assets/{id}/versions/new", get(versioning))
        .route("/assets/{id}/versions", post(add_version))
        .route(
            "/assets/{id}/versions/{number}/edit",
            get(drafting).post(edit_draft),
        )
        .route("/assets/{id}/versions/{number}/state", post(move_on))
}

#[derive(Debug, Deserialize)]
struct HomeQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
}

async fn home(State(app): App, headers: HeaderMap, Query(query): Query<HomeQuery>) -> Answer {
    let Some(session) = app.session(&headers).await? else {
        return html(&Landing {
            frame: app.frame(None),
            signed_out: false,
        });
    };
    let state = Life::from_word(&query.state);
    let words = query.q.trim().to_owned();
    let mut assets = app.catalogue.all().await?;
    assets.retain(|asset| asset.matches(&words));
    let has = |asset: &Asset, state| asset.versions.iter().any(|each| each.state == state);
    let count = |state| assets.iter().filter(|asset| has(asset, state)).count();
    let counts = Life::ALL.map(|state| (state, count(state))).to_vec();
    let total = assets.len();
    assets.retain(|asset| state.is_none_or(|state| has(asset, state)));
    let frame = app.frame(Some(&session));
    let title = state.map_or("All assets", Life::label);
    let chosen = state.map_or("", Life::word);
    html(&PublisherHome {
        frame,
        title,
        query: words,
        chosen,
        counts,
        total,
        assets,
    })
}

async fn asset(State(app): App, headers: HeaderMap, uri: Uri, Path(id): Path<String>) -> Answer {
    let session = app.signed_in(&headers, uri.path()).await?;
    let asset = app.catalogue.one(&id).await?.ok_or(Failure::NotFound)?;
    let activity = app.catalogue.activity(&id).await?;
    html(&PublisherAsset {
        frame: app.frame(Some(&session)),
        asset,
        activity,
    })
}

/// The four forms: what each asks for, where it goes, where it came from.
#[derive(Clone, Copy, Debug)]
enum Asking<'a> {
    NewAsset,
    About(&'a str),
    NewVersion(&'a str),
    Draft(&'a str, &'a str),
}

impl Asking<'_> {
    fn page(
        self,
        app: &Shared,
        session: &Session,
        fields: &Fields,
        problem: Option<&str>,
    ) -> Answer {
        let (asks, title, button) = match self {
            Self::NewAsset => (Asks::NewAsset, "New asset", "Create as draft"),
            Self::About(_) => (Asks::About, "Edit the description", "Save changes"),
            Self::NewVersion(_) => (Asks::NewVersion, "New version", "Create as draft"),
            Self::Draft(..) => (Asks::Draft, "Edit the draft", "Save draft"),
        };
        let (action, back) = match self {
            Self::NewAsset => ("/assets".to_owned(), "/".to_owned()),
            Self::About(id) => (format!("/assets/{id}/edit"), format!("/assets/{id}")),
            Self::NewVersion(id) => (format!("/assets/{id}/versions"), format!("/assets/{id}")),
            Self::Draft(id, number) => (
                format!("/assets/{id}/versions/{number}/edit"),
                format!("/assets/{id}"),
            ),
        };
        let page = html(&PublisherForm {
            frame: app.frame(Some(session)),
            title,
            action,
            back,
            button,
            asks,
            fields,
            problem,
        })?;
        let status = match problem {
            None => StatusCode::OK,
            Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Ok((status, page).into_response())
    }
}

async fn creating(State(app): App, headers: HeaderMap, uri: Uri) -> Answer {
    let session = app.signed_in(&headers, uri.path()).await?;
    let fields = Fields {
        version: "1.0.0".to_owned(),
        owner: session.name.clone(),
        ..Fields::default()
    };
    Asking::NewAsset.page(&app, &session, &fields, None)
}

async fn create(State(app): App, headers: HeaderMap, Form(fields): Form<Fields>) -> Answer {
    let session = app.posting(&headers, &fields.csrf).await?;
    let form = Asking::NewAsset;
    let (about, number) = match fields
        .about()
        .and_then(|about| Ok((about, fields.number()?)))
    {
        Ok(checked) => checked,
        Err(problem) => return form.page(&app, &session, &fields, Some(problem)),
    };
    let id = fields.slug();
    let mut change = app.catalogue.change(&session.name, now()).await?;
    match change.create(&id, &about).await {
        Err(ChangeError::Taken) => {
            let problem = "There is an asset of that name already. Choose another name.";
            return form.page(&app, &session, &fields, Some(problem));
        }
        done => done?,
    }
    change
        .add_version(&id, number, &fields.document(), fields.note.trim())
        .await?;
    change.commit().await?;
    Ok(Redirect::to(&format!("/assets/{id}")).into_response())
}

async fn editing(State(app): App, headers: HeaderMap, uri: Uri, Path(id): Path<String>) -> Answer {
    let session = app.signed_in(&headers, uri.path()).await?;
    let asset = app.catalogue.one(&id).await?.ok_or(Failure::NotFound)?;
    Asking::About(&id).page(&app, &session, &Fields::of_asset(&asset), None)
}

async fn edit(
    State(app): App,
    headers: HeaderMap,
    Path(id): Path<String>,
    Form(mut fields): Form<Fields>,
) -> Answer {
    let session = app.posting(&headers, &fields.csrf).await?;
    let asset = app.catalogue.one(&id).await?.ok_or(Failure::NotFound)?;
    asset.about.kind.word().clone_into(&mut fields.kind);
    let about = match fields.about() {
        Ok(about) => about,
        Err(problem) => return Asking::About(&id).page(&app, &session, &fields, Some(problem)),
    };
    let mut change = app.catalogue.change(&session.name, now()).await?;
    change.edit(&id, &about).await?;
    change.commit().await?;
    Ok(Redirect::to(&format!("/assets/{id}")).into_response())
}

async fn versioning(
    State(app): App,
    headers: HeaderMap,
    uri: Uri,
    Path(id): Path<String>,
) -> Answer {
    let session = app.signed_in(&headers, uri.path()).await?;
    let asset = app.catalogue.one(&id).await?.ok_or(Failure::NotFound)?;
    let newest = asset.versions.first().ok_or(Failure::NotFound)?;
    let fields = Fields {
        document: newest.document.clone(),
        ..Fields::default()
    };
    Asking::NewVersion(&id).page(&app, &session, &fields, None)
}

async fn add_version(
    State(app): App,
    headers: HeaderMap,
    Path(id): Path<String>,
    Form(fields): Form<Fields>,
) -> Answer {
    let session = app.posting(&headers, &fields.csrf).await?;
    let form = Asking::NewVersion(&id);
    let number = match fields.number() {
        Ok(number) => number,
        Err(problem) => return form.page(&app, &session, &fields, Some(problem)),
    };
    let mut change = app.catalogue.change(&session.name, now()).await?;
    match change
        .add_version(&id, number, &fields.document(), fields.note.trim())
        .await
    {
        Err(ChangeError::Taken) => {
            let problem = "That version exists already. Choose another number.";
            return form.page(&app, &session, &fields, Some(problem));
        }
        done => done?,
    }
    change.commit().await?;
    Ok(Redirect::to(&format!("/assets/{id}")).into_response())
}

async fn drafting(
    State(app): App,
    headers: HeaderMap,
    uri: Uri,
    Path((id, number)): Path<(String, String)>,
) -> Answer {
    let session = app.signed_in(&headers, uri.path()).await?;
    let asset = app.catalogue.one(&id).await?.ok_or(Failure::NotFound)?;
    let version = asset.version(&number).ok_or(Failure::NotFound)?;
    if version.state != Life::Draft {
        return Err(ChangeError::WrongState.into());
    }
    Asking::Draft(&id, &number).page(&app, &session, &Fields::of_version(version), None)
}

async fn edit_draft(
    State(app): App,
    headers: HeaderMap,
    Path((id, number)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Answer {
    let session = app.posting(&headers, &fields.csrf).await?;
    if let Err(problem) = fields.check_document() {
        return Asking::Draft(&id, &number).page(&app, &session, &fields, Some(problem));
    }
    let mut change = app.catalogue.change(&session.name, now()).await?;
    change
        .edit_version(&id, &number, &fields.document(), fields.note.trim())
        .await?;
    change.commit().await?;
    Ok(Redirect::to(&format!("/assets/{id}")).into_response())
}

#[derive(Debug, Deserialize)]
struct MoveForm {
    #[serde(default)]
    csrf: String,
    from: String,
    to: String,
}

/// Publish, deprecate, retire, back to draft. The store shows it with the next request.
async fn move_on(
    State(app): App,
    headers: HeaderMap,
    Path((id, number)): Path<(String, String)>,
    Form(form): Form<MoveForm>,
) -> Answer {
    let session = app.posting(&headers, &form.csrf).await?;
    let states = (Life::from_word(&form.from), Life::from_word(&form.to));
    let (Some(from), Some(to)) = states else {
        return Err(ChangeError::WrongState.into());
    };
    let mut change = app.catalogue.change(&session.name, now()).await?;
    change.move_version(&id, &number, from, to).await?;
    change.commit().await?;
    Ok(Redirect::to(&format!("/assets/{id}")).into_response())
}

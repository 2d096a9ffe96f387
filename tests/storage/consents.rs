//! What people agreed to.

use crate::home::Home;
use doorward::directory::audit::AuditKind;
use doorward::directory::consent::Disclosed;

fn disclosed(name: &str) -> Disclosed {
    Disclosed {
        name: name.to_owned(),
        format: "uri".to_owned(),
        label: format!("the {name}"),
    }
}

#[tokio::test]
async fn a_consent_grows_is_read_back_and_taken_back() {
    let home = Home::new().await;
    let sp = home.sp("store", &["a"]).await;
    let other = home.sp("other", &["a"]).await;
    let (ada, bob) = (home.user("ada", &[]).await, home.user("bob", &[]).await);
    let given = || home.event(AuditKind::ConsentGiven);
    let [mail, name] = [disclosed("mail"), disclosed("name")];
    let store = &home.store;
    assert_eq!(store.consent(&ada, &sp.id).await.unwrap(), None);
    let both = [mail.clone(), name.clone()];
    store.agree(&ada, &sp.id, &both, given()).await.unwrap();
    store.agree(&ada, &other.id, &[], given()).await.unwrap();
    store.agree(&bob, &sp.id, &[name], given()).await.unwrap();
    let consent = store.consent(&ada, &sp.id).await.unwrap().unwrap();
    assert_eq!(consent.disclosed, both);
    let nothing = store.consent(&ada, &other.id).await.unwrap().unwrap();
    assert!(nothing.disclosed.is_empty());

    let renamed = Disclosed {
        label: "a name".to_owned(),
        ..disclosed("name")
    };
    let more = [renamed.clone(), disclosed("role")];
    store.agree(&ada, &sp.id, &more, given()).await.unwrap();
    let grown = store.consent(&ada, &sp.id).await.unwrap().unwrap();
    assert_eq!(grown.disclosed, [mail, renamed, disclosed("role")]);
    let titles: Vec<_> = store.consents_of(&ada).await.unwrap();
    let titles: Vec<_> = titles.iter().map(|given| given.title.as_str()).collect();
    assert_eq!(titles, ["other", "store"]);

    let back = || home.event(AuditKind::ConsentWithdrawn);
    assert!(store.withdraw_consent(&ada, &sp.id, back()).await.unwrap());
    assert!(!store.withdraw_consent(&ada, &sp.id, back()).await.unwrap());
    assert!(store.consent(&bob, &sp.id).await.unwrap().is_some());
    store
        .remove_user(&bob, home.event(AuditKind::UserRemoved))
        .await
        .unwrap();
    store
        .remove_sp(&other.id, home.event(AuditKind::SpRemoved))
        .await
        .unwrap();
    assert_eq!(home.count("SELECT COUNT(*) FROM consents"), 0);
    assert_eq!(home.count("SELECT COUNT(*) FROM consent_attributes"), 0);
}
